"""Equal rows of a group as one row with a weight, beside each row by itself: rows, a gradient, and a fit.

Rows that are equal in group, inputs and target are one row of a fit, whose weight is their number. The other form has
each row by itself. The model is that of the default classifier. A gradient is of one core, the fastest of twenty runs;
a fit is one chain of 10 + 5 steps of NUTS, from one start and with one seed.
"""

import json
import sys
from dataclasses import replace

import numpy as np

from skhbnn import HierarchicalBNNClassifier
from skhbnn.data.rows import group_rows
from skhbnn.density.density import Density
from skhbnn.inference.methods import infer
from skhbnn.inference.trace import Settings
from skhbnn.model.build import hierarchical_model, layer_scales
from skhbnn.model.network import Network
from skhbnn.model.pooling import layer_pooling

from .common import gradient_seconds, timed
from .grouped_data import find, read, read_ordered

SETS = {"contraception": read, "thornton_hiv": read, "verbagg": read, "insteval": read_ordered}
SETTINGS = Settings(inference="nuts", chains=1, tune=10, draws=5, target_accept=0.9, cores=1, max_iter=1)


def model_of(data):
    """The model of the default classifier, of the rows of a fit."""
    params, n_classes = HierarchicalBNNClassifier().get_params(), int(data.y.max()) + 1
    kind, n_outputs = ("bernoulli", 1) if n_classes == 2 else ("categorical", n_classes)
    network = Network((data.X.shape[1], *params["hidden_layer_sizes"], n_outputs), params["activation"], True)
    scales = layer_scales(network, params["prior_scale"])  # (layer,)
    pooling = layer_pooling(network, params["pooling"], data.rows_per_group)
    return hierarchical_model(network, kind, scales, pooling, n_classes=n_classes)


def each_by_itself(data):
    """Rows of a fit with every row as often as its weight says, and the weight 1."""
    times = data.weights.astype(int)  # (row,)
    ends = np.concatenate([[0], np.cumsum(times)])  # (row + 1,)
    X, y = np.repeat(data.X, times, axis=0), np.repeat(data.y, times)  # (row, feature), (row,)
    places, offsets = np.arange(len(y)), ends[data.offsets]  # (row,), (group + 1,)
    return replace(data, X=X, y=y, weights=np.ones(len(y)), offsets=offsets, places=places)


def seconds_of(model, data):
    """Seconds of a gradient and of a fit."""
    gradient = gradient_seconds(Density(model, data), 1 + 100_000 // len(data.y))
    with timed() as clock:
        infer(model, data, SETTINGS, 0)
    return gradient, clock.seconds


def run(folder):
    rows, loaded = [], False
    for name in [name for name in SETS if find(folder, name)]:
        table = SETS[name](folder, name)
        labels, codes = np.unique(table.groups, return_inverse=True)  # (group,), (row,)
        merged, _ = group_rows(table.X, table.y, codes, labels.tolist())
        model = model_of(merged)
        if not loaded:  # so that no time is that of imports and of compilation
            seconds_of(model, merged)
            loaded = True
        gradient, fit = seconds_of(model, each_by_itself(merged))
        gradient_merged, fit_merged = seconds_of(model, merged)
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
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows
