"""The article's hierarchical model: 18 groups of 50 rows, 4 chains of 400 + 400 steps, 2 cores.

The peers get the same model written in PyMC: nutpie called on it, compiling included, in a process that has compiled
before; and ``pm.sample`` as PyMC ships it. ``target_accept`` is 0.9 for all. A chain that meets a narrow mode takes
twice the time of the others: skhbnn and nutpie run with three seeds each, and the fit of median time is shown.
"""

import ctypes
import time
import warnings

import numpy as np
import nutpie
import pymc as pm

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.model.density import Density
from skhbnn.model.kernels import nutpie_callbacks

from . import pymc_peers
from .common import ARTICLE, convergence_ignored, median_ess, scores, timed

SEEDS = 0, 1, 2
ROOFLINE = 25.0  # µs a gradient on the reference machine: 216 kflop and 9,000 tanh at 1.4 ns


def run():
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
    grouped = [a.reshape(18, 50, *a.shape[1:]) for a in (X, X_test, y)]  # (group, row, ...)

    with convergence_ignored():
        HierarchicalBNNClassifier(chains=1, tune=5, draws=5).fit(X, y, groups=groups)  # the process is warm
        fits = [timed_fit(X, y, groups, seed) for seed in SEEDS]
    seconds, ours = median_run(fits)
    draws = ours.sample_proba(X_test, groups=groups_test)[:, :, 1]  # (draw, row)
    rows = [row("skhbnn", [seconds for seconds, _ in fits], seconds, y_test, draws)]

    warnings.simplefilter("ignore")  # the peers' own warnings
    model = pymc_peers.hierarchical(grouped[0], grouped[2])
    nutpie.compile_pymc_model(model)  # the process is warm for nutpie, too
    runs = [timed_nutpie(*grouped[::2], seed) for seed in SEEDS]
    draws = peer(median_run(runs)[1], grouped[1])  # (draw, row)
    rows.append(row("nutpie on the PyMC model", [seconds for seconds, _ in runs], seconds, y_test, draws))

    with timed() as clock, pymc_peers.hierarchical(*grouped[::2]):
        trace = pm.sample(400, tune=400, chains=4, cores=2, random_seed=0, target_accept=0.9, progressbar=False)
    rows.append(row(f"pm.sample, PyMC {pm.__version__}", [clock.seconds], seconds, y_test, peer(trace, grouped[1])))

    rows.append(dict.fromkeys(rows[0], "") | gradient(ours))
    return rows


def timed_fit(X, y, groups, seed):
    with timed() as clock:
        fitted = HierarchicalBNNClassifier(n_jobs=2, random_state=seed, **ARTICLE).fit(X, y, groups=groups)
    return clock.seconds, fitted


def timed_nutpie(X, y, seed):
    with timed() as clock:
        compiled = nutpie.compile_pymc_model(pymc_peers.hierarchical(X, y))
        trace = nutpie.sample(
            compiled, chains=4, tune=400, draws=400, cores=2, seed=seed, target_accept=0.9, progress_bar=False
        )
    return clock.seconds, trace


def median_run(runs):
    return sorted(runs, key=lambda run: run[0])[len(runs) // 2]


def peer(trace, X_test):
    proba = pymc_peers.hierarchical_proba(trace.posterior, X_test)  # (draw, group, row)
    return proba.reshape(len(proba), -1)


def row(system, seconds, ours, y_test, draws):
    accuracy, loss = scores(y_test, draws.mean(axis=0))
    return {
        "system": system,
        "seconds": np.median(seconds),
        "of the seeds": ", ".join(f"{value:.1f}" for value in sorted(seconds)),
        "times skhbnn": np.median(seconds) / ours,
        "median predictive ESS": median_ess(draws, 4),
        "test accuracy": accuracy,
        "test log loss": loss,
    }


def gradient(fitted, repeats=200):
    """One evaluation of the callback that the sampler calls, the fastest of several runs."""
    density = Density(fitted.posterior_.model, fitted.training_data_)
    callback, _ = nutpie_callbacks()
    arrays = density.initial_point(0), np.empty(density.n_dim), np.empty(1)  # x, gradient, log density
    pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in arrays]
    arguments, header = (density.n_dim, *pointers), density.header.ctypes.data
    best = np.inf
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(repeats):
            callback.ctypes(*arguments, header)
        best = min(best, (time.perf_counter() - start) / repeats)
    return {"system": f"one gradient: {best * 1e6:.0f} µs, {best * 1e6 / ROOFLINE:.2f} times the 25 µs roofline"}
