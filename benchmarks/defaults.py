"""Which settings of the hierarchical model predict best: poolings, intercepts, networks and fixed scales.

Three data sets, in each of which the groups are known:

- moons: the rotated half moons of the 2018 article, seeds 0 to 19; 18 groups, the first 5, 10, 20 or 50 training rows
  of each, and 50 test rows;
- contraception: the Bangladesh fertility survey of 1988 in 60 districts (R package mlmRev), split into halves at
  random, in three ways;
- vowel: Deterding's recordings of 11 vowels by 15 speakers (UCI Machine Learning Repository); two of the six repeats
  train, the others test, in three ways.

The settings differ in what they name from the first, which is: `pooling="affine"`, `prior_scale=(1.0, 4.0)`,
intercepts, and `hidden_layer_sizes=(5, 5)`. For the vowels it is `(20,)`, with settings of the mode alone beside it.
What learning the scales adds is in `prior_scales`.
The article's own settings are `pooling="partial"`, no intercepts and `prior_scale=1.0`. Where a group scale for the
matrix and one for the intercepts of every layer become one per layer or one per unit, pooling is partial.
The two half moons are each other's image under half a turn, which a network of tanh units without intercepts knows
beforehand: other data need intercepts.

Test log loss in nats, and its difference from the first and from the article's settings, paired over seeds or
splits, with standard errors (the splits share rows: theirs are a rough guide only). 2 chains of 200 + 100 steps.
Whether a fit has the groups in the centred or the non-centred form changes how it is sampled and not what is fitted;
all are non-centred.
"""

from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

from .common import convergence_ignored, first_rows, paired, scores
from .predictive_calibration import contraception, require_data, vowel

SEEDS = range(20)
SPLITS = range(3)
ROWS = (5, 10, 20, 50)  # of each group of the moons
FIRST, THE_ARTICLES = "the first", "the article's"


class ScalePerLayer(HierarchicalBNNClassifier):
    """The hierarchical model whose intercepts share the group scale of their layer's matrix."""

    def _model(self, data):
        model = super()._model(data)
        terms = [
            replace(term, scale=f"layer_{term.name.partition('_')[2]}") if term.is_learned else term
            for term in model.terms
        ]
        return replace(model, terms=tuple(terms))


class ScalePerUnit(HierarchicalBNNClassifier):
    """The hierarchical model in which the weights and the intercept of every unit have a group scale of their own."""

    def _model(self, data):
        model = super()._model(data)
        terms = []
        for term in model.terms:
            layer = model.network.layers[int(term.name.partition("_")[2])]
            units = (term.entries - layer.start) % layer.n_out  # (entry,)
            for unit in range(layer.n_out) if term.is_learned else []:
                name = f"unit_{term.name.partition('_')[2]}_{unit}"
                terms.append(replace(term, entries=term.entries[units == unit], scale=name))
            terms += [] if term.is_learned else [term]
        return replace(model, terms=tuple(terms))


def settings(n_layers, hidden, wider):
    """Class and parameters of every setting, by name."""
    n_shared, base = n_layers - 1, {"hidden_layer_sizes": hidden, "pooling": "affine", "prior_scale": (1.0, 4.0)}
    changes = {
        FIRST: {},
        THE_ARTICLES: {"pooling": "partial", "fit_intercept": False, "prior_scale": 1.0},
        **{
            f"pooling={pooling!r}": {"pooling": pooling}
            for pooling in (
                "partial",
                ["affine", *["complete"] * n_shared],
                ["affine", *["partial"] * n_shared],
            )
        },
        "pooling='partial', prior_scale=2.0": {"pooling": "partial", "prior_scale": 2.0},
        **{f"prior_scale={scale!r}": {"prior_scale": scale} for scale in (1.0, 2.0, (2.0, 4.0), "fan_in")},
        "fit_intercept=False": {"fit_intercept": False},
        f"hidden_layer_sizes={wider}": {"hidden_layer_sizes": wider},
    }
    found = {name: (HierarchicalBNNClassifier, {**base, **change}) for name, change in changes.items()}
    for name, estimator in (("layer", ScalePerLayer), ("unit", ScalePerUnit)):
        found[f"pooling='partial', one group scale per {name}"] = estimator, {**base, "pooling": "partial"}
    return found


def modes():
    """The same of the mode alone, for the vowels."""
    for activation in ("tanh", "relu"):
        for scale in (1.0, 2.0):
            params = {"hidden_layer_sizes": (50,), "activation": activation, "prior_scale": scale, "inference": "map"}
            for pooling in ("affine", "partial"):
                name = f"mode, (50,), {activation!r}, {pooling!r}, prior_scale={scale}"
                yield name, (HierarchicalBNNClassifier, {**params, "pooling": pooling})


def run(folder):
    """Table of the settings; folder holds vowel.csv and contraception.csv."""
    require_data(folder)
    tasks = all_tasks(folder)
    losses = Parallel(n_jobs=2)(delayed(one_split)(*task[1:]) for task in tasks)
    return summary(tasks, losses)


def all_tasks(folder):
    """Title, data and settings of everything that is fitted, a seed or split each."""
    networks = settings(3, (5, 5), (10,))
    tasks = [(f"moons, {n} rows", moons(seed, n), networks) for n in ROWS for seed in SEEDS]
    for k in SPLITS:
        tasks.append(("contraception", contraception(k, folder / "contraception.csv")[0], networks))
    vowels = settings(2, (20,), (40,)) | dict(modes())
    return tasks + [("vowel", vowel(k, folder / "vowel.csv")[0], vowels) for k in SPLITS]


def summary(tasks, losses):
    """A row for every data set and setting."""
    rows = []
    for title in dict.fromkeys(task[0] for task in tasks):
        found = [loss for task, loss in zip(tasks, losses, strict=True) if task[0] == title]
        measured = {name: [loss[name] for loss in found] for name in found[0]}  # (split,) each
        for name, values in measured.items():
            row = {"data": title, "setting": name, "log loss": float(np.mean(values))}
            for other in (FIRST, THE_ARTICLES):
                row[f"less {other}"] = (
                    "" if name == other else "{:+.4f} ± {:.4f}".format(*paired(values, measured[other]))
                )
            rows.append(row)
    return rows


def moons(seed, n_rows):
    """The moons with so many training rows of each group."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(random_state=seed)
    first = first_rows(groups, n_rows)
    return X[first], X_test, y[first], y_test, groups[first], groups_test


def one_split(data, networks):
    """Test log loss of every setting."""
    X, X_test, y, y_test, groups, groups_test = data
    losses = {}
    with convergence_ignored():
        for name, (estimator, params) in networks.items():
            fitted = estimator(**params, chains=2, tune=200, draws=100, random_state=0).fit(X, y, groups=groups)
            losses[name] = scores(y_test, fitted.predict_proba(X_test, groups=groups_test))[1]
    return losses
