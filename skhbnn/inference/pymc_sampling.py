"""PyMC's own samplers on the PyMC model."""

import logging
from contextlib import contextmanager

import numpy as np

from .trace import STATISTICS, Trace


@contextmanager
def quiet_pymc(quiet):
    """Without PyMC's messages, where ``quiet``."""
    logger = logging.getLogger("pymc")
    level = logger.level
    if quiet:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def sample(model, data, settings, seed, progress=None):
    """Draw from the posterior with ``pm.sample``.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    data : GroupedData
    settings : Settings
        ``inference="metropolis"`` takes Metropolis steps, ``"pymc"`` what PyMC chooses or ``sample_kwargs`` ask for.
    seed : int
    progress : callable, default=None
        Whether PyMC shows its own progress bar.

    Returns
    -------
    trace : Trace
    """
    import pymc as pm

    from ..model.pymc_model import build_model, unconstrained

    arguments = {
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "cores": min(settings.cores, settings.chains),
        "random_seed": seed,
        "progressbar": progress is not None,
        "compute_convergence_checks": False,  # on predictions instead, see diagnostics.py
    }
    with build_model(model, data), quiet_pymc(progress is None):
        if settings.inference == "metropolis":
            arguments["step"] = pm.Metropolis()
        elif "step" not in settings.sample_kwargs:
            arguments["target_accept"] = settings.target_accept
        result = pm.sample(**{**arguments, **settings.sample_kwargs})
    statistics = {}
    for name, also in STATISTICS.items():
        found = next((key for key in (name, also) if key in result["sample_stats"]), None)
        if found is not None:
            values = np.asarray(result["sample_stats"][found])
            if values.ndim == 2:
                statistics[name] = values  # (chain, draw)
    return Trace(unconstrained(model, result["posterior"]), statistics)
