"""The article's hierarchical model: 18 groups of 50 rows, 4 chains of 400 + 400 steps, 2 cores.

The peers get the same model written in PyMC: nutpie called on it, compiling included, in a process that has compiled
before; ``pm.sample`` with the sampler that PyMC brings; ``pm.sample`` of PyMC 6 as it is where nutpie is installed,
which it then calls; and numpyro, where it is installed. ``target_accept`` is 0.9 for all. A chain that meets a narrow
mode takes twice the time of the others, and a shared machine has good and bad minutes: skhbnn and nutpie take turns
with three seeds, whose mean is shown; ESS and quality are those of the run of median time. The others run once.
"""

import importlib.util

import numpy as np
import nutpie
import pymc as pm

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.density.density import Density

from . import pymc_peers
from .common import (
    ARTICLE_HIERARCHICAL,
    convergence_ignored,
    gradient_seconds,
    median_ess,
    scores,
    timed,
    warnings_ignored,
)

SEEDS = 0, 1, 2
ROOFLINE = 25.0  # µs a gradient on the reference machine: 216 kflop and 9,000 tanh at 1.4 ns


def run():
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
    grouped = [a.reshape(18, 50, *a.shape[1:]) for a in (X, X_test, y)]  # (group, row, ...)

    def fit(seed):
        with convergence_ignored():
            return HierarchicalBNNClassifier(n_jobs=2, random_state=seed, **ARTICLE_HIERARCHICAL).fit(
                X, y, groups=groups
            )

    def with_nutpie(seed):
        compiled = nutpie.compile_pymc_model(pymc_peers.hierarchical(*grouped[::2]))
        settings = {"cores": 2, "seed": seed, "target_accept": 0.9, "progress_bar": False}
        return nutpie.sample(compiled, chains=4, tune=400, draws=400, **settings)

    def with_pymc(**sampler):
        settings = {"cores": 2, "random_seed": 0, "target_accept": 0.9, "progressbar": False}
        with pymc_peers.hierarchical(*grouped[::2]):
            return pm.sample(400, tune=400, chains=4, **settings, **sampler)

    def row(system, runs, draws):
        accuracy, loss = scores(y_test, draws.mean(axis=0))
        return {
            "system": system,
            "seconds": mean_seconds(runs),
            "of each seed": ", ".join(f"{seconds:.1f}" for seconds, _ in runs),
            "times skhbnn": mean_seconds(runs) / mean_seconds(own),
            "median predictive ESS": median_ess(draws, 4),
            "test accuracy": accuracy,
            "test log loss": loss,
        }

    def draws_of(trace):
        proba = pymc_peers.hierarchical_proba(trace.posterior, grouped[1])  # (draw, group, row)
        return proba.reshape(len(proba), -1)

    with warnings_ignored():
        HierarchicalBNNClassifier(chains=1, tune=5, draws=5).fit(X, y, groups=groups)  # the process is warm
        nutpie.compile_pymc_model(pymc_peers.hierarchical(*grouped[::2]))  # for nutpie, too
        turns = [(run_timed(fit, seed), run_timed(with_nutpie, seed)) for seed in SEEDS]
        own, nutpies = zip(*turns, strict=True)
        fitted = median_run(own)
        draws = fitted.sample_proba(X_test, groups=groups_test)[:, :, 1]  # (draw, row)
        rows = [row("skhbnn", own, draws), row("nutpie on the PyMC model", nutpies, draws_of(median_run(nutpies)))]
        samplers = pymc_peers.samplers()
        if importlib.util.find_spec("numpyro") is not None:
            samplers["numpyro by pm.sample"] = {"nuts_sampler": "numpyro"}
        for name, sampler in samplers.items():
            seconds, trace = run_timed(with_pymc, **sampler)
            rows.append(row(name, [(seconds, trace)], draws_of(trace)))
    rows.append(dict.fromkeys(rows[0], "") | gradient(fitted))
    return rows


def run_timed(function, *args, **kwargs):
    """Seconds and the result."""
    with timed() as clock:
        result = function(*args, **kwargs)
    return clock.seconds, result


def mean_seconds(runs):
    """Mean over the seeds."""
    return float(np.mean([seconds for seconds, _ in runs]))


def median_run(runs):
    """The result of median time."""
    return sorted(runs, key=lambda run: run[0])[len(runs) // 2][1]


def gradient(fitted):
    """One evaluation of the callback that the sampler calls."""
    microseconds = 1e6 * gradient_seconds(Density(fitted.posterior_.model, fitted.training_data_), 200)
    return {"system": f"one gradient: {microseconds:.0f} µs, {microseconds / ROOFLINE:.2f} times the 25 µs roofline"}
