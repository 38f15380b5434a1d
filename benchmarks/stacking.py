"""Chains weighed by stacking or equally, in predictions and in priors for new groups.

Moons: ten seeds of the article's kind, by the article's settings; the same groups, with the first 5 to 50 training rows
of each, and new ones, 18 of another seed each, with as many rows under the prior of the fit to 50. The vowels (one
hidden layer of 8 units) and contraception (5 units) are split in three ways, as in ``predictive_calibration``, and
fitted by the default settings. What counts is the difference over seeds or splits. All fits have 4 chains of 400 + 400
steps.
"""

import numpy as np
from joblib import Parallel, delayed

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.posterior.stacking import weigh_chains

from .common import ARTICLE_HIERARCHICAL, convergence_ignored, first_rows, paired, scores
from .new_groups import DEFAULT, loss
from .predictive_calibration import contraception, require_data, vowel

SEEDS = (31, *range(9))
NEW_SEEDS = range(777, 787)
ROWS = (5, 10, 20, 50)
SPLITS = range(3)


def run(folder):
    require_data(folder)
    of_seeds = Parallel(n_jobs=2)(delayed(moons)(*seeds) for seeds in zip(SEEDS, NEW_SEEDS, strict=True))
    rows = [row(measured, [losses[measured] for losses in of_seeds]) for measured in of_seeds[0]]
    for name, load, hidden in (("vowel", vowel, (8,)), ("contraception", contraception, (5,))):
        path, settings = folder / f"{name}.csv", {**DEFAULT, "hidden_layer_sizes": hidden}
        results = Parallel(n_jobs=2)(delayed(predictions)(load(split, path)[0], settings) for split in SPLITS)
        rows.append(row(name, [losses for losses, _ in results]))
    return rows


def row(measured, losses):
    """Of the table: losses of equal weights and of stacking, (fit, 2)."""
    equal, stacking = np.transpose(losses)  # (fit,) each
    return {
        "test log loss": measured,
        "fits": len(losses),
        "equal weights": float(np.mean(equal)),
        "stacking": float(np.mean(stacking)),
        "difference": "{:+.4f} ± {:.4f}".format(*paired(stacking, equal)),
    }


def moons(seed, new_seed):
    """Losses of equal weights and of stacking, by what is predicted."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(random_state=seed)
    new, losses = make_rotated_moons(random_state=new_seed), {}
    for n_rows in ROWS:
        first = first_rows(groups, n_rows)
        data = X[first], X_test, y[first], y_test, groups[first], groups_test
        losses[f"moons, {n_rows} rows"], fitted = predictions(data, ARTICLE_HIERARCHICAL)
    priors = [InformedPriorBNNClassifier.from_hierarchical(fitted, prior_chains=c) for c in ("equal", "stacking")]
    with convergence_ignored():
        for n_rows in ROWS:
            losses[f"moons, new groups of {n_rows} rows"] = [loss(prior, new, n_rows) for prior in priors]
    return losses


def predictions(data, settings):
    """Losses of equal weights and of stacking on the test rows, and the fit."""
    X, X_test, y, y_test, groups, groups_test = data
    with convergence_ignored():
        fitted = HierarchicalBNNClassifier(random_state=0, **settings).fit(X, y, groups=groups)
    equal, rows, losses = fitted.posterior_, fitted.training_data_, []
    stacked = weigh_chains(equal, "stacking", lambda: equal.log_likelihood(rows), rows.weights)
    for weighed in (equal, stacked):
        fitted.posterior_ = weighed
        proba = fitted.predict_proba(X_test, groups=groups_test)  # (row, class)
        losses.append(scores(np.searchsorted(fitted.classes_, y_test), proba)[1])
    return losses, fitted
