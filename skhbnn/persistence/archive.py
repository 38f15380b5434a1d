"""A zip of a JSON manifest and ``.npy`` arrays: written whole or not at all, read without trust in the file."""

import hashlib
import io
import json
import math
import os
import struct
import zipfile

import numpy as np
from numpy.lib import format as npy

from ..support.files import is_binary_file, replaced_file

LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # of a member of a zip; the last two are the lengths of name and extra fields
ZIP64_BYTES = 20  # of the extra field that zipfile adds for large members
PADDING, PADDING_KIND = struct.Struct("<2H"), 0xD935  # the kind by which other programs align members
FORMAT, VERSION = "skhbnn", 4
MANIFEST = "manifest.json"
ALIGNED = 64  # bytes: the numbers of an array start at such a position, so that the file can be mapped
LEAST_MAPPED = 1_000_000  # bytes of an array
ARRAY_KINDS = "biufcMmSU"  # NumPy's letters of the dtypes that are bytes of a fixed length: no objects, so no pickle


def write(path, content, arrays):
    """Write content and arrays to a file; an error leaves what was there before.

    Equal contents give equal files, whenever they are written. A file object is written to in one call, so that it need
    neither be read nor sought.

    Parameters
    ----------
    path : str, path-like or binary file
    content : JSON-serialisable object
    arrays : list of ndarray
        Of the kinds ARRAY_KINDS.

    Raises
    ------
    OSError
        If the file cannot be written.
    TypeError
        If it is neither a path nor a binary file.
    """
    if is_binary_file(path, "write"):
        buffer = io.BytesIO()
        _write_zip(buffer, content, arrays)
        path.write(buffer.getvalue())
        return
    with replaced_file(path) as file:
        _write_zip(file, content, arrays)


def _write_zip(file, content, arrays):
    """Write content and arrays to a file that can be read and sought."""
    with zipfile.ZipFile(file, "w") as archive:
        # Stored: draws hardly compress, and no member can be a bomb.
        entries = [_write_array(archive, f"{i}.npy", array) for i, array in enumerate(arrays)]
        manifest = {"format": FORMAT, "version": VERSION, "arrays": entries, "content": content}
        archive.writestr(zipfile.ZipInfo(MANIFEST), json.dumps(manifest, allow_nan=False))


def _write_array(archive, name, array):
    """Write one array, and return the entry of the array in the manifest."""
    info = zipfile.ZipInfo(name)
    info.extra = _padding(archive.start_dir + LOCAL_HEADER.size + len(name) + ZIP64_BYTES)
    with archive.open(info, "w", force_zip64=True) as member:
        npy.write_array(member, array, version=(1, 0), allow_pickle=False)
    return {"dtype": array.dtype.str, "shape": array.shape, "sha256": _sha256(archive, name)}


def _padding(start):
    """A field of a zip's header, of a kind that nobody reads, behind which bytes at a start are aligned."""
    n_bytes = -(start + PADDING.size) % ALIGNED
    return PADDING.pack(PADDING_KIND, n_bytes) + bytes(n_bytes)


def _sha256(archive, name):
    with archive.open(name) as member:
        return hashlib.file_digest(member, "sha256").hexdigest()


def read(file, mapped=False):
    """Content and arrays of a file.

    Members are neither compressed nor overlap, so what is allocated is bounded by the size of the file.

    Parameters
    ----------
    file : binary file
        That can be sought.
    mapped : bool, default=False
        Whether large arrays stay in the file, which must then be one of the system: they are read where they are used,
        and what is written to them stays in memory. Their checksums are tested here all the same.

    Returns
    -------
    content : object
    arrays : list of ndarray

    Raises
    ------
    ValueError, or what zipfile raises
        If the file is not exactly as ``write`` writes it.
    """
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise ValueError("there is nothing to read; of a file that was just written, seek(0) goes back to the start")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
                raise ValueError(f"member {member.filename!r} is compressed")
            if not 0 <= member.header_offset < size:
                raise ValueError(f"member {member.filename!r} starts outside of the file")
        if sum(member.file_size for member in members) > size:
            raise ValueError("members claim more bytes than the file has")
        if names.count(MANIFEST) != 1:
            raise ValueError(f"it has {names.count(MANIFEST)} members {MANIFEST!r} instead of one")
        manifest = json.loads(archive.read(MANIFEST), object_pairs_hook=_distinct, parse_constant=_refuse)
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        if manifest.get("version") != VERSION:
            raise ValueError(
                f"its format has version {manifest.get('version')!r}, and this release reads "
                f"{VERSION}; load the file with the release that saved it, or fit again"
            )
        expected = [*(f"{i}.npy" for i in range(len(manifest["arrays"]))), MANIFEST]
        if sorted(names) != sorted(expected):
            raise ValueError("its members are not the manifest and the arrays that the manifest lists")
        arrays = [
            _read_array(archive, f"{i}.npy", entry, file if mapped else None)
            for i, entry in enumerate(manifest["arrays"])
        ]
        return manifest["content"], arrays


def _read_array(archive, name, entry, file):
    """An array of a zip, where it is large mapped from a file, unless that is None."""
    if _sha256(archive, name) != entry["sha256"]:
        raise ValueError(f"the checksum of {name} is not that of the manifest")
    with archive.open(name) as member:
        if npy.read_magic(member) != (1, 0):
            raise ValueError(f"{name} has another version of the npy format than 1.0")
        shape, in_columns, dtype = npy.read_array_header_1_0(member)
        if [dtype.str, list(shape)] != [entry["dtype"], entry["shape"]]:
            raise ValueError(f"{name} is {dtype} of shape {shape}, and not what the manifest says")
        if dtype.kind not in ARRAY_KINDS or dtype.itemsize == 0 or min(shape, default=0) < 0:
            raise ValueError(f"{name} has the dtype {dtype} and the shape {shape}, which are never written")
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes != archive.getinfo(name).file_size - member.tell():
            raise ValueError(f"{name} has not the bytes that its shape {shape} takes")
        if file is not None and n_bytes >= LEAST_MAPPED and dtype.kind not in "SU":
            start = _start(archive, name, file) + member.tell()
            if start % dtype.itemsize == 0:  # else another program wrote the file
                return np.asarray(np.memmap(file, dtype, "c", start, shape, "F" if in_columns else "C"))
        member.seek(0)
        array = npy.read_array(member, allow_pickle=False)
    if dtype.kind == "U":
        array.tolist()  # code points beyond Unicode are an error here, not later
    return array


def _start(archive, name, file):
    """Position in the file of the bytes of a member, whose header zipfile has tested."""
    info, before = archive.getinfo(name), file.tell()
    file.seek(info.header_offset)
    *_, n_name, n_extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    file.seek(before)
    return info.header_offset + LOCAL_HEADER.size + n_name + n_extra


def _distinct(pairs):
    """A JSON object as a dict; a key that comes twice is an error."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key of the manifest comes twice")
    return result


def _refuse(constant):
    raise ValueError(f"the manifest holds {constant}, which is not JSON")
