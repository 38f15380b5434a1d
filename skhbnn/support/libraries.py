"""Imports of packages that fail, or make noise, where nothing can be written to the home folder."""

import sys
import tempfile
from unittest import mock

from .quiet import quiet_libraries


def import_arviz():
    """ArviZ; to be called before anything that imports it too, as nutpie and PyMC do."""
    if "arviz" in sys.modules:  # the silence is for the whole process, and threads would undo each other's
        import arviz

        return arviz
    with quiet_libraries():
        try:
            import arviz
        except OSError:
            # ArviZ 0.23 notes in a cache folder when it last announced ArviZ 1. That folder may not be writable, or
            # another process may be at it.
            import platformdirs

            with (
                tempfile.TemporaryDirectory() as folder,
                mock.patch.object(platformdirs, "user_cache_dir", return_value=folder),
            ):
                import arviz
    return arviz


def has_arviz_1():
    """Whether ArviZ is of the generation whose labelled objects are xarray's trees."""
    return int(import_arviz().__version__.split(".")[0]) >= 1


def import_pymc():
    """PyMC.

    Raises
    ------
    OSError
        If PyTensor has no folder for compiled code.
    """
    import_arviz()
    try:
        with quiet_libraries():
            import pymc
            import pytensor.link.numba.dispatch  # noqa: F401 - which keeps its compiled code in that folder too
    except OSError as error:
        raise OSError(
            error.errno,
            'PyMC cannot be imported without a folder for compiled code (inference="nuts", "laplace" and "map" need '
            f"none): set the environment variable PYTENSOR_FLAGS=base_compiledir=FOLDER to one that can be written; "
            f"{error.strerror}",
            error.filename,
        ) from error
    return pymc
