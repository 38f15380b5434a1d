"""Chains of NUTS that start near 0, at a mode or near one: does the climb pay?

The three models on six sets of the article's kind, after 100 and 400 steps of tuning: 4 chains with 400 draws. Flat and
informed models are fitted to every group on its own, the informed ones to 18 groups of 50 rows that the hierarchical
fit never saw; their gradients are summed over groups. A chain near 0 starts uniformly within 0.5 of it, as
`inference="nuts"` does. A chain at a mode starts where L-BFGS ends that begins there, and a chain near a mode uniformly
within 0.5 of that end. ESS is the median over rows and groups, R-hat the median over sets (and groups) of the largest.
"""

from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.density.density import Density
from skhbnn.inference import mode, nutpie_adapter

from .common import ARTICLE, convergence_ignored, paired, scores

SEEDS = (31, *range(5))
NEW_SEEDS = range(777, 783)
TUNE = (100, 400)
NEAR_0, AT_A_MODE, NEAR_A_MODE = "near 0", "at a mode", "near a mode"
CLIMB = SimpleNamespace(chains=1, max_iter=10_000)  # Settings of one climb
GRADIENTS = ("the climb", "tuning", "the draws")
sample = nutpie_adapter.run


def run():
    results = Parallel(n_jobs=2)(delayed(one_set)(*seeds) for seeds in zip(SEEDS, NEW_SEEDS, strict=True))
    rows = []
    for model, tune, start in results[0]:
        measured = [result[model, tune, start] for result in results]  # (set,)
        losses, of_near_0 = ([r[model, tune, which]["loss"] for r in results] for which in (start, NEAR_0))
        rows.append(
            {
                "model": model,
                "tune": tune,
                "start": start,
                **{f"gradients of {name}": round(np.mean([m[name] for m in measured])) for name in GRADIENTS},
                "R-hat": float(np.median([m["r_hat"] for m in measured])),
                "ESS": round(np.mean([m["ess"] for m in measured])),
                "test log loss": float(np.mean(losses)),
                "less near 0": "" if start == NEAR_0 else "{:+.4f} ± {:.4f}".format(*paired(losses, of_near_0)),
            }
        )
    return rows


def one_set(seed, new_seed):
    """What is measured, by model, steps of tuning and start."""
    known, new = make_rotated_moons(random_state=seed), make_rotated_moons(random_state=new_seed)
    settings, found = {**ARTICLE, "random_state": 0}, {}
    hierarchical, flat = HierarchicalBNNClassifier(**settings, pooling="partial"), FlatBNNClassifier(**settings)
    with convergence_ignored():
        prior = InformedPriorBNNClassifier.from_hierarchical(
            clone(hierarchical).fit(known[0], known[2], groups=known[4])
        )
        for tune in TUNE:
            for start in (NEAR_0, AT_A_MODE, NEAR_A_MODE):
                hierarchical.set_params(tune=tune)
                found["hierarchical", tune, start] = measure(hierarchical, known, start, groups_at_once=True)
                found["flat, one per group", tune, start] = measure(flat.set_params(tune=tune), known, start)
                found["informed, new groups", tune, start] = measure(prior.set_params(tune=tune), new, start)
    return found


def measure(estimator, data, start, groups_at_once=False):
    """Gradients, largest R-hat, median ESS and test log loss of a fit, or of a fit to every group."""
    X, X_test, y, y_test, groups, groups_test = data
    proba, r_hat, ess, gradients = (
        np.empty((len(X_test), 2)),
        [],
        [],
        Counter(dict.fromkeys(GRADIENTS, 0)),
    )  # (row, class)
    for g in [None] if groups_at_once else np.unique(groups):
        rows, test = (slice(None), slice(None)) if g is None else (groups == g, groups_test == g)
        known, asked = ({}, {}) if g is not None else ({"groups": groups}, {"groups": groups_test})
        with starting(start, gradients):
            estimator.fit(X[rows], y[rows], **known)
        proba[test] = estimator.predict_proba(X_test[test], **asked)
        r_hat.append(estimator.diagnostics_.r_hat.max())
        ess.append(np.median(estimator.diagnostics_.ess))
    return {**gradients, "r_hat": np.median(r_hat), "ess": np.median(ess), "loss": scores(y_test, proba)[1]}


@contextmanager
def starting(start, gradients):
    """Let the fits of the block start so, and add up their gradients."""

    class Started(Density):
        def initial_point(self, seed):
            near_0 = super().initial_point(seed)  # (n_dim,)
            if start == NEAR_0:
                return near_0
            (top,) = mode.climb(Density(self.model, self.data), CLIMB, seed)
            gradients["the climb"] += top.nfev
            return top.x if start == AT_A_MODE else top.x + near_0  # (n_dim,)

    def run(density, **settings):
        draws, statistics = sample(Started(density.model, density.data), **settings)
        for chain in statistics:
            gradients["tuning"] += int(chain["n_steps"][chain["tuning"]].sum())
            gradients["the draws"] += int(chain["n_steps"][~chain["tuning"]].sum())
        return draws, statistics

    with patch.object(nutpie_adapter, "run", run):
        yield
