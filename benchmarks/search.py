"""A grid search over the hierarchical model, 18 groups of 50 rows: 6 candidates, 5 folds, two processes.

The first fit of a process loads the compiled kernels, or makes them on a machine that never had; no later one compiles
anything. Numba says so itself: every pass of its compiler is an event. Each candidate is fitted alone before and after
the search, on another fold, as the speed of a shared machine drifts within minutes.
"""

import os

import numpy as np
from numba.core import event
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

from .common import ARTICLE_HIERARCHICAL, convergence_ignored, timed

SIZES = [(5, 5), (5,)]
GRID = [  # the longest fits first: one of them at the end leaves the other process without work
    {"hidden_layer_sizes": SIZES, "pooling": ["complete"]},
    {"hidden_layer_sizes": SIZES, "prior_scale": [0.5, 1.0]},
]
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
N_JOBS = 2
COUNTS = ("passes", "earlier_fits", "process")

fits_of_process = 0


class CountingClassifier(HierarchicalBNNClassifier):
    """Counts the compiler's passes in its fit, and the fits before it in its process."""

    def fit(self, X, y, groups=None):  # noqa: D102
        global fits_of_process
        with event.install_recorder("numba:run_pass") as passes, convergence_ignored():
            super().fit(X, y, groups=groups)
        self.n_passes_, self.n_earlier_fits_ = len(passes.buffer), fits_of_process
        fits_of_process += 1
        return self


def score(estimator, X, y):
    """The score, and what was counted: what a search brings back from other processes."""
    return {
        "score": -log_loss(y, estimator.predict_proba(X)),
        "passes": estimator.n_passes_,
        "earlier_fits": estimator.n_earlier_fits_,
        "process": os.getpid(),
    }


def run(settings=ARTICLE_HIERARCHICAL):
    X, _, y, _, groups, _ = make_rotated_moons()
    table = np.c_[X, groups]  # (row, feature and group)
    candidates = ParameterGrid(GRID)
    classifier = CountingClassifier(groups=2, random_state=0, **settings)
    search = GridSearchCV(classifier, GRID, scoring=score, refit=False, cv=FOLDS, n_jobs=N_JOBS, error_score="raise")
    folds = [train for train, _ in FOLDS.split(table, y)]  # (row,) each
    classifier.fit(table[folds[0]], y[folds[0]])  # this process is warm

    def fit_each(first_fold):
        """Mean seconds of a fit of each candidate, on one fold after the other."""
        with timed() as clock:
            for fold, params in enumerate(candidates, first_fold):
                train = folds[fold % len(folds)]  # (row,)
                CountingClassifier(**{**classifier.get_params(), **params}).fit(table[train], y[train])
        return clock.seconds / len(candidates)

    before = fit_each(0)
    with timed() as clock:
        search.fit(table, y)
    single = (before + fit_each(2)) / 2
    found = {name: np.array([search.cv_results_[f"split{k}_test_{name}"] for k in range(5)]).ravel() for name in COUNTS}
    first = found["earlier_fits"] == 0  # (fit,)
    inside = float(search.cv_results_["mean_fit_time"].mean())
    limit = first.size * single / N_JOBS + 10
    return [
        {"figure": "fits", "value": first.size, "wanted": "30"},
        {"figure": "processes", "value": len(np.unique(found["process"])), "wanted": str(N_JOBS)},
        {"figure": "compiler passes in their first fits", "value": int(found["passes"][first].sum()), "wanted": "-"},
        {"figure": "compiler passes in later fits", "value": int(found["passes"][~first].sum()), "wanted": "0"},
        {"figure": "one fit alone, mean of 12, s", "value": single, "wanted": "-"},
        {"figure": "one fit in the search, mean, s", "value": inside, "wanted": "-"},
        {"figure": "search, s", "value": clock.seconds, "wanted": f"< {limit:.1f}, 30 fits / 2 + 10 s"},
    ]
