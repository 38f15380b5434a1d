"""Which prior? Families of weights and of group scales, on the moons of the 2018 article and on a survey.

    python examples/prior_study.py                      # the moons
    python examples/prior_study.py contraception.csv    # and contraception across districts (R package mlmRev)

One table: test log loss and accuracy of the hierarchical model under every pair of a weight prior and a prior of the
group scales, and how sparse the weights of the group mean are: the share of their draws within 0.1 of zero,
before and after the data, and their median absolute value.
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
GROUP_SCALE_PRIORS = ("half_normal", "half_cauchy", "inverse_gamma")
NEAR_ZERO = 0.1
PRIOR_SHARE = {  # of a weight with prior scale 1 within NEAR_ZERO of zero
    name: 2 * family.cdf(NEAR_ZERO) - 1
    for name, family in zip(WEIGHT_PRIORS, (stats.norm(), stats.laplace(), stats.t(4), stats.cauchy()), strict=True)
}


def contraception(path):
    """Training and test halves of the survey: X (row, feature), y and districts (row,)."""
    import pandas as pd

    frame = pd.read_csv(path)
    X = pd.get_dummies(frame[["age", "livch", "urban"]].astype({"livch": str}), drop_first=True).to_numpy(float)
    y, district = (frame["use"] == "Y").to_numpy(int), frame["district"].to_numpy()  # (row,)
    X, X_test, y, y_test, district, district_test = train_test_split(
        X, y, district, test_size=0.5, random_state=0, stratify=y
    )
    return X, X_test, y, y_test, district, district_test


def study(title, data, settings):
    """Print the rows of the table for one data set."""
    X, X_test, y, y_test, groups, groups_test = data
    for weight_prior in WEIGHT_PRIORS:
        for group_scale_prior in GROUP_SCALE_PRIORS:
            start = time.perf_counter()
            model = HierarchicalBNNClassifier(
                weight_prior=weight_prior, group_scale_prior=group_scale_prior, n_jobs=2, random_state=0, **settings
            )
            model.fit(X, y, groups=groups)
            proba = model.predict_proba(X_test, groups=groups_test)  # (row, class)
            near_zero, loss = PRIOR_SHARE[weight_prior], log_loss(y_test, proba)
            size = np.abs(model.posterior_.group_mean)  # (chain, draw, weight)
            print(
                f"{title:<15}{weight_prior:<11}{group_scale_prior:<15}{loss:>9.4f}"
                f"{np.mean(proba.argmax(axis=1) == y_test):>10.4f}{near_zero:>9.1%}"
                f"{np.mean(size < NEAR_ZERO):>9.1%}"
                f"{np.median(size):>9.2f}{time.perf_counter() - start:>9.1f}{np.max(model.diagnostics_.r_hat):>8.3f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, help="contraception.csv; without it only the moons are studied")
    path = parser.parse_args().path
    print(
        f"{'data':<15}{'weights':<11}{'group scales':<15}{'log loss':>9}{'accuracy':>10}{'before':>9}"
        f"{'after':>9}{'median':>9}"
        f"{'seconds':>9}{'R-hat':>8}"
    )
    settings = {"pooling": "partial", "prior_scale": 1.0, "tune": 400, "draws": 400}
    study("moons", make_rotated_moons(), {"fit_intercept": False, **settings})
    if path is None:
        print("contraception  skipped: name its CSV file to study it too")
    else:
        study("contraception", contraception(path), {"hidden_layer_sizes": (5,), **settings})


if __name__ == "__main__":
    main()
