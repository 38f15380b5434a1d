"""Crossed effects: persons by items, and lecturers by students, with random intercepts and without them.

VerbAgg: 316 persons answer 24 items each, two classes; persons are the groups, items cross them. InstEval: 73,421
ratings from 1 to 5 of 1,128 lecturers by 2,972 students; lecturers are the groups, students cross them, and the classes
have an order. Half of each group's rows train, drawn at random, the other half test. Inputs are those of
`benchmarks/grouped_data.py`; log loss is in nats, seconds are of the whole fit on all cores. skhbnn by its defaults,
for InstEval with one hidden layer of 5 units, partial pooling and 2 chains of 100 + 50 steps; "crossed" is
`random_intercepts` of the labels that cross the groups. Logistic regression has an indicator for each group and each
label, and the strength of its regularisation by a search of 4 folds. GPBoost has trees and random intercepts of both,
the number of trees by 4 folds; two classes only.

The second table is of a linear model of all rows of VerbAgg, with random intercepts of persons and of items in both
systems: coefficients of standardised inputs and standard deviations of the intercepts, on the scale of the logit.
skhbnn shows posterior means, with posterior standard deviations in brackets, under Normal(0, 2) priors of the
coefficients and HalfNormal(1) priors of the standard deviations; GPBoost the maximum of the approximate likelihood.
"""

import json
import sys

import numpy as np
from scipy import sparse
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier

from .common import observed, scores
from .grouped_data import find, halves, read, read_ordered
from .real import logistic

SEEDS = {"verbagg": (0, 1), "insteval": (0,)}
SETTINGS: dict = {
    "verbagg": {},
    "insteval": {
        **{"hidden_layer_sizes": (5,), "pooling": "partial", "prior_scale": 2.0, "likelihood": "ordinal"},
        **{"chains": 2, "tune": 100, "draws": 50},
    },
}
FOLDS = StratifiedKFold(4, shuffle=True, random_state=0)
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
    import gpboost

    if len(np.unique(train.y)) > 2:
        return None
    params = {"learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 10, "verbose": 0, "seed": seed}
    effects = [np.column_stack([part.groups, part.crossed]).astype(str) for part in (train, test)]  # (row, 2) each
    found = gpboost.cv(
        params,
        gpboost.Dataset(train.X, train.y),
        gp_model=gpboost.GPModel(group_data=effects[0], likelihood="bernoulli_logit"),
        num_boost_round=400,
        early_stopping_rounds=20,
        folds=list(FOLDS.split(train.X, train.y)),
        verbose_eval=False,
    )
    n_trees = len(next(iter(found.values())))
    model = gpboost.GPModel(group_data=effects[0], likelihood="bernoulli_logit")
    booster = gpboost.train(params, gpboost.Dataset(train.X, train.y), num_boost_round=n_trees, gp_model=model)
    found = booster.predict(data=test.X, group_data_pred=effects[1], predict_var=False, pred_latent=False)
    p = found["response_mean"]  # (row,)
    return np.stack([1 - p, p], axis=1)


SYSTEMS = {
    "skhbnn": fit_skhbnn,
    "skhbnn, crossed": fit_crossed,
    "logistic, both one-hot": fit_logistic,
    "GPBoost, both": fit_gpboost,
}


def run(folder):
    missing = [f"{name}.csv" for name in SEEDS if find(folder, name) is None]
    if missing:
        raise FileNotFoundError(f"{folder} (of --data) has no {' and no '.join(missing)}.")
    tables = {"verbagg": read(folder, "verbagg"), "insteval": read_ordered(folder, "insteval")}
    rows = [row for name, table in tables.items() for row in compare(name, table)]
    return {"Log loss": rows, "A linear model of verbagg": linear(tables["verbagg"])}


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
                found.setdefault(system, []).append((*scores(test.y, proba), seconds))
                print(json.dumps([name, seed, system, *found[system][-1]]), file=sys.stderr, flush=True)
    means = {system: np.mean(of_seeds, axis=0).tolist() for system, of_seeds in found.items()}
    return [
        {"set": name, "system": system, "log loss": f"{loss:.4f}", "accuracy": accuracy, "seconds": seconds}
        for system, (accuracy, loss, seconds) in means.items()
    ]


def linear(table):
    """Coefficients and standard deviations of a linear model of all rows, a row each."""
    frame = frame_of(table, ["groups", "crossed"])
    fitted = FlatBNNClassifier(random_intercepts=["groups", "crossed"], **LINEAR).fit(frame, table.y)
    posterior = fitted.posterior_
    draws = np.concatenate([posterior.weights[:, :, 0], posterior.group_scale], axis=2)  # (chain, draw, number)
    names = [*posterior.network.weight_names(frame.columns[:-2]), "sd of persons", "sd of items"]
    estimates = _linear_by_gpboost(table)
    return [
        {
            "number": name,
            "skhbnn": f"{draws[..., k].mean():.3f} ({draws[..., k].std():.3f})",
            "GPBoost": "" if estimates is None else f"{estimates[k]:.3f}",
        }
        for k, name in enumerate(names)
    ]


def _linear_by_gpboost(table):
    """The numbers of GPBoost's linear mixed model in the order of the table, (number,); None where it is missing."""
    try:
        import gpboost
    except ImportError as error:
        print(f"GPBoost is left out: {error}", file=sys.stderr, flush=True)
        return None
    inputs = np.column_stack([StandardScaler().fit_transform(table.X), np.ones(len(table.y))])  # (row, feature + 1)
    effects = np.column_stack([table.groups, table.crossed]).astype(str)  # (row, 2)
    model = gpboost.GPModel(group_data=effects, likelihood="bernoulli_logit")
    model.fit(y=table.y.astype(float), X=inputs)
    coefficients = np.ravel(model.get_coef())[: inputs.shape[1]]
    return np.concatenate([coefficients, np.sqrt(np.ravel(model.get_cov_pars())[:2])])
