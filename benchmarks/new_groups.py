"""The informed prior on 18 groups that the hierarchical fit never saw, five seeds, 10 and 50 training rows.

New groups of the seeds 777 to 781 under the prior of a fit to the article's own data (seed 31), and each under that of
another fit (seeds 31 and 0 to 3), whose own luck then counts too; fits have the article's settings, or the default
ones. Test log loss as a share of the flat fit's; flat is the standard normal prior, told of both classes.
"""

import numpy as np
from joblib import Parallel, delayed

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons

from .common import ARTICLE, ARTICLE_HIERARCHICAL, convergence_ignored, first_rows, paired, scores
from .quality import per_group

NEW_SEEDS = (777, 778, 779, 780, 781)
INFORMED = "informed"
DEFAULT = {name: ARTICLE[name] for name in ("chains", "tune", "draws")}
FITS = {  # settings and seeds of the hierarchical fits, and whether their priors are compared with lesser ones
    "the article's": (ARTICLE_HIERARCHICAL, (31,) * 5, True),
    "one per seed": (ARTICLE_HIERARCHICAL, (31, 0, 1, 2, 3), True),
    "by default": (DEFAULT, (31,) * 5, False),
    "by default, one per seed": (DEFAULT, (31, 0, 1, 2, 3), False),
}
LIMITS = {10: 0.78, 50: 0.70}


def run():
    rows = []
    for title, (settings, seeds, ablated) in FITS.items():
        tasks = [(settings, ablated, *pair) for pair in zip(seeds, NEW_SEEDS, strict=True)]
        results = Parallel(n_jobs=2)(delayed(one_seed)(*task) for task in tasks)
        for n_rows, limit in LIMITS.items():
            flat = [r[n_rows]["flat"] for r in results]
            informed = [r[n_rows][INFORMED] for r in results]
            for prior in results[0][n_rows]:
                losses = [r[n_rows][prior] for r in results]
                rows.append(
                    {
                        "hierarchical fit": title,
                        "training rows": n_rows,
                        "prior": prior,
                        "test log loss": float(np.mean(losses)),
                        "share of flat": float(np.mean(losses) / np.mean(flat)),
                        "difference from informed": "{:+.4f} ± {:.4f}".format(*paired(losses, informed)),
                        "wanted": f"<= {limit}" if prior == INFORMED else "-",
                    }
                )
    return rows


def one_seed(settings, ablated, seed, new_seed):
    """Test log loss by number of training rows and prior; ablated: with priors that lack something, too."""
    X, _, y, _, groups, _ = make_rotated_moons(random_state=seed)
    new = make_rotated_moons(random_state=new_seed)
    with convergence_ignored():
        fitted = HierarchicalBNNClassifier(random_state=0, **settings).fit(X, y, groups=groups)
        informed, flat = InformedPriorBNNClassifier.from_hierarchical, {"random_state": 0, **ARTICLE}
        priors = {
            # Without standardising by the few rows of a group, which costs the flat fit of 10 rows some of its quality.
            "flat": InformedPriorBNNClassifier(feature_mean=[0, 0], feature_scale=[1, 1], classes=[0, 1], **flat),
            "flat, inputs standardised": InformedPriorBNNClassifier(classes=[0, 1], **flat),
            INFORMED: informed(fitted),
            "informed, equal chains": informed(fitted, prior_chains="equal"),
        }
        if ablated:
            single = [informed(fitted, prior_chains=chain, align=False) for chain in range(4)]
            priors["informed, all draws as they are"] = informed(fitted, prior_chains="equal", align=False)
        losses = {}
        for n_rows in LIMITS:
            losses[n_rows] = {name: loss(prior, new, n_rows) for name, prior in priors.items()}
            if ablated:
                mean = np.mean([loss(prior, new, n_rows) for prior in single])
                losses[n_rows]["informed, one chain as it is, mean of four"] = mean
    return losses


def loss(estimator, new, n_rows):
    X, X_test, y, y_test, groups, groups_test = new
    first = first_rows(groups, n_rows)
    return scores(y_test, per_group(estimator, X[first], y[first], groups[first], X_test, groups_test))[1]
