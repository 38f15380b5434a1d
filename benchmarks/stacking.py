"""Chains weighed by stacking or equally, on ten sets of the article's kind: predictions, and priors for new groups.

New groups are 18 of another seed each, with 5 to 50 training rows. What counts is the difference over the ten fits.
"""

from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.stacking import weigh_chains

from .common import ARTICLE_HIERARCHICAL, convergence_ignored, paired, scores
from .new_groups import loss

SEEDS = (31, *range(9))
NEW_SEEDS = range(777, 787)
ROWS = (5, 10, 20, 50)


def run():
    results = Parallel(n_jobs=2)(delayed(one_fit)(*seeds) for seeds in zip(SEEDS, NEW_SEEDS, strict=True))
    rows = []
    for measured in results[0]:
        equal, stacking = ([result[measured][k] for result in results] for k in (0, 1))  # (fit,) each
        rows.append(
            {
                "test log loss": measured,
                "equal weights": float(np.mean(equal)),
                "stacking": float(np.mean(stacking)),
                "difference": "{:+.4f} ± {:.4f}".format(*paired(stacking, equal)),
            }
        )
    return rows


def one_fit(seed, new_seed):
    """Test log losses with equal weights and with those of stacking, by what is predicted."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(random_state=seed)
    new = make_rotated_moons(random_state=new_seed)
    with convergence_ignored():
        fitted = HierarchicalBNNClassifier(random_state=0, **ARTICLE_HIERARCHICAL).fit(X, y, groups=groups)
        posterior, losses = weigh_chains(fitted.posterior_, fitted.training_data_, "stacking"), {}
        for weighed in (replace(posterior, chain_weights=None), posterior):
            fitted.posterior_ = weighed
            proba = fitted.predict_proba(X_test, groups=groups_test)
            losses.setdefault("the same groups", []).append(scores(y_test, proba)[1])
        for n_rows in ROWS:
            for chains in ("equal", "stacking"):
                prior = InformedPriorBNNClassifier.from_hierarchical(fitted, prior_chains=chains)
                losses.setdefault(f"new groups of {n_rows} rows", []).append(loss(prior, new, n_rows))
    return losses
