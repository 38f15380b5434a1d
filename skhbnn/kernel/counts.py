"""Quantiles of mixtures of distributions of counts, by adding up the probabilities of 0, 1, 2 and so on."""

import math

import numpy as np

MOST_ADDED = 4_000  # counts whose probabilities are added
LEAST_LOG = -600.0  # of the probability of 0 under every distribution: below it digits are lost, and soon all of them


def least_counts(log_of_0, first, slope, levels, found):
    """Write the least count at which the distribution function of each row's mixture reaches each level.

    The probability of k is that of k - 1 times (first + (k - 1) slope) / k [1]_. Counts beyond MOST_ADDED stay
    unwritten, and so do rows where 0 is too improbable.

    Parameters
    ----------
    log_of_0, first, slope : ndarray of shape (n_rows, n_draws)
        Logarithm of the probability of 0, and the two numbers above.
    levels : ndarray of shape (n_levels,)
        Increasing.
    found : ndarray of shape (n_rows, n_levels)

    References
    ----------
    .. [1] Panjer (1981), "Recursive evaluation of a family of compound distributions", ASTIN Bulletin 12.
    """
    n_rows, n_draws = log_of_0.shape
    p = np.empty(n_draws)  # (draw,)
    for r in range(n_rows):
        if not np.min(log_of_0[r]) > LEAST_LOG:
            continue
        for d in range(n_draws):
            p[d] = math.exp(log_of_0[r, d])
        k, reached, total = 0, 0, np.sum(p)
        while True:
            while reached < len(levels) and total >= levels[reached] * n_draws:
                found[r, reached] = k
                reached += 1
            if reached == len(levels) or k == MOST_ADDED:
                break
            added = 0.0
            for d in range(n_draws):
                p[d] *= (first[r, d] + k * slope[r, d]) / (k + 1)
                added += p[d]
            total += added
            k += 1
