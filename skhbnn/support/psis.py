"""Importance weights of draws: smoothing of the weights, and resampling of the draws by them."""

import numpy as np
from scipy.special import logsumexp

from .libraries import pareto_smoothed

EQUAL = 1e-6  # nats between ratios that differ by rounding alone
MIN_TAIL = 5  # draws to which ArviZ fits a Pareto distribution


def smoothed_weights(log_ratios):
    """Importance weights, smoothed by a Pareto distribution [1]_.

    Parameters
    ----------
    log_ratios : ndarray of shape (..., n_draws)
        Logarithms of the ratios of the densities.

    Returns
    -------
    log_weights : ndarray of shape (..., n_draws)
        Logarithms of the smoothed weights, which add up to 1 over the last axis.
    pareto_k : ndarray of shape (...)
        Up to 0.7 the weights can be relied on. Infinite where draws are too few to smooth, -infinite where the largest
        ratios are equal.

    References
    ----------
    .. [1] Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", Journal of Machine
       Learning Research 25.
    """
    log_weights = log_ratios - logsumexp(log_ratios, axis=-1, keepdims=True)  # (..., draw)
    n_draws = log_ratios.shape[-1]
    n_tail = int(min(n_draws / 5, 3 * np.sqrt(n_draws)))  # that ArviZ smooths
    if n_tail < MIN_TAIL:
        return log_weights, np.full(log_ratios.shape[:-1], np.inf)
    ordered = np.sort(log_ratios, axis=-1)  # (..., draw)
    with_tail = ordered[..., -1] - ordered[..., -n_tail] > EQUAL  # (...); other rows have nothing to smooth
    pareto_k = np.full(log_ratios.shape[:-1], -np.inf)  # (...)
    if with_tail.any():
        log_weights[with_tail], pareto_k[with_tail] = pareto_smoothed(log_ratios[with_tail])
    return log_weights, pareto_k


def resampled(weights, n_draws):
    """Positions of draws, each about as often as its weight says: systematic resampling.

    Parameters
    ----------
    weights : ndarray of shape (n_weights,)
        They add up to 1.
    n_draws : int
        Draws to take.

    Returns
    -------
    positions : ndarray of shape (n_draws,)
        Sorted positions among the weights.
    """
    positions = (np.arange(n_draws) + 0.5) / n_draws  # (draw,)
    return np.searchsorted(np.cumsum(weights), positions).clip(max=len(weights) - 1)
