"""The group distribution that a hierarchical fit learned, as one normal distribution: the prior of a new group.

Behind the weights stand the likelihood's own numbers, such as the scale of the noise, in unconstrained form: all groups
share them.
"""

import math

import numpy as np

from ..density.forward import ACTIVATIONS, network_outputs
from ..model.network import Network
from ..model.terms import Layout
from ..model.weights import factors
from .alignment import align, weight_moments

SHARED_STD = 0.01  # of weights that all groups share, in a prior: they need some
NEAREST = 0.1  # share of the draws that one mode is told from
OWN_PRECISION = 1.0  # of own numbers in unconstrained form, about what their priors have


def population_moments(model, mean_draws, scale_draws, covariance="full", level=0, shared_draws=None):
    """Mean and covariance of a new group's weights under the posterior of the group distribution.

    The weights of a new group are w = mu + sd z for (mu, sd) from the posterior and z from the weights' family, so by
    the laws of total expectation and total covariance E w = E mu and Cov w = Cov mu + diag(E sd²) Var z, without
    drawing any w. Under affine pooling the rows of the first layer's matrix A W have means E W, and
    each row has E sd² WᵀW Var z more covariance; so do the intercepts, with the sd of the shift.

    Parameters
    ----------
    model : Model
        Of groups.
    mean_draws : ndarray of shape (n_draws, n_weights + n_own)
        Draws of mu and, if any, of own numbers.
    scale_draws : ndarray of shape (n_draws, n_scales)
        Draws of the learned scales, the sd among them.
    covariance : {"full", "layer", "diag"}, default="full"
        Whether covariances between layers, or all covariances, are set to 0.
    level : int, default=0
        Level of the outer group that mu is of, and that the new group lies in. 0: what all rows share.
    shared_draws : ndarray of shape (n_draws, n_weights), default=None
        Draws of what all rows share. None: those of mu.

    Returns
    -------
    mean : ndarray of shape (n_weights + n_own,)
    cov : ndarray of shape (n_weights + n_own, n_weights + n_own)
        With a little more variance, so that the matrix is positive definite where groups share weights.
    """
    network = model.network
    mean_draws = np.asarray(mean_draws, dtype=float)  # (draw, weight + own number)
    mean, cov = weight_moments(network, mean_draws, covariance, aligned=False)
    variances = deviation_variances(model, scale_draws, level)  # (draw, entry)
    more = np.full(len(cov), SHARED_STD**2)  # (weight + own number,)
    more[: network.n_weights] += variances.mean(axis=0)[: network.n_weights]
    cov[np.diag_indices_from(cov)] += more
    if model.map_rank:
        first = network.layers[0]
        matrix = first.matrix(mean_draws if shared_draws is None else np.asarray(shared_draws, dtype=float))
        gram = np.swapaxes(matrix, 1, 2) @ matrix  # (draw, unit, unit), of (draw, input, unit)
        of_rows = variances[:, network.n_weights :: model.map_rank]  # (draw, row): of the matrix, and the intercepts
        for row, variance in enumerate(of_rows.T):
            block = np.mean(variance[:, None, None] * gram, axis=0)  # (unit, unit)
            own = slice(first.start + row * first.n_out, first.start + (row + 1) * first.n_out)
            cov[own, own] += _kept(block, covariance)
    return mean, cov


def deviation_variances(model, scale_draws, around=0):
    """The variance of what a new group adds to every entry, all levels beyond the one around it, (draw, entry).

    scale_draws: draws of the learned scales (draw, scale).
    """
    scale_draws = np.asarray(scale_draws, dtype=float)  # (draw, scale)
    variances = np.zeros((len(scale_draws), model.n_entries))  # (draw, entry)
    for level in range(around + 1, len(model.levels) + 1):
        variances += _variances_at(model, scale_draws, level)
    return variances


def _variances_at(model, scale_draws, level):
    """The variance of what the groups of one level add to every entry, (draw, entry)."""
    at = model.coordinates(level)
    variances = np.zeros((len(scale_draws), model.n_entries))  # (draw, entry)
    variances[:, at.entry] = model.family.variance * factors(at, scale_draws) ** 2
    return variances


def location_draws(posterior, around=(0, 0)):
    """Draws of the weights that a new group lies around, of all groups or of an outer group, and of own numbers.

    around: level and position of the outer group. Returns (draw, weight + own number), own numbers in unconstrained
    form.
    """
    level, position = around
    weights = posterior.group_mean if level == 0 else posterior.outer_weights[:, :, position]  # (chain, draw, weight)
    return _with_own(posterior, posterior.pooled(weights))


