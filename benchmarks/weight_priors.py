"""What a prior costs: NUTS fits of the article's models with each family of weights, beside the normal one."""

import numpy as np

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.model import families

from .common import ARTICLE, ARTICLE_HIERARCHICAL, convergence_ignored, scores, timed


def run():
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
    rows, normal = [], {}
    with convergence_ignored():
        HierarchicalBNNClassifier(chains=1, tune=5, draws=5).fit(X, y, groups=groups)  # the process is warm
        for model in ("hierarchical", "flat, groups 0 to 5"):
            for family in families.NAMES:
                with timed() as clock:
                    if model == "hierarchical":
                        fitted = HierarchicalBNNClassifier(
                            weight_prior=family, n_jobs=2, random_state=0, **ARTICLE_HIERARCHICAL
                        )
                        fitted.fit(X, y, groups=groups)
                        proba, truth = fitted.predict_proba(X_test, groups=groups_test), y_test
                        fits = [fitted]
                    else:
                        fits = [
                            FlatBNNClassifier(weight_prior=family, n_jobs=2, random_state=0, **ARTICLE).fit(
                                X[groups == g], y[groups == g]
                            )
                            for g in range(6)
                        ]
                        proba = np.concatenate([f.predict_proba(X_test[groups_test == g]) for g, f in enumerate(fits)])
                        truth = y_test[groups_test < 6]
                normal.setdefault(model, clock.seconds)
                rows.append(
                    {
                        "model": model,
                        "weight_prior": family,
                        "seconds": clock.seconds,
                        "times normal": clock.seconds / normal[model],
                        "gradients per draw": float(np.mean([f.diagnostics_.n_steps.mean() / 400 for f in fits])),
                        "median predictive ESS": float(np.median([np.median(f.diagnostics_.ess) for f in fits])),
                        "test log loss": scores(truth, proba)[1],
                    }
                )
    return rows
