"""Predictive calibration: whether probabilities come true, and their intervals hold.

Three data sets, in each of which the groups are known to all models:

- moons: the rotated half moons of the 2018 article, seeds 0 to 19; 18 groups, 50 training and 50 test rows each.
- vowel: Deterding's recordings of 11 vowels by 15 speakers (UCI Machine Learning Repository); two of the six
  repeats train, the others test, in three ways.
- contraception: the Bangladesh fertility survey of 1988 in 60 districts (R package mlmRev), split into halves at
  random, in three ways.

What is measured, on test rows:

- log loss in nats, and its difference from the hierarchical model with the standard error over the seeds or splits
  (the splits share rows: theirs is a rough guide only);
- Brier score: mean squared distance of the probability of the second of two classes, of more classes summed over them;
- ECE, the expected calibration error over 10 bins of equal width: of the probability of the second of two classes, of
  more classes that of the predicted one. It is not 0 for the true probability either, with so few rows: see there;
- frequencies covered: rows are sorted by that probability into 20 bins of equal count. The share of bins whose
  observed frequency lies in the central 90 % interval of frequencies simulated from the model: from the draws of
  the posterior for the Bayesian models, from the one probability for the others. Frequencies are discrete and
  intervals closed, so that a perfect model covers somewhat more than 90 %;
- truth covered: the share of test rows whose true probability lies in the central 90 % posterior interval of the
  probability, and the mean width of those intervals. Of the moons the truth is known: the half circles and their
  noise give the density of each class at every point.

Flat is one network per group, its inputs standardised by all training rows. Informed is one network per group under the
group distribution of the hierarchical fit, which has seen the same rows: they count twice, as in the article. All
sample 4 chains of 400 + 400 steps; networks have two hidden layers of 5 units (moons), or one of 8 (vowel) or 5
(contraception). The peers are scikit-learn's: gradient boosting with the group as a category, a support vector
machine with calibrated probabilities on one-hot groups (and one per group, where groups have rows enough for that), and
logistic regression with an intercept and slopes for every group. Learning rate and C are chosen by cross-validation on
shuffled rows.
"""

import numpy as np
from joblib import Parallel, delayed
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_moons
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons

from .common import ARTICLE, convergence_ignored, paired, scores

SEEDS = range(20)
SPLITS = range(3)
SETTINGS = {"chains": 4, "tune": 400, "draws": 400, "random_state": 0}
N_DRAWS = 800  # of the 1,600 of a fit, evenly spaced
LEVEL = 0.9
MEASURES = ("Brier score", "ECE", "frequencies covered", "truth covered", "width")
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)  # rows come sorted by group: unshuffled, folds lack groups
NOISE = 0.3  # standard deviation, of make_rotated_moons


def run(folder):
    """Table of the models; folder holds vowel.csv and contraception.csv."""
    require_data(folder)
    tasks = [("moons", seed, moons, None, ARTICLE) for seed in SEEDS]
    for name, load, hidden in (("vowel", vowel, (8,)), ("contraception", contraception, (5,))):
        settings = {"hidden_layer_sizes": hidden, "prior_scale": 2.0}  # the flat models take it too
        tasks += [(name, k, load, folder / f"{name}.csv", settings) for k in SPLITS]
    results = Parallel(n_jobs=2)(delayed(one_split)(*task[1:]) for task in tasks)
    rows = []
    for name in ("moons", "vowel", "contraception"):
        splits = [result for task, result in zip(tasks, results, strict=True) if task[0] == name]
        hierarchical = [split["hierarchical"]["log loss"] for split in splits]  # (split,)
        for model in splits[0]:
            measured = {key: [split[model][key] for split in splits] for key in splits[0][model]}  # (split,) each
            mean = {key: float(np.mean(values)) for key, values in measured.items()}
            difference = paired(measured["log loss"], hierarchical)
            row = {"data": name, "model": model, "log loss": mean.pop("log loss")}
            row["less hierarchical"] = "{:+.4f} ± {:.4f}".format(*difference)
            rows.append({**row, **{key: mean.get(key, "-") for key in MEASURES}})
    return rows


