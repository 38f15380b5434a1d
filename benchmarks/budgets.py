"""How long a fit must be, how its groups are best pooled, and what its stated errors are worth.

Real data as in `real`, and the rotated moons of the 2018 article with 5 to 50 rows a group. Hierarchical fits of
networks with two hidden layers of five units (`networks` has other sizes); what a row does not name is the default. Log
loss is of the rows that do not train, in nats; "beyond the first" is the mean over the sets, with its standard error.
CPU seconds are of all cores together, and of the fit alone.

"Budgets" compares chains, steps of tuning and draws of each chain; "warned" is the share of fits that did. Trajectories
of up to 200 steps of tuning have at most 2⁸ gradients on up to 200 groups, long ones 2¹⁰, as those of more steps have.
"Poolings" compares `pooling`, all with the default budget; "Poolings of few rows" compares where one row of each group
trains, or two, of sets with more than three inputs, means over two draws of the rows. "Errors" compares refits by the
default settings with other seeds. A fit states the Monte Carlo error of its probabilities at some training rows,
`diagnostics_.mcse`; the distance of two fits is that of their probabilities of a test row, the 95th percentile over
rows. Fits are sorted by the largest error that they state. "Divergences" sorts such refits, and others of longer steps
(`target_accept` of 0.6 and 0.4), by the share of their draws that diverged; "log loss beyond the default" is that of a
fit less the mean of the refits of the set by the default settings, without the fit itself.
"""

import json
import sys
import time
from functools import partial
from typing import NamedTuple

import numpy as np

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.model.network import OTHERWISE
from skhbnn.model.pooling import FEW_INPUTS
from skhbnn.posterior.diagnostics import Diagnostics

from .common import first_rows, observed, scores, trajectories
from .grouped_data import CLASSIFICATION, Table, find, halves, read

LONG = "4 chains of 500 + 500"
BUDGETS = {
    LONG: {"chains": 4, "tune": 500, "draws": 500},
    "4 of 200 + 150": {"chains": 4, "tune": 200, "draws": 150},
    "8 of 150 + 75": {"chains": 8, "tune": 150, "draws": 75},
    "8 of 100 + 50, the default": {},
    "8 of 100 + 50, long trajectories": {"long_trajectories": True},
    "8 of 100 + 50, target_accept=0.9": {"target_accept": 0.9},
    "8 of 60 + 40": {"chains": 8, "tune": 60, "draws": 40},
}
POOLINGS = {
    '"auto"': {},
    '"affine"': {"pooling": "affine"},
    '"partial"': {"pooling": "partial"},
    "hidden layers complete": {"pooling": ["complete", "complete", "partial"]},
    '"auto", half-Cauchy group scales': {"group_scale_prior": "half_cauchy"},
}
FEW_ROWS = {
    '"auto"': {},
    "hidden layers complete": POOLINGS["hidden layers complete"],
    "first layer complete": {"pooling": ["complete", "partial", "partial"]},
}
FEW_SEEDS = (0, 1)  # of the rows that are drawn, and of the fits
REFITS = 4  # by the default settings, and by each of LONG_STEPS
LONG_STEPS = (0.6, 0.4)  # target_accept, less than the default's
MOONS = {f"moons, {n} rows": n for n in (5, 10, 50)}
LEFT_OUT = ("Chem97",)  # a fit takes minutes


def split(folder, name):
    """Rows that train and rows that test, as Tables."""
    if name in MOONS:
        X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
        rows = first_rows(groups, MOONS[name])
        return Table(X[rows], y[rows], groups[rows]), Table(X_test, y_test, groups_test)
    table = read(folder, name)
    return [table.rows(rows) for rows in halves(table.groups, 0)]


def few_rows(table, n_rows, seed):
    """Some rows of each group, drawn at random, and all other rows, as Tables; None where a class is not drawn."""
    drawn = np.random.default_rng(seed).permutation(len(table.y))  # (row,)
    chosen = drawn[first_rows(table.groups[drawn], n_rows)]  # (chosen row,)
    train, test = table.rows(np.sort(chosen)), table.rows(np.setdiff1d(drawn, chosen))
    return (train, test) if set(train.y) == set(table.y) else None


def compare_few_rows(names, folder):
    """A row of each setting of FEW_ROWS and each number of rows of a group, as `compared` makes it."""
    tables = {name: read(folder, name) for name in names}
    tables = {name: table for name, table in tables.items() if table.X.shape[1] > FEW_INPUTS}
    rows = []
    for n_rows in (1, 2):
        found: dict = {}
        for name, table in tables.items():
            splits = [(seed, few_rows(table, n_rows, seed)) for seed in FEW_SEEDS]
            splits = [(seed, split) for seed, split in splits if split is not None]
            for label, params in FEW_ROWS.items() if splits else ():
                found[name, label] = mean_fit(splits, **params)
                print(json.dumps([name, n_rows, label, found[name, label]]), file=sys.stderr, flush=True)
        sets = list(dict.fromkeys(name for name, _ in found))
        rows += [{"rows of a group": n_rows, "sets": len(sets), **row} for row in compared(sets, FEW_ROWS, found)]
    return rows


