"""Alignment of weight draws over the symmetries of a network, and the mean and covariance of draws.

Exchanging two hidden units, or flipping the sign of a unit with an odd activation, changes the weights and not the
function. Chains therefore sit in equivalent modes, and a mean over raw draws blurs them.
"""

import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import linear_sum_assignment

ODD_ACTIVATIONS = ("tanh", "identity")  # f(-x) = -f(x)
ROUNDS = 5
SWEEPS = 2


def align(network, weights, reference=None):
    """Draws of weights, each in the unit order and with the signs that lie nearest to a reference.

    Units are matched layer by layer, given the order of the layers around them; with several hidden layers that can
    stop at a poor match, so a draw is also matched from the inputs upwards and from the outputs downwards, and the
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
        Each draw computes the function that it computed before.
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
    """Align the units between layer index and the next, in place, by the units' incoming and outgoing weights."""
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
    """Mean and covariance of draws of weights and, behind them, of other numbers.

    Parameters
    ----------
    network : Network
    draws : ndarray of shape (n_draws, n_numbers)
        Weights, and behind them such numbers as the likelihood's own.
    covariance : {"full", "layer", "diag"}, default="full"
        Whether covariances between layers, or all covariances, are set to 0; what stands behind the weights counts as
        a layer.
    aligned : bool, default=True
        Whether to align the weights first.

    Returns
    -------
    mean : ndarray of shape (n_numbers,)
    cov : ndarray of shape (n_numbers, n_numbers)
    """
    draws = np.array(draws, dtype=float)  # (draw, number)
    if aligned:
        draws[:, : network.n_weights] = align(network, draws[:, : network.n_weights])
    centred = draws - draws.mean(axis=0)  # (draw, number)
    cov = centred.T @ centred / max(len(draws) - 1, 1)  # (number, number)
    if covariance == "diag":
        cov = np.diag(np.diag(cov))
    elif covariance == "layer":
        sizes = [layer.stop - layer.start for layer in network.layers] + [draws.shape[1] - network.n_weights]
        cov = cov * block_diag(*[np.ones((size, size)) for size in sizes])
    return draws.mean(axis=0), cov