def one_split(split, load, path, settings):
    """Measures of every model, by model and measure."""
    data, truth = load(split, path)
    X, X_test, y, y_test, groups, groups_test = data
    with convergence_ignored(), threadpool_limits(1):
        predictions = {
            **bayesian(X, y, groups, X_test, groups_test, settings),
            **peers(X, y, groups, X_test, groups_test),
        }
        if truth is not None:
            svc = PerGroupClassifier(support_vectors()).fit(X, y, groups=groups)
            predictions["SVC, one per group"] = svc.predict_proba(X_test, groups=groups_test), None
            predictions["the true probability"] = np.stack([1 - truth, truth], axis=1), None
    return {model: measures(y_test, *prediction, truth) for model, prediction in predictions.items()}


# Models --------------------------------------------------------------------------------------------------------


def bayesian(X, y, groups, X_test, groups_test, settings):
    """Mean probabilities (row, class) and those of each draw (draw, row, class), by model."""
    settings = {**settings, **SETTINGS}
    hierarchical = HierarchicalBNNClassifier(pooling="partial", **settings).fit(X, y, groups=groups)
    draws = hierarchical.sample_proba(X_test, groups=groups_test, n_draws=N_DRAWS)  # (draw, row, class)
    units = {"feature_mean": X.mean(axis=0), "feature_scale": X.std(axis=0), "classes": np.unique(y)}
    single = {
        "flat, one per group": InformedPriorBNNClassifier(**units, **settings),  # its own prior is the flat one
        "informed, one per group": InformedPriorBNNClassifier.from_hierarchical(hierarchical),
    }
    predictions = {"hierarchical": (hierarchical.predict_proba(X_test, groups=groups_test), draws)}
    for model, estimator in single.items():
        fitted = PerGroupClassifier(estimator).fit(X, y, groups=groups)
        draws = fitted.sample_proba(X_test, groups=groups_test, n_draws=N_DRAWS)  # (draw, row, class)
        predictions[model] = fitted.predict_proba(X_test, groups=groups_test), draws
    return predictions


def peers(X, y, groups, X_test, groups_test):
    """Probabilities (row, class) of scikit-learn's models that know the group, and no draws, by model."""
    labels = np.unique(groups)  # (group,)
    scale = X.std(axis=0)  # (feature,)
    tables: dict = {"category": [], "one-hot": [], "slopes": []}
    for inputs, own in ((X, groups), (X_test, groups_test)):
        Z = (inputs - X.mean(axis=0)) / scale  # (row, feature)
        one_hot = (own[:, None] == labels).astype(float)  # (row, group)
        products = (one_hot[:, :, None] * Z[:, None]).reshape(len(Z), -1)  # (row, group * feature)
        tables["category"].append(np.column_stack([Z, np.searchsorted(labels, own)]))
        tables["one-hot"].append(np.column_stack([Z, one_hot]))
        tables["slopes"].append(np.column_stack([Z, one_hot, products]))
    boosting = HistGradientBoostingClassifier(categorical_features=[X.shape[1]], random_state=0)
    models = {
        "gradient boosting": ("category", chosen(boosting, learning_rate=[0.02, 0.1])),
        "SVC": ("one-hot", support_vectors()),
        "logistic regression": ("slopes", chosen(LogisticRegression(max_iter=10_000), C=[0.01, 0.1, 1, 10])),
    }
    return {
        title: (model.fit(tables[form][0], y).predict_proba(tables[form][1]), None)
        for title, (form, model) in models.items()
    }


def chosen(classifier, **values):
    """The classifier with the values of a parameter that cross-validation prefers."""
    return GridSearchCV(classifier, values, scoring="neg_log_loss", cv=FOLDS)


def support_vectors():
    """A support vector machine with probabilities."""
    return CalibratedClassifierCV(GridSearchCV(SVC(), {"C": [1, 10, 100]}, cv=FOLDS), ensemble=False, cv=FOLDS)


# Measures ------------------------------------------------------------------------------------------------------


