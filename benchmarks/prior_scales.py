"""Learned scales of the prior: real sets beside fixed ones, and which inputs ARD finds to be noise.

The data are the classes of `benchmarks/grouped_data.py` but Chem97, those whose files are there. Half of each group's
rows train, drawn at random, the other half test. Each setting is the hierarchical classifier by its defaults with
another `prior_scale`: fixed, 1 for the hidden layers and 4 for the output layer, or learned, by their names. Test log
loss in nats, and in brackets the seconds of processor time of the fit, of all threads together; means over two splits.
The second table has the mean difference to the fixed scales with its standard error over the sets, and the mean ratio
of times, geometric. A learned scale is the default if it gains 0.002 nats in the mean at no more than 1.3 times the
time.

The third table is of made data: 25 independent normal inputs, of which y depends on the first five. Classes depend on
two of them by the product of one and the sign of the other; 1,000 rows train and 1,000 test, flat classifiers of 5
units. Numbers are a tanh of three inputs and a sum of two; 250 rows train, 1,000 test, flat regressors of 4 units.
Shown are the log losses, of numbers the negative log densities, with a fixed scale and with one for each input, the
least posterior median of a scale of the five inputs, and the largest one of the twenty others.
"""

import json
import sys

import numpy as np

from skhbnn import FlatBNNClassifier, FlatBNNRegressor

from .budgets import fit
from .common import convergence_ignored, paired
from .grouped_data import CLASSIFICATION, find, halves, read

LEFT_OUT = ("Chem97",)  # takes minutes
SPLITS = (0, 1)
FIXED = "(1, 4)"
SETTINGS = {
    FIXED: {"prior_scale": (1.0, 4.0)},
    "('ard', 4), the default": {},
    **{scale: {"prior_scale": scale} for scale in ("half_normal", "half_cauchy", "inverse_gamma", "ard")},
}
SEEDS = range(5)  # of made data
N_RELEVANT, N_NOISE = 5, 20


def run(folder):
    names = [name for name in CLASSIFICATION if name not in LEFT_OUT and find(folder, name)]
    if not names:
        raise FileNotFoundError(f"{folder} (of --data) has none of {', '.join(f'{n}.csv' for n in CLASSIFICATION)}.")
    table = read(folder, names[0])
    one_fit(table.rows(np.arange(200)), table, {"tune": 5, "draws": 5}, 0)  # what compiles, compiles here
    found = {}
    for name in names:
        table = read(folder, name)
        for seed in SPLITS:
            train, test = (table.rows(rows) for rows in halves(table.groups, seed))
            for setting, params in SETTINGS.items():
                found[name, seed, setting] = one_fit(train, test, params, seed)
                print(json.dumps([name, seed, setting, *found[name, seed, setting]]), file=sys.stderr, flush=True)
    made = [of_made_data(kind, seed) for kind in ("classes", "numbers") for seed in SEEDS]
    return summary(names, found) | {"Relevant inputs and noise": made}


def summary(names, found):
    """Two tables of the log losses and seconds of every set, seed and setting."""
    means = {  # (log loss, seconds) each
        (name, setting): np.mean([found[name, seed, setting] for seed in SPLITS], axis=0)
        for name in names
        for setting in SETTINGS
    }
    of_sets = [
        {"set": name, **{s: "{:.4f} ({:.1f})".format(*means[name, s]) for s in SETTINGS}}  # a row of each set
        for name in names
    ]
    return {
        "Log loss (seconds)": of_sets,
        "Beside the fixed scales": [beside(setting, names, means) for setting in SETTINGS if setting != FIXED],
    }


def one_fit(train, test, params, seed):
    """Test log loss and seconds of processor time of one fit."""
    measured = fit(train, test, seed, **params)[2]
    return measured["log loss"], measured["seconds"]


def beside(setting, names, means):
    """The row of one setting beside the fixed scales."""
    both = np.array([[means[name, s] for s in (setting, FIXED)] for name in names])  # (set, setting, quantity)
    return {
        "prior_scale": setting,
        "log loss less theirs": "{:+.4f} ± {:.4f}".format(*paired(both[:, 0, 0], both[:, 1, 0])),
        "better on": f"{np.sum(both[:, 0, 0] < both[:, 1, 0])} of {len(names)}",
        "times theirs": float(np.exp(np.mean(np.log(both[:, 0, 1] / both[:, 1, 1])))),
    }


def made_classes(seed):
    """X (row, input) and classes y (row,): the rows that train, and behind them 1,000 that test."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2_000, N_RELEVANT + N_NOISE))  # (row, input)
    logit = 4 * np.tanh(X[:, 0] + X[:, 1]) + 2 * X[:, 2] - 2 * X[:, 3] * np.sign(X[:, 4] - 0.2)  # (row,)
    return X, (rng.uniform(size=len(X)) < 1 / (1 + np.exp(-logit))).astype(int)


def made_numbers(seed):
    """X (row, input) and numbers y (row,): the rows that train, and behind them 1,000 that test."""
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(1_250, N_RELEVANT + N_NOISE)), np.array([1.0, -1.2, 0.9, 1.4, -1.0])
    mean = np.tanh(X[:, :3] @ weights[:3]) + 0.7 * X[:, 3:5] @ weights[3:]  # (row,)
    return X, mean + 0.3 * rng.normal(size=len(X))


def of_made_data(kind, seed):
    """The row of one seed: losses with a fixed scale and with one for each input, and the scales."""
    X, y = made_classes(seed) if kind == "classes" else made_numbers(seed)
    n, losses = len(y) - 1_000, {}
    for name, params in (("fixed", {}), ("ard", {"prior_scale": "ard"})):
        if kind == "classes":
            model = FlatBNNClassifier((5,), random_state=seed, **params)
        else:
            model = FlatBNNRegressor((4,), chains=2, random_state=seed, **params)
        with convergence_ignored():
            model.fit(X[:n], y[:n])
        losses[f"loss, {name}"] = float(-model.log_predictive_density(X[n:], y[n:]).mean())
    medians = np.median(model.posterior_.prior_scale, axis=(0, 1))[: X.shape[1]]  # (input,)
    return {
        "target": kind,
        "seed": seed,
        **losses,
        "least scale of a relevant input": float(medians[:N_RELEVANT].min()),
        "largest scale of a noise input": float(medians[N_RELEVANT:].max()),
    }
