"""Starts of the chains of NUTS on many groups, from a pilot run on some of them.

A step of NUTS costs what the rows of all groups cost, and at first most steps only find where the group distribution
is. Some of the groups tell so much of it. Where a chain of the pilot run ends, the deviations of all groups are drawn
given what they share. Chains also end in modes of different worth, which the groups beside the pilot run tell apart: a
chain in a worse one starts where a better one ended.
"""

import numpy as np

from ..data.subsets import rows_of_groups, some_groups
from ..density.density import Density
from ..model.weights import group_weights
from ..support.evidence import near_best
from .conditional import conditional_deviations

N_GROUPS = 200  # of a pilot run
MANY_GROUPS = 600  # from which on it pays (the table of ``python -m benchmarks pilot``)
PILOT = 0.6  # steps of a pilot run, of each step of tuning
REST = 0.2  # steps of tuning on all groups
OF_PILOT = 2  # beside the seed of a fit: what is random in a pilot run


def tuning_steps(layout, tune):
    """Steps of tuning on some of the groups, and on all of them.

    Parameters
    ----------
    layout : Layout
        What the vector of the model holds.
    tune : int
        What the user has chosen.

    Returns
    -------
    n_pilot, n_tune : int
        n_pilot is 0 where a pilot run does not pay, or the groups are not independent given one group distribution.
    """
    model, n_pilot, n_tune = layout.model, round(PILOT * tune), round(REST * tune)
    is_one_level = len(model.levels) == 1 and not model.random_intercepts and layout.n_of_group > 0
    pays = is_one_level and layout.members.shape[1] >= MANY_GROUPS and n_pilot > 1 and n_tune > 0
    return (n_pilot, n_tune) if pays else (0, tune)


def pilot_starts(density, n_steps, run, progress=None, *, seed, cores, **sampler):
    """Where each chain starts on the rows of all groups.

    Parameters
    ----------
    density : Density
        Of all groups.
    n_steps : int
        Steps of each chain on some of the groups.
    run : callable
        ``nutpie_adapter.run``.
    progress : callable, default=None
        As ``run`` takes it.
    seed, cores : int
    **sampler
        Further arguments of ``run``.

    Returns
    -------
    starts : list of ndarray of shape (n_dim,) or None
        None where no start has a finite density.
    """
    model, data, rng = density.model, density.data, np.random.default_rng([seed, OF_PILOT])
    chosen = some_groups(data, N_GROUPS, rng)  # (group of the pilot run,)
    pilot = Density(model, rows_of_groups(data, chosen))
    seed_of_run, seed_of_groups = rng.integers(2**31, size=2).tolist()
    steps = {"tune": n_steps - 1, "draws": 1}
    draws, _ = run(pilot, progress=progress, seed=seed_of_run, cores=cores, **steps, **sampler)
    x = np.array([of_chain[-1] for of_chain in draws], dtype=float)  # (chain, n_dim of the pilot run)
    made = group_weights(pilot.layout, x)
    shared = made.mean, made.scales, made.own
    # (chain, group, coordinate), (group, chain)
    deviations, log_evidence = conditional_deviations(model, data, shared, seed_of_groups, cores)
    starts = density.layout.join(*pilot.layout.split(x)[:3], [deviations])  # (chain, n_dim)
    others = np.setdiff1d(np.arange(data.n_groups), chosen)  # (other group,)
    n_rows = data.group_sizes[others]  # (other group,)
    is_good = near_best(log_evidence[others, :, None], n_rows)  # (chain,)
    is_good &= np.isfinite([density.logp_grad(start)[0] for start in starts])
    good = np.flatnonzero(is_good)  # (good chain,)
    if len(good) == 0:
        return None
    return [start if is_good[chain] else starts[good[chain % len(good)]] for chain, start in enumerate(starts)]