def fit(train, test, seed=0, *, long_trajectories=False, **params):
    """A fit, its probabilities of the test rows (row, class), and its log loss, CPU seconds, and whether it warned."""
    start = time.process_time()
    model = HierarchicalBNNClassifier(**{"hidden_layer_sizes": OTHERWISE, **params}, random_state=seed)
    with trajectories(long=long_trajectories):
        fitted, _, warned = observed(partial(model.fit, groups=train.groups), train.X, train.y)
    seconds = time.process_time() - start
    proba = fitted.predict_proba(test.X, groups=test.groups)  # (row, class)
    return fitted, proba, {"log loss": scores(test.y, proba)[1], "seconds": seconds, "warned": warned}


def mean_fit(splits, **params):
    """Means of what `fit` measures over splits, each of them a seed and a pair of rows."""
    fits = [fit(*split, seed, **params)[2] for seed, split in splits]
    return {key: np.mean([of[key] for of in fits]) for key in fits[0]}


def run(folder):
    names = [name for name in CLASSIFICATION if find(folder, name) and name not in LEFT_OUT] + list(MOONS)
    found: dict = {}
    errors, diverged = [], []
    for name in names:
        train, test = split(folder, name)
        for label, params in {**BUDGETS, **POOLINGS}.items():
            _, _, found[name, label] = fit(train, test, **params)
            print(json.dumps([name, label, found[name, label]]), file=sys.stderr, flush=True)
        by_default = refits(train, test)
        errors += by_default
        diverged += beyond_default(by_default, by_default)
        for target_accept in LONG_STEPS:
            diverged += beyond_default(refits(train, test, target_accept=target_accept), by_default)
    return {
        "Budgets": compared(names, BUDGETS, found),
        "Poolings": compared(names, POOLINGS, found),
        "Poolings of few rows": compare_few_rows([name for name in names if name not in MOONS], folder),
        "Errors": error_table(errors),
        "Divergences": divergence_table(diverged),
        "Log loss of the budgets": by_set(names, BUDGETS, found),
        "Log loss of the poolings": by_set(names, POOLINGS, found),
    }


def compared(names, settings, found):
    """A row of each setting: its log loss beyond that of the first, over the sets, its time, and how many warned."""

    def of(label, quantity):
        return np.array([found[name, label][quantity] for name in names])  # (set,)

    first, rows = next(iter(settings)), []
    for label in settings:
        beyond = of(label, "log loss") - of(first, "log loss")  # (set,)
        error = beyond.std(ddof=1) / len(names) ** 0.5
        taken = of(label, "seconds")  # (set,)
        rows.append(
            {
                "setting": label,
                "log loss beyond the first": f"{beyond.mean():+.4f} ± {error:.4f}",
                "worst": f"{beyond.max():+.4f}",
                "CPU seconds, median": float(np.median(taken)),
                "most": float(taken.max()),
                "warned": f"{of(label, 'warned').mean():.0%}",
            }
        )
    return rows


def by_set(names, settings, found):
    """A row of each set, a column of each setting."""
    return [{"set": name, **{label: f"{found[name, label]['log loss']:.4f}" for label in settings}} for name in names]


class Refit(NamedTuple):
    """One of several fits of the same rows."""

    diagnostics: Diagnostics
    distances: list[float]  # of its probabilities from those of the others, the 95th percentile over rows
    log_loss: float


def refits(train, test, **params):
    """Some fits by other seeds, as a Refit each."""
    fits = [fit(train, test, seed, **params) for seed in range(REFITS)]
    found = []
    for k, (fitted, proba, measured) in enumerate(fits):
        others = [np.abs(proba - other).max(axis=1) for j, (_, other, _) in enumerate(fits) if j != k]  # (row,) each
        distances = [float(np.quantile(distance, 0.95)) for distance in others]
        found.append(Refit(fitted.diagnostics_, distances, measured["log loss"]))
    return found


def error_table(errors):
    """Of fits that state errors up to each of some limits: how many there are, and how far refits are."""
    rows, lower = [], 0.0
    for upper in (0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 1.0):
        within = [refit.distances for refit in errors if lower < refit.diagnostics.mcse.max() <= upper]
        apart = np.concatenate([np.empty(0), *within])  # (pair of fits,)
        rows.append(
            {
                "largest error stated": f"{lower} to {upper}",
                "fits": len(within),
                "distance of refits, median": float(np.median(apart)) if len(apart) else "",
                "95th percentile": float(np.quantile(apart, 0.95)) if len(apart) else "",
            }
        )
        lower = upper
    return rows


def beyond_default(fits, by_default):
    """Of each fit: the share of its draws that diverged, and its log loss beyond the mean of the others by default."""
    found = []
    for refit in fits:
        others = [other.log_loss for other in by_default if other is not refit]
        share = refit.diagnostics.divergences.sum() / (refit.diagnostics.n_chains * refit.diagnostics.n_draws)
        found.append((share, refit.log_loss - float(np.mean(others))))
    return found


def divergence_table(found):
    """Of fits of which up to each of some shares of the draws diverged: how many there are, and how much worse."""
    rows, lower = [], -1.0
    for upper in (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0):
        beyond = np.array([of_fit for share, of_fit in found if lower < share <= upper])  # (fit,)
        error = f" ± {beyond.std(ddof=1) / len(beyond) ** 0.5:.4f}" if len(beyond) > 1 else ""
        rows.append(
            {
                "share of the draws that diverged": f"{lower:.0%} to {upper:.0%}" if lower >= 0 else "none",
                "fits": len(beyond),
                "log loss beyond the default": f"{beyond.mean():+.4f}{error}" if len(beyond) else "",
            }
        )
        lower = upper
    return rows
