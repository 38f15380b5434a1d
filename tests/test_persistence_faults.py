"""Damaged and forged files: each is a ValueError that says why, before it runs or allocates anything."""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from forging import Forged, npy, npy_with_header, places, refused, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_rebuilt_file_loads(whole, load_bytes, tiny_predictions, tiny):
    """So what the other tests refuse, they refuse for what they changed."""
    np.testing.assert_array_equal(tiny_predictions(load_bytes(Forged(whole).build())), tiny_predictions(tiny))


# The container -------------------------------------------------------------------------------------------------------


class Payload:
    """Its unpickling leaves a file behind."""

    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def overlapping(whole):
    """Every entry of the directory points at the member that is largest."""
    data, at = bytearray(whole), whole.index(b"PK\x01\x02")
    entries = []
    while whole[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack("<3H", whole[at + 28 : at + 34])
        entries.append((struct.unpack("<I", whole[at + 24 : at + 28])[0], at))
        at += 46 + name + extra + comment
    size, largest = max(entries)
    for _, at in entries:
        data[at + 20 : at + 28] = 2 * struct.pack("<I", size)
        data[at + 42 : at + 46] = whole[largest + 42 : largest + 46]
    return bytes(data)


def starting_beyond(whole):
    data, at = bytearray(whole), whole.index(b"PK\x01\x02")
    data[at + 42 : at + 46] = struct.pack("<I", 2**32 - 2)
    return bytes(data)


def with_manifest(text):
    return lambda whole: zipped([*Forged(whole).all_members()[:-1], ("manifest.json", text)])


def with_members(*members):
    return lambda whole: zipped([*Forged(whole).all_members(), *members])


def flagged(bit):
    """With a flag set in the directory, of encryption or of a patch."""

    def flagged(whole):
        data, at = bytearray(whole), whole.index(b"PK\x01\x02")
        data[at + 8] |= bit
        return bytes(data)

    return flagged


CONTAINERS = {
    "empty": lambda whole: b"",
    "text": lambda whole: b"no zip at all",
    "pickle": lambda whole: pickle.dumps(Payload()),
    "empty zip": lambda whole: zipped([]),
    "another zip": lambda whole: zipped([("0.npy", npy(np.eye(2)))]),
    "no end": lambda whole: whole[:-1],
    "half": lambda whole: whole[: len(whole) // 2],
    "no start": lambda whole: whole[100:],
    "parent": with_members(("../evil.npy", b"")),
    "absolute": with_members(("/tmp/evil.npy", b"")),
    "backslash": with_members(("..\\evil.npy", b"")),
    "further array": with_members(("999.npy", npy(np.eye(2)))),
    "thousands": with_members(*((f"{i}.npy", b"") for i in range(100, 20_000))),
    "two manifests": with_members(("manifest.json", "{}")),
    "two of an array": with_members(("0.npy", npy(np.eye(2)))),
    "no array 0": lambda whole: zipped(Forged(whole).all_members()[1:]),
    "no manifest": lambda whole: zipped(Forged(whole).all_members()[:-1]),
    "compressed": lambda whole: Forged(whole).build(compression=zipfile.ZIP_DEFLATED),
    "bomb": lambda whole: zipped([("manifest.json", b" " * 10**8)], compression=zipfile.ZIP_DEFLATED),
    "overlapping": overlapping,
    "starting beyond the end": starting_beyond,
    "encrypted": flagged(0x01),
    "patched": flagged(0x20),
    "strongly encrypted": flagged(0x40),
    "not JSON": with_manifest("{"),
    "not text": with_manifest(b"\xff\xfe\xfd"),
    "NaN": with_manifest('{"format": NaN}'),
    "list": with_manifest("[]"),
    "deep": with_manifest("[" * 10**5),
    "deep and closed": with_manifest("[" * 10**5 + "]" * 10**5),
    "long integer": with_manifest("9" * 10**5),
    "key twice": with_manifest('{"format": "skhbnn", "format": "skhbnn"}'),
    "another format": with_manifest('{"format": "other", "version": 1, "arrays": [], "content": {}}'),
}


@pytest.mark.parametrize("fault", CONTAINERS)
def test_container(fault, whole, load_bytes, monkeypatch, tmp_path):
    data = CONTAINERS[fault](whole)
    assert data != whole
    monkeypatch.chdir(tmp_path)
    refused(load_bytes, data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", [0, 3, 5, "4", None, [4]])
def test_another_version(version, whole, load_bytes):
    forged = Forged(whole)
    forged.manifest["version"] = version
    assert f"has version {version!r}, and this release reads 4" in refused(load_bytes, forged.build())


@pytest.mark.parametrize("key", ["format", "version", "arrays", "content"])
def test_incomplete_manifest(key, whole, load_bytes):
    forged = Forged(whole)
    del forged.manifest[key]
    refused(load_bytes, forged.build())


# Arrays --------------------------------------------------------------------------------------------------------------

HEADER = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"
OBJECTS = pickle.dumps(np.array([Payload()], dtype=object))
HUGE = (10**6, 10**6)
CODES = np.array([65, 0x110000], "<u4").tobytes()
MEMBERS = {  # the member, and its dtype and shape in the manifest
    "pickle": (OBJECTS, "|O", (1,)),
    "objects": (npy_with_header(HEADER.format("'|O'", "(1,)"), OBJECTS), "|O", (1,)),
    "huge": (npy_with_header(HEADER.format("'<i8'", HUGE), bytes(16)), "<i8", HUGE),
    "beyond 64 bits": (npy_with_header(HEADER.format("'<i8'", (2**62, 4)), bytes(16)), "<i8", (2**62, 4)),
    "negative": (npy_with_header(HEADER.format("'<i8'", (-1, -2)), bytes(16)), "<i8", (-1, -2)),
    "nothing, often": (npy_with_header(HEADER.format("'<U0'", (10**9,))), "<U0", (10**9,)),
    "structured": (npy_with_header(HEADER.format("[('a', '<i8')]", (2,)), bytes(16)), "|V8", (2,)),
    "too short": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(15)), "<i8", (2,)),
    "too long": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(17)), "<i8", (2,)),
    "another shape": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(16)), "<i8", (1,)),
    "another dtype": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(16)), "<f8", (2,)),
    "version 2": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(16), b"\x02\x00"), "<i8", (2,)),
    "no header": (b"\x93NUMPY\x01\x00\xff\xff", "<i8", (2,)),
    "code as header": (npy_with_header("__import__('pathlib').Path('executed').touch()"), "<i8", (2,)),
    "empty": (b"", "<i8", (2,)),
    "no characters": (npy_with_header(HEADER.format("'<U1'", (2,)), CODES), "<U1", (2,)),
}


