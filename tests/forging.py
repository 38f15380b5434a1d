"""A saved file made of its parts, independently of the package."""

import hashlib
import io
import json
import struct
import warnings
import zipfile

import numpy as np


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
