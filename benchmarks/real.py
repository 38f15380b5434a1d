"""Real data in groups: skhbnn by its defaults beside gradient boosting, mixed models and logistic regression.

Half of each group's rows train, drawn at random, the other half test, so that every group is known. Inputs are those of
`benchmarks/grouped_data.py`; all systems get equal columns. Log loss is in nats; calibration error is the mean distance
of predicted and observed frequencies in ten bins of equally many rows, over classes. Seconds are of the whole fit, the
search for its settings included, on all cores; kernels are compiled before. Means over four splits, for Chem97 of one.

In soup every respondent tasted a fixed number of products of each class: the more of a class train, the fewer test (the
correlation of both frequencies over the groups is nearly -1). Target statistics of CatBoost find that; no model of
independent rows can, and none should.

![How far each system is from the best one on each set, and how long it takes](real.png)

- logistic: its strength of regularisation by a search of 4 folds; pooled, with an intercept for each group, and with
  slopes for each group too.
- HistGradientBoosting of scikit-learn: the group as a category, or target-encoded where there are over 255; 12 settings
  by a search of 4 folds.
- CatBoost: the group as a category; the number of trees by early stopping on a fifth of the rows, then fitted to all.
- GPBoost: trees with a random intercept for each group, the number of trees by 4 folds; two classes only.
"""

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
from scipy import sparse, stats
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler, TargetEncoder

from skhbnn import HierarchicalBNNClassifier

from .common import convergence_ignored, observed, scores
from .grouped_data import CLASSIFICATION, find, halves, read

SEEDS = {"Chem97": (0,)}  # of the split and of what is random in a fit
DEFAULT_SEEDS = range(4)
FOLDS = StratifiedKFold(4, shuffle=True, random_state=0)
CATEGORIES = 255  # the most that HistGradientBoosting takes
MOST_SLOPES = 20_000  # of all classes, beyond which logistic regression with slopes takes minutes
PICTURE = Path(__file__).parents[1] / "docs" / "tables" / "real.png"


def calibration_error(y, proba, n_bins=10):
    """Mean distance of predicted and observed frequency in bins of equally many rows, over classes."""
    errors = []
    for k in range(proba.shape[1]):
        order = np.argsort(proba[:, k], kind="stable")  # (row,)
        bins = np.array_split(order, n_bins)
        errors += [abs(proba[rows, k].mean() - np.mean(y[rows] == k)) for rows in bins if len(rows)]
    return float(np.mean(errors))


def searched(model, grid, X, y):
    """A model fitted to all rows, with what a search of four folds found best."""
    return GridSearchCV(model, grid, scoring="neg_log_loss", cv=FOLDS, n_jobs=-1).fit(X, y)


def logistic(X, y):
    model = make_pipeline(MaxAbsScaler(), LogisticRegression(max_iter=2_000))
    return searched(model, {"logisticregression__C": [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]}, X, y)


def with_groups(X, groups, known, slopes=False):
    """Inputs, an indicator of each known group, and if asked for the inputs within each group, as a sparse matrix."""
    one_hot = OneHotEncoder(categories=[known], handle_unknown="ignore").fit_transform(groups[:, None])
    parts = [sparse.csr_matrix(X), one_hot]
    parts += [one_hot.multiply(X[:, [j]]) for j in range(X.shape[1])] if slopes else []
    return sparse.csr_matrix(sparse.hstack(parts))


def fit_logistic(train, test, seed, slopes=None):
    """Probabilities of test rows by logistic regression: without groups, or with intercepts and slopes of groups."""
    scaler, known = StandardScaler().fit(train.X), np.unique(train.groups)
    X, X_new = (scaler.transform(part.X) for part in (train, test))
    if slopes is not None:
        n_classes = len(np.unique(train.y))
        if slopes and len(known) * X.shape[1] * max(n_classes - 1, 1) > MOST_SLOPES:
            return None
        X, X_new = (with_groups(x, part.groups, known, slopes) for x, part in ((X, train), (X_new, test)))
    return logistic(X, train.y).predict_proba(X_new)


def fit_boosting(train, test, seed):
    code_of = {group: code for code, group in enumerate(np.unique(train.groups).tolist())}
    X, X_new = (
        np.column_stack([[code_of.get(g, np.nan) for g in part.groups.tolist()], part.X]) for part in (train, test)
    )
    grid = {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [4, 8, 31], "min_samples_leaf": [5, 20]}
    model = HistGradientBoostingClassifier(early_stopping=True, random_state=seed, max_iter=500)
    if len(code_of) > CATEGORIES:
        encoder = ColumnTransformer([("group", TargetEncoder(random_state=0), [0])], remainder="passthrough")
        name = "histgradientboostingclassifier__"
        grid = {name + key: values for key, values in grid.items()}
        model = make_pipeline(encoder, model)
    else:
        model.set_params(categorical_features=[0])
    return searched(model, grid, X, train.y).predict_proba(X_new)


