"""Predictive quality on the article's data beside other packages, seeds 31 and 0 to 8, and the time of a fit.

All know the group of every row. Packages of the ``bench`` extra that are not installed are named as such. What takes
minutes a seed, bde, runs on seed 31 alone, and per group on the first 3 groups of it, which its row says.
"""

import importlib
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC

from skhbnn import HierarchicalBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons

from .common import convergence_ignored, paired, scores, warnings_ignored

SEEDS = (31, *range(9))
GROUP = 2  # the column of X that holds the group
FEW = 3  # groups of one per group where a fit takes long


def run():
    ours, rows = [], []
    for name, make, seeds, n_groups in systems():
        try:
            found = [one_fit(make(), seed, n_groups) for seed in seeds]  # seconds, accuracy, log loss
        except ImportError as error:
            rows.append({"system": f"{name}: not installed ({error.name})", **dict.fromkeys(COLUMNS, "")})
            continue
        seconds, accuracy, loss = np.transpose(found)  # (seed,) each
        ours = ours or list(loss)
        whole = n_groups is None and len(seeds) == len(SEEDS)
        rows.append(
            {
                "system": name,
                "seeds": len(seeds),
                "groups": n_groups or 18,
                "seconds a fit": float(np.median(seconds)),
                "test accuracy": float(accuracy.mean()),
                "test log loss": float(loss.mean()),
                "less skhbnn": "{:+.4f} ± {:.4f}".format(*paired(loss, ours)) if whole else "",
            }
        )
    return rows


COLUMNS = ("seeds", "groups", "seconds a fit", "test accuracy", "test log loss", "less skhbnn")


def systems():
    """Name, maker, seeds, and number of groups (None: all) of each system, ours first."""
    network = {"hidden_layer_sizes": (50, 50), "max_iter": 2000, "random_state": 0}
    yield "skhbnn, hierarchical", lambda: HierarchicalBNNClassifier(groups=GROUP, n_jobs=2, random_state=0), SEEDS, None
    boosting = HistGradientBoostingClassifier(categorical_features=[GROUP], random_state=0)
    yield "HistGradientBoosting, group as a category", lambda: boosting, SEEDS, None
    encoders = {"one-hot": OneHotEncoder(sparse_output=False), "target-encoded": TargetEncoder(random_state=0)}
    for form, encoder in encoders.items():
        table = ColumnTransformer([("group", encoder, [GROUP])], remainder=StandardScaler())
        for name, model in (("SVC", SVC(probability=True, random_state=0)), ("MLP(50, 50)", MLPClassifier(**network))):
            yield f"{name}, {form} group", lambda table=table, model=model: make_pipeline(table, model), SEEDS, None
    process = GaussianProcessClassifier(ConstantKernel() * RBF([1.0, 1.0]), random_state=0)
    alone = {"Gaussian process": process, "logistic regression": LogisticRegression()}
    alone["MLP(5, 5)"] = MLPClassifier((5, 5), max_iter=2000, random_state=0)
    for name, model in alone.items():
        yield f"{name} per group", lambda model=model: PerGroupClassifier(model, GROUP), SEEDS, None
    yield "GPBoost, group intercepts", GroupInterceptBoosting, SEEDS, None
    table = ColumnTransformer([("group", encoders["one-hot"], [GROUP])], remainder=StandardScaler())
    yield "bde, one-hot group, (16, 16)", lambda: make_pipeline(table, bde([16, 16])), SEEDS[:1], None
    yield "bde per group, (5, 5)", lambda: PerGroupClassifier(bde([5, 5]), GROUP), SEEDS[:1], FEW


def one_fit(classifier, seed, n_groups):
    """Seconds, test accuracy and test log loss."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(random_state=seed)
    chosen = np.unique(groups)[:n_groups]  # (group,)
    train, test = np.isin(groups, chosen), np.isin(groups_test, chosen)  # (row,) each
    start = time.perf_counter()
    with convergence_ignored(), warnings_ignored():
        classifier.fit(np.c_[X, groups][train], y[train])
    seconds = time.perf_counter() - start
    return seconds, *scores(y_test[test], classifier.predict_proba(np.c_[X_test, groups_test][test]))


def bde(hidden):
    """An ensemble of sampled networks; with its default 20 epochs and 10 draws it is hardly better than chance here."""
    module = importlib.import_module("bde")
    return module.BdeClassifier(hidden_layers=hidden, n_members=4, epochs=500, warmup_steps=1000, n_samples=200, seed=0)


class GroupInterceptBoosting(ClassifierMixin, BaseEstimator):
    """Boosted trees with a random intercept for each group."""

    def fit(self, X, y):  # noqa: D102
        gpboost = importlib.import_module("gpboost")
        self.effects_ = gpboost.GPModel(group_data=X[:, GROUP], likelihood="bernoulli_logit")
        data = gpboost.Dataset(np.delete(X, GROUP, axis=1), y)
        params = {"learning_rate": 0.1, "max_depth": 3, "verbose": -1, "seed": 0}
        self.trees_ = gpboost.train(params, data, gp_model=self.effects_, num_boost_round=100)
        return self

    def predict_proba(self, X):  # noqa: D102
        arguments = {"group_data_pred": X[:, GROUP], "pred_latent": False, "predict_var": False}
        p = self.trees_.predict(np.delete(X, GROUP, axis=1), **arguments)["response_mean"]  # (row,)
        return np.column_stack([1 - p, p])  # (row, class)
