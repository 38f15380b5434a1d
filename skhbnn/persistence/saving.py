"""Saving and loading of fitted estimators.

The records and estimators of the package are kinds of ``encoding.py``, added here: a new dataclass is a name in RECORDS
(and its arrays stand in ``consistency.ARRAYS``), a new estimator has the decorator ``storable`` (and attributes of its
own stand in ``consistency.ATTRIBUTES``).
"""

import dataclasses
import functools
import os
import platform
import sys

from sklearn.utils.validation import check_is_fitted

from ..data import GroupedData, Standardizer
from ..diagnostics import Diagnostics, OptimizationDiagnostics
from ..model.network import Network
from ..model.priors import FlatModel, HierarchicalModel, InformedModel
from ..posterior import Posterior
from . import archive, encoding
from .consistency import ATTRIBUTES, check_fit

RECORDS = [Standardizer, GroupedData, Network, FlatModel, HierarchicalModel, InformedModel]
RECORDS += [Posterior, Diagnostics, OptimizationDiagnostics]
LIBRARIES = ("skhbnn", "numpy", "scipy", "sklearn")  # whose versions a file names, for whoever looks into it


def _fields(record):
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _make(cls, fields):
    return cls(**fields)


encoding.KINDS.update({cls.__name__: (cls, _fields, functools.partial(_make, cls)) for cls in RECORDS})


def storable(cls):
    """Let an estimator be saved and loaded; a decorator of its class."""
    encoding.KINDS[cls.__name__] = (cls, _parts, functools.partial(_restore, cls))
    return cls


def _parts(estimator):
    params = estimator.get_params(deep=False)
    constructed = vars(type(estimator)(**params))
    attributes = {name: value for name, value in vars(estimator).items() if name not in constructed}
    unknown = [name for name in attributes if name not in ATTRIBUTES]
    if unknown:
        raise TypeError(f"a file has no place for its attribute {unknown[0]}")
    return {"params": params, "attributes": attributes}


def _restore(cls, parts):
    estimator = cls(**parts["params"])
    for name, value in parts["attributes"].items():
        if name not in ATTRIBUTES:
            raise ValueError(f"a {cls.__name__} has no attribute {name!r}")
        setattr(estimator, name, value)
    if hasattr(estimator, "posterior_"):
        check_fit(estimator)
    return estimator


def save(estimator, path):
    """Save a fitted estimator to a file, as the method ``save`` of the estimators says."""
    check_is_fitted(estimator)
    arrays: list = []
    encoded = encoding.encode(estimator, arrays, type(estimator).__name__)
    encoding.decode(encoded, arrays)  # what could not be loaded is not saved
    versions = {"python": platform.python_version(), **{name: sys.modules[name].__version__ for name in LIBRARIES}}
    archive.write(path, {"estimator": encoded, "versions": versions}, arrays)


def load(path):
    """Load an estimator that its method ``save`` saved.

    A file is data: none of its content is run, whoever wrote it, and it takes no more memory than a few times its size.
    It may come from other versions of Python, NumPy, PyMC and ArviZ.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    estimator : estimator
        A fitted estimator of the class that was saved, with its parameters and all its attributes.

    Raises
    ------
    OSError
        If the file cannot be read; FileNotFoundError if there is none.
    ValueError
        If it is not the whole, unchanged file of a fitted estimator, in a format that this release reads.

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
    with open(path, "rb") as file:
        try:
            content, arrays = archive.read(file)
            estimator = encoding.decode(content["estimator"], arrays)
            check_is_fitted(estimator)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # whatever fails on a damaged or forged file is a fault of the file
            reason = error if isinstance(error, ValueError) else repr(error)
            raise ValueError(f"{os.fspath(path)!r} is not a whole file of a saved estimator: {reason}") from error
    return estimator
