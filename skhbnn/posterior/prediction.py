"""Posterior means of functions of the class probabilities, in bounded memory."""

import numpy as np
from scipy.special import entr, expit, log_expit, log_softmax, softmax

BLOCK_BYTES = 4 * 2**20  # of a number for each draw, row and unit of the widest layer: they stay in the cache


def class_probabilities(network, weights, X):
    """Probabilities under each weight vector: of the second class alone for one logit, else of every class.

    Parameters
    ----------
    network : Network
    weights : ndarray of shape (n_draws, n_weights)
    X : ndarray of shape (n_rows, n_inputs)

    Returns
    -------
    proba : ndarray of shape (n_draws, n_logits, n_rows)
    """
    logits = network.logits(weights, X)
    if network.n_logits == 1:
        return expit(logits, out=logits)
    return softmax(logits, axis=1)


def both_classes(proba, axis=-1):
    """[1 - p, p] along axis for the probability p of the second class; more than one class stays as it is."""
    if proba.shape[axis] > 1:
        return proba
    return np.concatenate([1 - proba, proba], axis=axis)


def _draw_blocks(network, weights, X, function=class_probabilities):
    """Yield (draws, rows, function of them) with a bounded number of draws times rows in each."""
    widest = max(network.sizes)
    n_rows = max(1, min(len(X), BLOCK_BYTES // (8 * widest)))
    n_draws = max(1, BLOCK_BYTES // (8 * widest * n_rows))
    for start in range(0, len(X), n_rows):
        rows = slice(start, start + n_rows)
        for first in range(0, len(weights), n_draws):
            draws = slice(first, first + n_draws)
            yield draws, rows, function(network, weights[draws].astype(float), X[rows])


def _mean(network, weights, X):
    """Posterior mean of the probabilities, (logit, row)."""
    total = np.zeros((network.n_logits, len(X)))  # (logit, row)
    for _, rows, proba in _draw_blocks(network, weights, X):
        total[:, rows] += proba.sum(axis=0)
    return total / len(weights)


def mean_proba(network, weights, X):
    """Posterior mean of the class probabilities, (row, class)."""
    return both_classes(_mean(network, weights, X).T)


def std_proba(network, weights, X):
    """Posterior standard deviation of the class probabilities, (row, class)."""
    # Around the first draw, so that little is lost to cancellation and equal draws give exactly 0.
    first = _mean(network, weights[:1], X)  # (logit, row)
    total, squares = np.zeros_like(first), np.zeros_like(first)  # (logit, row)
    for _, rows, proba in _draw_blocks(network, weights, X):
        proba -= first[:, rows]
        total[:, rows] += proba.sum(axis=0)
        squares[:, rows] += np.einsum("dkr,dkr->kr", proba, proba)
    variance = squares / len(weights) - (total / len(weights)) ** 2  # (logit, row)
    std = np.sqrt(np.maximum(variance, 0)).T  # (row, logit)
    return np.repeat(std, 2, axis=1) if network.n_logits == 1 else std


def logarithm(proba):
    """Natural logarithm of probabilities, -inf of 0."""
    with np.errstate(divide="ignore"):
        return np.log(proba)


def entropy(proba):
    """Entropy of class distributions (row, class), in nats, (row,)."""
    return entr(proba).sum(axis=1)


def mean_entropy(network, weights, X):
    """Posterior mean of the entropy of the class distribution, in nats, (row,)."""
    total = np.zeros(len(X))  # (row,)
    for _, rows, proba in _draw_blocks(network, weights, X):
        total[rows] += entr(both_classes(proba, axis=1)).sum(axis=(0, 1))
    return total / len(weights)


def entropies(network, weights, X):
    """Total, aleatoric and epistemic entropy of the predicted class, in nats, (row, 3)."""
    total = entropy(mean_proba(network, weights, X))  # (row,)
    aleatoric = np.minimum(mean_entropy(network, weights, X), total)  # (row,)
    return np.stack([total, aleatoric, total - aleatoric], axis=1)


def log_likelihood(network, weights, X, y):
    """Logarithm of the probability of the classes y (row,) under each weight vector, (draw, row)."""
    result = np.empty((len(weights), len(X)))  # (draw, row)
    for draws, rows, logits in _draw_blocks(network, weights, X, type(network).logits):
        if network.n_logits == 1:
            result[draws, rows] = log_expit(np.where(y[rows] == 1, logits[:, 0], -logits[:, 0]))
        else:
            result[draws, rows] = log_softmax(logits, axis=1)[:, y[rows], np.arange(logits.shape[2])]
    return result


def sample_proba(network, weights, X):
    """Class probabilities under each weight vector, (draw, row, class)."""
    samples = np.empty((len(weights), len(X), max(2, network.n_logits)))  # (draw, row, class)
    for draws, rows, proba in _draw_blocks(network, weights, X):
        samples[draws, rows] = np.swapaxes(both_classes(proba, axis=1), 1, 2)
    return samples
