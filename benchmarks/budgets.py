"""How long a fit must be, how its groups are best pooled, and what its stated errors are worth.

Real data as in `real`, and the rotated moons of the 2018 article with 5 to 50 rows a group. Hierarchical fits; what a
row does not name is the default. Log loss is of the rows that do not train, in nats; "beyond the first" is the mean
over the sets, with its standard error. CPU seconds are of all cores together, and of the fit alone.

"Budgets" compares chains, steps of tuning and draws of each chain; "warned" is the share of fits that did. "Poolings"
compares `pooling`, all with the default budget. "Errors" compares refits by the default settings with other seeds. A
fit states the Monte Carlo error of its probabilities at some training rows, `diagnostics_.mcse`; the distance of two
fits is that of their probabilities of a test row, the 95th percentile over rows. Fits are sorted by the largest error
that they state.
"""

import json
import sys
import time
from functools import partial

import numpy as np

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

from .common import first_rows, observed, scores
from .grouped_data import CLASSIFICATION, Table, find, halves, read

LONG = "4 chains of 500 + 500"
BUDGETS = {
    LONG: {"chains": 4, "tune": 500, "draws": 500},
    "4 of 300 + 200": {"chains": 4, "tune": 300, "draws": 200},
    "4 of 200 + 150, the default": {},
    "4 of 200 + 150, target_accept=0.9": {"target_accept": 0.9},
    "4 of 150 + 100": {"chains": 4, "tune": 150, "draws": 100},
    "8 of 60 + 40": {"chains": 8, "tune": 60, "draws": 40},
}
POOLINGS = {
    '"auto"': {},
    '"affine"': {"pooling": "affine"},
    '"partial"': {"pooling": "partial"},
    "hidden layers complete": {"pooling": ["complete", "complete", "partial"]},
    '"auto", half-Cauchy group scales': {"group_scale_prior": "half_cauchy"},
}
REFITS = 4  # by the default settings
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


def fit(train, test, seed=0, **params):
    """A fit, its probabilities of the test rows (row, class), and its log loss, CPU seconds, and whether it warned."""
    start = time.process_time()
    model = HierarchicalBNNClassifier(random_state=seed, **params)
    fitted, _, warned = observed(partial(model.fit, groups=train.groups), train.X, train.y)
    seconds = time.process_time() - start
    proba = fitted.predict_proba(test.X, groups=test.groups)  # (row, class)
    return fitted, proba, {"log loss": scores(test.y, proba)[1], "seconds": seconds, "warned": warned}


def run(folder):
    names = [name for name in CLASSIFICATION if find(folder, name) and name not in LEFT_OUT] + list(MOONS)
    found: dict = {}
    errors = []
    for name in names:
        train, test = split(folder, name)
        for label, params in {**BUDGETS, **POOLINGS}.items():
            _, _, found[name, label] = fit(train, test, **params)
            print(json.dumps([name, label, found[name, label]]), file=sys.stderr, flush=True)
        errors += refits(train, test)
    return {
        "Budgets": compared(names, BUDGETS, found),
        "Poolings": compared(names, POOLINGS, found),
        "Errors": error_table(errors),
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


def refits(train, test):
    """Of each of some refits: the largest error it states, and distances of its probabilities from those of the others.

    A distance is the 95th percentile over rows.
    """
    fits = [fit(train, test, seed) for seed in range(REFITS)]
    found = []
    for k, (fitted, proba, *_) in enumerate(fits):
        others = [np.abs(proba - other).max(axis=1) for j, (_, other, *_) in enumerate(fits) if j != k]  # (row,) each
        found.append((fitted.diagnostics_, [float(np.quantile(distance, 0.95)) for distance in others]))
    return found


def error_table(errors):
    """Of fits that state errors up to each of some limits: how many there are, and how far refits are."""
    rows, lower = [], 0.0
    for upper in (0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 1.0):
        within = [distances for found, distances in errors if lower < found.mcse.max() <= upper]
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
