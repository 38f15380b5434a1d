"""Fixtures that the tests share: small data sets, one small fit of each estimator, and files of fits."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import processes
import pytest
from forging import file_of
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Bunch

import skhbnn
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
    InformedPriorBNNRegressor,
    PerGroupRegressor,
)
from skhbnn.datasets import make_rotated_moons


@pytest.fixture(scope="session")
def full_grid(request):
    """Whether to compare all combinations of priors and networks with PyMC, which takes an hour."""
    return request.config.getoption("--full-grid")


@pytest.fixture(scope="session")
def small():
    """Settings of a fit that takes a tenth of a second; far too few draws to converge."""
    return {"hidden_layer_sizes": (3,), "chains": 2, "tune": 50, "draws": 50, "random_state": 0}


@pytest.fixture(scope="session")
def moons():
    """Four groups of 15 rows, two features, two classes; X_new and groups_new are rows of the same groups."""
    X, X_new, y, _, groups, groups_new = make_rotated_moons(n_groups=4, n_samples=30, random_state=0)
    return Bunch(X=X, y=y, groups=groups, X_new=X_new, groups_new=groups_new)


def quiet_fit(estimator, *args, **kwargs):
    """Fit without the warning that so few draws do not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*args, **kwargs)


@pytest.fixture(scope="session")
def flat(small, moons):
    return quiet_fit(FlatBNNClassifier(**small), moons.X, moons.y)


@pytest.fixture(scope="session")
def hierarchical(small, moons):
    return quiet_fit(HierarchicalBNNClassifier(**small), moons.X, moons.y, groups=moons.groups)


@pytest.fixture(scope="session")
def informed(hierarchical, moons):
    """A fit of one group's rows under the group distribution of all."""
    rows = moons.groups == 1
    return quiet_fit(InformedPriorBNNClassifier.from_hierarchical(hierarchical), moons.X[rows], moons.y[rows])


@pytest.fixture(scope="session")
def waves():
    """Four groups of 16 rows, two features, numbers y and counts; X_new and groups_new are rows of the same groups."""
    rng = np.random.default_rng(0)
    X, X_new = rng.uniform(-2, 2, (2, 64, 2))  # (row, feature) each
    groups, groups_new = np.repeat([0, 1, 2, 3], 16), np.tile([3, 2, 1, 0], 16)  # (row,) each
    mean = np.sin(2 * X[:, 0]) + 0.5 * X[:, 1] + 0.4 * groups  # (row,)
    # Numbers of few binary digits: sums of them, and of them shifted, are exact.
    y = np.round(64 * (mean + 0.3 * rng.normal(size=64))) / 64  # (row,)
    return Bunch(X=X, y=y, counts=rng.poisson(np.exp(mean + 1)), groups=groups, X_new=X_new, groups_new=groups_new)


@pytest.fixture(scope="session")
def flat_regressor(small, waves):
    return quiet_fit(FlatBNNRegressor(**small), waves.X, waves.y)


@pytest.fixture(scope="session")
def hierarchical_regressor(small, waves):
    return quiet_fit(HierarchicalBNNRegressor(**small), waves.X, waves.y, groups=waves.groups)


@pytest.fixture(scope="session")
def informed_regressor(hierarchical_regressor, waves):
    """A fit of one group's rows under the group distribution of all."""
    rows = waves.groups == 1
    return quiet_fit(InformedPriorBNNRegressor.from_hierarchical(hierarchical_regressor), waves.X[rows], waves.y[rows])


@pytest.fixture(scope="session")
def counts_regressor(small, waves):
    """A hierarchical fit of counts."""
    estimator = HierarchicalBNNRegressor(likelihood="poisson", **small)
    return quiet_fit(estimator, waves.X, waves.counts, groups=waves.groups)


@pytest.fixture(scope="session")
def clinics(small, waves):
    """A fit with a column of groups between the features, and its table and targets."""
    table = pd.DataFrame({"dose": 100 + 20 * waves.X[:, 0], "clinic": np.array(list("abcd"))[waves.groups]})
    table["age"] = waves.X[:, 1]
    y = pd.Series(50 * waves.y, name="response")
    return quiet_fit(HierarchicalBNNRegressor(**small, groups="clinic"), table, y), table, y


@pytest.fixture(scope="session")
def per_group_regressor(small, waves):
    """A network of numbers for each group."""
    return quiet_fit(PerGroupRegressor(FlatBNNRegressor(**small)), waves.X, waves.y, groups=waves.groups)


