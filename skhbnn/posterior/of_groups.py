"""Posteriors of more or fewer groups, whose group distribution stays as it is."""

import contextlib
import itertools
from dataclasses import replace

import numpy as np

from ..data.labels import encode_labels
from ..support.memory import require_memory


def with_groups(posterior, old, data, codes, n_jobs=None, progress=None, checkpoint=None):
    """A posterior of the groups of some rows, and what is known of the groups that were fitted by themselves.

    Groups are fitted by themselves under each draw of the group distribution. The weights of all other groups are
    unchanged, and so are the draws of the group distribution: that the rows of these groups would tell of the group
    distribution, too, is left out [1]_.

    Parameters
    ----------
    posterior : Posterior
        Of one level of groups.
    old : list
        Labels of the groups that the posterior has.
    data : GroupedData
        Rows of all groups of the result.
    codes : ndarray of shape (n_fitted,)
        Positions in data of the groups to fit; the posterior has all others.
    n_jobs, progress, checkpoint : default=None
        As ``fit_batches`` takes them; they change no draw.

    Returns
    -------
    posterior : Posterior
    pareto_k : ndarray of shape (n_fitted,)
    log_evidence : ndarray of shape (n_fitted, n_chains, n_draws)
        Logarithm of the marginal density of the rows of each group that was fitted, under each draw of what groups
        share, but for a number that is equal in all draws; NaN where the density is not finite.

    Raises
    ------
    MemoryError
        If the weights would not fit.

    References
    ----------
    .. [1] Plummer (2015), "Cuts in Bayesian graphical models", Statistics and Computing 25.
    """
    from ..inference.group_batches import fit_batches  # only now: it loads Numba

    n_chains, n_draws, _, n_weights = posterior.weights.shape
    what = f"{posterior.n_draws} draws of the weights of {data.n_groups} groups"
    n_bytes = 4 * posterior.n_draws * n_weights * data.n_groups
    require_memory(n_bytes, what, "lower draws, chains or hidden_layer_sizes")
    nothing = np.empty((n_chains, n_draws, 0), np.float32)
    shared = tuple(
        np.concatenate([nothing, *(array for array in arrays if array is not None)], axis=2).reshape(
            n_chains * n_draws, -1
        )
        for arrays in ((posterior.group_mean,), (posterior.prior_scale, posterior.group_scale), (posterior.own,))
    )  # (draw, number) each
    weights = np.empty((n_chains, n_draws, data.n_groups, n_weights), np.float32)  # (chain, draw, group, weight)
    kept = np.setdiff1d(np.arange(data.n_groups), codes)  # (other group,)
    before = encode_labels([data.group_labels[code] for code in kept], old)  # (other group,)
    for here, there in _runs(kept, before):
        weights[:, :, here] = posterior.weights[:, :, there]
    pareto_k = np.empty(len(codes))  # (fitted group,)
    log_evidence = np.empty((len(codes), n_chains, n_draws))  # (fitted group, chain, draw)
    batches = fit_batches(posterior.model, data, codes, shared, posterior.seed, n_jobs, progress, checkpoint)
    with contextlib.closing(batches):
        for part, found in batches:
            drawn = found.weights.reshape(n_chains, n_draws, -1, n_weights)  # (chain, draw, group of the batch, weight)
            for here, there in _runs(codes[part], np.arange(drawn.shape[2])):
                weights[:, :, here] = drawn[:, :, there]
            pareto_k[part] = found.pareto_k
            log_evidence[part] = found.log_evidence.reshape(-1, n_chains, n_draws)
    return replace(posterior, weights=weights), pareto_k, log_evidence


def _runs(here, there):
    """Pairs of slices of two arrays of positions (group,), of which both go up in steps of one."""
    breaks = np.flatnonzero((np.diff(here) != 1) | (np.diff(there) != 1)) + 1
    for start, stop in itertools.pairwise([0, *breaks, len(here)]):
        if stop > start:
            n = stop - start
            yield slice(here[start], here[start] + n), slice(there[start], there[start] + n)


def without_groups(posterior, members, codes):
    """A posterior of some of the groups, and of the outer groups that these lie in.

    Parameters
    ----------
    posterior : Posterior
    members : ndarray of shape (n_levels, n_groups)
        The member of each level that every group lies in, as GroupedData has them.
    codes : ndarray of shape (n_kept,)
        Positions of the groups to keep, rising.

    Returns
    -------
    posterior : Posterior
    """
    kept, start = [np.empty(0, dtype=int)], 0  # positions among the outer groups of all levels
    for of_level in members[:-1]:
        kept.append(start + np.unique(of_level[codes]))
        start += of_level.max() + 1
    outer = np.concatenate(kept)  # (kept outer group,)

    def of_them(values, axis, positions):
        return None if values is None else np.take(values, positions, axis)

    return replace(
        posterior,
        weights=posterior.weights[:, :, codes],
        outer=of_them(posterior.outer, 2, outer),
        mode_weights=of_them(posterior.mode_weights, 1, codes),
        mode_outer=of_them(posterior.mode_outer, 1, outer),
    )
