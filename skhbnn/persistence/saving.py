"""Saving and loading of fitted estimators.

The records and estimators of the package are kinds of ``encoding.py``, added here: a new dataclass is a name in RECORDS
(and its arrays stand in ``consistency.ARRAYS``), a new estimator has the decorator ``storable`` (and attributes of its
own stand in ``consistency.ATTRIBUTES``).
"""

from __future__ import annotations

import dataclasses
import functools
import io
import os
import platform
import sys
from typing import Any, Literal

from sklearn.utils.validation import check_is_fitted

from ..data.rows import GroupedData
from ..data.standardizer import Standardizer
from ..model.network import Network
from ..model.terms import Model, RandomIntercept, Term
from ..posterior.diagnostics import Diagnostics, OptimizationDiagnostics
from ..posterior.draws import Posterior
from ..support.caller import warn_caller
from ..support.files import is_binary_file
from ..support.typed import BinaryReader, BinaryWriter, Path
from ..support.wording import shortened
from . import archive, encoding
from .consistency import attributes_of, check_fit
from .deviations import GroupDeviations
from .keeping import with_kept_draws

RECORDS = [Standardizer, GroupedData, Network, Term, RandomIntercept, Model]
RECORDS += [GroupDeviations, Diagnostics, OptimizationDiagnostics]
NOT_SAVED = ("checkpoint", "_skl_callbacks")  # a folder of pickles to trust; scikit-learn's callbacks
LIBRARIES = ("skhbnn", "numpy", "scipy", "sklearn")  # whose versions a file names, for whoever looks into it


def _fields(record):
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _make(cls, fields):
    return cls(**fields)


def _make_posterior(fields):
    weights = fields["weights"]
    if isinstance(weights, GroupDeviations):
        fields["weights"] = weights.weights(fields["group_mean"])
    return Posterior(**fields)


encoding.KINDS.update({cls.__name__: (cls, _fields, functools.partial(_make, cls)) for cls in RECORDS})
encoding.KINDS["Posterior"] = (Posterior, _fields, _make_posterior)


def storable(cls):
    """The class of an estimator, which can then be saved and loaded; a decorator."""
    encoding.KINDS[cls.__name__] = (cls, _parts, functools.partial(_restore, cls))
    return cls


def _parts(estimator):
    params = {name: value for name, value in estimator.get_params(deep=False).items() if name not in NOT_SAVED}
    constructed = vars(type(estimator)(**params))
    attributes = {name: value for name, value in vars(estimator).items() if name not in (*constructed, *NOT_SAVED)}
    unknown = [name for name in attributes if name not in attributes_of(type(estimator))]
    if unknown:
        raise TypeError(f"a file has no place for its attribute {unknown[0]}")
    return {"params": params, "attributes": attributes}


def _restore(cls, parts):
    if any(name in parts["params"] for name in NOT_SAVED):
        raise ValueError("it names a parameter that is never saved")
    estimator = cls(**parts["params"])
    for name, value in parts["attributes"].items():
        if name not in attributes_of(cls):
            raise ValueError(f"a {cls.__name__} has no attribute {name!r}")
        setattr(estimator, name, value)
    if estimator.__sklearn_is_fitted__():
        check_fit(estimator)
    return estimator


def warn_if_not_saved(estimator, labels):
    """Warn if an estimator, in its fit, could not be saved because of labels, a list, while other labels would do."""
    if type(getattr(estimator, "estimator", estimator)).__name__ not in encoding.KINDS:
        return
    try:
        encoding.decode(encoding.encode(labels, [], "groups"), [])
    except (TypeError, ValueError) as error:
        warn_caller(f"The method save will not take this fit, though pickle does: {error}", UserWarning)


