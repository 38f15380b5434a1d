"""Alignment of weight draws over the symmetries of a network, and the normal distribution fitted to them.

Exchanging two hidden units, or flipping the sign of a unit with an odd activation, changes the weights and not the
function. Chains therefore sit in equivalent modes, and a mean over raw draws blurs them.
"""

import math

import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import linear_sum_assignment

from .conversion import log_likelihood_of_rows
from .model.families import STANDARD_VARIANCE

SHARED_STD = 0.01  # of weights that all groups share, in a prior: they need some
NEAREST = 0.1  # share of the draws that one mode is told from
ODD_ACTIVATIONS = ("tanh", "identity")  # f(-x) = -f(x)
ROUNDS = 5
SWEEPS = 2


def align(network, weights, reference=None):
    """Bring every draw to the unit order and signs that lie nearest to a reference.

    Units are matched layer by layer, given the order of the layers around them; with several hidden layers that can
    stop at a poor match, so a draw is also matched from the inputs upwards and from the logits downwards, and the
    best of the three is kept.

    Parameters
    ----------
    network : Network
    weights : ndarray of shape (n_draws, n_weights)
    reference : ndarray of shape (n_weights,), default=None
        None: the mean of all aligned draws.

    Returns
    -------
    aligned : ndarray of shape (n_draws, n_weights)
        Draws that compute the same functions.
    """
    aligned = np.array(weights, dtype=float)  # (draw, weight)
    hidden = range(len(network.layers) - 1)
    target = aligned[0] if reference is None else reference  # (weight,)
    starts = ((hidden, 1, 1), (hidden, 1, 0), (hidden[::-1], 0, 1))  # as it stands, upwards, downwards
    for turn in range(ROUNDS if hidden else 0):
        candidates = []
        for order, incoming, outgoing in starts if turn < 2 else starts[:1]:
            candidate = aligned.copy()  # (draw, weight)
            for index in order:
                _align_layer(network, index, candidate, target, incoming, outgoing)
            for _ in range(SWEEPS):
                for index in hidden:
                    _align_layer(network, index, candidate, target)
            candidates.append(candidate)
        likeness = np.array([candidate @ target for candidate in candidates])  # (candidate, draw)
        before = aligned
        aligned = np.array(candidates)[likeness.argmax(axis=0), np.arange(len(aligned))]  # (draw, weight)
        if turn > 0 and np.array_equal(before, aligned):
            break
        if reference is None:
            target = aligned.mean(axis=0)  # (weight,)
    return aligned


def _align_layer(network, index, weights, reference, incoming=1, outgoing=1):
    """Align the units between layer index and the next, in place, by their incoming and outgoing weights."""
    below, above = network.layers[index : index + 2]
    n_incoming = below.n_in + below.fit_intercept
    counts = np.repeat([incoming, outgoing], [n_incoming, above.n_out])  # (incoming + outgoing,)
    units = _unit_vectors(below, above, weights)  # (draw, unit, incoming + outgoing)
    target = _unit_vectors(below, above, reference) * counts  # (unit, incoming + outgoing)
    likeness = target @ np.swapaxes(units, 1, 2)  # (draw, reference unit, unit)
    odd = network.activation in ODD_ACTIVATIONS
    score = np.abs(likeness) if odd else likeness  # (draw, reference unit, unit)
    order = np.array([linear_sum_assignment(matrix, maximize=True)[1] for matrix in score])  # (draw, reference unit)
    chosen = np.take_along_axis(likeness, order[:, :, None], axis=2)[:, :, 0]  # (draw, reference unit)
    sign = np.where(odd & (chosen < 0), -1.0, 1.0)  # (draw, unit)
    units = np.take_along_axis(units, order[:, :, None], axis=1) * sign[:, :, None]
    into, intercepts, out_of = np.split(units, [below.n_in, n_incoming], axis=2)
    weights[:, below.kernel] = np.swapaxes(into, 1, 2).reshape(len(weights), -1)  # (draw, input * unit)
    weights[:, below.intercept] = intercepts.reshape(len(weights), -1)  # (draw, unit) or (draw, 0)
    weights[:, above.kernel] = out_of.reshape(len(weights), -1)  # (draw, unit * output)


def _unit_vectors(below, above, weights):
    """Incoming weights, intercept and outgoing weights of each unit, (..., unit, incoming + outgoing)."""
    incoming = np.swapaxes(below.matrix(weights), -1, -2)  # (..., unit, input)
    n_intercepts = int(below.fit_intercept)
    intercepts = weights[..., below.intercept].reshape(*incoming.shape[:-1], n_intercepts)  # (..., unit, 0 or 1)
    return np.concatenate([incoming, intercepts, above.matrix(weights)], axis=-1)


