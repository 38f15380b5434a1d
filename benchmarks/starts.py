"""NUTS from near 0, as it starts, or from a mode that each chain climbs to first: what its tuning then needs.

The article's hierarchical model, and 18 new groups under the informed prior of its fit, five seeds of the sampler each;
4 chains of 400 draws. The gradients are those of climbing, tuning and drawing, of all chains. A chain climbs by L-BFGS
from where it would have started.
"""

from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.inference import nuts
from skhbnn.model.density import Density

from .common import ARTICLE, convergence_ignored, first_rows, scores

SEEDS = range(5)
TUNE = 50, 100, 200, 400
NEW_ROWS = 10


def run():
    combinations = [(start, tune) for start in ("near 0", "a mode") for tune in TUNE]
    results = Parallel(n_jobs=2)(delayed(one_seed)(seed, combinations) for seed in SEEDS)
    rows = []
    for model in results[0]:
        for start, tune in combinations:
            gradients, ess, r_hat, loss = np.mean([found[model][start, tune] for found in results], axis=0)
            row = {"model": model, "start": start, "steps of tuning": tune, "thousand gradients": gradients / 1e3}
            rows.append({**row, "median predictive ESS": ess, "R-hat": r_hat, "test log loss": loss})
    return rows


def one_seed(seed, combinations):
    """Gradients, ESS, R-hat and test log loss, by model, and by start and steps of tuning."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
    new, new_test, y_new, y_new_test, new_groups, new_groups_test = make_rotated_moons(random_state=777)
    first = first_rows(new_groups, NEW_ROWS)
    with convergence_ignored():
        prior = HierarchicalBNNClassifier(random_state=0, **ARTICLE).fit(X, y, groups=groups)
        informed = InformedPriorBNNClassifier.from_hierarchical(prior)
        found = {}
        for start, tune in combinations:
            settings = {"tune": tune, "random_state": seed}
            fitted, gradients = fit_from(start, prior, settings, X, y, groups=groups)
            loss = scores(y_test, fitted.predict_proba(X_test, groups=groups_test))[1]
            found.setdefault("hierarchical", {})[start, tune] = (gradients, *quality(fitted), loss)
            of_groups, proba = [], np.empty((len(new_test), 2))  # (row, class)
            for g in np.unique(new_groups):
                rows, rows_test = first[new_groups[first] == g], new_groups_test == g  # (row,) each
                fitted, gradients = fit_from(start, informed, settings, new[rows], y_new[rows])
                proba[rows_test] = fitted.predict_proba(new_test[rows_test])
                of_groups.append((gradients, *quality(fitted)))
            mean = np.mean(of_groups, axis=0)
            found.setdefault("informed, a group", {})[start, tune] = (*mean, scores(y_new_test, proba)[1])
    return found


def quality(fitted):
    """Median ESS and largest R-hat of what is predicted."""
    return np.median(fitted.diagnostics_.ess), np.max(fitted.diagnostics_.r_hat)


def fit_from(start, estimator, settings, *rows, **groups):
    """The fitted estimator, and the number of gradients that it took."""
    gradients, near_zero, trace = [], Density.initial_point, nuts._trace

    def counting(draws, statistics):
        gradients.extend(chain["n_steps"].sum() for chain in statistics)
        return trace(draws, statistics)

    def at_mode(density, seed):
        x = near_zero(density, seed)  # (n_dim,)
        top = minimize(lambda x: [-part for part in density.logp_grad(x)], x, jac=True, method="L-BFGS-B")
        gradients.append(top.nfev)
        return top.x

    with patch.object(nuts, "_trace", counting):
        if start == "near 0":
            return estimator.set_params(**settings).fit(*rows, **groups), sum(gradients)
        with patch.object(Density, "initial_point", at_mode):
            return estimator.set_params(**settings).fit(*rows, **groups), sum(gradients)
