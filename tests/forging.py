"""Saved files made of their parts, independently of the package, and faults to put into them."""

import hashlib
import io
import json
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest


def file_of(estimator):
    """The bytes of the file of a fit."""
    buffer = io.BytesIO()
    estimator.save(buffer)
    return buffer.getvalue()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0))
    return buffer.getvalue()


def npy_with_header(header, data=b"", version=b"\x01\x00"):
    header = header.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + data


def zipped(members, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a name that comes twice
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


class Forged:
    """The parts of a saved file: change them, and ``build`` gives a file whose checksums are right."""

    def __init__(self, data):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.manifest = json.loads(archive.read("manifest.json"))
            self.members = [archive.read(f"{i}.npy") for i in range(len(self.manifest["arrays"]))]
        (self.estimator,) = self.manifest["content"]["estimator"].values()
        self.params, self.attributes = self.estimator["params"], self.estimator["attributes"]

    def record(self, *path):
        """The fields of a record, such as ``("posterior_", "model", "network")``."""
        node = self.attributes
        for name in path:
            ((_, node),) = node[name].items()
        return node

    def array(self, *path):
        """An array that may be written to."""
        *path, name = path
        return self.member(self.record(*path)[name]["$array"])

    def member(self, index):
        """The array of a member, that may be written to."""
        return np.load(io.BytesIO(self.members[index])).copy()

    def terms(self):
        """The fields of every term of the model."""
        return [fields for term in self.record("posterior_", "model")["terms"]["$tuple"] for fields in term.values()]

    def put(self, array, *path):
        *path, name = path
        self.put_member(npy(array), self.record(*path)[name]["$array"], array.dtype.str, array.shape)

    def put_member(self, data, index=None, dtype="<i8", shape=(2,)):
        """A member in place of one, by default of the classes."""
        index = self.attributes["classes_"]["$array"] if index is None else index
        self.members[index] = data
        self.manifest["arrays"][index] = {"dtype": dtype, "shape": list(shape), "sha256": digest(data)}

    def all_members(self):
        arrays = [(f"{i}.npy", data) for i, data in enumerate(self.members)]
        return [*arrays, ("manifest.json", json.dumps(self.manifest))]

    def build(self, **options):
        return zipped(self.all_members(), **options)


def places(node):
    """Every place in a JSON document, as its container and key."""
    for key, value in (
        list(node.items()) if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        yield node, key
        yield from places(value)


# Faults: functions that change a Forged file --------------------------------------------------------------------------


def param(name, value):
    def change(forged):
        forged.params[name] = value

    return change


def attribute(name, value):
    def change(forged):
        forged.attributes[name] = value

    return change


def field(*path, value):
    def change(forged):
        *record, name = path
        forged.record(*record)[name] = value

    return change


def without(*path):
    def change(forged):
        *record, name = path
        del (forged.record(*record) if record else forged.attributes)[name]

    return change


def array(*path, index=..., value=None, make=None):
    """An array with one entry changed, or another made of it."""
    *record, name = path
    return _array_in(lambda forged: forged.record(*record)[name], index, value, make)


def term_array(name, index=..., value=None, make=None):
    """An array of the first term of the model with one entry changed, or another made of it."""
    return _array_in(lambda forged: forged.terms()[0][name], index, value, make)


def _array_in(place, index, value, make):
    def change(forged):
        member = place(forged)["$array"]
        changed = forged.member(member)
        if make is None:
            changed[index] = value
        else:
            changed = make(changed)
        forged.put_member(npy(changed), member, changed.dtype.str, changed.shape)

    return change


def of_class(name):
    def change(forged):
        forged.manifest["content"]["estimator"] = {name: forged.estimator}

    return change


# Refusals, by a function ``load_bytes`` ------------------------------------------------------------------------------


def refused(load_bytes, data):
    """Load forged data: a ValueError, nothing run, and little allocated. Its message."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"forged' is not a whole file of a saved estimator: .") as caught:
            load_bytes(data)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(data) + 5 * 10**6
    finally:
        tracemalloc.stop()
    return str(caught.value)


def refused_with(fault, data, load_bytes):
    """A fault changes what is in a file, and the file is refused."""
    forged = Forged(data)
    before = forged.all_members()
    fault(forged)
    assert forged.all_members() != before
    refused(load_bytes, forged.build())