def fit_catboost(train, test, seed):
    import pandas as pd
    from catboost import CatBoostClassifier, Pool

    def pool(part):
        table = pd.DataFrame(part.X).assign(group=part.groups.astype(str))
        return Pool(table, label=part.y, cat_features=["group"])

    fitting, stopping = train_test_split(np.arange(len(train.y)), test_size=0.2, random_state=0, stratify=train.y)
    params = {"verbose": False, "random_seed": seed, "allow_writing_files": False}
    kind = "MultiClass" if len(np.unique(train.y)) > 2 else "Logloss"
    first = CatBoostClassifier(iterations=2_000, early_stopping_rounds=50, loss_function=kind, **params)
    first.fit(pool(train.rows(fitting)), eval_set=pool(train.rows(stopping)))
    n_trees = max(first.get_best_iteration() + 1, 1)
    # The rate that CatBoost chose for so many rows is kept.
    rate = first.get_all_params()["learning_rate"]
    last = CatBoostClassifier(iterations=n_trees, learning_rate=rate, loss_function=kind, **params)
    return last.fit(pool(train)).predict_proba(pool(test))


def fit_gpboost(train, test, seed):
    if len(np.unique(train.y)) > 2:
        return None
    return boosted_effects(train, test, [part.groups[:, None] for part in (train, test)], seed)


