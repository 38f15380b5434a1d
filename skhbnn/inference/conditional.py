"""Draws of the weights of groups, each by itself, under draws of the group distribution."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ..data.labels import label_generator
from ..density import compiled
from ..density.forward import network_form
from ..kernel.conditional import TRIES, Deviations, Shared
from ..kernel.lanes import LANES
from ..model.families import compiled as families
from ..model.weights import apply_map, factors
from ..support.psis import smoothed_weights

CANDIDATES = 4  # of every draw
SLICES = 4  # steps of slice sampling from the one that is taken
NEAR = 0.1  # square of the distance from the mode, in standard deviations, from which one more step is enough


class GroupDraws(NamedTuple):
    """What is found for groups that are fitted by themselves.

    Parameters
    ----------
    weights : ndarray of shape (n_draws, n_groups, n_weights)
        float32.
    pareto_k : ndarray of shape (n_groups,)
        Of the ratios of the densities of the candidates of all draws; infinite where one is not finite.
    log_evidence : ndarray of shape (n_groups, n_draws)
        Logarithm of the marginal density of the rows of each group under each draw, by the normal distribution, but for
        a number that is equal in all draws; NaN where the density is not finite.
    """

    weights: np.ndarray
    pareto_k: np.ndarray
    log_evidence: np.ndarray


def conditional_weights(model, data, shared, seed, n_threads=1, progress=None):
    """Weights of groups given draws of what groups share, and how far the draws can be relied on.

    Given all that groups share the groups are independent of each other. For every draw of what is shared, the
    deviations of a group have a normal distribution around their mode, with the Gauss-Newton precision; of some
    candidates one is taken by the ratio of the densities, and moved by steps of elliptical slice sampling.

    Parameters
    ----------
    model : Model
        Of one level of groups.
    data : GroupedData
        Rows of the groups, inputs standardised.
    shared : tuple of three ndarrays
        Draws of the mean (draw, weight), of the learned scales (draw, scale) and of the own numbers of the likelihood
        (draw, own number).
    seed : int
        With the label of a group, the source of everything random about the group.
    n_threads : int, default=1
        It changes no draw.
    progress : callable, default=None
        Told of the number of groups done, and of all.

    Returns
    -------
    found : GroupDraws
    """
    shared = _in_doubles(shared)
    n_draws, n_weights = shared.mean.shape
    weights = np.empty((n_draws, data.n_groups, n_weights), np.float32)  # (draw, group, weight)
    ratios = np.empty((data.n_groups, n_draws * CANDIDATES))  # (group, candidate of any draw)
    log_evidence = np.empty((data.n_groups, n_draws))  # (group, draw)
    at = model.coordinates(1)
    factor = factors(at, shared.scales)  # (draw, coordinate)

    def keep(g, z, log_ratios, of_draws):
        weights[:, g] = _weights(model, at, shared.mean, factor, z)
        ratios[g], log_evidence[g] = log_ratios.ravel(), of_draws

    _of_each_group(model, data, shared, seed, keep, n_threads, progress)
    return GroupDraws(weights, _pareto_k(ratios), log_evidence)


def conditional_deviations(model, data, shared, seed, n_threads=1):
    """Deviations of groups given draws of what groups share: the coordinates behind ``conditional_weights``.

    Parameters
    ----------
    model, data, shared, seed, n_threads
        As ``conditional_weights`` takes them.

    Returns
    -------
    deviations : ndarray of shape (n_draws, n_groups, n_coordinates)
    log_evidence : ndarray of shape (n_groups, n_draws)
        As GroupDraws has it.
    """
    shared = _in_doubles(shared)
    n_draws = len(shared.mean)
    deviations = np.empty((n_draws, data.n_groups, len(model.coordinates(1).entry)))  # (draw, group, coordinate)
    log_evidence = np.empty((data.n_groups, n_draws))  # (group, draw)

    def keep(g, z, _, of_draws):
        deviations[:, g], log_evidence[g] = z, of_draws

    _of_each_group(model, data, shared, seed, keep, n_threads)
    return deviations, log_evidence


def _in_doubles(shared):
    """Shared, of the three arrays of draws of what groups share."""
    return Shared(*(np.ascontiguousarray(array, dtype=float) for array in shared))


def _of_each_group(model, data, shared, seed, keep, n_threads, progress=None):
    """Give keep the position of each group, and what the function of ``deviation_draws`` finds for it."""
    n_draws, n_coordinates = len(shared.mean), len(model.coordinates(1).entry)
    drawn = deviation_draws(model)

    def fit(g):
        rows, rng = slice(*data.offsets[g : g + 2]), label_generator(seed, data.group_labels[g])
        noise = rng.standard_normal((n_draws, 1 + CANDIDATES + SLICES, n_coordinates))
        uniforms = rng.random((n_draws, 1 + CANDIDATES + SLICES * (1 + TRIES)))
        keep(g, *drawn(shared, data.X[rows], data.y[rows], data.weights[rows], noise, uniforms, CANDIDATES))

    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for done, _ in enumerate(pool.map(fit, range(data.n_groups)), 1):
                if progress is not None:
                    progress(done, data.n_groups)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def deviation_draws(model):
    """A function that draws the deviations of one group, given draws of what groups share.

    Parameters
    ----------
    model : Model
        Of one level of groups.

    Returns
    -------
    drawn : callable
        Takes Shared; X (row, feature), y and weights (row,) of the group; noise and uniforms as the compiled function
        has them; the number of candidates; and the square of the distance from the mode, in standard deviations, from
        which one more step is enough. Returns deviations (draw, coordinate),
        log ratios (draw, candidate) and log evidence (draw,), as the compiled function has them.
    """
    draw = compiled.conditional_draws(model.likelihood_name, model.has_compact_map)
    form, at = network_form(model.network), model.coordinates(1)
    family = families.number(model.family), float(model.family.shape)
    deviations = Deviations(at.entry, at.fixed, at.learned, *family, model.map_rank)

    def drawn(shared, X, y, weights, noise, uniforms, n_candidates, near=NEAR):
        n_draws, _, n = noise.shape
        place = np.arange(-(-len(y) // LANES) * LANES)  # (place,): whole vectors
        row = np.minimum(place, len(y) - 1)  # (place,): the last row fills up
        rows = np.ascontiguousarray(X[row].T), y[row].astype(float), weights[row] * (place < len(y))
        found = np.empty((n_draws, n)), np.empty((n_draws, n_candidates)), np.empty(n_draws)
        draw(form, deviations, model.n_entries, shared, *rows, noise, uniforms, near, found)
        return found

    return drawn


def _weights(model, at, mean, factor, z):
    """Weights (draw, weight) of deviations z (draw, coordinate), whose coordinates are at."""
    entries = np.zeros((len(z), model.n_entries))  # (draw, entry)
    entries[:, : mean.shape[1]] = mean
    entries[:, at.entry] += factor * model.family.from_unconstrained(z, at.prior_scale)
    return apply_map(model, entries)


def _pareto_k(log_ratios):
    """Pareto k of ratios (group, candidate of any draw), (group,); infinite where one is NaN or none is finite."""
    is_known = ~np.isnan(log_ratios).any(axis=1) & np.isfinite(log_ratios).any(axis=1)  # (group,)
    known = log_ratios[is_known]  # (known group, candidate)
    lowest = np.min(known, axis=1, keepdims=True, where=np.isfinite(known), initial=0)
    pareto_k = np.full(len(log_ratios), np.inf)  # (group,)
    pareto_k[is_known] = smoothed_weights(np.maximum(known, lowest))[1]
    return pareto_k
