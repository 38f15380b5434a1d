"""Posterior means, spreads, quantiles and draws of predicted numbers, in bounded memory."""

import numpy as np
from scipy.special import logit

from .prediction import BLOCK_BYTES, blocks, expected_targets, mean_response, std_response

HALVINGS = 54  # of the distance between the least and the greatest quantile of a draw: more than a float has digits
EPS = np.finfo(float).eps
ROUNDING = 64 * EPS  # of a mean over the draws, relative


def mean_number(predictor, parameters, X):
    """Posterior mean of the expected number, (row,)."""
    return mean_response(predictor, parameters, X)[0]


def std_number(predictor, parameters, X):
    """Posterior standard deviation of the expected number, (row,)."""
    return std_response(predictor, parameters, X)[0]


def variances(predictor, parameters, X):
    """Aleatoric and epistemic variance of a new number, (row, 2).

    The first is the posterior mean of the variance, the second the posterior variance of the mean.
    """
    aleatoric = np.zeros(len(X))  # (row,)
    for draws, rows in blocks(predictor, parameters, X):
        outputs, own = predictor.outputs_and_own(parameters[draws].astype(float), X[rows])
        aleatoric[rows] += predictor.likelihood.variance(outputs, own)[:, 0].sum(axis=0)
    return np.stack([aleatoric / len(parameters), std_number(predictor, parameters, X) ** 2], axis=1)


def quantiles(levels, predictor, parameters, X):
    """Quantiles of a new number under the mixture of all draws, (row, level).

    At a quantile the distribution function of the mixture reaches the level: of counts at the smallest such number.
    """
    result = np.empty((len(X), len(levels)))  # (row, level)
    n_rows = max(1, BLOCK_BYTES // (8 * max(predictor.network.sizes) * len(parameters)))
    find = _least_count if predictor.likelihood.is_count else _root
    for start in range(0, len(X), n_rows):
        rows = slice(start, start + n_rows)
        outputs, own = predictor.outputs_and_own(parameters.astype(float), X[rows])
        for k, level in enumerate(levels):
            result[rows, k] = find(predictor.likelihood, level, outputs, own)
    return result


def _root(likelihood, level, outputs, own):
    """Quantile of a mixture of continuous distributions, (row,).

    Newton's steps in the logit of the distribution function, between the least and the greatest quantile of a draw, and
    a bisection after a step that did not halve the error, and in place of one that leaves the bracket.
    """
    of_draws = likelihood.quantile(level, outputs, own)  # (draw, row)
    low, high = of_draws.min(axis=0), of_draws.max(axis=0)  # (row,) each
    resolution = EPS * np.maximum(np.abs(low), np.abs(high))  # (row,)
    point = np.clip(of_draws.mean(axis=0), low, high)  # (row,)
    is_found, last = np.zeros(len(low), dtype=bool), np.full(len(low), np.inf)  # (row,) each
    for _ in range(3 * HALVINGS):
        reached = likelihood.cdf(point, outputs, own).mean(axis=0)  # (row,)
        excess = reached - level  # (row,)
        low, high = np.where(excess < 0, point, low), np.where(excess < 0, high, point)  # (row,) each
        is_found |= (np.abs(excess) <= ROUNDING * level) | (high - low <= resolution)
        if is_found.all():
            break
        density = np.exp(likelihood.log_likelihood(outputs, point, own)).mean(axis=0)  # (row,)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # where there is no density
            newton = point - (logit(reached) - logit(level)) * reached * (1 - reached) / density  # (row,)
        is_good = (low < newton) & (newton < high) & (2 * np.abs(excess) <= last)  # (row,)
        point = np.where(is_found, point, np.where(is_good, newton, 0.5 * low + 0.5 * high))  # (row,)
        last = np.abs(excess)  # (row,)
    return point


def _least_count(likelihood, level, outputs, own):
    """Quantile of a mixture of distributions of counts, by bisection between those of the draws, (row,)."""
    of_draws = likelihood.quantile(level, outputs, own)  # (draw, row)
    low, high = of_draws.min(axis=0) - 1, of_draws.max(axis=0)  # (row,) each; the level is not reached at low
    while True:
        middle = np.floor(0.5 * low + 0.5 * high)  # (row,)
        is_between = (low < middle) & (middle < high)  # (row,)
        if not is_between.any():
            return high
        is_reached = likelihood.cdf(middle, outputs, own).mean(axis=0) >= level  # (row,)
        low = np.where(is_between & ~is_reached, middle, low)  # (row,)
        high = np.where(is_between & is_reached, middle, high)  # (row,)


def sample_mean(predictor, parameters, X):
    """Expected number under each parameter vector, (draw, row)."""
    samples = np.empty((len(parameters), len(X)))  # (draw, row)
    for draws, rows, mean in expected_targets(predictor, parameters, X):
        samples[draws, rows] = mean[:, 0]
    return samples


def sample_numbers(rng, predictor, parameters, X):
    """A new number under each parameter vector, (draw, row)."""
    samples = np.empty((len(parameters), len(X)))  # (draw, row)
    for draws, rows in blocks(predictor, parameters, X):
        outputs, own = predictor.outputs_and_own(parameters[draws].astype(float), X[rows])
        samples[draws, rows] = predictor.likelihood.draw(rng, outputs, own)
    return samples