class SavableMixin:
    """The method ``save`` of the estimators."""

    def save(self, path: Path | BinaryWriter, *, keep_draws: Literal["auto", "all"] | int = "auto") -> None:
        """Save the fitted estimator to a file, for :func:`skhbnn.load`.

        The file is a zip of a JSON manifest and ``.npy`` arrays, never a pickle. The training rows are in it. An
        existing file is replaced in one step, or not at all.

        Parameters
        ----------
        path : str, path-like or binary file
            Name of the file, or a file object such as ``io.BytesIO()``, which is written to where it stands.
        keep_draws : {"auto", "all"} or int, default="auto"
            Posterior draws that the file keeps. ``"auto"``: all of them, exactly, where they take at most 8 MB; of a
            larger fit as many as 18 MB hold, at least 100, with the weights of groups rounded. ``"all"``: all of them,
            exactly. An integer: at most so many of all chains together, exactly. Kept draws are evenly spaced, and
            equally many of every chain.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If a parameter or a label is of a kind that a file cannot hold, which the message names, or path or
            keep_draws is not valid.
        OSError
            If the file cannot be written; what was there before stays, unless path is a file object.

        Notes
        -----
        A probability under n of N draws differs from the one under all by a standard error of at most
        ``predict_std`` times the square root of 1 / n - 1 / N, and by less where draws depend on each other. Rounding
        moves a weight by at most a twentieth of its distance from the middle of its draws, or of the mean distance, and
        a probability by less than 0.001 on average. ``diagnostics_`` of a loaded fit are those of all draws.

        Labels and parameters may be None, booleans, numbers of Python and NumPy, decimals, fractions, strings, bytes,
        UUIDs, paths, IP addresses, dates, times and durations of Python, NumPy and pandas, periods and intervals of
        pandas, and tuples, lists, dicts, frozensets and arrays of such values. A ``datetime`` with a time zone comes
        back with its offset from UTC as the zone. Callbacks are not saved, nor is the name of a checkpoint: its files
        are pickles, and no file is to say which folder is to be trusted.
        """
        check_is_fitted(self)
        arrays: list = []
        encoded = encoding.encode(with_kept_draws(self, keep_draws), arrays, type(self).__name__)
        encoding.decode(encoded, list(arrays))  # what could not be loaded is not saved
        versions = {"python": platform.python_version(), **{name: sys.modules[name].__version__ for name in LIBRARIES}}
        archive.write(path, {"estimator": encoded, "versions": versions}, arrays)


def load(
    path: Path | BinaryReader, *, mmap_mode: Literal["c"] | None = None
) -> Any:  # the file says of which class; a union would have to be narrowed
    """Load an estimator from a file that the method ``save`` of an estimator wrote.

    A file is data: none of its content is run, whoever wrote it. In memory it takes a few times its size, or some ten
    times where weights are rounded, and never more than 130 times. It may come from other versions of Python, NumPy,
    PyMC and ArviZ.

    Parameters
    ----------
    path : str, path-like or binary file
        File that ``save`` wrote. A file object is read from where it stands to its end.
    mmap_mode : {"c"}, default=None
        With ``"c"`` (copy on write, as NumPy has it) arrays of 1 MB and more stay in the file at path, and predictions
        read the draws of the groups that they are asked for. The file must stay unchanged while the estimator is in
        use. Rounded weights are made in memory all the same: save with ``keep_draws="all"``. None: all is read.

    Returns
    -------
    estimator : estimator
        A fitted estimator of the class that was saved, with its parameters and all its attributes.

    Raises
    ------
    OSError
        If the file cannot be read; FileNotFoundError if there is none.
    ValueError
        If the file is not a whole, unchanged file of a fitted estimator, in a format that this release reads; its
        checksums are tested here, also of what stays in the file. If mmap_mode is neither None nor ``"c"``, or is given
        with a file object.
    MemoryError
        If the arrays do not fit in memory.
    TypeError
        If path is neither a path nor a binary file.

    Examples
    --------
    >>> import os, tempfile
    >>> import skhbnn
    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(60, noise=0.2, random_state=0)
    >>> classifier = skhbnn.FlatBNNClassifier(random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "moons.skhbnn")
    ...     classifier.save(path)
    ...     loaded = skhbnn.load(path)
    >>> bool((loaded.predict_proba(X) == classifier.predict_proba(X)).all())
    True
    """
    if mmap_mode not in (None, "c"):
        raise ValueError(f'mmap_mode must be None or "c", got {mmap_mode!r}.')
    given: Any = path
    if is_binary_file(given, "read"):
        if mmap_mode is not None:
            raise ValueError(f'mmap_mode="c" needs the path of a file, got a {type(given).__name__}.')
        return _read(io.BytesIO(given.read()), f"The {type(given).__name__}")
    with open(given, "rb") as file:
        return _read(file, repr(os.fspath(given)), mmap_mode is not None)


def _read(file, name, mapped=False):
    """The estimator in a file that can be sought; a ValueError, which says the name, if there is none."""
    try:
        content, arrays = archive.read(file, mapped)
        estimator = encoding.decode(content["estimator"], arrays)
        check_is_fitted(estimator)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever fails on a damaged or forged file is a fault of the file
        reason = shortened(str(error) if isinstance(error, ValueError) else repr(error))
        raise ValueError(f"{name} is not a whole file of a saved estimator: {reason}") from error
    return estimator
