"""The article's hierarchical model: 18 groups of 50 rows, 4 chains of 400 + 400 steps, 2 cores.

The peers get the same model written in PyMC: nutpie called on it, compiling included, in a process that has compiled
before; and ``pm.sample`` as PyMC ships it. ``target_accept`` is 0.9 for all.
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

ROOFLINE = 25.0  # µs a gradient on the reference machine: 216 kflop and 9,000 tanh at 1.4 ns


def run():
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
    grouped = [a.reshape(18, 50, *a.shape[1:]) for a in (X, X_test, y)]  # (group, row, ...)
    rows = []

    with convergence_ignored():
        HierarchicalBNNClassifier(chains=1, tune=5, draws=5).fit(X, y, groups=groups)  # the process is warm
        with timed() as clock:
            ours = HierarchicalBNNClassifier(n_jobs=2, random_state=0, **ARTICLE).fit(X, y, groups=groups)
    draws = ours.sample_proba(X_test, groups=groups_test)[:, :, 1]  # (draw, row)
    rows.append(row("skhbnn", clock.seconds, clock.seconds, y_test, draws))

    warnings.simplefilter("ignore")  # the peers' own warnings
    model = pymc_peers.hierarchical(grouped[0], grouped[2])
    nutpie.compile_pymc_model(model)  # the process is warm for nutpie, too
    with timed() as clock:
        compiled = nutpie.compile_pymc_model(pymc_peers.hierarchical(grouped[0], grouped[2]))
        trace = nutpie.sample(
            compiled, chains=4, tune=400, draws=400, cores=2, seed=0, target_accept=0.9, progress_bar=False
        )
    rows.append(row("nutpie on the PyMC model", clock.seconds, rows[0]["seconds"], y_test, peer(trace, grouped[1])))

    with timed() as clock, pymc_peers.hierarchical(grouped[0], grouped[2]):
        trace = pm.sample(400, tune=400, chains=4, cores=2, random_seed=0, target_accept=0.9, progressbar=False)
    rows.append(
        row(f"pm.sample, PyMC {pm.__version__}", clock.seconds, rows[0]["seconds"], y_test, peer(trace, grouped[1]))
    )

    rows.append(dict.fromkeys(rows[0], "") | gradient(ours))
    return rows


def peer(trace, X_test):
    proba = pymc_peers.hierarchical_proba(trace.posterior, X_test)  # (draw, group, row)
    return proba.reshape(len(proba), -1)


def row(system, seconds, ours, y_test, draws):
    accuracy, loss = scores(y_test, draws.mean(axis=0))
    return {
        "system": system,
        "seconds": seconds,
        "times skhbnn": seconds / ours,
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
