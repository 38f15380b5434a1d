"""Laplace's approximation beside NUTS under an informed prior: 90 groups that the hierarchical fit never saw.

The prior is that of the article's own fit, the groups are five sets of 18 (seeds 777 to 781), two processes. NUTS has 2
chains of 300 + 300 steps, laplace and map 2 starts. "then NUTS" is ``refit_inference="nuts"``, for the groups whose
Pareto k is above 0.7. With ``tol`` the 4 chains stop when no probability has a greater Monte Carlo error, and make at
most 2,000 draws each; they stand beside 4 chains that always make 500. Gradients are those after tuning, per group. The
processes have fitted a few groups before the clock starts.
"""

import numpy as np
from sklearn.base import clone

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons

from .common import ARTICLE_HIERARCHICAL, convergence_ignored, first_rows, paired, scores, timed
from .new_groups import LIMITS, NEW_SEEDS
from .predictive_calibration import calibration_error

N_JOBS = 2
SHORT, LONG = {"chains": 2, "tune": 300, "draws": 300}, {"chains": 4, "tune": 300}
METHODS = {  # parameters of the estimator of a group, and of the classifier of all groups
    "NUTS": (SHORT, {}),
    "laplace": ({**SHORT, "inference": "laplace"}, {}),
    "laplace, then NUTS": ({**SHORT, "inference": "laplace"}, {"refit_inference": "nuts"}),
    "map": ({**SHORT, "inference": "map"}, {}),
    "NUTS, 4 chains": ({**LONG, "draws": 500}, {}),
    "NUTS, 4 chains, tol=0.01": ({**LONG, "draws": 2_000, "tol": 0.01}, {}),
}


def run():
    with convergence_ignored():
        X, _, y, _, groups, _ = make_rotated_moons()
        fitted = HierarchicalBNNClassifier(random_state=0, n_jobs=N_JOBS, **ARTICLE_HIERARCHICAL).fit(
            X, y, groups=groups
        )
        prior = InformedPriorBNNClassifier.from_hierarchical(fitted, n_jobs=None)
        return [row for n_rows in LIMITS for row in rows_of(prior, n_rows)]


def rows_of(prior, n_rows):
    """A row of the table per method, for new groups of some number of training rows."""
    sets = [make_rotated_moons(random_state=seed) for seed in NEW_SEEDS]
    X, X_test, y, y_test = (np.concatenate([new[part] for new in sets]) for part in range(4))
    groups, groups_test = (np.concatenate([18 * k + new[part] for k, new in enumerate(sets)]) for part in (4, 5))
    first = first_rows(groups, n_rows)
    rows, reference = [], None
    for name, (params, per_group) in METHODS.items():
        estimator = PerGroupClassifier(clone(prior).set_params(**params), random_state=0, n_jobs=N_JOBS, **per_group)
        warm = first[groups[first] < 4 * N_JOBS]  # (row,)
        clone(estimator).fit(X[warm], y[warm], groups=groups[warm])
        with timed() as clock:
            estimator.fit(X[first], y[first], groups=groups[first])
        fits = estimator.estimators_.values()
        gradients = [getattr(fitted.diagnostics_, "n_steps", None) for fitted in fits]
        proba = estimator.predict_proba(X_test, groups=groups_test)[:, 1]  # (row,)
        losses = [scores(y_test[part], proba[part])[1] for part in np.split(np.arange(len(proba)), len(sets))]
        reference = reference or losses
        sampled = [steps.sum() for steps in gradients if steps is not None]
        rows.append(
            {
                "training rows": n_rows,
                "inference": name,
                "groups a second": len(fits) / clock.seconds,
                "by NUTS": f"{len(sampled)} of {len(fits)}",
                "draws of a chain": float(np.mean([fitted.posterior_.weights.shape[1] for fitted in fits])),
                "gradients": float(sum(sampled) / len(fits)),
                "test log loss": float(np.mean(losses)),
                "log loss less NUTS": "{:+.4f} ± {:.4f}".format(*paired(losses, reference)),
                "ECE": calibration_error(proba, y_test),
            }
        )
    return rows
