"""New rows of groups that were fitted before: learned together with the old rows, or under the posterior as a prior.

A flat network for each of the article's 18 groups, seeds 31 and 0, fitted to the first 40 or 25 rows; then come 5 or 25
more. Test log loss, and its difference from that of ``PerGroupClassifier.update`` over the 36 groups.
"""

import numpy as np
from joblib import Parallel, delayed

from skhbnn import FlatBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons

from .common import convergence_ignored, first_rows, paired, scores

SETTINGS = {"hidden_layer_sizes": (5, 5), "chains": 4, "tune": 400, "draws": 400, "random_state": 0}
UPDATE = "update: old and new rows"


def run():
    rows = []
    for n_old, n_new in ((40, 5), (25, 25)):
        found = Parallel(n_jobs=2)(delayed(one_seed)(seed, n_old, n_new) for seed in (31, 0))
        losses = {way: np.concatenate([each[way] for each in found]) for way in found[0]}  # (group,) each
        for way, of_groups in losses.items():
            rows.append(
                {
                    "old and new rows of a group": f"{n_old} + {n_new}",
                    "learned": way,
                    "test log loss": float(of_groups.mean()),
                    "less the update": "{:+.4f} ± {:.4f}".format(*paired(of_groups, losses[UPDATE])),
                }
            )
    return rows


def one_seed(seed, n_old, n_new):
    """Test log loss of every group by what its network learned from."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(random_state=seed)
    old = first_rows(groups, n_old)  # (row,)
    new = np.setdiff1d(first_rows(groups, n_old + n_new), old)  # (row,)

    def loss(estimator, group):
        rows = groups_test == group  # (row,)
        return scores(y_test[rows], estimator.predict_proba(X_test[rows]))[1]

    def of_groups(estimators):
        return np.array([loss(estimator, group) for group, estimator in estimators.items()])  # (group,)

    with convergence_ignored():
        fitted = PerGroupClassifier(FlatBNNClassifier(**SETTINGS)).fit(X[old], y[old], groups=groups[old])
        before = dict(fitted.estimators_)
        under_posterior = {
            group: InformedPriorBNNClassifier.from_posterior(estimator).fit(
                X[new][groups[new] == group], y[new][groups[new] == group]
            )
            for group, estimator in before.items()
        }
        fitted.update(X[new], y[new], groups=groups[new])
    return {
        "old rows alone": of_groups(before),
        "new rows under the posterior as a prior": of_groups(under_posterior),
        UPDATE: of_groups(fitted.estimators_),
    }
