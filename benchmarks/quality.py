"""Predictive quality on the article's data, seeds 31 and 0 to 9: the three models.

The informed model is fitted to the groups that the hierarchical fit has seen, as in the article; ``new_groups`` has it
on groups that it has not seen.
"""

import numpy as np
from joblib import Parallel, delayed

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons

from .common import ARTICLE, ARTICLE_HIERARCHICAL, convergence_ignored, paired, scores

SEEDS = (31, *range(10))


def run():
    results = Parallel(n_jobs=2)(delayed(one_seed)(seed) for seed in SEEDS)
    models = list(results[0])
    hierarchical = {k: [r["hierarchical"][k] for r in results] for k in (0, 1)}
    rows = []
    for model in models:
        accuracy, loss = ([r[model][k] for r in results] for k in (0, 1))
        difference = [paired(values, hierarchical[k]) for k, values in ((0, accuracy), (1, loss))]
        rows.append(
            {
                "model": model,
                "test accuracy": float(np.mean(accuracy)),
                "test log loss": float(np.mean(loss)),
                "difference from hierarchical, accuracy": "{:+.4f} ± {:.4f}".format(*difference[0]),
                "difference from hierarchical, log loss": "{:+.4f} ± {:.4f}".format(*difference[1]),
            }
        )
    return rows


def one_seed(seed):
    """Accuracy and log loss of each model."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(random_state=seed)
    with convergence_ignored():
        fitted = HierarchicalBNNClassifier(random_state=0, **ARTICLE_HIERARCHICAL).fit(X, y, groups=groups)
        flat = FlatBNNClassifier(random_state=0, **ARTICLE)
        informed = InformedPriorBNNClassifier.from_hierarchical(fitted)
        return {
            "flat, one per group": scores(y_test, per_group(flat, X, y, groups, X_test, groups_test)),
            "hierarchical": scores(y_test, fitted.predict_proba(X_test, groups=groups_test)),
            "informed, one per group": scores(y_test, per_group(informed, X, y, groups, X_test, groups_test)),
        }


def per_group(estimator, X, y, groups, X_test, groups_test):
    """Class probabilities (row, class) of an estimator fitted to each group on its own."""
    proba = np.empty((len(X_test), 2))  # (row, class)
    for g in np.unique(groups):
        fitted = estimator.fit(X[groups == g], y[groups == g])
        proba[groups_test == g] = fitted.predict_proba(X_test[groups_test == g])
    return proba
