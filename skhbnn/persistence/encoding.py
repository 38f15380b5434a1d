"""Python values as JSON and arrays, and back, for an explicit list of kinds.

What JSON has is itself. Any other value is an object whose one key names its kind, and whose entry is a simpler value
that it can be made of: ``(5, 5)`` is ``{"$tuple": [5, 5]}``. Only the kinds in KINDS are ever made, so decoding runs no
code that a file brings.
"""

import datetime
import decimal
import fractions
import ipaddress
import math
import pathlib
import re
import uuid

import numpy as np

from ..data.labels import label_text
from ..support.wording import shown
from . import pandas_values
from .archive import ARRAY_KINDS

MAX_DIGITS = 2000  # of an integer, and exponent of a decimal: labels are compared as integers of so many digits


def _to_decimal(text):
    value = decimal.Decimal(text)
    if value.is_finite() and abs(value.adjusted()) > MAX_DIGITS:
        raise ValueError(f"{text} has an exponent beyond {MAX_DIGITS}")
    return value


def _to_fraction(text):
    numerator, denominator = map(int, text.split("/"))
    return fractions.Fraction(numerator, denominator)


def _from_scalar(value):
    return f"{value.dtype.str} {value.tobytes().hex()}"


def _to_scalar(text):
    dtype, data = text.split(" ")
    if not re.fullmatch(rf"[<>|][{ARRAY_KINDS}]\d+(\[\w+\])?", dtype):
        raise ValueError(f"{dtype} is not the dtype of a number, a string or a time")
    (value,) = np.frombuffer(bytes.fromhex(data), dtype)
    return value


def _from_timedelta(value):
    return f"{value.days} {value.seconds} {value.microseconds}"


def _to_timedelta(text):
    return datetime.timedelta(*map(int, text.split(" ")))


def _from_random_state(generator):
    state = generator.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise TypeError(f"a RandomState of {state['bit_generator']} instead of MT19937; pass an integer")
    return state


def _to_random_state(state):
    if not 0 <= state["state"]["pos"] <= 624:  # NumPy before 2.5 would read beyond its state
        raise ValueError("the position of a RandomState is outside of its state")
    generator = np.random.RandomState(0)
    generator.set_state(state)
    return generator


# Name of the kind: (its type, a simpler value made of it, it made of the simpler value). A type of pandas, which may be
# missing, is named.
KINDS: dict = {
    "tuple": (tuple, list, tuple),
    "frozenset": (frozenset, lambda value: sorted(value, key=label_text), frozenset),
    "dict": (dict, lambda value: [list(pair) for pair in value.items()], dict),
    "float": (float, repr, float),  # NaN and infinity; the others are JSON
    "complex": (complex, repr, complex),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "decimal": (decimal.Decimal, str, _to_decimal),
    "fraction": (fractions.Fraction, "{0.numerator}/{0.denominator}".format, _to_fraction),
    "uuid": (uuid.UUID, str, uuid.UUID),
    "datetime": (datetime.datetime, lambda value: value.isoformat(), datetime.datetime.fromisoformat),
    "date": (datetime.date, lambda value: value.isoformat(), datetime.date.fromisoformat),
    "time": (datetime.time, lambda value: value.isoformat(), datetime.time.fromisoformat),
    "timedelta": (datetime.timedelta, _from_timedelta, _to_timedelta),
    "scalar": (np.generic, _from_scalar, _to_scalar),
    "RandomState": (np.random.RandomState, _from_random_state, _to_random_state),
    **pandas_values.KINDS,
}
PATHS = (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath)
ADDRESSES = tuple(getattr(ipaddress, f"IPv{n}{kind}") for n in (4, 6) for kind in ("Address", "Network", "Interface"))
KINDS.update({cls.__name__: (cls, str, cls) for cls in PATHS + ADDRESSES})


def encode(value, arrays, where):
    """A value as JSON, in which arrays stand as positions in a list, to which the arrays are added.

    Parameters
    ----------
    value : object
    arrays : list of ndarray
    where : str
        What messages call the value.

    Raises
    ------
    TypeError, ValueError
        If the value, or a part of the value, cannot be saved; the message names the part.
    """
    cls = type(value)
    if value is None or cls in (bool, str) or (cls is float and math.isfinite(value)):
        return value
    if cls is int:
        if abs(value) >= 10**MAX_DIGITS:
            raise ValueError(f"{where} is an integer of more than {MAX_DIGITS} digits, which cannot be saved.")
        return value
    if cls is list:
        return [encode(item, arrays, f"{where}[{i}]") for i, item in enumerate(value)]
    if cls is dict and all(type(key) is str and not key.startswith("$") for key in value):
        return {key: encode(entry, arrays, f"{where}.{key}") for key, entry in value.items()}
    if cls in (np.ndarray, np.memmap):
        return _encode_array(value, arrays, where)
    name = f"{cls.__module__.split('.')[0]}.{cls.__qualname__}"
    if cls.__module__.split(".")[0] != "pandas":
        cls = next((base for base in (np.generic, datetime.datetime) if isinstance(value, base)), cls)
    for kind, (own, simplify, restore) in KINDS.items():
        if own is cls or own == name:
            try:
                simple = simplify(value)
                exact = not isinstance(simple, str) or restore(simple) == value or value != value
            except (TypeError, ValueError) as error:
                raise type(error)(f"{where} cannot be saved: {error}.") from error
            if not exact:
                raise ValueError(f"{where} cannot be saved exactly: {shown(value)}.")
            return {f"${kind}": encode(simple, arrays, where)}
    raise TypeError(
        f"{where} is a {cls.__module__}.{cls.__qualname__}, which cannot be saved: {shown(value)}. Use None, a "
        "boolean, a number, a string, bytes, a time, an array, or a tuple, list, dict or frozenset of such values."
    )


def _encode_array(array, arrays, where):
    if array.dtype == object and array.ndim == 1:
        return {"$objects": encode(array.tolist(), arrays, where)}
    if array.dtype.kind not in ARRAY_KINDS or array.dtype.itemsize == 0:
        raise TypeError(f"{where} is an array of shape {array.shape} and dtype {array.dtype}, which cannot be saved.")
    arrays.append(array)
    return {"$array": len(arrays) - 1}


def decode(node, arrays):
    """The value that ``encode`` made JSON of.

    Each array is taken out of the list when it is used, so that what is made of the arrays is bounded by their size.

    Parameters
    ----------
    node : object
        What ``encode`` returned.
    arrays : list of ndarray
        None remains of the arrays that were used.

    Returns
    -------
    value : object

    Raises
    ------
    Exception
        Of any kind, if ``encode`` did not make it.
    """
    if isinstance(node, list):
        return [decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        if isinstance(node, float) and not math.isfinite(node):
            raise ValueError("a number is too large")
        return node
    if not any(key.startswith("$") for key in node):
        return {key: decode(entry, arrays) for key, entry in node.items()}
    ((kind, entry),) = node.items()
    simple = decode(entry, arrays)
    kind = kind.removeprefix("$")
    if kind == "array":
        array, arrays[simple] = arrays[simple], None
        if array is None:
            raise ValueError(f"array {simple} is used twice")
        return array
    if not isinstance(simple, (list, dict, str)):  # a network address is a value, too, with billions of members
        raise ValueError(f"{kind!r} is made of a {type(simple).__name__}")
    if kind == "objects":
        array = np.empty(len(simple), dtype=object)
        array[:] = simple
        return array
    if kind not in KINDS:
        raise ValueError(f"there is no {kind!r} in what can be saved")
    return KINDS[kind][2](simple)
