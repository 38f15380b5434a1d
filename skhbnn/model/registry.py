"""Kinds by name: a kind is a module of a folder, imported when the kind is used, since most kinds load Numba."""

from functools import cache
from importlib import import_module


def registry(package, names):
    """A function that returns a kind by name.

    Parameters
    ----------
    package : str
        Name of the package whose modules are the kinds. Each module defines ``KIND``.
    names : tuple of str
        Names of the kinds, which are the names of their modules.

    Returns
    -------
    kind : callable
        Takes a name and returns the ``KIND`` of its module; a name that is not registered is a ValueError.
    """

    @cache
    def kind(name):
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(map(repr, names))}.")
        return import_module(f"{package}.{name}").KIND

    return kind