def measures(y, proba, draws, truth):
    """Measures by name.

    Of class codes y (row,), probabilities (row, class) and their draws (draw, row, class), None for a model without;
    truth is the probability of class 1 (row,), None where it is not known.
    """
    one_hot = np.eye(proba.shape[1])[y]  # (row, class)
    squares = ((proba - one_hot) ** 2).sum(axis=1)  # (row,)
    two = proba.shape[1] == 2
    event = np.ones(len(y), dtype=int) if two else proba.argmax(axis=1)  # (row,)
    rows = np.arange(len(y))  # (row,)
    p, came_true = proba[rows, event], (event == y).astype(float)  # (row,) each
    event_draws = p[None] if draws is None else draws[:, rows, event]  # (draw, row)
    measured = {
        "log loss": scores(y, proba)[1],
        "Brier score": float(squares.mean() / (2 if two else 1)),
        "ECE": calibration_error(p, came_true),
        "frequencies covered": frequency_coverage(p, came_true, event_draws),
    }
    if draws is not None and truth is not None:
        lower, upper = np.quantile(event_draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)  # (row,) each
        measured["truth covered"] = float(np.mean((lower <= truth) & (truth <= upper)))
        measured["width"] = float(np.mean(upper - lower))
    return measured


def calibration_error(p, came_true, n_bins=10):
    """Expected calibration error of probabilities p (row,) of events that came true or not (row,)."""
    bins = np.minimum((p * n_bins).astype(int), n_bins - 1)  # (row,)
    return float(np.abs(np.bincount(bins, p - came_true)).sum() / len(p))


def frequency_coverage(p, came_true, draws, n_bins=20, n_simulations=1_000):
    """Share of bins whose frequency lies in the interval of simulated ones; draws of the probabilities: (draw, row)."""
    rng = np.random.default_rng(0)
    probabilities = draws[np.linspace(0, len(draws) - 1, n_simulations).round().astype(int)]  # (simulation, row)
    simulated = rng.random(probabilities.shape) < probabilities  # (simulation, row)
    covered = []
    for rows in np.array_split(np.argsort(p, kind="stable"), n_bins):
        counts = simulated[:, rows].sum(axis=1)  # (simulation,)
        lower, upper = np.quantile(counts, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
        covered.append(lower <= came_true[rows].sum() <= upper)
    return float(np.mean(covered))


# Data ----------------------------------------------------------------------------------------------------------


def require_data(folder):
    """Raise a FileNotFoundError that names the files which the folder lacks."""
    missing = [name for name in ("vowel.csv", "contraception.csv") if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} (of --data) has no {' and no '.join(missing)}")


def moons(seed, path=None):
    """The moons of a seed, and the true probability of class 1 of each test row (row,)."""
    data = make_rotated_moons(random_state=seed)
    rng, test = np.random.RandomState(seed), []
    for _ in range(18):  # the same random numbers once more: the rows before they were scaled and turned
        test.append(make_moons(100, noise=NOISE, random_state=rng)[0][50:])  # (row, 2)
        rng.randn()  # the angle
    return data, true_probability(np.concatenate(test))


def true_probability(rows, n_points=50):
    """Probability of class 1 at rows (row, 2) of make_moons, which has so many points on each half circle."""
    angles = np.linspace(0, np.pi, n_points)  # (point,)
    outer = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (point, 2)
    inner = [1, 0.5] - outer  # (point, 2)
    densities = []
    for curve in (outer, inner):
        squares = ((rows[:, None] - curve) ** 2).sum(axis=2)  # (row, point)
        densities.append(np.exp(-squares / (2 * NOISE**2)).mean(axis=1))  # (row,)
    return densities[1] / (densities[0] + densities[1])


def vowel(split, path):
    """Two of the six repeats of each vowel by each speaker to train, the others to test."""
    import pandas as pd

    frame = pd.read_csv(path)
    repeat = frame.groupby(["speaker", "vowel"]).cumcount().to_numpy()  # (row,)
    X, y, speaker = frame.filter(regex="^f").to_numpy(float), frame["vowel"].to_numpy(), frame["speaker"].to_numpy()
    train = repeat // 2 == split  # (row,)
    return (X[train], X[~train], y[train], y[~train], speaker[train], speaker[~train]), None


def contraception(split, path):
    """Random halves of the survey."""
    import pandas as pd

    frame = pd.read_csv(path)
    X = pd.get_dummies(frame[["age", "livch", "urban"]].astype({"livch": str}), drop_first=True).to_numpy(float)
    y, district = (frame["use"] == "Y").to_numpy(int), frame["district"].to_numpy()  # (row,) each
    halves = train_test_split(X, y, district, test_size=0.5, random_state=split, stratify=district)
    return halves, None
