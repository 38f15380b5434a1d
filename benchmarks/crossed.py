"""Crossed effects: persons by items, and lecturers by students, with random intercepts and without them.

VerbAgg: 316 persons answer 24 items each, two classes; persons are the groups, items cross them. InstEval: 73,421
ratings from 1 to 5 of 1,128 lecturers by 2,972 students; lecturers are the groups, students cross them, and the classes
have an order. A set whose file is missing is left out. Half of each group's rows train, drawn at random, the other half
test. Inputs are those of `benchmarks/grouped_data.py`; log loss is in nats, the squared error is that of the mean
rating, and seconds are of the whole fit, beside other work on the machine; GPBoost had one thread. skhbnn by its
defaults, for InstEval with one hidden layer of 5 units, partial pooling and 2 chains of 100 + 50 steps; "crossed" is
`random_intercepts` of the labels that cross the groups. Logistic regression has an indicator for each group and each
label, and the strength of its regularisation by a search of 4 folds. GPBoost has trees and random intercepts of both,
the number of trees by 4 folds. Ordered classes are numbers to it, and the probability of one is that of the numbers
nearest to it under GPBoost's normal distribution of a row.

The second table is of a linear model of all rows of VerbAgg, with random intercepts of persons and of items in both
systems: coefficients of standardised inputs and standard deviations of the intercepts, on the scale of the logit.
skhbnn shows posterior means, with posterior standard deviations in brackets, under Normal(0, 2) priors of the
coefficients and HalfNormal(1) priors of the standard deviations; GPBoost the maximum of the approximate likelihood,
with standard errors in brackets where it has them. The last column is the distance of both, in posterior standard
deviations.
"""

import json
import sys

import numpy as np
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier

from .common import observed, scores
from .grouped_data import ORDERED, find, halves, read, read_ordered
from .real import boosted_effects, logistic

SEEDS = {"verbagg": (0,), "insteval": (0,)}
SETTINGS: dict = {
    "verbagg": {},
    "insteval": {
        **{"hidden_layer_sizes": (5,), "pooling": "partial", "prior_scale": 2.0, "likelihood": "ordinal"},
        **{"chains": 2, "tune": 100, "draws": 50},
    },
}
LINEAR = {"hidden_layer_sizes": (), "chains": 4, "tune": 1000, "draws": 1000, "random_state": 0}


def frame_of(table, columns):
    """Inputs and columns of labels by their names, as a dataframe."""
    import pandas as pd

    inputs = pd.DataFrame(table.X, columns=[f"x{i}" for i in range(table.X.shape[1])])
    return inputs.assign(**{name: getattr(table, name) for name in columns})


def fit_skhbnn(train, test, seed, settings):
    model = HierarchicalBNNClassifier(groups="groups", random_state=seed, **settings)
    return model.fit(frame_of(train, ["groups"]), train.y).predict_proba(frame_of(test, ["groups"]))


def fit_crossed(train, test, seed, settings):
    names = ["groups", "crossed"]
    model = HierarchicalBNNClassifier(groups="groups", random_intercepts="crossed", random_state=seed, **settings)
    return model.fit(frame_of(train, names), train.y).predict_proba(frame_of(test, names))


def fit_logistic(train, test, seed, settings):
    scaler, labels = StandardScaler().fit(train.X), [np.column_stack([t.groups, t.crossed]) for t in (train, test)]
    one_hot = OneHotEncoder(handle_unknown="ignore").fit(labels[0])
    X, X_new = (
        sparse.csr_matrix(sparse.hstack([scaler.transform(part.X), one_hot.transform(of_rows)]))
        for part, of_rows in zip((train, test), labels, strict=True)
    )
    return logistic(X, train.y).predict_proba(X_new)


def fit_gpboost(train, test, seed, settings):
    labels = [np.column_stack([part.groups, part.crossed]).astype(str) for part in (train, test)]  # (row, 2) each
    return boosted_effects(train, test, labels, seed)


SYSTEMS = {
    "skhbnn": fit_skhbnn,
    "skhbnn, crossed": fit_crossed,
    "logistic, both one-hot": fit_logistic,
    "GPBoost, both": fit_gpboost,
}


