"""Samplers of PyMC, on the model in PyMC."""

import itertools

import numpy as np

from ..model.terms import Layout
from ..support.libraries import calls_back, import_pymc
from ..support.memory import require_memory
from ..support.quiet import quiet_libraries
from .interrupts import interrupts_raised
from .starts import random_start
from .trace import STATISTICS, Trace


def infer(model, data, settings, seed, progress=None):
    """Draws from the posterior by ``pm.sample``, with the sampler's statistics.

    ``methods.infer`` says what the arguments are. ``inference="metropolis"`` takes Metropolis steps, ``"pymc"`` the
    steps that PyMC chooses or ``sample_kwargs`` ask for. Where another library samples for PyMC, progress is told of
    nothing but the end.

    Raises
    ------
    MemoryError
        If the draws would not fit.
    """
    layout = Layout(model, data.members)
    _require_memory(layout, settings)
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
    with quiet_libraries(), build_model(model, data) as pymc_model:
        if settings.inference == "metropolis":
            arguments["step"] = pm.Metropolis()
        elif "step" not in settings.sample_kwargs:
            arguments["target_accept"] = settings.target_accept
        arguments |= settings.sample_kwargs
        if "step" in arguments and "initvals" not in arguments:  # NUTS alone moves its starts away from 0
            rng = np.random.default_rng(seed)
            arguments["initvals"] = [random_start(pymc_model, model, rng) for _ in range(arguments["chains"])]
        n_steps = arguments["chains"] * (arguments["tune"] + arguments["draws"])
        tells, also = calls_back(arguments), arguments.get("callback")
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
            if values.ndim == 2:  # (chain, draw)
                statistics[name] = values.astype(int) if name == "n_steps" else values  # PyMC counts steps by floats
    x = unconstrained(layout, result["posterior"])  # (chain, draw, n_dim)
    return Trace(x=x, statistics=statistics, n_tune=arguments["tune"])


def _require_memory(layout, settings):
    """Raise a MemoryError if the draws need too much.

    PyMC holds every step, with two copies of the kept ones once it is done, and the weights that follow from a step: 8
    bytes a number.
    """
    chains, tune, draws = (
        settings.sample_kwargs.get(name, getattr(settings, name)) for name in ("chains", "tune", "draws")
    )
    dim, n_weights = layout.n_dim, layout.members.shape[1] * layout.model.network.n_weights
    n_bytes = 2 * 8 * max(dim, n_weights) * chains * (tune + 3 * draws)
    require_memory(
        n_bytes,
        f"{chains} chains of {tune} + {draws} steps of {dim} unconstrained weights and scales",
        "lower draws, tune or chains, or hidden_layer_sizes",
    )
