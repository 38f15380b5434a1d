"""Damaged and forged files: each is a ValueError, in bounded memory, or a fit that predicts."""

import functools
import io
import json
import tracemalloc
from typing import NamedTuple

import numpy as np
from forging import Forged, npy, places
from hypothesis import assume
from hypothesis import strategies as st

import skhbnn
from skhbnn.persistence import keeping

from .calls import MOST_LETTERS, Escape, outcome
from .predictions import fitted

SOURCES = [
    ("flat", "int"),
    ("flat, sampled", "int"),
    ("informed", "int"),
    ("hierarchical", "tuple"),
    ("hierarchical, sampled", "interval"),
    ("hierarchical, sampled", "time with a zone"),
    ("per group", "Decimal"),
]
# Values that a manifest may be given anywhere.
VALUES = [
    None,
    True,
    0,
    -1,
    1,
    2**63,
    -(2**70),
    10**300,
    1e308,
    0.5,
    "",
    "a",
    "partial",
    "\ud800",
    "x" * 10_000,
    [],
    {},
]
VALUES += [
    [[]] * 1000,
    {"$tuple": []},
    {"$dict": [[[], 1]]},
    {"$dict": [[1]]},
    {"$array": 0},
    {"$array": 10**9},
    {"$array": -1},
]
VALUES += [{"$float": "nan"}, {"$float": "-inf"}, {"$complex": "nan"}, {"$bytes": "zz"}, {"$decimal": "1e999999999"}]
VALUES += [
    {"$fraction": "1/0"},
    {"$fraction": "1e9999999/1"},
    {"$scalar": "<M8[ns] 00"},
    {"$scalar": "<f8 000000000000f87f"},
]
VALUES += [
    {"$timedelta": "999999999999 0 0"},
    {"$Period": "9 D"},
    {"$Period": "99999999999999999999 D"},
    {"$Period": "1 ?"},
]
VALUES += [{"$Timestamp": "1 ns Mars/Base"}, {"$Timestamp": "1 ns ../../etc/passwd"}, {"$Interval": [2, 1, "both"]}]
VALUES += [{"$Interval": [[], 1, "x"]}, {"$IPv4Network": "0.0.0.0/0"}, {"$frozenset": [[1]]}, {"$objects": [1, "a"]}]
VALUES += [
    {"$uuid": "x"},
    {"$time": "25:00"},
    {"$datetime": "0000"},
    {"$RandomState": {}},
    {"$Posterior": {}},
    {"$nothing": 1},
]
VALUES += [{"$a": 1, "$b": 2}, {"$PosixPath": "\0"}, {"$objects": "abc"}, {"$tuple": "abc"}, {"$frozenset": "abc"}]
NUMBERS = [np.nan, np.inf, -np.inf, 1e308, -1e308, 0, -1, 2**62, 5e-324]
DTYPES = ["<f4", "<f8", ">f8", "<i8", "<i4", "<u8", "|b1", "<c16", "<M8[ns]", "<U3", "|S3", "<f2"]
WAYS = [
    "bytes",
    "cut",
    "splice",
    "swap",
    "swap whole",
    "value",
    "copy",
    "delete",
    "rename",
    "numbers",
    "dtype",
    "shape",
]


@functools.cache
def whole(source, coded=False):
    """Bytes of the file of a fit; coded: with rounded weights."""
    buffer, exact = io.BytesIO(), keeping.EXACT_BYTES
    keeping.EXACT_BYTES = 0 if coded else exact
    try:
        fitted(*source)[0].save(buffer)
    finally:
        keeping.EXACT_BYTES = exact
    return buffer.getvalue()


def _as_before(estimator, source):
    """Whether a loaded fit predicts as the one that was saved."""
    before, proba, expected = fitted(*source)
    if type(estimator) is not type(before):
        return False
    loaded = outcome(estimator.predict_proba, *proba.args, **proba.keywords)
    return loaded.error is None and np.allclose(loaded.value, expected, rtol=0, atol=0.02)  # weights may be rounded


