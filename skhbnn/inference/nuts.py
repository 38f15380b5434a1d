"""The No-U-Turn sampler, by nutpie, on the compiled density."""

import numpy as np

from ..density.density import Density
from ..support.libraries import import_arviz
from ..support.memory import require_memory
from . import pilot
from .trace import Trace

MAX_DEPTH = 10  # doublings of one trajectory at the most


def infer(model, data, settings, seed, progress=None):
    """Draws from the posterior by the No-U-Turn sampler, with the sampler's statistics.

    ``methods.infer`` says what the arguments are. Where the settings have ``enough``, ``draws`` is the most that each
    chain makes.

    Raises
    ------
    MemoryError
        If the draws would not fit.
    RuntimeError
        If no chain finds a start with a finite density.
    """
    import_arviz()  # nutpie imports it
    from .nutpie_adapter import STEP_BYTES, run, run_until  # nutpie takes seconds to import, so only a fit does

    density = Density(model, data)
    _require_memory(density.n_dim, data.n_groups * model.network.n_weights, settings, STEP_BYTES)
    sampler = {"chains": settings.chains, "cores": settings.cores, "maxdepth": MAX_DEPTH}
    sampler |= {"target_accept": settings.target_accept, "seed": seed}
    n_pilot, n_tune = pilot.tuning_steps(density.layout, settings.tune)
    starts, made = None, 0  # made: what the pilot run costs, in steps on all groups
    if n_pilot:
        share = pilot.N_GROUPS / data.n_groups
        made = round(share * settings.chains * n_pilot)
        n_all = made + settings.chains * (n_tune + settings.draws)
        report = progress and (lambda n_made, _: progress(round(share * n_made), n_all))
        starts = pilot.pilot_starts(density, n_pilot, run, report, **sampler)
        if starts is not None:
            sampler["maxdepth"] = min(pilot.max_depth(data.n_groups), MAX_DEPTH)
    sampler |= {"tune": n_tune, "draws": settings.draws}
    report = progress and (lambda n_made, of_all: progress(made + n_made, made + of_all))
    if starts is None and settings.enough is None:
        return _trace(run(density, progress=report, **sampler), n_pilot)
    enough = settings.enough and (lambda *found: settings.enough(_trace(found, n_pilot)))
    return _trace(run_until(density, enough, starts=starts, progress=report, **sampler), n_pilot)


def _require_memory(n_dim, n_weights, settings, step_bytes):
    """Raise a MemoryError if the draws need too much.

    nutpie keeps every step, once more while the draws are looked at, and each kept step takes 4 bytes a number,
    unconstrained and as weights.
    """
    looks = 1 if settings.enough is None else 2
    n_bytes = looks * step_bytes * (settings.tune + settings.draws) * n_dim + 4 * settings.draws * (n_dim + n_weights)
    what = f"{settings.chains} chains of {settings.tune} + {settings.draws} steps"
    require_memory(
        settings.chains * n_bytes,
        f"{what} of {n_dim} unconstrained weights and scales",
        "lower draws, tune or chains, or hidden_layer_sizes",
    )


def _trace(found, n_pilot):
    """The trace of what nutpie returns of each chain, without the steps of tuning, which come first.

    n_pilot: steps of tuning before these, in a pilot run.
    """
    draws, statistics = found  # a list of (step, n_dim), and of dicts of (step,)
    n_tune = int(np.sum(statistics[0]["tuning"]))
    return Trace(
        x=np.stack([x[n_tune:] for x in draws]),  # (chain, draw, n_dim)
        statistics={
            name: np.stack([chain[name][n_tune:] for chain in statistics])  # (chain, draw)
            for name in statistics[0]
            if name != "tuning"
        },
        n_tune=n_pilot + n_tune,
    )
