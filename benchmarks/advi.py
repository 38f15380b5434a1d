"""ADVI on the article's hierarchical model: what it costs with and without the compiled Op, and what it loses to NUTS.

Seconds per 10,000 iterations are those of the iterations alone: the time of 4,000 less that of 1,000, compiling
cancelled out.
"""

import time

import numpy as np
import pymc as pm

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.density.pymc_model import build_model

from .common import ARTICLE_HIERARCHICAL, convergence_ignored, scores, timed

SEEDS = range(4)


def run():
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
    rows = []
    with convergence_ignored():
        settings = {name: value for name, value in ARTICLE_HIERARCHICAL.items() if name not in ("chains", "tune")}
        for title, fits in (
            ("NUTS", [HierarchicalBNNClassifier(n_jobs=2, random_state=0, **ARTICLE_HIERARCHICAL)]),
            ("ADVI", [HierarchicalBNNClassifier(inference="advi", random_state=s, **settings) for s in SEEDS]),
        ):
            losses, seconds = [], []
            for fitted in fits:
                with timed() as clock:
                    fitted.fit(X, y, groups=groups)
                seconds.append(clock.seconds)
                losses.append(scores(y_test, fitted.predict_proba(X_test, groups=groups_test))[1])
            rows.append(
                {
                    "method": f"{title}, mean of {len(fits)} seeds" if len(fits) > 1 else title,
                    "test log loss": float(np.mean(losses)),
                    "best and worst": f"{min(losses):.3f} to {max(losses):.3f}",
                    "seconds a fit": float(np.mean(seconds)),
                    "seconds per 10,000 iterations": "-",
                }
            )
    model, data = fitted.posterior_.model, fitted.training_data_
    for fused, title in ((True, "pm.fit with the compiled Op"), (False, "pm.fit on a plain PyTensor graph")):
        seconds = seconds_of_iterations(build_model(model, data, fused=fused))
        rows.append({**dict.fromkeys(rows[0], "-"), "method": title, "seconds per 10,000 iterations": seconds})
    return rows


def seconds_of_iterations(model):
    """Of 10,000 iterations of mean-field ADVI."""
    with model:
        inference = pm.ADVI(random_seed=0)
        inference.fit(10, progressbar=False)  # compiled
        clocks = []
        for n in (1_000, 4_000):
            start = time.perf_counter()
            inference.fit(n, progressbar=False)
            clocks.append(time.perf_counter() - start)
    return (clocks[1] - clocks[0]) / 3_000 * 10_000