def run(folder):
    names = [name for name in SEEDS if find(folder, name)]
    if not names:
        raise FileNotFoundError(f"{folder} (of --data) has none of {', '.join(f'{name}.csv' for name in SEEDS)}.")
    tables = {name: read_ordered(folder, name) if name in ORDERED else read(folder, name) for name in names}
    found: dict = {"Log loss": [row for name, table in tables.items() for row in compare(name, table)]}
    if "verbagg" in tables:
        found["A linear model of verbagg"] = linear(tables["verbagg"])
    return found


def compare(name, table):
    """A row of each system, means over the seeds of a set."""
    found: dict = {}
    for seed in SEEDS[name]:
        train, test = (table.rows(rows) for rows in halves(table.groups, seed))
        for system, fit in SYSTEMS.items():
            try:
                proba, seconds, _ = observed(fit, train, test, seed, SETTINGS[name])
            except ImportError as error:
                print(f"{system} is left out: {error}", file=sys.stderr, flush=True)
                continue
            if proba is not None:
                rating = proba @ np.arange(proba.shape[1]) if proba.ndim > 1 else proba  # (row,): its mean
                error = float(np.mean((test.y - rating) ** 2))
                found.setdefault(system, []).append((*scores(test.y, proba), error, seconds))
                print(json.dumps([name, seed, system, *found[system][-1]]), file=sys.stderr, flush=True)
    means = {system: np.mean(of_seeds, axis=0).tolist() for system, of_seeds in found.items()}
    names = ("log loss", "accuracy", "squared error", "seconds")
    return [
        {"set": name, "system": system, **dict(zip(names, (f"{loss:.4f}", accuracy, *rest), strict=True))}
        for system, (accuracy, loss, *rest) in means.items()
    ]


def linear(table):
    """Coefficients and standard deviations of a linear model of all rows, a row each."""
    frame = frame_of(table, ["groups", "crossed"])
    fitted = FlatBNNClassifier(random_intercepts=["groups", "crossed"], **LINEAR).fit(frame, table.y)
    posterior = fitted.posterior_
    draws = np.concatenate([posterior.weights[:, :, 0], posterior.group_scale], axis=2)  # (chain, draw, number)
    names = [*posterior.network.weight_names(frame.columns[:-2]), "sd of persons", "sd of items"]
    estimates, errors = _linear_by_gpboost(table)
    mean, deviation = draws.mean(axis=(0, 1)), draws.std(axis=(0, 1))  # (number,) each
    return [
        {
            "number": name,
            "skhbnn": f"{mean[k]:.3f} ({deviation[k]:.3f})",
            "GPBoost": f"{estimates[k]:.3f}" + (f" ({errors[k]:.3f})" if errors[k] > 0 else ""),
            "distance": f"{abs(mean[k] - estimates[k]) / deviation[k]:.2f}",
        }
        for k, name in enumerate(names)
    ]


def _linear_by_gpboost(table):
    """Numbers of GPBoost's linear mixed model in the order of the table, and standard errors or NaN, (number,) each."""
    try:
        import gpboost
    except ImportError as error:
        print(f"GPBoost is left out: {error}", file=sys.stderr, flush=True)
        return np.full((2, table.X.shape[1] + 3), np.nan)
    inputs = np.column_stack([StandardScaler().fit_transform(table.X), np.ones(len(table.y))])  # (row, feature + 1)
    effects = np.column_stack([table.groups, table.crossed]).astype(str)  # (row, 2)
    model = gpboost.GPModel(group_data=effects, likelihood="bernoulli_logit")
    model.fit(y=table.y.astype(float), X=inputs)
    coefficients, errors = np.asarray(model.get_coef(std_err=True))[:2]  # (feature + 1,) each
    variances, of_variances = np.asarray(model.get_cov_pars(std_err=True))[:2]  # (effect,) each
    deviations = np.sqrt(variances)  # (effect,)
    return np.append(coefficients, deviations), np.append(errors, of_variances / (2 * deviations))
