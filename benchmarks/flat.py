"""Separate flat fits of the article's groups, 4 chains of 400 + 400 steps, against a loop over PyMC models.

The loop runs over the first groups only (the PEER_GROUPS of them); the ratio is of the seconds a fit takes.
"""

import numpy as np
import pymc as pm

from skhbnn import FlatBNNClassifier
from skhbnn.datasets import make_rotated_moons

from . import pymc_peers
from .common import ARTICLE, convergence_ignored, scores, timed, warnings_ignored

PEER_GROUPS = 3


def run():
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
    with convergence_ignored():
        FlatBNNClassifier(chains=1, tune=5, draws=5).fit(X[:50], y[:50])  # the process is warm
        proba = []
        with timed() as ours:
            for g in range(18):
                fitted = FlatBNNClassifier(n_jobs=2, random_state=0, **ARTICLE).fit(X[groups == g], y[groups == g])
                proba.append(fitted.predict_proba(X_test[groups_test == g]))
    some = groups_test < PEER_GROUPS
    quality = scores(y_test[some], np.concatenate(proba)[some])
    rows = [{"system": "skhbnn, 18 fits", "seconds a fit": ours.seconds / 18, "times skhbnn": 1.0}]
    rows[0] |= {f"test log loss, groups 0 to {PEER_GROUPS - 1}": quality[1]}

    with warnings_ignored():
        for name, sampler in pymc_peers.samplers().items():
            settings = {"random_seed": 0, "target_accept": 0.9, "progressbar": False, **sampler}
            seconds, proba = [], []
            for g in (0, *range(PEER_GROUPS)):  # the first fit warms the process and is not counted
                with timed() as clock, pymc_peers.flat(X[groups == g], y[groups == g]):
                    trace = pm.sample(400, tune=400, chains=4, cores=2, **settings)
                seconds.append(clock.seconds)
                proba.append(flat_proba(trace.posterior, X_test[groups_test == g]))
            mean = float(np.mean(seconds[1:]))
            rows.append(
                {
                    "system": f"{name}, mean of {PEER_GROUPS} fits",
                    "seconds a fit": mean,
                    "times skhbnn": mean / rows[0]["seconds a fit"],
                    f"test log loss, groups 0 to {PEER_GROUPS - 1}": scores(y_test[some], np.concatenate(proba[1:]))[1],
                }
            )
    return rows


def flat_proba(posterior, X):
    """Posterior mean of the probability of class 1, (row,)."""
    h = X  # (row, feature)
    names = sorted(name for name in posterior if name.startswith("w_"))
    for name in names:
        w = np.asarray(posterior[name])  # (chain, draw, input, unit)
        h = h @ w.reshape(-1, *w.shape[2:])  # (draw, row, unit)
        h = np.tanh(h) if name != names[-1] else h
    return (1 / (1 + np.exp(-h[..., 0]))).mean(axis=0)
