"""Equal rows of a group as one row with a weight, beside each row by itself: rows, a gradient, and a fit.

Rows that are equal in group, inputs and target are one row of a fit, whose weight is their number. The other form has
each row by itself. A gradient is of one core, the fastest of twenty runs; a fit is one chain of 20 + 10 steps of NUTS,
from one start and with one seed.
"""

from dataclasses import replace

import numpy as np

from skhbnn import HierarchicalBNNClassifier
from skhbnn.density.density import Density
from skhbnn.inference.methods import infer

from .common import convergence_ignored, gradient_seconds, timed
from .grouped_data import find, read, read_ordered

SETS = {"insteval": read_ordered, "verbagg": read, "contraception": read, "thornton_hiv": read}
STEPS = {"chains": 1, "tune": 20, "draws": 10}


def each_by_itself(data):
    """Rows of a fit with every row as often as its weight says, and the weight 1."""
    times = data.weights.astype(int)  # (row,)
    ends = np.concatenate([[0], np.cumsum(times)])  # (row + 1,)
    X, y = np.repeat(data.X, times, axis=0), np.repeat(data.y, times)  # (row, feature), (row,)
    places, offsets = np.arange(len(y)), ends[data.offsets]  # (row,), (group + 1,)
    return replace(data, X=X, y=y, weights=np.ones(len(y)), offsets=offsets, places=places)


def seconds_of(model, data, settings):
    """Seconds of a gradient and of a fit."""
    gradient = gradient_seconds(Density(model, data), 1 + 100_000 // len(data.y))
    with timed() as clock:
        infer(model, data, settings, 0)
    return gradient, clock.seconds


def run(folder):
    rows = []
    for name in [name for name in SETS if find(folder, name)]:
        table = SETS[name](folder, name)
        model = HierarchicalBNNClassifier(random_state=0, **STEPS)
        with convergence_ignored():
            model.fit(table.X, table.y, groups=table.groups)
        merged = model.training_data_
        of_model, settings = model.posterior_.model, model._settings()
        gradient, fit = seconds_of(of_model, each_by_itself(merged), settings)
        gradient_merged, fit_merged = seconds_of(of_model, merged, settings)
        rows.append(
            {
                "set": name,
                "rows": len(table.y),
                "merged": len(merged.y),
                "gradient, ms": 1e3 * gradient,
                "merged, ms": 1e3 * gradient_merged,
                "a fit, s": fit,
                "merged, s": fit_merged,
                "times": fit / fit_merged,
            }
        )
    return rows
