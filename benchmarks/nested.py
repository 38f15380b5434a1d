"""Nested groups: how much a second level of groups predicts, beside mixed models with equal effects.

Chem97 is pupils in schools in local education areas, of which 20 are drawn at random; guPrenat is births of mothers in
clusters. A set whose file is missing is left out. Half of each outer group's rows train, drawn at random, and the other
half test, so that some inner groups are known and others are new. Log loss is in nats, of six ordered grades in Chem97
and of two classes in guPrenat. In the lines of one level alone a model has that level for its groups.

- skhbnn: by its defaults, with `likelihood="ordinal"` for the grades.
- GPBoost: trees with random intercepts for the groups of each level, the number of trees by 4 folds. Grades are numbers
  to it, and the probability of one is that of the numbers nearest to it under GPBoost's normal distribution of a row.
- logistic: logistic regression with an indicator of each group of each level, its strength by a search of 4 folds.

What to see: whether both levels together predict no worse than the better one of them. The second table is the time of
a gradient of the first set with two levels, and with the inner one alone.
"""

import json
import sys

import numpy as np
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skhbnn import HierarchicalBNNClassifier
from skhbnn.density.density import Density
from skhbnn.model.build import hierarchical_model
from skhbnn.model.network import Network

from .common import convergence_ignored, gradient_seconds, observed, scores
from .grouped_data import find, halves, read_with_columns
from .real import boosted_effects, logistic

SETS = {"guPrenat": ("cluster", "mom"), "Chem97": ("lea", "school")}  # outer and inner level
MOST_AREAS = {"Chem97": 20}  # outer groups that are drawn
SEEDS = (0,)
REPEATS, TURNS = 20, 5  # of a gradient with one level and with two, which take turns


def fit_skhbnn(train, test, groups, seed):
    """Probabilities of test rows; groups: labels (row, level) of the rows that train and of those that test."""
    likelihood = "ordinal" if len(np.unique(train.y)) > 2 else "auto"
    model = HierarchicalBNNClassifier(likelihood=likelihood, random_state=seed).fit(train.X, train.y, groups=groups[0])
    return model.predict_proba(test.X, groups=groups[1])


def joined(labels):
    """One text for the labels of each row (row, level), so that inner labels of several outer groups differ."""
    return np.array(["/".join(map(str, row)) for row in labels.tolist()])  # (row,)


def prefixes(labels):
    """Labels of the groups of each level: of an inner one with the labels around it, (row,) each."""
    return [joined(labels[:, : k + 1]) for k in range(labels.shape[1])]


def fit_logistic(train, test, groups, seed):
    scaler, of_levels = StandardScaler().fit(train.X), zip(*map(prefixes, groups), strict=True)
    parts = [[scaler.transform(part.X) for part in (train, test)]]
    for known, new in of_levels:
        encoder = OneHotEncoder(handle_unknown="ignore").fit(known[:, None])
        parts.append([encoder.transform(labels[:, None]) for labels in (known, new)])
    X, X_new = (sparse.csr_matrix(sparse.hstack(of_rows)) for of_rows in zip(*parts, strict=True))
    return logistic(X, train.y).predict_proba(X_new)


def fit_gpboost(train, test, groups, seed):
    labels = [np.column_stack(prefixes(of_rows)) for of_rows in groups]  # (row, level) each
    return boosted_effects(train, test, labels, seed)


SYSTEMS = {"skhbnn": fit_skhbnn, "GPBoost": fit_gpboost, "logistic": fit_logistic}


def splits(folder, name, seed):
    """Rows that train and rows that test, and labels (row, level) of both."""
    table, labels = read_with_columns(folder, name, SETS[name])
    if name in MOST_AREAS:
        outer = np.unique(labels[:, 0].astype(str))  # (outer group,)
        chosen = np.random.default_rng(seed).permutation(outer)[: MOST_AREAS[name]]  # (chosen group,)
        rows = np.flatnonzero(np.isin(labels[:, 0].astype(str), chosen))
        table, labels = table.rows(rows), labels[rows]
    rows = halves(joined(labels[:, :1]), seed)
    return [table.rows(part) for part in rows], [labels[part] for part in rows]


def run(folder):
    names = [name for name in SETS if find(folder, name)]
    if not names:
        raise FileNotFoundError(f"{folder} (of --data) has none of {', '.join(f'{name}.csv' for name in SETS)}.")
    results = []
    for name in names:
        outer, inner = SETS[name]
        forms = {f"{outer} and {inner}": slice(0, 2), f"{inner} alone": slice(1, 2), f"{outer} alone": slice(0, 1)}
        for seed in SEEDS:
            (train, test), labels = splits(folder, name, seed)
            for form, levels in forms.items():
                # An inner label alone has that of its outer group in it, so that it means one group.
                groups = [
                    prefixes(of_rows)[1][:, None] if form == f"{inner} alone" else of_rows[:, levels]
                    for of_rows in labels
                ]
                for system in SYSTEMS:
                    found = measured(system, train, test, groups, seed)
                    if found is not None:
                        results.append({"set": name, "levels": form, "seed": seed, **found})
                        print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    return {"Log loss": results, "A gradient": gradients(folder, names[0])}


def measured(system, train, test, groups, seed):
    """Log loss, accuracy and seconds of a system, as a dict; None where it is missing or cannot have the data."""
    try:
        with convergence_ignored():
            proba, seconds, _ = observed(SYSTEMS[system], train, test, groups, seed)
    except ImportError as error:
        print(f"{system} is left out: {error}", file=sys.stderr, flush=True)
        return None
    if proba is None:
        return None
    accuracy, log_loss = scores(test.y, proba)
    return {"system": system, "log loss": log_loss, "accuracy": accuracy, "seconds": seconds}


def gradients(folder, name):
    """Microseconds of a gradient with both levels and with the inner one alone, by pooling, as rows of a table."""
    from skhbnn.data.levels import unique_nested
    from skhbnn.data.rows import group_rows

    (train, _), (labels, _) = splits(folder, name, 0)
    labels = list(map(tuple, labels.tolist()))
    known = unique_nested(labels, list(SETS[name]))
    codes = np.array([dict(zip(known, range(len(known)), strict=True))[label] for label in labels])  # (row,)
    network = Network((train.X.shape[1], 5, 5, 1), "tanh", True)
    rows = []
    for pooling in (("partial",) * 3, ("complete", "partial", "partial"), ("affine", "complete", "partial")):
        densities = []
        for n_levels in (1, 2):
            data, _ = group_rows(train.X, train.y, codes, known, n_levels=n_levels)
            levels = SETS[name][-n_levels:]
            model = hierarchical_model(network, "bernoulli", np.array([1.0, 1.0, 4.0]), pooling, levels=levels)
            densities.append(Density(model, data))
        turns = [[gradient_seconds(density, REPEATS) for density in densities] for _ in range(TURNS)]
        seconds = np.min(turns, axis=0)  # (levels,)
        rows.append(
            {
                "set": name,
                "pooling": ", ".join(pooling),
                "one level, µs": float(1e6 * seconds[0]),
                "two levels, µs": float(1e6 * seconds[1]),
                "ratio": float(seconds[1] / seconds[0]),
            }
        )
    return rows