def boosted_effects(train, test, labels, seed):
    """Probabilities of test rows by GPBoost: trees, and random intercepts of labels (row, effect) of both parts.

    More than two classes are taken for numbers, and a class for all numbers that are nearest to it.
    """
    import gpboost

    is_binary = len(np.unique(train.y)) <= 2
    params = {"learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 10, "verbose": 0, "seed": seed}
    likelihood = "bernoulli_logit" if is_binary else "gaussian"

    def effects():
        return gpboost.GPModel(group_data=labels[0], likelihood=likelihood)

    found = gpboost.cv(
        params,
        gpboost.Dataset(train.X, train.y),
        gp_model=effects(),
        num_boost_round=400,
        early_stopping_rounds=20,
        folds=list(FOLDS.split(train.X, train.y)),
        verbose_eval=False,
    )
    model, n_trees = effects(), len(next(iter(found.values())))
    booster = gpboost.train(params, gpboost.Dataset(train.X, train.y), num_boost_round=n_trees, gp_model=model)
    found = booster.predict(data=test.X, group_data_pred=labels[1], predict_var=not is_binary, pred_latent=False)
    mean = found["response_mean"]  # (row,)
    if is_binary:
        return np.stack([1 - mean, mean], axis=1)
    between = np.arange(train.y.max()) + 0.5  # (class - 1,)
    below = stats.norm.cdf(between, mean[:, None], np.sqrt(found["response_var"])[:, None])  # (row, class - 1)
    return np.diff(below, axis=1, prepend=0.0, append=1.0)  # (row, class)


def fit_skhbnn(train, test, seed):
    model = HierarchicalBNNClassifier(random_state=seed).fit(train.X, train.y, groups=train.groups)
    return model.predict_proba(test.X, groups=test.groups)


def compile_kernels(train):
    """Compile what fits of such rows need, which a machine does once, by a fit of a few steps."""
    with convergence_ignored():
        HierarchicalBNNClassifier(chains=1, tune=1, draws=4).fit(train.X, train.y, groups=train.groups)


SYSTEMS = {  # functions of the rows that train, those that test, and a seed
    "logistic": fit_logistic,
    "logistic, intercepts": partial(fit_logistic, slopes=False),
    "logistic, slopes": partial(fit_logistic, slopes=True),
    "HistGradientBoosting": fit_boosting,
    "CatBoost": fit_catboost,
    "GPBoost": fit_gpboost,
    "skhbnn": fit_skhbnn,
}


def measure(system, train, test, seed):
    """A result of one system on one split, as a dict; None where the system cannot have the data, or is missing."""
    try:
        proba, seconds, warned = observed(SYSTEMS[system], train, test, seed)
    except ImportError as error:
        print(f"{system} is left out: {error}", file=sys.stderr, flush=True)
        return None
    if proba is None:
        return None
    accuracy, log_loss = scores(test.y, proba)
    return {
        "system": system,
        "log loss": log_loss,
        "accuracy": accuracy,
        "calibration error": calibration_error(test.y, proba),
        "seconds": seconds,
        "warned": warned,
    }


def run(folder):
    names = [name for name in CLASSIFICATION if find(folder, name)]
    if not names:
        raise FileNotFoundError(f"{folder} (of --data) has none of {', '.join(f'{n}.csv' for n in CLASSIFICATION)}.")
    first = read(folder, names[0])
    loading = [first.rows(rows[:200]) for rows in halves(first.groups, 0)]
    for system in SYSTEMS:
        measure(system, *loading, 0)
    results = []
    for name in names:
        table = read(folder, name)
        seeds = SEEDS.get(name, DEFAULT_SEEDS)
        compile_kernels(table.rows(halves(table.groups, seeds[0])[0]))
        for seed in seeds:
            train, test = (table.rows(rows) for rows in halves(table.groups, seed))
            for system in SYSTEMS:
                found = measure(system, train, test, seed)
                if found is not None:
                    results.append({"set": name, "seed": seed, **found})
                    print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    means = mean_results(results)
    draw(means)
    both = {"Log loss (seconds)": by_set(means, lambda found: f"{found['log loss']:.4f} ({found['seconds']:.1f})")}
    others = {
        quantity.capitalize(): by_set(means, lambda found, q=quantity: f"{found[q]:.3f}")
        for quantity in ("accuracy", "calibration error")
    }
    return {"Systems": by_system(means)} | both | others


def mean_results(results):
    """Means over seeds: of each set, the results of each system that has any."""
    means: dict = {}
    for r in results:
        means.setdefault(r["set"], {}).setdefault(r["system"], []).append(r)
    quantities = ("log loss", "accuracy", "calibration error", "seconds", "warned")
    return {
        name: {system: {q: float(np.mean([r[q] for r in of])) for q in quantities} for system, of in systems.items()}
        for name, systems in means.items()
    }


def by_set(means, text):
    """A row of each set, a column of each system, with the text that a function makes of a result."""
    return [
        {"set": name, **{s: text(systems[s]) if s in systems else "" for s in SYSTEMS}}
        for name, systems in means.items()
    ]


def excess(means, system):
    """Log loss beyond that of the best system, of each set that the system has, (set,)."""
    return np.array(
        [
            systems[system]["log loss"] - min(found["log loss"] for found in systems.values())
            for systems in means.values()
            if system in systems
        ]
    )


def by_system(means):
    """A row of each system: how often it is best, how far from the best it is, and how long it takes."""
    rows = []
    for system in SYSTEMS:
        of = {name: systems for name, systems in means.items() if system in systems}
        if not of:
            continue
        seconds = np.array([systems[system]["seconds"] for systems in of.values()])  # (set,)
        boosting = np.array([systems["HistGradientBoosting"]["seconds"] for systems in of.values()])  # (set,)
        rows.append(
            {
                "system": system,
                "sets": len(of),
                "best on": int(np.sum(excess(means, system) == 0)),
                "log loss beyond the best, mean": float(excess(means, system).mean()),
                "seconds, median": float(np.median(seconds)),
                "seconds, most": float(seconds.max()),
                "times HistGradientBoosting, median": float(np.median(seconds / boosting)),
                "fits that warned": f"{np.mean([systems[system]['warned'] for systems in of.values()]):.0%}",
            }
        )
    return rows


def draw(means):
    """Write the picture: how far each system is from the best on each set, and how long it takes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    ax = figure.subplots()
    for k, system in enumerate(SYSTEMS):
        seconds = [systems[system]["seconds"] for systems in means.values() if system in systems]
        if not seconds:
            continue
        beyond, color = excess(means, system), f"C{k}"
        ax.scatter(seconds, beyond, s=14, color=color, alpha=0.5, linewidths=0)
        ax.scatter(
            np.median(seconds), np.median(beyond), s=110, color=color, edgecolors="black", label=system, zorder=3
        )
    ax.set(xscale="log", xlabel="seconds of a fit, its search for settings included")
    ax.set(ylim=(-0.005, 0.15), ylabel="log loss beyond the best, nats")
    ax.set_title(f"{len(means)} sets of real data, small points; medians, large ones (up to 0.15 nats)", fontsize=10)
    ax.legend(fontsize=8, loc="upper right")
    figure.savefig(PICTURE, dpi=150)
