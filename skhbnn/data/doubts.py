"""Group labels that are probably not what the caller meant: what a warning says of them."""

import datetime
import decimal
import enum
import fractions
import math
import numbers
import unicodedata
from collections import Counter

import numpy as np

from ..support.caller import warn_caller
from ..support.wording import named, shown
from .labels import is_missing

FEWEST_ROWS = 5  # of fewer, each may well be of a group of its own
ALONE = 0.8  # share of rows with a label of their own from which the labels are no groups
DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")  # beside ISO 8601
EPOCH = (10**8, 5 * 10**9)  # seconds after 1970 that may be times: from 1973 to 2128
EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
MATCHED = 0.5  # share of unknown labels that look like known ones from which the form of the labels is to blame


# Of a fit ----------------------------------------------------------------------------------------------------------


def doubt_of_labels(labels, n_rows):
    """What makes the labels of a fit look like something else than groups, for a warning; None if nothing.

    Parameters
    ----------
    labels : list
        Group label of each row, or of some rows.
    n_rows : int
        Number of rows.

    Returns
    -------
    doubt : str or None
        Begins with a verb, whose subject is where the labels come from.
    """
    counts = Counter(labels)
    fractional = [label for label in counts if any(map(_is_fractional, _parts(label)))]
    if fractional:
        return (
            f"has labels that are fractional numbers, such as {named(fractional[:3])}: is it a feature? "
            "Numbers that are labels can be given as text."
        )
    if len(counts) == 1:
        return f"has one label in all {n_rows} rows, {shown(labels[0])}: of one group there is nothing to learn."
    alone = [label for label, count in counts.items() if count == 1]
    if n_rows >= FEWEST_ROWS and len(alone) >= ALONE * n_rows:
        return (
            f"has a label of its own for {len(alone)} of {n_rows} rows, such as {named(alone[:3])}: is it a feature, "
            "or a number of the rows?"
        )
    return None


def doubt_of_nesting(labels, levels):
    """What makes levels of groups look as if they were in the wrong order, for a warning; None if nothing.

    Parameters
    ----------
    labels : list
        Distinct labels of innermost groups, of several levels tuples.
    levels : list of str
        Names of the levels.

    Returns
    -------
    doubt : str or None
        Begins with a verb, whose subject is where the labels come from.
    """
    for level in range(1, len(levels)):
        outer = {label[:level] for label in labels}
        if 1 < len(outer) == len({label[: level + 1] for label in labels}):
            return (
                f"has one label of {shown(levels[level])} for each label of {shown(levels[level - 1])}, so that one of "
                "these levels tells nothing more: is it their order? The outermost level comes first."
            )
    return None


def _parts(label):
    """The parts of a tuple, at any depth, or the label itself."""
    return [part for item in label for part in _parts(item)] if isinstance(label, tuple) else [label]


def _is_fractional(label):
    """Whether a label is a finite number that is not whole."""
    if isinstance(label, (str, int)):
        return False
    value = _number(label)
    return value is not None and value.denominator != 1


def _number(label):
    """A real, finite number as a fraction; None for anything else."""
    if not isinstance(label, (int, float, decimal.Decimal, fractions.Fraction)):
        return None
    if isinstance(label, decimal.Decimal):
        label = float(label)  # as a fraction, one with a great exponent has as many digits
    return fractions.Fraction(label) if not isinstance(label, float) or math.isfinite(label) else None


# Of a prediction ---------------------------------------------------------------------------------------------------


def doubt_of_unknown(unknown, known):
    """Why no label of a call is one of the fit, if types or texts say why; None if they do not.

    Parameters
    ----------
    unknown : list
        Distinct labels of the call, none of them known.
    known : list
        Distinct labels of the fit.

    Returns
    -------
    doubt : str or None
        A sentence that shows a label of each.
    """
    unknown = [label for label in unknown if not is_missing(label)]
    if not unknown or not known:
        return None
    look = _by_look(known)
    twins = {label: look[key] for label in unknown for key in _looks(label) if key in look}
    if len(twins) < MATCHED * len(unknown) and not _only_kinds_differ(unknown, known):
        return None
    label, twin = next(iter(twins.items()), (unknown[0], known[0]))
    kinds = (_kind(label), _kind(twin))
    how = f"are of the kind {kinds[0]}, and those of the fit {kinds[1]}" if kinds[0] != kinds[1] else "differ in form"
    return f"The labels {how}: {shown(label)} here, {shown(twin)} there. Give labels of the type and form that fit got."


def unseen_text(labels, known=(), source="groups"):
    """Text for an error: which labels the fit did not see, and why none of them is known, if that can be said.

    Parameters
    ----------
    labels : list
        Distinct labels of the call that the fit did not see.
    known : list, default=()
        Distinct labels of the fit, where the call has none of them.
    source : str, default="groups"
        Where the labels come from, the subject of the text.

    Returns
    -------
    text : str
    """
    doubt = doubt_of_unknown(labels, list(known))
    text = f"{source} holds {len(labels)} label(s) that fit did not see: {named(labels)}."
    return text if doubt is None else f"{text} {doubt}"


