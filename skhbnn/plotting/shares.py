"""Shares that came true against what was expected of them, with credible intervals."""

import numpy as np
from scipy.stats import beta

from .colours import MARKERS, PALETTE
from .figures import legend_above


def jeffreys_interval(hits, n, level):
    """Lower and upper end of Jeffreys' credible interval of the share of hits among n, (...,) each."""
    tail = (1 - level) / 2
    return beta.ppf(tail, hits + 0.5, n - hits + 0.5), beta.ppf(1 - tail, hits + 0.5, n - hits + 0.5)


def draw_shares(axes, expected, observed, lower, upper, label):
    """Draw observed shares over expected ones, (point,) each, beside what stands on the axes in a colour of their own.

    The ends of the intervals are lower and upper, (point,) each. The first curve of the axes brings the diagonal.
    """
    n_before = len(axes.containers)  # curves that stand there already
    if n_before == 0:
        axes.plot([0, 1], [0, 1], ":", color="black", label="perfectly calibrated")
    colour, marker = PALETTE[n_before % len(PALETTE)], MARKERS[n_before % len(MARKERS)]
    reach = np.abs([lower, upper] - observed)  # (2, point)
    axes.errorbar(expected, observed, reach, color=colour, marker=marker, linewidth=1.2, capsize=2, label=label)
    axes.fill_between(expected, lower, upper, color=colour, alpha=0.15)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), box_aspect=1)
    legend_above(axes, n_columns=1)
