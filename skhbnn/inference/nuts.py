"""The No-U-Turn sampler, by nutpie, on the compiled density."""

import math

import numpy as np

from ..density.density import Density
from ..support.libraries import import_arviz
from ..support.memory import require_memory, return_freed_memory
from . import pilot
from .trace import Trace

MAX_DEPTH = 10  # doublings of one trajectory at the most
SHORT_DEPTH = 8  # in a short run
NEAR_0, FROM_PILOT = 200, 600  # groups up to which a trajectory is so short, by where the chains start
SHORT_RUN = 200  # steps of tuning at the most: for as many PyMC keeps to a depth of 8, too (``early_max_treedepth``)


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
    sampler = {
        "chains": settings.chains,
        "cores": settings.cores,
        "seed": seed,
        "target_accept": settings.target_accept,
    }
    n_pilot, n_tune = pilot.tuning_steps(density.layout, settings.tune)
    starts, made = None, 0  # made: what the pilot run costs, in steps on all groups
    if n_pilot:
        share = pilot.N_GROUPS / data.n_groups
        made = round(share * settings.chains * n_pilot)
        n_all = made + settings.chains * (n_tune + settings.draws)
        report = progress and (lambda n_made, _: progress(round(share * n_made), n_all))
        # Its gradients cost little, and all chains depend on where it ends.
        starts = pilot.pilot_starts(density, n_pilot, run, report, maxdepth=MAX_DEPTH, **sampler)
    depth = max_depth(data.n_groups, settings.tune, near_0=starts is None)
    sampler |= {"tune": n_tune, "draws": settings.draws, "maxdepth": depth}
    report = progress and (lambda n_made, of_all: progress(made + n_made, made + of_all))
    if starts is None and settings.enough is None:
        trace = _trace(run(density, progress=report, **sampler), n_pilot)
    else:
        enough = settings.enough and (lambda *found: settings.enough(_trace(found, n_pilot)))
        trace = _trace(run_until(density, enough, starts=starts, progress=report, **sampler), n_pilot)
    return_freed_memory()
    return trace


def max_depth(n_groups, tune, near_0):
    """Doublings of one trajectory at the most, of chains that start near 0 or where a pilot run ended.

    The first trajectories are the longest, since their step size is not found yet: without a limit they take a fifth of
    all gradients of a short run. What is stiffest is what all groups tell of, whose standard deviation shrinks with the
    root of their number: of four times as many, a trajectory takes twice as many steps. Chains that start near 0 have
    further to go.
    """
    if tune > SHORT_RUN:
        return MAX_DEPTH
    beyond = math.ceil(math.log(max(n_groups / (NEAR_0 if near_0 else FROM_PILOT), 1), 4))
    return min(SHORT_DEPTH + beyond, MAX_DEPTH)


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