def warn_of_unseen(labels, known, source="groups"):
    """Warn of distinct labels of a call of which fit saw none, if their types or texts say why; see unseen_text."""
    doubt = doubt_of_unknown(labels, list(known))
    if doubt is not None:
        warn_caller(f"{source} holds no label that fit saw. {doubt}", UserWarning)


def _only_kinds_differ(unknown, known):
    """Whether all unknown labels are of other kinds than the known ones, and each could be written as one of these."""
    if not {_kind(label) for label in unknown}.isdisjoint(map(_kind, known)):
        return False
    ways = {key[0] for label in known for key in _looks(label)}
    if "text" in ways and all(isinstance(label, (str, bytes)) for label in known):  # anything can be written as text
        return True
    return all(any(key[0] in ways for key in _looks(label)) for label in unknown)


def _by_look(known):
    """Labels by what they look like; where several look alike, nothing can be said of them."""
    look: dict = {}
    for label in known:
        for key in _looks(label):
            look[key] = label if look.get(key, label) is label else None
    return {key: label for key, label in look.items() if label is not None}


def _kind(label):
    """What a label is, in a word or two: labels of different kinds are never equal."""
    if isinstance(label, tuple):
        return f"({', '.join(map(_kind, label))})"
    if isinstance(label, enum.Enum) and not isinstance(label, (str, numbers.Number)):
        return type(label).__name__
    if isinstance(label, (np.datetime64, datetime.datetime)):
        return "time with a time zone" if getattr(label, "tzinfo", None) else "time without a time zone"
    names = {str: "text", bytes: "bytes", np.timedelta64: "duration", numbers.Number: "number"}
    return next((name for base, name in names.items() if isinstance(label, base)), type(label).__name__)


def _looks(label):
    """Keys of a label, pairs of a way to write it and what is written: labels that share one look alike."""
    if isinstance(label, tuple):
        parts = [_looks(part) for part in label]
        return [tuple(zip(*(part[0] for part in parts), strict=True))] if parts and all(parts) else []
    if isinstance(label, enum.Enum):
        own = [] if isinstance(label, (str, numbers.Number)) else [label.value, label.name, str(label)]
        return [key for value in own for key in _looks(value)]
    if isinstance(label, bytes):
        return _looks(label.decode("utf-8", errors="replace"))
    if isinstance(label, (np.datetime64, datetime.datetime)):
        return _looks_of_time(label)
    if hasattr(label, "to_timestamp"):  # a period of pandas
        return [*_looks_of_time(label.to_timestamp().to_datetime64()), *_looks_of_text(str(label))]
    if isinstance(label, numbers.Number) and not isinstance(label, (bool, np.generic)):
        return _looks_of_number(label)
    return _looks_of_text(str(label))


def _looks_of_number(label):
    """Keys of a number: its value, as a float of 32 bits if it is a fraction, and the times that a whole one may be."""
    value = label if type(label) is int else _number(label)  # an int is equal to its fraction, and made faster
    if value is None:
        return [("text", str(label).casefold())]
    if value.denominator == 1:
        iso = _looks_of_iso(str(value.numerator)) if abs(value) < 10**20 else []
        return [("number", value), *iso, *_looks_of_epoch(value.numerator)]
    return [("number", float(np.float32(min(max(value, -(10**38)), 10**38))))]


def _looks_of_text(text):
    """Keys of a text: the number or time it writes, and the text without case and spaces around it."""
    text = unicodedata.normalize("NFKC", text).strip().casefold()
    number: list = []
    for read in (int, float):
        try:
            number = number or _looks_of_number(read(text))[:1]
        except ValueError:  # no number, or one of thousands of digits
            continue
    return [*number, *_looks_of_iso(text.upper()), ("text", text)]


def _looks_of_iso(text):
    """Keys of a time that is written by ISO 8601, or of a date as people write dates; none if the text is no time."""
    if len(text) < 8:
        return []
    try:
        return _looks_of_time(datetime.datetime.fromisoformat(text))
    except ValueError:
        pass  # one of the other forms, or no time
    found = []
    for form in DATES:
        try:
            found += _looks_of_time(datetime.datetime.strptime(text, form))
        except ValueError:
            continue
    return found


def _looks_of_epoch(number):
    """Keys of the times that are so many seconds, milliseconds, microseconds or nanoseconds after 1970."""
    if number < EPOCH[0]:  # as nearly all ids are
        return []
    counts = {unit: number // steps for unit, steps in EPOCH_UNITS.items()}  # in seconds
    units: list = [unit for unit, seconds in counts.items() if EPOCH[0] <= seconds <= EPOCH[1]]
    return [key for unit in units for key in _looks_of_time(np.datetime64(number, unit))]


def _looks_of_time(time):
    """Keys of a time: what the clock shows, and with a time zone what it shows in UTC."""
    if isinstance(time, np.datetime64):
        return [("time", str(time.astype("M8[us]")))]
    clock = [time.replace(tzinfo=None)]
    if time.tzinfo is not None:
        clock.append(time.astimezone(datetime.UTC).replace(tzinfo=None))
    return [("time", str(np.datetime64(moment, "us"))) for moment in clock]
