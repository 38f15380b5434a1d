"""Groups from the least to the greatest on the vertical axis, with the labels that there is room for."""

import numpy as np

from .colours import MUTED

MOST_NAMED = 40  # groups that all have their labels
EXTREMES = 5  # groups with labels at either end, of more
LABEL_INCHES = 0.2  # from one label to the next


def height_of_groups(n_groups):
    """Height of a new figure of so many groups, in inches."""
    return 1.2 + LABEL_INCHES * n_groups if n_groups <= MOST_NAMED else 7.5


def label_groups(axes, groups, lower, upper):
    """Label the groups (group,) at places 0, 1, ...: all, or of more than 40 the five at either end.

    lower, upper: ends of what is drawn of each group, (group,), to which labels within the axes are joined.
    """
    n = len(groups)
    axes.set_ylim(-1, n)
    if n <= MOST_NAMED:
        axes.set_yticks(np.arange(n), [str(label) for label in groups])
        axes.set_ylabel("group")
        return
    axes.set_yticks([])
    axes.set_ylabel(f"{n} groups")
    _name_extremes(axes, groups, lower, upper)


def _name_extremes(axes, groups, lower, upper):
    """Write the labels of the groups at either end into the empty corners, far enough from one another to read."""
    from matplotlib.patheffects import withStroke

    n = len(groups)
    step = max(1.0, LABEL_INCHES * (n + 1) / (axes.get_window_extent().height / axes.figure.dpi))  # in groups
    inset = max(0.0, 0.6 * step - 1)  # of the outermost label, so that it lies within the axes
    halo = [withStroke(linewidth=2.5, foreground="white")]
    at_bottom = np.arange(EXTREMES), 0.98, "right", upper
    at_top = np.arange(n - 1, n - 1 - EXTREMES, -1), 0.02, "left", lower
    for places, x, side, ends in (at_bottom, at_top):
        inwards = np.sign(places[1] - places[0])
        line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "relpos": (float(side == "left"), 0.5)}
        for k, place in enumerate(places):
            y = places[0] + inwards * (inset + step * k)
            axes.annotate(
                str(groups[place]),
                (ends[place], place),
                (x, y),
                textcoords=axes.get_yaxis_transform(),
                ha=side,
                va="center",
                fontsize="small",
                arrowprops=line,
                path_effects=halo,
            )
