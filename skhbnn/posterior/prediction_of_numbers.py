"""Posterior means, spreads, quantiles and draws of predicted numbers, in bounded memory."""

import numpy as np
from scipy.special import gammaincinv, logit

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
    find = _count_quantiles if predictor.likelihood.is_count else _number_quantiles
    for start in range(0, len(X), n_rows):
        rows = slice(start, start + n_rows)
        outputs, own = predictor.outputs_and_own(parameters.astype(float), X[rows])
        result[rows] = find(predictor.likelihood, levels, outputs, own)
    return result


def _number_quantiles(likelihood, levels, outputs, own):
    """Quantiles of mixtures of continuous distributions, (row, level)."""
    return np.stack([_root(likelihood, level, outputs, own) for level in levels], axis=1)


def _count_quantiles(likelihood, levels, outputs, own):
    """Quantiles of mixtures of distributions of counts, (row, level).

    Small ones are found by adding up probabilities, large ones by a search.
    """
    from ..density import compiled  # only now: it loads Numba

    increasing, where = np.unique(levels, return_inverse=True)  # (distinct level,), (level,)
    found = np.full((outputs.shape[-1], len(increasing)), np.nan)  # (row, distinct level)
    numbers = [np.ascontiguousarray(number.T) for number in likelihood.recursion(outputs, own)]  # (row, draw) each
    compiled.least_counts()(*numbers, increasing, found)
    for k, level in enumerate(increasing):
        rows = np.flatnonzero(np.isnan(found[:, k]))  # (large row,)
        if len(rows):
            found[rows, k] = _large_count(likelihood, level, outputs[..., rows], own)
    return found[:, where]


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


def _large_count(likelihood, level, outputs, own):
    """Quantile of a mixture of distributions of counts that are large, (row,).

    Newton's steps as in ``_root``, from a gamma distribution of equal mean and variance. Cantelli's inequality has the
    quantile between mean - sd sqrt((1 - level) / level) and mean + sd sqrt(level / (1 - level)).
    """
    means, variances = (
        likelihood.mean(outputs.copy(), own)[:, 0],
        likelihood.variance(outputs, own)[:, 0],
    )  # (draw, row)
    mean, variance = means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0)  # (row,) each
    sd = np.sqrt(variance)  # (row,)
    low = np.maximum(np.ceil(mean - sd * np.sqrt((1 - level) / level)) - 2, -1.0)  # (row,); not reached there
    high = np.floor(mean + sd * np.sqrt(level / (1 - level))) + 1  # (row,)
    point = np.floor(gammaincinv(mean / variance * mean, level) * variance / mean)  # (row,)
    last = np.full(len(low), np.inf)  # (row,)
    while True:
        middle = np.floor(0.5 * low + 0.5 * high)  # (row,)
        rows = np.flatnonzero((low < middle) & (middle < high))  # (open row,)
        if len(rows) == 0:
            return high
        at = np.where((low < point) & (point < high), point, middle)[rows]  # (open row,)
        reached = likelihood.cdf(at, outputs[..., rows], own).mean(axis=0)  # (open row,)
        logs = np.minimum(
            likelihood.log_likelihood(outputs[..., rows], at, own), 0
        )  # (draw, open row); but for rounding
        mass = np.exp(logs).mean(axis=0)  # (open row,)
        excess = reached - level  # (open row,)
        low[rows], high[rows] = np.where(excess < 0, at, low[rows]), np.where(excess < 0, high[rows], at)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # where there is no mass
            newton = np.ceil(at - (logit(reached) - logit(level)) * reached * (1 - reached) / mass)  # (open row,)
        nearest, size = np.clip(newton, low[rows] + 1, high[rows] - 1), np.abs(excess)  # (open row,) each
        is_next = (size <= 2 * mass) & (mass > ROUNDING * level)  # (open row,); the level is a count or two away
        is_good = is_next | ((size > 0) & (2 * size <= last[rows]))  # (open row,); between modes steps lead nowhere
        point[rows], last[rows] = np.where(is_good, nearest, np.nan), size


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