@pytest.mark.parametrize("fault", MEMBERS)
def test_member(fault, whole, load_bytes, monkeypatch, tmp_path):
    """The classes are another member, whose checksum is right."""
    forged = Forged(whole)
    data, dtype, shape = MEMBERS[fault]
    forged.put_member(data, dtype=dtype, shape=shape)
    monkeypatch.chdir(tmp_path)
    refused(load_bytes, forged.build())
    assert not list(tmp_path.iterdir())


def test_checksum(whole, load_bytes):
    forged = Forged(whole)
    forged.members[0] = npy(np.array([0, 2]))
    assert "the checksum of 0.npy" in refused(load_bytes, forged.build())


# Damage and forgery at random ----------------------------------------------------------------------------------------

FUZZ = settings(max_examples=300, derandomize=True, deadline=None, database=None)


@FUZZ
@given(st.data())
def test_damaged_bytes(whole, load_bytes, tiny_predictions, tiny, data):
    """Some bytes changed, cut out or put in: a ValueError, or the same predictions."""
    # The directory and the headers are a small part of the bytes, and what most of the rules are about.
    headers = [at for at in range(len(whole)) if whole.startswith((b"PK", b"\x93NUMPY"), at)]
    near_one = st.builds(int.__add__, st.sampled_from(headers), st.integers(0, 60))
    at = data.draw(st.one_of(st.integers(0, len(whole) - 1), near_one))
    cut = data.draw(st.integers(0, 4))
    damaged = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + cut :]
    try:
        loaded = load_bytes(damaged)
    except ValueError:
        return
    np.testing.assert_array_equal(tiny_predictions(loaded), tiny_predictions(tiny))


@FUZZ
@given(st.data())
def test_cut_files(whole, load_bytes, data):
    with pytest.raises(ValueError, match="not a whole file"):
        load_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])


SCALARS = [None, True, False, 0, 1, -1, 2, 2**63, 0.5, -0.0, "", "partial", "a"]
KINDS = ["tuple", "frozenset", "dict", "float", "complex", "bytes", "decimal", "fraction", "uuid", "datetime", "scalar"]
KINDS += ["RandomState", "array", "objects", "Network", "Posterior", "Standardizer", "GroupDeviations"]
KINDS += ["HierarchicalBNNClassifier", "Interval", "Period", "Timestamp", "Timedelta", "time", "IPv4Network"]
VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([f"${kind}" for kind in KINDS] + ["a", "weights"]), inner, max_size=2),
    ),
    max_leaves=6,
)


@FUZZ
@given(st.data())
def test_forged_content(whole, load_bytes, tiny_predictions, data):
    """Any value anywhere in the manifest, checksums and all else being right: a ValueError, or a fit that predicts."""
    forged = Forged(whole)
    container, key = data.draw(st.sampled_from([*places(forged.manifest)]), label="place")
    container[key] = data.draw(VALUES, label="value")
    try:
        found = tiny_predictions(load_bytes(forged.build()))
    except ValueError:
        return
    assert found.shape[1:] == (3, 2)
    assert np.isfinite(found).all()