def moments_of_weights(posterior, code, covariance, aligned):
    """Mean (n,) and covariance (n, n) of a group's weights and, behind them, of own numbers in unconstrained form.

    code: position of the group; covariance, aligned: as for ``weight_moments``.
    """
    return weight_moments(posterior.network, _with_own(posterior, posterior.group_weights(code)), covariance, aligned)


def _with_own(posterior, weights):
    """Draws of weights (draw, weight), and behind them draws of own numbers in unconstrained form, if any."""
    if posterior.own is None:
        return weights
    own = posterior.model.likelihood.own_to_unconstrained(posterior.pooled(posterior.own))  # (draw, own number)
    return np.concatenate([weights, own], axis=1)


def moments_of_one_mode(posterior, data, log_likelihood, covariance="full", around=(0, 0)):
    """Mean and covariance of a new group's weights under the draws of one mode.

    Draws of several modes have no normal distribution in common. So a centre is chosen, the draw whose likelihoods of
    the training rows are nearest to the mean over all draws, and with it the nearest tenth of the draws, once aligned.

    Under affine pooling the groups share the hidden layers, and draws of hidden layers that compute alike lie far apart
    in more ways than alignment knows of. There the centre alone is taken, but for the mean of the output weights, whose
    posterior is near normal once the hidden layers are given.

    Parameters
    ----------
    posterior : Posterior
        Of a hierarchical model.
    data : GroupedData
        The rows of the fit.
    log_likelihood : ndarray of shape (n_chains, n_draws, n_rows)
        Log likelihood of each of these rows under each draw.
    covariance : {"full", "layer", "diag"}, default="full"
        Whether covariances between layers, or all covariances, are set to 0.
    around : tuple of int, default=(0, 0)
        Level and position of the outer group that the new group lies in. Level 0: in none that the fit knows.

    Returns
    -------
    mean : ndarray of shape (n_weights + n_own,)
    cov : ndarray of shape (n_weights + n_own, n_weights + n_own)
    """
    model, network, level = posterior.model, posterior.network, around[0]
    deviation = np.exp(posterior.pooled(log_likelihood))  # (draw, row)
    deviation -= deviation.mean(axis=0)
    centre = np.einsum("r,dr,dr->d", data.weights, deviation, deviation).argmin()
    means, scales = location_draws(posterior, around), posterior.scales  # (draw, number), (draw, scale)
    if model.map_rank:
        shared = posterior.pooled(posterior.group_mean)[[centre]]  # (1, weight)
        mean, cov = population_moments(model, means[[centre]], scales[[centre]], covariance, level, shared)
        own = slice(network.n_weights, None)
        if len(_mean_variance(model, scales[centre])):
            numbers = np.arange(posterior.n_draws).reshape(posterior.weights.shape[:2])  # (chain, draw)
            chain, draw = divmod(posterior.pooled(numbers)[centre], numbers.shape[1])
            own_numbers = np.empty(0) if posterior.own is None else posterior.own[chain, draw]  # (own number,)
            weights = posterior.weights[chain, draw]  # (group, weight)
            more = output_mean_covariance(model, data, weights, scales[centre], own_numbers, around)
            if covariance == "layer":
                n_outputs = len(more) - len(own_numbers)
                more[:n_outputs, n_outputs:] = more[n_outputs:, :n_outputs] = 0
            own = slice(network.layers[-1].start, None)
            cov[own, own] += _kept(more, covariance)
        elif posterior.own is not None:
            of_all = weight_moments(network, means, covariance, aligned=False)[1]  # (number, number)
            cov[own, own] += of_all[own, own]
        return mean, cov
    n = network.n_weights
    aligned = align(network, means[:, :n], reference=means[centre, :n])  # (draw, weight)
    distance = np.square(aligned - means[centre, :n]).sum(axis=1)  # (draw,)
    nearest = np.argsort(distance, kind="stable")[: math.ceil(NEAREST * len(distance))]  # (near draw,)
    near = np.concatenate([aligned, means[:, n:]], axis=1)[nearest]  # (near draw, weight + own number)
    return population_moments(model, near, scales[nearest], covariance, level)


def _kept(block, covariance):
    """The kept part of a covariance within a layer: the whole covariance, or the diagonal."""
    return np.diag(np.diag(block)) if covariance == "diag" else block