def weight_moments(network, draws, covariance="full", aligned=True):
    """Mean and covariance of draws of weights.

    Parameters
    ----------
    network : Network
    draws : ndarray of shape (n_draws, n_weights)
    covariance : {"full", "layer", "diag"}, default="full"
        Whether covariances between layers, or all covariances, are set to 0.
    aligned : bool, default=True
        Whether to align the draws first.

    Returns
    -------
    mean : ndarray of shape (n_weights,)
    cov : ndarray of shape (n_weights, n_weights)
    """
    draws = align(network, draws) if aligned else np.array(draws, dtype=float)  # (draw, weight)
    centred = draws - draws.mean(axis=0)  # (draw, weight)
    cov = centred.T @ centred / max(len(draws) - 1, 1)  # (weight, weight)
    if covariance == "diag":
        cov = np.diag(np.diag(cov))
    elif covariance == "layer":
        sizes = [layer.stop - layer.start for layer in network.layers]
        cov = cov * block_diag(*[np.ones((size, size)) for size in sizes])
    return draws.mean(axis=0), cov


def population_moments(model, mean_draws, scale_draws, covariance="full"):
    """Mean and covariance of a new group's weights under the posterior of the group distribution.

    The weights of a new group are w = mu + sd z for (mu, sd) from the posterior and z from the weights' family, so by
    the laws of total expectation and total covariance E w = E mu and Cov w = Cov mu + diag(E sd²) Var z, without
    drawing any w. Under affine pooling the rows of the first layer's matrix A W have means E W, and in the same way
    each has E sd² WᵀW Var z more covariance; as have its intercepts, of the shift.

    Parameters
    ----------
    model : HierarchicalModel
    mean_draws : ndarray of shape (n_draws, n_weights)
        Draws of mu.
    scale_draws : ndarray of shape (n_draws, n_parts)
        Draws of sd.
    covariance : {"full", "layer", "diag"}, default="full"
        Whether covariances between layers, or all covariances, are set to 0.

    Returns
    -------
    mean : ndarray of shape (n_weights,)
    cov : ndarray of shape (n_weights, n_weights)
        With a little more variance, so that it is positive definite where groups share weights.
    """
    network, unit_variance = model.network, STANDARD_VARIANCE[model.weight_prior]
    mean_draws = np.asarray(mean_draws, dtype=float)  # (draw, weight)
    mean, cov = weight_moments(network, mean_draws, covariance, aligned=False)
    variances = unit_variance * np.square(scale_draws, dtype=float)  # (draw, part)
    cov[np.diag_indices_from(cov)] += variances.mean(axis=0)[network.part_of_weight] + SHARED_STD**2
    if model.input_map:
        first = network.layers[0]
        matrix = first.matrix(mean_draws)  # (draw, input, unit)
        gram = np.swapaxes(matrix, 1, 2) @ matrix  # (draw, unit, unit)
        for row in range(first.n_in + first.fit_intercept):  # those of the matrix, and the intercepts
            variance = variances[:, len(network.parts) + (row == first.n_in)]  # (draw,)
            block = np.mean(variance[:, None, None] * gram, axis=0)  # (unit, unit)
            own = slice(first.start + row * first.n_out, first.start + (row + 1) * first.n_out)
            cov[own, own] += np.diag(np.diag(block)) if covariance == "diag" else block
    return mean, cov


def draws_of_one_mode(posterior, data):
    """Draws of the group distribution that have a common normal distribution, as those of all modes have not.

    They are taken around the draw whose likelihoods of the training rows are nearest to their mean over all draws: the
    nearest tenth, once aligned with it. Under affine pooling the groups share the hidden layers, and draws of those
    that compute alike lie far apart in more ways than alignment knows of: there it is that draw alone.

    Parameters
    ----------
    posterior : Posterior
        Of a hierarchical model.
    data : GroupedData
        The rows that it was learned from.

    Returns
    -------
    means : ndarray of shape (n_draws, n_weights)
        Draws of mu, aligned.
    scales : ndarray of shape (n_draws, n_parts)
        Draws of sd. The units of a layer share them, so that alignment leaves them as they are.
    """
    deviation = np.exp(posterior.pooled(log_likelihood_of_rows(posterior, data)))  # (draw, row)
    deviation -= deviation.mean(axis=0)
    centre = np.einsum("dr,dr->d", deviation, deviation).argmin()
    means, scales = (posterior.pooled(part) for part in (posterior.group_mean, posterior.group_scale))
    if posterior.model.input_map:
        return means[[centre]], scales[[centre]]
    aligned = align(posterior.network, means, reference=means[centre])  # (draw, weight)
    distance = np.square(aligned - means[centre]).sum(axis=1)  # (draw,)
    nearest = np.argsort(distance, kind="stable")[: math.ceil(NEAREST * len(distance))]  # (near draw,)
    return aligned[nearest], scales[nearest]
