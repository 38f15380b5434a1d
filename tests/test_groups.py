"""Group labels in every form they come in, and groups that fit did not see."""

import datetime
import decimal
import enum
import fractions

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import expit
from scipy.stats import kstest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from skhbnn import HierarchicalBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = ["predict", "predict_proba", "predict_log_proba", "predict_std", "sample_proba"]
LETTERS = np.array(list("klmn"))


def assert_same_predictions(estimator, inputs, reference, reference_inputs):
    for method in METHODS:
        found, expected = getattr(estimator, method)(**inputs), getattr(reference, method)(**reference_inputs)
        np.testing.assert_array_equal(found, expected, err_msg=method)


# Forms -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "at", "column"),
    [
        *[("lists", 0, 0), ("lists", 1, -2), ("array", 2, 2), ("array", 0, -3), ("array", 1, [1])],
        *[("pandas", 1, "g"), ("pandas", 2, -1), ("pandas", 0, ["g"]), ("polars", 0, "g"), ("polars", 1, 1)],
    ],
)
def test_column_equals_argument(form, at, column, as_table, fit_groups, hierarchical, moons):
    fitted = fit_groups(as_table(form, moons.X, LETTERS[moons.groups].tolist(), at), column=column)
    X_new = as_table(form, moons.X_new, LETTERS[moons.groups_new].tolist(), at)
    assert_same_predictions(fitted, {"X": X_new}, hierarchical, {"X": moons.X_new, "groups": moons.groups_new})
    assert fitted.n_features_in_ == 3
    assert fitted.score(X_new, moons.y) == hierarchical.score(moons.X_new, moons.y, groups=moons.groups_new)