class Damage(NamedTuple):
    """A way to damage a file; ``one`` and ``other`` choose the places."""

    source: tuple
    coded: bool
    way: str
    one: int
    other: int
    filling: bytes

    def check(self):
        assume(not self.coded or "hierarchical" in self.source[0])
        data = self.damaged(whole(self.source, self.coded))
        assume(all(data != whole(source, coded) for source in SOURCES for coded in (False, True)))
        tracemalloc.start()
        try:
            found = outcome(skhbnn.load, io.BytesIO(data))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        if peak > 130 * len(data) + 5 * 10**6:
            raise Escape(f"{peak} bytes for a file of {len(data)}")
        if found.error is not None:
            if type(found.error) is not ValueError or len(str(found.error)) > MOST_LETTERS:
                raise Escape(f"{found.error!r:.300}")
            return
        if self.way in ("bytes", "cut", "splice"):
            sources = [self.source, SOURCES[self.other % len(SOURCES)]]
            if not any(_as_before(found.value, source) for source in sources[: 1 + (self.way == "splice")]):
                raise Escape("a damaged file that predicts something else")
            return
        n_columns = getattr(found.value, "n_features_in_", 2)
        groups = {} if getattr(found.value, "groups_", None) is None else {"groups": found.value.groups_[:1]}
        predicted = outcome(found.value.predict_proba, np.ones((1, n_columns if n_columns < 100 else 2)), **groups)
        if predicted.error is None and not np.isfinite(predicted.value).all():
            raise Escape("probabilities that are not finite")

    def damaged(self, data):
        """The bytes of the file, damaged."""
        at, cut = self.one % len(data), self.other % 5
        if self.way == "bytes":
            headers = [i for i in range(len(data)) if data.startswith((b"PK", b"\x93NUMPY", b'{"format'), i)]
            at = at if self.other % 2 else headers[self.one % len(headers)] + self.one % 61
            return data[:at] + self.filling + data[at + cut :]
        if self.way == "cut":
            return data[:at]
        if self.way == "splice":
            return data[:at] + whole(SOURCES[self.other % len(SOURCES)])[at:]
        forged = Forged(data)
        getattr(self, "_" + self.way.replace(" ", "_"))(forged)
        try:
            return forged.build()
        except (ValueError, UnicodeError):  # what JSON cannot hold
            assume(False)

    def _member(self, forged):
        return self.one % len(forged.members)

    def _swap(self, forged):
        members, i, j = forged.members, self._member(forged), self.other % len(forged.members)
        members[i], members[j] = members[j], members[i]

    def _swap_whole(self, forged):
        self._swap(forged)
        arrays, i, j = forged.manifest["arrays"], self._member(forged), self.other % len(forged.members)
        arrays[i], arrays[j] = arrays[j], arrays[i]

    def _place(self, forged, number):
        every = [*places(forged.manifest)]
        return every[number % len(every)]

    def _value(self, forged):
        node, key = self._place(forged, self.one)
        node[key] = VALUES[self.other % len(VALUES)]

    def _copy(self, forged):
        node, key = self._place(forged, self.one)
        source, name = self._place(forged, self.other)
        node[key] = json.loads(json.dumps(source[name]))

    def _delete(self, forged):
        node, key = self._place(forged, self.one)
        del node[key]

    def _rename(self, forged):
        node, key = self._place(forged, self.one)
        assume(isinstance(node, dict))
        _, name = self._place(forged, self.other)
        node[str(name)] = node.pop(key)

    def _numbers(self, forged):
        array = forged.member(self._member(forged))
        assume(array.size and array.dtype.kind in "fiub")
        with np.errstate(all="ignore"):
            array.flat[self.other % array.size] = np.array(NUMBERS[self.other % len(NUMBERS)]).astype(array.dtype)
        self._put(forged, array)

    def _dtype(self, forged):
        with np.errstate(all="ignore"):
            try:
                array = forged.member(self._member(forged)).astype(DTYPES[self.other % len(DTYPES)])
            except (ValueError, TypeError):
                assume(False)
        self._put(forged, array)

    def _shape(self, forged):
        array = forged.member(self._member(forged))
        changes = (
            np.ravel,
            np.transpose,
            lambda a: a[:0],
            lambda a: a[None],
            lambda a: np.concatenate([a, a]),
            lambda a: a[:1],
        )
        self._put(forged, np.ascontiguousarray(changes[self.other % len(changes)](array)))

    def _put(self, forged, array):
        forged.put_member(npy(array), self._member(forged), array.dtype.str, array.shape)


files = st.builds(
    Damage,
    st.sampled_from(SOURCES),
    st.booleans(),
    st.sampled_from(WAYS),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.binary(max_size=4),
)
