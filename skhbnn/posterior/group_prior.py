"""The group distribution that a hierarchical fit learned, as one normal distribution: the prior of a new group."""

import math

import numpy as np
from scipy.special import expit, softmax

from ..model.families import STANDARD_VARIANCE
from ..model.network import ACTIVATIONS, Network
from .alignment import align, weight_moments

SHARED_STD = 0.01  # of weights that all groups share, in a prior: they need some
NEAREST = 0.1  # share of the draws that one mode is told from


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
            cov[own, own] += _kept(block, covariance)
    return mean, cov


def moments_of_one_mode(posterior, data, log_likelihood, covariance="full"):
    """Mean and covariance of a new group's weights under draws that have a common normal distribution.

    Those of all modes have none. So the draws are taken around the one whose likelihoods of the training rows are
    nearest to their mean over all draws: the nearest tenth, once aligned with it.

    Under affine pooling the groups share the hidden layers, and draws of those that compute alike lie far apart in
    more ways than alignment knows of. There it is that draw alone, but for the mean of the output weights, whose
    posterior is near normal once the hidden layers are given.

    Parameters
    ----------
    posterior : Posterior
        Of a hierarchical model.
    data : GroupedData
        The rows that it was learned from.
    log_likelihood : ndarray of shape (n_chains, n_draws, n_rows)
        That of each of these rows under each draw.
    covariance : {"full", "layer", "diag"}, default="full"
        Whether covariances between layers, or all covariances, are set to 0.

    Returns
    -------
    mean : ndarray of shape (n_weights,)
    cov : ndarray of shape (n_weights, n_weights)
    """
    deviation = np.exp(posterior.pooled(log_likelihood))  # (draw, row)
    deviation -= deviation.mean(axis=0)
    centre = np.einsum("dr,dr->d", deviation, deviation).argmin()
    means, scales = (posterior.pooled(part) for part in (posterior.group_mean, posterior.group_scale))
    if posterior.model.input_map:
        mean, cov = population_moments(posterior.model, means[[centre]], scales[[centre]], covariance)
        if posterior.model.pooling[-1] != "none":
            numbers = np.arange(posterior.n_draws).reshape(posterior.weights.shape[:2])  # (chain, draw)
            chain, draw = divmod(posterior.pooled(numbers)[centre], numbers.shape[1])
            own = slice(posterior.network.layers[-1].start, None)
            more = _output_mean_covariance(posterior.model, data, posterior.weights[chain, draw], scales[centre])
            cov[own, own] += _kept(more, covariance)
        return mean, cov
    aligned = align(posterior.network, means, reference=means[centre])  # (draw, weight)
    distance = np.square(aligned - means[centre]).sum(axis=1)  # (draw,)
    nearest = np.argsort(distance, kind="stable")[: math.ceil(NEAREST * len(distance))]  # (near draw,)
    return population_moments(posterior.model, aligned[nearest], scales[nearest], covariance)


def _kept(block, covariance):
    """What is kept of a covariance within a layer: all of it, or its diagonal."""
    return np.diag(np.diag(block)) if covariance == "diag" else block


def _output_mean_covariance(model, data, weights, scales):
    """Covariance of the mean output weights given hidden layers, (output weight, output weight).

    The logits are linear in the output weights. With F_g their Fisher information in a group, and D the variance of
    the groups' deviations, the rows of the group have the precision (F_g⁻¹ + D)⁻¹ = (I + F_g D)⁻¹ F_g of the mean.
    """
    network, output = model.network, model.network.layers[-1]
    below = Network(network.sizes[:-1], network.activation, network.fit_intercept)
    unit_variance = STANDARD_VARIANCE[model.weight_prior]
    own = slice(output.start, None)
    variance = unit_variance * np.square(scales[network.part_of_weight[own]], dtype=float)  # (output weight,)
    identity = np.eye(len(variance))  # (output weight, output weight)
    precision = identity / (unit_variance * model.scale[-1] ** 2)  # (output weight, output weight)
    for w, start, stop in zip(weights, data.offsets, data.offsets[1:], strict=False):
        units = data.X[start:stop].T  # (input, row)
        if below.layers:
            units = ACTIVATIONS[network.activation](below.logits(w[None, : output.start], data.X[start:stop])[0])
        if network.fit_intercept:
            units = np.vstack([units, np.ones(stop - start)])  # (unit + intercept, row)
        logits = w[own].reshape(-1, output.n_out).T @ units  # (logit, row)
        p = expit(logits) if output.n_out == 1 else softmax(logits, axis=0)  # (logit, row)
        of_logits = (np.eye(output.n_out)[:, :, None] - p[:, None]) * p  # (logit, logit, row)
        fisher = np.einsum("ir,jr,abr->iajb", units, units, of_logits, optimize=True).reshape(identity.shape)
        precision += np.linalg.solve(identity + fisher * variance, fisher)
    return np.linalg.inv(precision)