@pytest.fixture(scope="session")
def shops(small):
    """A fit of three classes, four features and a group column, and the table it was fitted to."""
    rng = np.random.default_rng(0)
    X = rng.normal([0, 10, -5, 100], [1, 3, 0.1, 20], (60, 4))  # (row, feature)
    table = pd.DataFrame(X, columns=["age", "income", "debt", "size"])
    table.insert(1, "shop", np.repeat(["east", "north", "west"], [10, 20, 30]))
    y = np.array(["low", "mid", "top"])[np.digitize(X[:, 1] + 4 * X[:, 0], [6, 13])]  # (row,)
    return quiet_fit(HierarchicalBNNClassifier(**small, groups="shop"), table, y), table, y


@pytest.fixture
def interpreted():
    """PyMC's graphs run in Python, uncompiled: of a few steps that saves seconds a graph."""
    import pytensor

    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        yield


def legend_texts(legend):
    return [text.get_text() for text in legend.get_texts()]


@pytest.fixture(scope="session")
def run_python():
    """A function that runs code in a fresh Python process and returns what it printed."""

    def run(code, **environment):
        output, said, exit_code = processes.run(code, "-W", "ignore", **environment)
        assert exit_code == 0, said
        return output

    return run


@pytest.fixture(scope="session")
def fit_groups(small, moons):
    """A function that fits the hierarchical model to the small data set; column is the constructor's groups."""

    def fit(X=moons.X, groups=None, column=None, y=moons.y, **params):
        return quiet_fit(HierarchicalBNNClassifier(**{**small, "groups": column, **params}), X, y, groups=groups)

    return fit


@pytest.fixture(scope="session")
def as_table():
    """A function that gives X with labels as column number at, called "g"; the others are "a" and "b"."""

    def table(form, X, labels, at):
        names, columns = ["a", "b"], X.T.tolist()
        names.insert(at, "g")
        columns.insert(at, list(labels))
        if form in ("pandas", "polars"):
            return {"pandas": pd, "polars": pl}[form].DataFrame(dict(zip(names, columns, strict=True)))
        rows = [list(row) for row in zip(*columns, strict=True)]
        return rows if form == "lists" else np.array(rows, dtype=object)

    return table


@pytest.fixture(scope="session")
def fit_tiny():
    """A function that fits the hierarchical model to two groups of these labels, as small as a fit can be."""

    def fit(labels, **params):
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((8, 2)), np.arange(8) % 2
        estimator = HierarchicalBNNClassifier((2,), chains=2, tune=10, draws=4, **params)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return estimator.fit(X, y, groups=labels * 4)

    return fit


@pytest.fixture(scope="session")
def tiny(fit_tiny):
    """A fit of two groups, whose file is damaged and forged."""
    return fit_tiny(["a", ("b", 2.5)], prior_scale=1.0, random_state=np.random.RandomState(0))


@pytest.fixture(scope="session")
def whole(tiny):
    """The bytes of its file."""
    return file_of(tiny)


@pytest.fixture(scope="session")
def tiny_predictions():
    """A function that predicts, with a fit of the same two groups, a row of each and one of an unseen group."""

    def predictions(estimator):
        return estimator.sample_proba(np.eye(3)[:, :2], groups=["a", ("b", 2.5), "unseen"])

    return predictions


@pytest.fixture(scope="session")
def load_bytes(tmp_path_factory):
    """A function that loads bytes, from a file named "forged"."""
    path = tmp_path_factory.mktemp("bytes") / "forged"

    def load(data):
        path.write_bytes(data)
        return skhbnn.load(path)

    return load


@pytest.fixture(scope="session")
def answers():
    """Answers of 6 persons to 5 items: a table, classes, three classes, and numbers."""
    rng = np.random.default_rng(0)
    n = 120
    item, person = rng.integers(0, 5, n), rng.integers(0, 6, n)  # (row,) each
    day = np.where(rng.random(n) < 0.5, "mon", "tue")  # (row,)
    x, z = np.round(8 * rng.normal(size=(2, n))) / 8  # (row,) each: of few values, so that equal rows are there
    table = pd.DataFrame({"x": x, "item": np.array(list("abcde"))[item], "z": z, "person": person, "day": day})
    mean = x + 0.8 * item - 0.5 * person + 0.3 * (day == "mon")  # (row,)
    numbers = mean + 0.5 * rng.normal(size=n)  # (row,)
    return Bunch(X=table, y=(numbers > 1).astype(int), classes=np.digitize(numbers, [0, 2]), numbers=numbers)


@pytest.fixture(scope="session")
def crossed(small, answers):
    """A hierarchical fit of two classes with two columns of random intercepts."""
    estimator = HierarchicalBNNClassifier(**small, groups="person", random_intercepts=["item", "day"])
    return quiet_fit(estimator, answers.X, answers.y)
