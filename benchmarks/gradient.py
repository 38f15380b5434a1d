"""One gradient of the log density, on one core: lanes of a vector that hold rows of a group, or groups.

Groups of random rows; "small groups" have 3 or 4 each. The kernel takes the form that costs less by its own count of
vectors, which a column names. Nanoseconds a row, the fastest of twenty runs. The last column is the time with random
intercepts of 24 labels that cross the groups, in the form that the kernel chooses, over that without; both take turns.
"""

from unittest import mock

import numpy as np

from skhbnn.data.rows import group_rows
from skhbnn.density import batches
from skhbnn.density.density import Density
from skhbnn.model.build import hierarchical_model
from skhbnn.model.network import Network
from skhbnn.model.pooling import layer_pooling

from .common import gradient_seconds

SHARED_FIRST = ("complete", "partial", "partial")
CASES = {  # sizes of the groups, sizes of the layers, pooling
    "the article: 18 groups of 50 rows": ([50] * 18, (2, 5, 5, 1), "partial"),
    "1,000 groups of 20 rows": ([20] * 1000, (2, 5, 5, 1), "partial"),
    "1,000 groups of 20 rows, affine": ([20] * 1000, (2, 5, 5, 1), "affine"),
    "300 small groups, 8 inputs": ([3, 4, 4, 3, 4] * 60, (8, 5, 5, 1), "partial"),
    "300 small groups, 8 inputs, first layer shared": ([3, 4, 4, 3, 4] * 60, (8, 5, 5, 1), SHARED_FIRST),
    "136 groups of 12 rows, 12 inputs, 4 classes": ([12] * 136, (12, 5, 5, 4), SHARED_FIRST),
    "15 groups of 22 rows, 10 inputs, 11 classes": ([22] * 15, (10, 20, 11), "partial"),
    "2 groups of 500 rows": ([500] * 2, (2, 5, 5, 1), "partial"),
}


N_LABELS = 24  # of random intercepts
TURNS = 5


def density(sizes, layers, pooling, in_lanes, n_labels=0):
    """A density of random rows, in one form of the kernel; None: in the form that the kernel chooses.

    n_labels: of random intercepts; 0: there are none.
    """
    rng, codes = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)  # (row,)
    y = rng.integers(0, max(layers[-1], 2), len(codes))  # (row,)
    labels, columns = {}, {}
    if n_labels:
        of_rows = rng.integers(0, n_labels, (len(codes), 1))  # (row, column)
        labels = {"intercept_labels": [list(range(n_labels))], "intercept_codes": of_rows}
        columns = {"intercepts": {"item": n_labels}}
    data, _ = group_rows(rng.normal(size=(len(codes), layers[0])), y, codes, list(range(len(sizes))), **labels)
    network = Network(layers, "tanh", True)
    kind = "bernoulli" if layers[-1] == 1 else "categorical"
    scale = np.ones(len(layers) - 1)  # (layer,)
    model = hierarchical_model(network, kind, scale, layer_pooling(network, pooling), **columns)
    found, forced = Density(model, data), batches._cheaper_in_lanes if in_lanes is None else lambda sizes: in_lanes
    with mock.patch.object(batches, "_cheaper_in_lanes", forced):
        found.callback  # noqa: B018
    return found


def run():
    rows = []
    for name, (sizes, layers, pooling) in CASES.items():
        nanoseconds = [
            1e9 * gradient_seconds(density(sizes, layers, pooling, form), 3 + 300_000 // sum(sizes)) / sum(sizes)
            for form in (False, True)
        ]
        chosen, crossed = (density(sizes, layers, pooling, None, n_labels) for n_labels in (0, N_LABELS))
        repeats = 3 + 50_000 // sum(sizes)
        turns = [[gradient_seconds(both, repeats) for both in (chosen, crossed)] for _ in range(TURNS)]
        without, with_intercepts = np.min(turns, axis=0)
        rows.append(
            {
                "data": name,
                "dimensions": chosen.n_dim,
                "rows in the lanes, ns a row": nanoseconds[0],
                "groups in the lanes, ns a row": nanoseconds[1],
                "ratio": nanoseconds[1] / nanoseconds[0],
                "in the lanes": "groups" if chosen._batches.in_lanes else "rows",
                "with random intercepts, ratio": with_intercepts / without,
            }
        )
    return rows
