"""Predicted distributions of numbers, and what they are judged by."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

COVERAGE = 0.9


class Predicted(NamedTuple):
    """What a system says of test rows."""

    mean: np.ndarray  # (row,)
    log_density: np.ndarray  # (row,): of the targets, in nats, per unit of y
    interval: np.ndarray  # (row, 2): the central one of COVERAGE
    crps: np.ndarray  # (row,): continuous ranked probability score of the targets, in the unit of y

    def scores(self, y):
        """The mean scores of targets (row,), by name."""
        return {
            "RMSE": float(np.sqrt(np.mean((y - self.mean) ** 2))),
            "negative log density": float(-self.log_density.mean()),
            "CRPS": float(self.crps.mean()),
            "coverage": float(np.mean((self.interval[:, 0] <= y) & (y <= self.interval[:, 1]))),
        }


def normal(y, mean, sd):
    """Normal distributions as Predicted, of targets y, means and standard deviations, (row,) each or one number."""
    z = (y - mean) / sd  # (row,)
    # Gneiting and Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".
    crps = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))  # (row,)
    reach = norm.ppf((1 + COVERAGE) / 2) * sd
    return Predicted(mean, norm.logpdf(y, mean, sd), np.column_stack([mean - reach, mean + reach]), crps)


def mixture(y, means, sds, rng):
    """Equal mixtures of normal distributions, (part, row) each, as Predicted; what has no formula is of draws."""
    log_density = logsumexp(norm.logpdf(y, means, sds), axis=0) - np.log(len(means))  # (row,)
    draws = rng.normal(means, sds)  # (draw, row)
    tails = [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]
    return Predicted(means.mean(axis=0), log_density, np.quantile(draws, tails, axis=0).T, crps_of_draws(y, draws))


def crps_of_draws(y, draws):
    """CRPS of distributions that are known by draws (draw, row), without bias, (row,)."""
    n, ordered = len(draws), np.sort(draws, axis=0)  # (draw, row)
    ranks = 2 * np.arange(1, n + 1)[:, None] - n - 1  # (draw, 1)
    distance = 2 * np.sum(ranks * ordered, axis=0) / (n * (n - 1))  # (row,): of two draws, the mean
    return np.mean(np.abs(draws - y), axis=0) - distance / 2
