"""PyMC's own samplers on the PyMC model."""

import inspect
import itertools

import numpy as np

from ..support.libraries import import_pymc
from ..support.quiet import quiet_libraries
from .interrupts import interrupts_raised
from .trace import STATISTICS, Trace


def sample(model, data, settings, seed, progress=None):
    """Draw from the posterior with ``pm.sample``.

    Parameters
    ----------
    model : Model
    data : GroupedData
    settings : Settings
        ``inference="metropolis"`` takes Metropolis steps, ``"pymc"`` what PyMC chooses or ``sample_kwargs`` ask for.
    seed : int
    progress : callable, default=None
        Told of the number of steps made and of all steps; of nothing but the end where another library samples for
        PyMC.

    Returns
    -------
    trace : Trace
    """
    pm = import_pymc()
    from ..density.pymc_model import build_model, unconstrained

    arguments = {
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "cores": min(settings.cores, settings.chains),
        "random_seed": seed,
        "progressbar": False,
        "compute_convergence_checks": False,  # on predictions instead, see diagnostics.py
    }
    with quiet_libraries(), build_model(model, data):
        if settings.inference == "metropolis":
            arguments["step"] = pm.Metropolis()
        elif "step" not in settings.sample_kwargs:
            arguments["target_accept"] = settings.target_accept
        arguments |= settings.sample_kwargs
        n_steps = arguments["chains"] * (arguments["tune"] + arguments["draws"])
        tells, also = _samples_itself(pm, arguments), arguments.get("callback")
        made = itertools.count(1)
        with interrupts_raised(looked_for=tells) as look:

            def told(trace, draw):
                look()
                if progress is not None:
                    progress(next(made), n_steps)
                if also is not None:
                    also(trace=trace, draw=draw)

            if tells:
                arguments["callback"] = told
            result = pm.sample(**arguments)
    if progress is not None:
        progress(n_steps, n_steps)
    statistics = {}
    for name, also in STATISTICS.items():
        found = next((key for key in (name, also) if key in result["sample_stats"]), None)
        if found is not None:
            values = np.asarray(result["sample_stats"][found])
            if values.ndim == 2:
                statistics[name] = values  # (chain, draw)
    return Trace(unconstrained(model, data, result["posterior"]), statistics, arguments["tune"])


def _samples_itself(pm, arguments):
    """Whether ``pm.sample`` runs its own samplers, which alone take a callback."""
    default = inspect.signature(pm.sample).parameters["nuts_sampler"].default
    return "step" in arguments or arguments.get("nuts_sampler", default) == "pymc"
