"""ArviZ and PyMC: how they are imported, and all that differs between their two generations.

ArviZ 0.23 comes with PyMC 5, and ArviZ 1 with PyMC 6.
"""

import inspect
import sys
import tempfile
from unittest import mock

from .quiet import quiet_libraries


def import_arviz():
    """Import ArviZ without its announcements, and without a home folder that can be written to.

    To be called before the import of nutpie or PyMC, which import ArviZ themselves.

    Returns
    -------
    arviz : module
    """
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


def import_pymc():
    """Import PyMC without its announcements.

    Returns
    -------
    pymc : module

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


def labelled_data(groups, coords, dims):
    """ArviZ's labelled object with some groups of arrays.

    Parameters
    ----------
    groups : dict of dict of ndarray
        Arrays by name in each group; arrays of draws begin with the chain and the draw.
    coords : dict
        Labels along each dimension.
    dims : dict of list of str
        Dimensions of each array behind chain and draw.

    Returns
    -------
    data : arviz.InferenceData or xarray.DataTree
        ``InferenceData`` before ArviZ 1, ``DataTree`` since.
    """
    arviz = import_arviz()
    if _has_arviz_1():
        return arviz.from_dict(groups, coords=coords, dims=dims)
    return arviz.from_dict(**groups, coords=coords, dims=dims)


def pareto_smoothed(log_ratios):
    """Importance weights as ArviZ smooths them by a generalised Pareto distribution.

    Parameters
    ----------
    log_ratios : ndarray of shape (n_rows, n_draws)
        Logarithms of the ratios of the densities.

    Returns
    -------
    log_weights : ndarray of shape (n_rows, n_draws)
    pareto_k : ndarray of shape (n_rows,)
    """
    if not _has_arviz_1():
        return import_arviz().psislw(log_ratios)
    from arviz_stats.base import array_stats

    return array_stats.psislw(-log_ratios)  # takes them with the sign of a log likelihood


def calls_back(arguments):
    """Whether ``pm.sample`` takes a callback with these arguments: only PyMC's own samplers do.

    Which sampler PyMC chooses by itself differs: PyMC 5 its own, PyMC 6 another library's where that is installed.

    Parameters
    ----------
    arguments : dict
        Arguments of ``pm.sample``.

    Returns
    -------
    calls_back : bool
    """
    default = inspect.signature(import_pymc().sample).parameters["nuts_sampler"].default
    return "step" in arguments or arguments.get("nuts_sampler", default) == "pymc"


def _has_arviz_1():
    """Whether ArviZ is of the generation whose labelled objects are xarray's trees."""
    return int(import_arviz().__version__.split(".")[0]) >= 1