@pytest.mark.parametrize("form", ["array", "pandas", "polars"])
def test_list_of_columns_equals_argument_of_tuples(form, as_table, fit_groups, moons):
    """A label is the tuple of the columns' values; (2, 2) is unseen, and so is a label with a missing part."""

    def table(X, first, second):
        both = as_table(form, X, first, 0)
        if form == "pandas":
            return both.assign(h=second)
        return (
            both.with_columns(h=pl.Series(second)) if form == "polars" else np.c_[both, np.array(second, dtype=object)]
        )

    first, second = (moons.groups // 2).tolist(), (moons.groups % 2).tolist()
    by_column = fit_groups(table(moons.X, first, second), column=[0, 3] if form == "array" else ["g", "h"])
    by_argument = fit_groups(groups=list(zip(first, second, strict=True)))
    first[-1], second[-1] = 2, 2
    X_new = table(moons.X_new, first, second)
    pairs = list(zip(first, second, strict=True))
    assert_same_predictions(by_column, {"X": X_new}, by_argument, {"X": moons.X_new, "groups": pairs})
    missing = by_column.predict_proba(table(moons.X_new[:2], [None, 0], [0, None]))
    np.testing.assert_array_equal(missing, by_argument.predict_proba(moons.X_new[:2], groups=[(None, 0), (0, None)]))


Number = enum.IntEnum("Number", [f"N{i}" for i in range(1, 10)])
Word = enum.StrEnum("Word", {f"W{i}": str(i) for i in range(10)})


class Text(str):
    """A text of another class."""


DAYS = np.datetime64("2024-02-28") + np.arange(5)
MIXED = np.array([1, 2, "a", ("b", 3), ("b", 4)], dtype=object)
KINDS = {
    "int list": lambda codes: codes.tolist(),
    "fractions beyond floats": lambda codes: [fractions.Fraction(10**400 + code, 3) for code in codes.tolist()],
    "negative and large int": lambda codes: [[-5, 0, 7, 10**30, 10**40][code] for code in codes],
    "float": lambda codes: codes / 4,
    "bytes": lambda codes: LETTERS[codes].astype("S"),
    "object array": lambda codes: LETTERS[codes].astype(object),
    "tuple": lambda codes: [(str(code // 2), int(code % 2)) if code else "0" for code in codes],
    "mixed": lambda codes: MIXED[codes],
    "categorical": lambda codes: pd.Categorical(LETTERS[codes], categories=list("nmlk")),
    "pandas index": lambda codes: pd.Series(LETTERS[codes], index=codes[::-1]),
    "nullable int": lambda codes: pd.array(codes, dtype="Int64"),
    "polars str": lambda codes: pl.Series(LETTERS[codes]),
    "polars categorical": lambda codes: pl.Series(LETTERS[codes], dtype=pl.Categorical),
    "datetime64": lambda codes: DAYS[codes],
    "time zone": lambda codes: pd.Series(DAYS[codes]).dt.tz_localize("Asia/Tokyo"),
    "date": lambda codes: DAYS[codes].tolist(),
    "dates beyond nanoseconds": lambda codes: [
        datetime.date(year, 1, 1) for year in np.array([1, 1600, 2500, 3000])[codes]
    ],
    "nanoseconds apart": lambda codes: [pd.Timestamp("2024-02-28") + pd.Timedelta(code, "ns") for code in codes],
    "nanoseconds of polars": lambda codes: pl.Series(codes.astype("M8[ns]")),
    "durations of polars": lambda codes: pl.Series(codes.astype("m8[ns]")),
    "polars date": lambda codes: pl.Series(DAYS[codes].tolist()),
    "timedelta": lambda codes: DAYS[codes] - DAYS[0],
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_any_kind(kind, fit_groups, hierarchical, moons):
    """Labels that sort like 0, 1, 2, 3 give the predictions that those give."""
    labels = KINDS[kind]
    inputs = {"X": moons.X_new, "groups": labels(moons.groups_new)}
    fitted = fit_groups(groups=labels(moons.groups))
    assert len(fitted.groups_) == 4
    assert_same_predictions(fitted, inputs, hierarchical, {"X": moons.X_new, "groups": moons.groups_new})


CODES = np.array([0, 1, 2, 3, 8, 9])  # 8 and 9 are unseen
SAME = {
    "list": (CODES, CODES.tolist()),
    "list of NumPy integers": (CODES, list(CODES)),
    "narrow integers": (CODES, CODES.astype(np.int8)),
    "object array": (CODES, np.array(list(CODES), dtype=object)),
    "float": (CODES, CODES.astype(float)),
    "nullable int": (CODES, pd.array(CODES, dtype="Int64")),
    "polars": (CODES, pl.Series(CODES)),
    "decimals": (CODES, [decimal.Decimal(code) for code in CODES.tolist()]),
    "IntEnum": (CODES, [Number(code) if code else 0 for code in CODES]),
    "complex": (CODES, CODES.astype(complex)),
    "long double": (CODES, CODES.astype(np.longdouble)),
    "StrEnum": (CODES.astype(str), [Word(text) for text in CODES.astype(str)]),
    "texts of a subclass": (CODES.astype(str), list(map(Text, CODES.astype(str)))),
    "intervals of floats": (
        pd.IntervalIndex.from_breaks(np.arange(11))[CODES],
        pd.IntervalIndex.from_breaks(np.arange(11.0))[CODES],
    ),
    "list of NumPy strings": (CODES.astype(str), list(CODES.astype(str))),
    "string dtype": (CODES.astype(str), pd.array(CODES.astype(str), dtype="string")),
    "categorical": (CODES.astype(str), pd.Categorical(CODES.astype(str))),
    "tuples of NumPy integers": (
        [(c // 2, c) for c in CODES.tolist()],
        np.array([(c // 2, c) for c in CODES], dtype=[("n", int), ("m", float)]),
    ),
    "nanoseconds": (DAYS[0] + CODES, (DAYS[0] + CODES).astype("M8[ns]")),
    "timestamps": (DAYS[0] + CODES, pd.Series(DAYS[0] + CODES)),
    "datetimes": (DAYS[0] + CODES, (DAYS[0] + CODES).astype("M8[s]").tolist()),
    "polars datetimes": (DAYS[0] + CODES, pl.Series(DAYS[0] + CODES).cast(pl.Datetime)),
    "dates": (DAYS[0] + CODES, (DAYS[0] + CODES).tolist()),
    "polars dates": (DAYS[0] + CODES, pl.Series(DAYS[0] + CODES)),
    "time zones": (
        pd.date_range("2024-02-28", periods=6, tz="UTC"),
        [datetime.datetime(2024, 2, 28, tzinfo=datetime.UTC) + datetime.timedelta(days) for days in range(6)],
    ),
}


@pytest.mark.parametrize("form", SAME)
def test_equal_labels_in_another_form(form, fit_groups, moons):
    """The same labels in another container or dtype name the same groups, seen and unseen."""
    labels, others = SAME[form]
    fitted = fit_groups(groups=[labels[code] for code in moons.groups])  # the last two stay unseen
    expected = fitted.predict_proba(moons.X_new[:6], groups=labels)
    np.testing.assert_array_equal(fitted.predict_proba(moons.X_new[:6], groups=others), expected)


@pytest.mark.parametrize("convert", [np.ndarray.tolist, np.asfortranarray, pd.DataFrame, pl.DataFrame])
def test_forms_of_the_inputs(convert, fit_groups, hierarchical, moons):
    fitted = fit_groups(convert(moons.X), groups=moons.groups)
    inputs = {"X": convert(moons.X_new), "groups": moons.groups_new}
    assert_same_predictions(fitted, inputs, hierarchical, {"X": moons.X_new, "groups": moons.groups_new})


def test_ragged_groups(fit_groups, moons):
    """Group 0 has one row, group 1 one class only, and sizes differ: every row reaches its own group."""
    groups = np.where(moons.y == 1, 1, np.arange(60) % 3 + 2)
    groups[0] = 0
    fitted = fit_groups(groups=groups)
    data = fitted.training_data_
    assert np.diff(data.offsets).tolist() == np.bincount(groups).tolist()
    np.testing.assert_array_equal(data.group_of_row, groups[data.order])
    np.testing.assert_allclose(data.X, (moons.X[data.order] - moons.X.mean(axis=0)) / moons.X.std(axis=0), atol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(moons.X, groups=groups).sum(axis=1), 1, rtol=1e-12)


def test_no_groups_is_one_group(fit_groups, moons):
    without, constant = fit_groups(), fit_groups(groups=["same"] * 60)
    assert without.groups_ is None
    assert_same_predictions(without, {"X": moons.X_new}, constant, {"X": moons.X_new, "groups": ["same"] * 60})


@pytest.mark.parametrize("estimator", [HierarchicalBNNClassifier(), PerGroupClassifier(LogisticRegression())])
def test_no_groups_is_said(estimator, small, moons):
    """From the line that called fit."""
    if isinstance(estimator, HierarchicalBNNClassifier):
        estimator = clone(estimator).set_params(**small)
    with pytest.warns(UserWarning, match=r"was fitted without groups: all rows are one.*groups='column'") as caught:
        estimator.fit(moons.X, moons.y)
    assert all(warning.filename == __file__ for warning in caught)


def test_members_of_enumerations_are_their_values(fit_groups, moons, tmp_path):
    """In groups_ and in files, which hold no classes of others."""
    for enumeration, plain in ((Number, int), (Word, str)):
        fitted = fit_groups(groups=[enumeration(plain(code + 1)) for code in moons.groups])
        assert fitted.groups_.tolist() == [plain(code + 1) for code in range(4)]
        fitted.save(tmp_path / "fit")


# Unseen groups -----------------------------------------------------------------------------------------------------


def test_unseen_groups_share_and_keep_their_weights(hierarchical, moons):
    X = np.repeat(moons.X_new[:1], 6, axis=0)
    draws = hierarchical.sample_proba(X, groups=["u", 0, "v", "u", 1, "w"])  # (draw, row, class)
    np.testing.assert_array_equal(draws[:, 0], draws[:, 3])
    distinct = draws[:, [0, 1, 2, 4, 5], 1].T  # (label, draw)
    assert len(np.unique(distinct, axis=0)) == 5
    for label, row in [("u", 0), ("v", 2), ("w", 5)]:  # neither the other labels nor the call matter
        alone = hierarchical.sample_proba(X[:1], groups=[label])[:, 0]  # (draw, class)
        np.testing.assert_allclose(alone, draws[:, row], rtol=1e-12)  # BLAS rounds by the shape of a product


def test_population_weights_are_normal_around_the_group_mean(fit_groups, moons):
    """(w - mu) / sd is standard normal in every part, independent between labels; predictions use that w."""
    hierarchical = fit_groups(groups=moons.groups, pooling="partial")
    posterior = hierarchical.posterior_
    mean, scale = posterior.group_mean.reshape(100, 13), posterior.group_scale.reshape(100, 4)
    parts = np.repeat(range(4), [6, 3, 3, 1])  # 2 inputs, 3 units, 1 logit, with intercepts
    weights = np.array([posterior.population_weights(label) for label in range(10, 50)])  # (label, draw, weight)
    z = (weights - mean) / scale[:, parts]  # (label, draw, weight)
    for sample in (*(z[..., parts == part].ravel() for part in range(4)), (z[:20] * z[20:]).ravel()):
        assert abs(sample.mean()) < 4 / np.sqrt(sample.size)
        # The square of a normal, and that of a product of two, have variances 2 and 8.
        assert abs((sample**2).mean() - 1) < 4 * np.sqrt(8 / sample.size)
    assert kstest(z.ravel(), "norm").pvalue > 1e-3
    x = hierarchical.standardizer_.transform(moons.X_new[:1])[0]
    w = weights[0].astype(float)
    hidden = np.tanh(np.einsum("i,diu->du", x, w[:, :6].reshape(100, 2, 3)) + w[:, 6:9])
    logit = np.einsum("du,du->d", hidden, w[:, 9:12]) + w[:, 12]
    found = hierarchical.sample_proba(moons.X_new[:1], groups=[10])[:, 0, 1]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), rtol=1e-12)


def test_logits_of_unseen_groups_have_the_population_moments(fit_groups, moons):
    """Without hidden layers a logit is w · (x, 1), so its moments over w ~ Normal(mu, sd²) are known."""
    fitted = fit_groups(groups=moons.groups, hidden_layer_sizes=())
    x = np.append(fitted.standardizer_.transform(moons.X_new[:1])[0], 1)  # (weight,)
    proba = fitted.sample_proba(np.repeat(moons.X_new[:1], 300, axis=0), groups=[f"new {i}" for i in range(300)])
    logits = np.log(proba[..., 1] / proba[..., 0])  # (draw, label)
    mean = fitted.posterior_.group_mean.reshape(100, 3) @ x  # (draw,)
    std = np.linalg.norm(fitted.posterior_.group_scale.reshape(100, 2)[:, [0, 0, 1]] * x, axis=1)  # (draw,)
    z = (logits - mean[:, None]) / std[:, None]  # (draw, label)
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / z.size)


def test_unseen_groups_of_a_mode_are_averaged(fit_groups, moons):
    """A mode has one draw, and an unseen group is still as unsure as the group distribution, here by quadrature."""
    fitted = fit_groups(
        groups=moons.groups, hidden_layer_sizes=(), pooling="partial", inference="map", group_scale_prior=0.5
    )
    posterior, X = fitted.posterior_, moons.X_new[:5]
    x = np.c_[fitted.standardizer_.transform(X), np.ones(5)]  # (row, weight)
    mean, scale = posterior.group_mean[0, 0].astype(float), 0.5
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    p = expit(x @ mean + np.outer(nodes, np.linalg.norm(x * scale, axis=1)))  # (node, row)
    first, second = (weights / weights.sum()) @ p, (weights / weights.sum()) @ p**2  # (row,) each
    std = np.sqrt(second - first**2)
    found = fitted.predict_proba(X, groups=["unseen"] * 5)[:, 1]
    assert np.all(np.abs(found - first) < 4.5 * std / np.sqrt(400))
    assert np.all(fitted.predict_std(X, groups=["unseen"] * 5)[:, 1] > 0.5 * std)
    assert np.all(fitted.predict_std(X, groups=[0] * 5) == 0)


def test_unseen_groups_as_errors(fit_groups, moons):
    fitted = fit_groups(groups=moons.groups, unseen_groups="error")
    with pytest.raises(ValueError, match=r"2 label\(s\) that fit did not see: 'oak', 77\."):
        fitted.predict(moons.X_new[:4], groups=["oak", 0, 77, "oak"])
    assert fitted.predict(moons.X_new, groups=moons.groups_new).shape == (60,)
