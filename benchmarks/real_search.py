"""A grid search on real data: 2,000 rows, six settings, five folds, on all cores.

Rows at random of `benchmarks/grouped_data.py`, with the group as a column, by which the folds are split at random. The
seconds are those of the whole search, in which the best setting is fitted again to all rows.
"""

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skhbnn import HierarchicalBNNClassifier

from .common import convergence_ignored, timed
from .grouped_data import read

NAMES = ("guPrenat", "KosteckiDillon", "Train")
N_ROWS = 2_000
GRID = {"hidden_layer_sizes": [(5, 5), (5,)], "prior_scale": [("ard", 4.0), 1.0, "fan_in"]}


def run(folder):
    rows = []
    for name in NAMES:
        table = read(folder, name)
        chosen = table.rows(np.random.default_rng(0).permutation(len(table.y))[:N_ROWS])
        _, codes = np.unique(chosen.groups, return_inverse=True)  # (row,)
        X = np.column_stack([chosen.X, codes])  # (row, feature and group)
        model = HierarchicalBNNClassifier(groups=chosen.X.shape[1], random_state=0)
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        search = GridSearchCV(model, GRID, scoring="neg_log_loss", cv=folds, n_jobs=-1)
        with convergence_ignored(), timed() as clock:
            search.fit(X, chosen.y)
        n_fits = len(search.cv_results_["params"]) * folds.get_n_splits() + 1
        row = {"data": name, "groups": len(np.unique(codes)), "features": table.X.shape[1], "fits": n_fits}
        best = {"best setting": search.best_params_, "log loss of the folds": float(-search.best_score_)}
        rows.append({**row, "seconds": clock.seconds, **best})
    return rows