def _mean_variance(model, scales):
    """Prior variances of the mean of the output weights, (output weight,); empty where there is no such mean.

    scales: (scale,), the learned ones.
    """
    at, start = model.coordinates(0), model.network.layers[-1].start
    return model.family.variance * (at.prior_scale * factors(at, scales))[at.entry >= start] ** 2


def output_mean_covariance(model, data, weights, scales, own_numbers, around=(0, 0)):
    """Covariance of the mean output weights, and of own numbers behind them, given hidden layers, (number, number).

    The numbers are the output weights, in which the outputs are linear, and own numbers in unconstrained form. With F_g
    their Fisher information in a group, and D the variance of the groups' deviations, 0 of own numbers, the rows of the
    group have the precision (F_g⁻¹ + D)⁻¹ = (I + F_g D)⁻¹ F_g of the mean of what lies around the group. Of several
    levels such precisions add up in every outer group, and go on to the one around it in the same way, up to the mean
    of all groups.

    weights: (group, weight); scales: (scale,), the learned ones; own_numbers: (own number,), the likelihood's; around:
    level and position of the outer group whose mean it is, level 0 for that of all groups.
    """
    layout, own = Layout(model, data.members), slice(model.network.layers[-1].start, model.network.n_weights)
    none, n_levels = np.zeros(len(own_numbers)), len(model.levels)
    n = own.stop - own.start + len(none)
    of_levels = [_variances_at(model, scales[None], level)[0, own] for level in range(1, n_levels + 1)]
    variances = [np.concatenate([variance, none]) for variance in of_levels]  # (number,) of each level
    rows = [_fisher_of_rows(model, data, w, g, own_numbers) for g, w in enumerate(weights)]
    precision = {n_levels: np.array(rows)}  # by level, (member, number, number), of the rows
    for level in range(n_levels, 0, -1):
        above = np.zeros((layout.parents(level).max() + 1, n, n))  # (outer member, number, number)
        np.add.at(above, layout.parents(level), _through(precision[level], variances[level - 1]))
        precision[level - 1] = above
    # Down again to the outer group: what all other rows say of it, through the mean of all groups.
    prior = np.diag(np.concatenate([1 / _mean_variance(model, scales), none + OWN_PRECISION]))  # (number, number)
    if around[0] == 0:
        return np.linalg.inv(prior + precision[0][0])
    path = [around[1] - sum(block.n_members for block in layout.blocks[3 : 2 + around[0]])]  # innermost first
    for level in range(around[0], 1, -1):
        path.append(layout.parents(level)[path[-1]])
    around_it = 0  # member of the level before
    for level, member in enumerate(reversed(path), 1):
        others = prior + precision[level - 1][around_it] - _through(precision[level][[member]], variances[level - 1])[0]
        prior, around_it = np.linalg.inv(np.linalg.inv(others) + np.diag(variances[level - 1])), member
    return np.linalg.inv(prior + precision[around[0]][around_it])


def _through(precision, variance):
    """Precisions (member, number, number) of members as precisions of what lies around each: (I + P D)⁻¹ P."""
    return np.linalg.solve(np.eye(precision.shape[-1]) + precision * variance, precision)


def _fisher_of_rows(model, data, w, group, own_numbers):
    """Fisher information of output weights and own numbers in the rows of a group of weights w, (number, number)."""
    network, output = model.network, model.network.layers[-1]
    below = Network(network.sizes[:-1], network.activation, network.fit_intercept)
    start, stop = data.offsets[group : group + 2]
    units = data.X[start:stop].T  # (input, row)
    if below.layers:
        hidden = network_outputs(below, w[None, : output.start], data.X[start:stop])[0]  # (unit, row)
        units = ACTIVATIONS[network.activation](hidden)
    if network.fit_intercept:
        units = np.vstack([units, np.ones(stop - start)])  # (unit + intercept, row)
    outputs = w[output.start :].reshape(-1, output.n_out).T @ units  # (output, row)
    information = model.likelihood.information(outputs, own_numbers)  # (row, output + own number, output + own number)
    n_outputs, n_weights = output.n_out, len(w) - output.start
    jacobian = np.zeros((*information.shape[:2], n_weights + len(own_numbers)))  # (row, output + own number, number)
    for k in range(n_outputs):
        jacobian[:, k, k:n_weights:n_outputs] = units.T
    jacobian[:, n_outputs:, n_weights:] = np.eye(len(own_numbers))
    return np.einsum("r,rai,rab,rbj->ij", data.weights[start:stop], jacobian, information, jacobian, optimize=True)
