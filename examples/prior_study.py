"""Which prior? Families of weights, and priors of their scale, on the moons of the 2018 article and on two surveys.

    python examples/prior_study.py           # the moons
    python examples/prior_study.py FOLDER    # and contraception.csv and guPrenat.csv below it (R package mlmRev)

One table: test log loss and accuracy of the hierarchical model under every pair of a weight prior and a prior scale,
which is fixed to 1 or learned for each layer, and how sparse the weights of the group mean are: the share of their
draws within 0.1 of zero, before and after the data, and their median absolute value.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

WEIGHT_PRIORS = ("normal", "laplace", "student_t", "cauchy")
FAMILIES = dict(zip(WEIGHT_PRIORS, (stats.norm(), stats.laplace(), stats.t(4), stats.cauchy()), strict=True))
SCALES = {"fixed": None, "half_normal": stats.halfnorm(), "half_cauchy": stats.halfcauchy()}
SCALES["inverse_gamma"] = stats.invgamma(2)
NEAR_ZERO = 0.1
SURVEYS = {  # target, group, and columns of numbers and categories
    "contraception": ("use", "district", ["age"], ["livch", "urban"]),
    "guPrenat": ("prenat", "cluster", ["pcInd81", "ssDist"], ["childAge", "motherAge", "birthOrd", "indig", "momEd"]),
}


def prior_share(weight_prior, scale):
    """Share of a weight within NEAR_ZERO of zero under the prior, whose scale is averaged over."""
    learned = SCALES[scale]
    quantiles = (np.arange(1000) + 0.5) / 1000  # (quantile of the scale,)
    sizes = np.ones(1) if learned is None else learned.ppf(quantiles)  # (quantile of the scale,)
    return float(np.mean(2 * FAMILIES[weight_prior].cdf(NEAR_ZERO / sizes) - 1))


def survey(path, target, group, numbers, categories):
    """Training and test halves of a survey: X (row, feature), y and groups (row,)."""
    import pandas as pd

    frame = pd.read_csv(path).dropna(subset=[target, group])
    dummies = pd.get_dummies(frame[categories].astype(str), drop_first=True)
    X = frame[numbers].fillna(frame[numbers].median()).join(dummies).to_numpy(float)  # (row, feature)
    y, groups = frame[target].astype("category").cat.codes.to_numpy(), frame[group].to_numpy()  # (row,) each
    return train_test_split(X, y, groups, test_size=0.5, random_state=0, stratify=y)


def study(title, data, settings):
    """Print the rows of the table for one data set."""
    X, X_test, y, y_test, groups, groups_test = data
    for weight_prior in WEIGHT_PRIORS:
        for scale in SCALES:
            start, prior_scale = time.perf_counter(), 1.0 if scale == "fixed" else scale
            model = HierarchicalBNNClassifier(
                weight_prior=weight_prior, prior_scale=prior_scale, n_jobs=2, random_state=0, **settings
            )
            model.fit(X, y, groups=groups)
            proba = model.predict_proba(X_test, groups=groups_test)  # (row, class)
            near_zero, loss = prior_share(weight_prior, scale), log_loss(y_test, proba)
            size = np.abs(model.posterior_.group_mean)  # (chain, draw, weight)
            print(
                f"{title:<15}{weight_prior:<11}{scale:<15}{loss:>9.4f}"
                f"{np.mean(proba.argmax(axis=1) == y_test):>10.4f}{near_zero:>9.1%}"
                f"{np.mean(size < NEAR_ZERO):>9.1%}"
                f"{np.median(size):>9.2f}{time.perf_counter() - start:>9.1f}{np.max(model.diagnostics_.r_hat):>8.3f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="of the surveys; without it only the moons are studied")
    folder = parser.parse_args().folder
    paths = {name: next(folder.rglob(f"{name}.csv"), None) for name in SURVEYS} if folder else {}
    if missing := [f"{name}.csv" for name, path in paths.items() if path is None]:
        parser.error(f"{folder} has no {' and no '.join(missing)}, nor has a folder below it")
    print(
        f"{'data':<15}{'weights':<11}{'prior scale':<15}{'log loss':>9}{'accuracy':>10}{'before':>9}"
        f"{'after':>9}{'median':>9}"
        f"{'seconds':>9}{'R-hat':>8}"
    )
    settings = {"pooling": "partial", "tune": 400, "draws": 400}
    study("moons", make_rotated_moons(), {"fit_intercept": False, **settings})
    for name, path in paths.items():
        study(name, survey(path, *SURVEYS[name]), {"hidden_layer_sizes": (5,), **settings})
    if not paths:
        print(f"{' and '.join(SURVEYS)} are skipped: name the folder of their CSV files to study them too")


if __name__ == "__main__":
    main()
