"""Finished pieces of a long computation, kept in a folder so that a later run goes on from there."""

import hashlib
import io
import json
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
from scipy.sparse import issparse

from ..data.labels import label_text
from ..data.tables import names_of, take_column
from ..support.files import replaced_file
from ..support.wording import shown

FORMAT = 1
MANIFEST = "manifest.json"
DIGEST_BYTES = 32
NO_INFLUENCE = ("n_jobs", "verbose", "checkpoint")  # parameters that change no result


def _digest(value):
    """Digest of any object that can be pickled."""
    return joblib.hash(value, hash_name="sha1")


def _class_text(estimator):
    """Text of an estimator's class and of the version of the class's package."""
    package = type(estimator).__module__.partition(".")[0]
    return f"{package} {getattr(sys.modules.get(package), '__version__', '')} {type(estimator).__qualname__}"


def _without_parameters(value):
    """A parameter's value with class texts for the estimators in it: their parameters have digests of their own."""
    if type(value) in (list, tuple):
        return type(value)(map(_without_parameters, value))
    return _class_text(value) if hasattr(value, "get_params") else value


def table_digest(X):
    """Digest of the values, names and types of a table's columns.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe}
        The table.

    Returns
    -------
    digest : str
        Hexadecimal digits.
    """
    if issparse(X):
        X = X.tocsr()
        return _digest([X.shape, X.data, X.indices, X.indptr])
    names = names_of(X)
    if names is not None:
        columns = [np.asarray(take_column(X, i)) for i in range(X.shape[1])]  # (row,) each
        return _digest([list(map(str, names)), *map(np.ascontiguousarray, columns)])
    return _digest(np.ascontiguousarray(X))


def parameter_digests(estimator):
    """Digest of each parameter of an estimator that can change its fit, as a dict.

    Parameters
    ----------
    estimator : estimator
        Fitted or not.

    Returns
    -------
    digests : dict of str
        By parameter; under ``""`` the class of the estimator and the version of its package.

    Raises
    ------
    ValueError
        If a parameter cannot be pickled.
    """
    digests = {"": _class_text(estimator)}
    for name, value in sorted(estimator.get_params().items()):
        if name.rpartition("__")[2] in NO_INFLUENCE:
            continue
        try:
            digests[name] = _digest(_without_parameters(value))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                f"A checkpoint needs parameters that can be pickled, and {name}={value!r} of the "
                f"{type(estimator).__name__} cannot: {error}. Replace a lambda or an inner function by one that is "
                "defined at the top of a module."
            ) from error
    return digests


class Checkpoint:
    """Folder with a manifest, which says what run the folder belongs to, and a file per finished piece.

    Each file starts with a digest of the run, of the file's name and of its contents. Contents are pickled: use only
    folders that you trust.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    run : dict of dict of str
        Digests of all that the results depend on, under names to be shown.

    Raises
    ------
    ValueError
        If the folder belongs to another run, or holds other files, or its manifest is not readable.
    OSError
        If the folder cannot be read or written.
    """

    def __init__(self, folder, run):
        self.folder = Path(folder)
        run = {"format": {"": str(FORMAT)}, **run}
        self._run = json.dumps(run, sort_keys=True, indent=1).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            names = [path.name for path in self.folder.iterdir() if path.suffix != ".tmp"]
            found = (self.folder / MANIFEST).read_bytes() if MANIFEST in names else None
        except OSError as error:
            raise self._os_error(error) from error
        if found is not None:
            self._compare(found, run)
        elif names:
            raise ValueError(
                f"checkpoint={str(folder)!r} has no {MANIFEST}, but holds {sorted(names)[0]!r}: it is not a folder of "
                "checkpoints. Name an empty one or one that does not exist yet."
            )
        else:
            self._write(MANIFEST, self._run)

    def _os_error(self, error):
        """OSError that names the parameter and the folder."""
        return OSError(
            error.errno,
            f"checkpoint={str(self.folder)!r} must be a folder that can be read and written; {error.strerror}",
            error.filename,
        )

    def _compare(self, found, run):
        """Raise a ValueError that names what differs between a manifest (bytes) and the run."""
        try:
            other = json.loads(found)
            if not all(isinstance(part, dict) for part in other.values()):
                raise ValueError("parts are missing")
        except (ValueError, AttributeError) as error:
            raise ValueError(
                f"{str(self.folder / MANIFEST)!r} is corrupt ({error}): remove the folder to start anew."
            ) from error
        differing = [
            f"{part} {name}".strip()
            for part in sorted({*run, *other})
            for name in sorted({*run.get(part, {}), *other.get(part, {})})
            if run.get(part, {}).get(name) != other.get(part, {}).get(name)
        ]
        if differing:
            raise ValueError(
                f"checkpoint={str(self.folder)!r} belongs to another run, which differs in: {', '.join(differing)}. "
                "Name another folder, or remove this one to start anew."
            )

    def _write(self, name, contents):
        """Write a file of the folder, whole or not at all."""
        try:
            with replaced_file(self.folder / name) as file:
                file.write(contents)
        except OSError as error:
            raise self._os_error(error) from error

    def _file(self, label):
        """Name of the file of a piece."""
        return hashlib.sha256(label_text(label).encode()).hexdigest()[:32] + ".joblib"

    def _seal(self, name, contents):
        """Digest (bytes) of the run, of a file's name and of its contents."""
        return hashlib.sha256(b"\0".join([self._run, name.encode(), contents])).digest()

    def save(self, label, result):
        """Write the result of a piece to its file.

        Parameters
        ----------
        label : hashable
            Name of the piece.
        result : object
            Anything that can be pickled.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        buffer = io.BytesIO()
        joblib.dump(result, buffer)
        contents, name = buffer.getvalue(), self._file(label)
        self._write(name, self._seal(name, contents) + contents)

    def load(self, label):
        """Kept result of a piece, None where there is none.

        Parameters
        ----------
        label : hashable
            Name of the piece.

        Returns
        -------
        result : object
            What ``save`` was given, or None.

        Raises
        ------
        ValueError
            If the file is corrupt or belongs to another run.
        OSError
            If the file cannot be read.
        """
        name = self._file(label)
        try:
            stored = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._os_error(error) from error
        seal, contents = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
        if seal != self._seal(name, contents):
            raise ValueError(
                f"The checkpoint {str(self.folder / name)!r} of {shown(label)} is corrupt or of another run: remove "
                "that file to have it fitted again."
            )
        return joblib.load(io.BytesIO(contents))
