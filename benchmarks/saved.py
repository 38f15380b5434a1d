"""Sizes of saved fits, and what rounding and thinning change in the predictions.

Real data of many groups, fitted by the default settings to 2,000 rows at random (or three quarters, where there are
fewer rows). Each fit is saved with all draws, and as ``save`` does it by default. The log loss is of the other rows, in
nats, at most 2,000 of them. The last column is the mean absolute change of a probability.
"""

import io

import numpy as np

import skhbnn
from skhbnn import HierarchicalBNNClassifier

from .common import convergence_ignored, scores
from .grouped_data import read

N_ROWS = 2_000  # of a fit


NAMES = ("guPrenat", "Train", "ohio", "social_insure", "KosteckiDillon", "Catsup")


def run(folder):
    return [one_table(name, read(folder, name)) for name in NAMES]


def one_table(name, table):
    """A row of the table."""
    order = np.random.default_rng(0).permutation(len(table.y))  # (row,)
    n_rows = min(N_ROWS, len(order) * 3 // 4)
    train, test = table.rows(order[:n_rows]), table.rows(order[n_rows : n_rows + N_ROWS])
    with convergence_ignored():
        fitted = HierarchicalBNNClassifier(random_state=0).fit(train.X, train.y, groups=train.groups)
    whole, default = io.BytesIO(), io.BytesIO()
    fitted.save(whole, keep_draws="all")
    fitted.save(default)
    loaded = skhbnn.load(io.BytesIO(default.getvalue()))
    classes = np.searchsorted(fitted.classes_, test.y)  # (row,)
    before, after = (estimator.predict_proba(test.X, groups=test.groups) for estimator in (fitted, loaded))
    log_loss = scores(classes, before)[1]
    return {
        "data": name,
        "groups": len(fitted.groups_),
        "weights of a group": fitted.posterior_.network.n_weights,
        "all draws, MB": len(whole.getvalue()) / 1e6,
        "default, MB": len(default.getvalue()) / 1e6,
        "draws kept": loaded.posterior_.n_draws,
        "test log loss": log_loss,
        "change": f"{scores(classes, after)[1] - log_loss:+.5f}",
        "change of a probability": float(np.abs(after - before).mean()),
    }
