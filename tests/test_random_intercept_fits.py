"""Fits with random intercepts: the rows they take, the tools around them, their files, and bad input."""

import copy
import io
import warnings

import numpy as np
import pandas as pd
import pytest
import reference
from forging import Forged, file_of
from scipy import stats
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skhbnn
from conftest import quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    InformedPriorBNNClassifier,
    PerGroupClassifier,
    load,
)

# The rows of a fit ----------------------------------------------------------------------------------------------------


def same_fit(a, b):
    np.testing.assert_array_equal(a.posterior_.weights, b.posterior_.weights)
    np.testing.assert_array_equal(a.posterior_.random_intercepts, b.posterior_.random_intercepts)


def test_order_and_places_of_columns_change_nothing(crossed, answers):
    order = np.random.default_rng(1).permutation(len(answers.y))  # (row,)
    columns = ["person", "x", "day", "z", "item"]
    same_fit(quiet_fit(clone(crossed), answers.X[columns].iloc[order], answers.y[order]), crossed)


def test_rows_are_merged_where_labels_are_equal_too(small):
    X = pd.DataFrame({"x": [0.5, 0.5, 0.5, -1.0], "item": ["a", "a", "b", "b"]})
    fitted = quiet_fit(FlatBNNClassifier(**small, random_intercepts="item"), X, [1, 1, 1, 0])
    data = fitted.training_data_
    found = sorted(zip(data.X[:, 0] > 0, data.intercept_codes[:, 0].tolist(), data.weights.tolist(), strict=True))
    assert found == [(False, 1, 1), (True, 0, 2), (True, 1, 1)]
    repeated = quiet_fit(clone(fitted), X.iloc[[0, 2, 3]], [1, 1, 0], sample_weight=[2, 1, 1])
    same_fit(repeated, fitted)


def test_labels_of_rows_without_weight_are_not_there(small, answers):
    weights = (answers.X["item"] != "c").to_numpy(float)  # (row,)
    table = answers.X[["x", "item"]]
    estimator = FlatBNNClassifier(**small, random_intercepts="item")
    fitted = quiet_fit(estimator, table, answers.y, sample_weight=weights)
    assert fitted.random_intercept_labels_[0].tolist() == list("abde")
    same_fit(fitted, quiet_fit(clone(estimator), table[weights > 0], answers.y[weights > 0]))


def test_arrays_have_columns_by_position(small, answers):
    rows = (
        answers.X.assign(item=reference.codes(answers.X["item"], "abcde"), day=0.0).drop(columns="day").to_numpy(float)
    )
    a = quiet_fit(FlatBNNClassifier(**small, random_intercepts=[1, -1]), rows, answers.y)
    table = answers.X.drop(columns="day")
    b = quiet_fit(FlatBNNClassifier(**small, random_intercepts=["item", "person"]), table, answers.y)
    same_fit(a, b)
    assert a.random_intercept_columns_ == b.random_intercept_columns_ == [1, 3]
    np.testing.assert_array_equal(a.predict_proba(rows), b.predict_proba(table))


def test_groups_as_an_argument(crossed, answers):
    """The labels of random intercepts are columns all the same."""
    estimator = clone(crossed).set_params(groups=None)
    table = answers.X.drop(columns="person")
    fitted = quiet_fit(estimator, table, answers.y, groups=answers.X["person"])
    same_fit(fitted, crossed)
    found = fitted.predict_proba(table, groups=answers.X["person"])  # (row, class)
    np.testing.assert_array_equal(found, crossed.predict_proba(answers.X))


# Tools around a fit ---------------------------------------------------------------------------------------------------


def test_cross_validation_and_searches(small, answers):
    """Scores of folds equal those by hand, with labels that only test rows have among them."""
    table = answers.X.drop(columns="day")
    steps = ColumnTransformer(
        [("scaled", StandardScaler(), ["x", "z"])], remainder="passthrough", verbose_feature_names_out=False
    )
    model = FlatBNNClassifier(**small, random_intercepts=["item", "person"])
    pipeline = make_pipeline(steps.set_output(transform="pandas"), model)
    folds = GroupKFold(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = cross_val_score(pipeline, table, answers.y, groups=table["person"], cv=folds, scoring="neg_log_loss")
        for score, (train, test) in zip(found, folds.split(table, groups=table["person"]), strict=True):
            proba = clone(pipeline).fit(table.iloc[train], answers.y[train]).predict_proba(table.iloc[test])
            np.testing.assert_allclose(score, -log_loss(answers.y[test], proba), rtol=1e-12)
        search = GridSearchCV(pipeline, {"flatbnnclassifier__random_intercepts": [["item", "person"], "item"]}, cv=2)
        with pytest.raises(ValueError, match="person"):  # which is no number with one setting less
            GridSearchCV(model, {"random_intercepts": ["item"]}, cv=2, error_score="raise").fit(
                table.astype({"person": str}).replace({"person": {"1": "one"}}), answers.y
            )
        search.fit(table, answers.y)
    assert len(search.cv_results_["params"]) == 2
    search.predict(table)


def test_labelled_posterior(crossed, answers):
    data = crossed.to_arviz()
    intercepts = data["posterior"]["random_intercept_item"]
    assert intercepts.dims == ("chain", "draw", "item_label", "output")
    assert intercepts["item_label"].values.tolist() == list("abcde")
    np.testing.assert_array_equal(intercepts.values, crossed.posterior_.random_intercepts[:, :, :5])
    np.testing.assert_array_equal(
        crossed.posterior_.intercepts_of("day"), crossed.posterior_.random_intercepts[:, :, 5:]
    )
    learned = data["posterior"]["group_scale"]["part"].values.tolist()
    assert learned[-2:] == ["random_intercept_item", "random_intercept_day"] == crossed.diagnostics_.learned_parts[-2:]
    assert len(crossed.diagnostics_.r_hat_group_scale) == len(learned)
    assert "item: 5 labels, day: 2 labels" in repr(crossed.posterior_)
    pymc_model = crossed.to_pymc()
    assert list(pymc_model.coords["day_label"]) == ["mon", "tue"]
    with pytest.raises(ValueError, match=r"'x' is no column of random intercepts, which are \['item', 'day'\]"):
        crossed.posterior_.intercepts_of("x")


@pytest.mark.parametrize("other", ["item_z", "z_item", "item_label", "of_row", "codes"])
def test_columns_whose_names_extend_one_another(other, small, answers):
    table = answers.X.drop(columns=["person"]).rename(columns={"day": other})
    fitted = quiet_fit(FlatBNNClassifier(**small, random_intercepts=["item", other]), table, answers.y)
    variables = [f"random_intercept_{name}" for name in ("item", other)]
    assert set(variables) <= set(fitted.to_pymc().named_vars)
    assert set(variables) <= set(fitted.to_arviz()["posterior"])


def test_a_prior_of_a_new_group_leaves_them_out(crossed):
    informed = InformedPriorBNNClassifier.from_hierarchical(crossed, align=False, prior_chains="equal")
    network = crossed.posterior_.network
    assert informed.prior_mean.shape == (network.n_weights,)
    np.testing.assert_allclose(
        informed.prior_mean, crossed.posterior_.group_mean.mean(axis=(0, 1)), rtol=1e-4, atol=1e-6
    )
    assert informed.feature_names == ["x", "z"]


def test_parts_of_a_posterior(crossed):
    """Chains and draws of the random intercepts are those of the weights."""
    posterior = crossed.posterior_
    np.testing.assert_array_equal(posterior.of_chains(1).random_intercepts, posterior.random_intercepts[[1]])
    thinned = posterior.thinned(20)
    kept = thinned.weights.transpose(1, 0, 2, 3)  # (draw, chain, group, weight)
    where = [np.flatnonzero((posterior.weights == w[:, None]).all(axis=(0, 2, 3)))[0] for w in kept]  # (draw,)
    np.testing.assert_array_equal(thinned.random_intercepts, posterior.random_intercepts[:, where])


@pytest.mark.parametrize("inference", ["map", "advi"])
def test_other_methods(inference, answers):
    settings = {"hidden_layer_sizes": (), "tune": 20, "draws": 20, "chains": 2, "max_iter": 300, "random_state": 0}
    estimator = FlatBNNRegressor(**settings, inference=inference, random_intercepts="item")
    table = answers.X[["x", "item"]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "inference='map' climbs")
        fitted = quiet_fit(estimator, table, answers.numbers)
    assert np.all(np.isfinite(fitted.predict(table)))
    intercepts = fitted.posterior_.random_intercepts
    assert intercepts.shape == (*fitted.posterior_.weights.shape[:2], 5, 1)
    if inference == "map":  # of the effects 0.8 times the position, less their mean
        assert stats.pearsonr(intercepts[0, 0, :, 0], np.arange(5)).statistic > 0.9


def test_laplace_is_refused(answers):
    estimator = FlatBNNClassifier(inference="laplace", random_intercepts="item")
    with pytest.raises(
        ValueError, match="inference='laplace' knows no random_intercepts; set inference to one of 'nuts'"
    ):
        estimator.fit(answers.X[["x", "item"]], answers.y)


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(crossed):
    return file_of(crossed)


def test_loaded_fits_predict_alike(crossed, file, answers):
    loaded = load(io.BytesIO(file))
    rows = pd.concat([answers.X, answers.X.assign(item="new"), answers.X.assign(day=None)])
    np.testing.assert_array_equal(loaded.predict_proba(rows), crossed.predict_proba(rows))
    same_fit(loaded, crossed)
    assert repr(loaded.posterior_) == repr(crossed.posterior_)


def forged_codes(forged):
    codes = forged.array("training_data_", "intercept_codes")
    codes[0, 0] = 5
    forged.put(codes, "training_data_", "intercept_codes")


def forged_count(forged):
    forged.record("posterior_", "model")["random_intercepts"]["$tuple"][0]["$RandomIntercept"]["n_labels"] = 4


def forged_scale(forged):
    forged.record("posterior_", "model")["random_intercepts"]["$tuple"][0]["$RandomIntercept"]["scale"] = -1.0


def forged_labels(forged):
    forged.record("training_data_")["intercept_labels"][1] = ["mon", "mon"]


def forged_intercepts(forged):
    intercepts = forged.array("posterior_", "random_intercepts")
    forged.put(intercepts[:, :, :-1].copy(), "posterior_", "random_intercepts")


def forged_columns(forged):
    forged.attributes["random_intercept_columns_"] = [1, 7]


def without_intercepts(forged):
    forged.record("posterior_")["random_intercepts"] = None


def without_codes(forged):
    forged.record("training_data_")["intercept_codes"] = None


FORGERIES = [forged_codes, forged_count, forged_scale, forged_labels, forged_intercepts, forged_columns]
FORGERIES += [without_intercepts, without_codes]


@pytest.mark.parametrize("change", FORGERIES, ids=lambda change: change.__name__)
def test_forged_files_are_refused(change, file):
    forged = Forged(file)
    load(io.BytesIO(forged.build()))
    change(forged)
    with pytest.raises(ValueError, match="not a whole file"):
        load(io.BytesIO(forged.build()))


# Bad input ------------------------------------------------------------------------------------------------------------

BAD = {
    "unknown": ("items", "random_intercepts='items' is not a column of X.* Did you mean 'item'"),
    "twice": (["item", "item"], "random_intercepts=.*names a column of X twice"),
    "also the group": (["person"], "groups and random_intercepts both name the column 'person' of X"),
    "none": ([], "random_intercepts=.* names no column of X; use None"),
    "no such position": (17, "random_intercepts=17 is not the index of a column of X"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_columns(case, answers):
    columns, text = BAD[case]
    with pytest.raises(ValueError, match=text):
        HierarchicalBNNClassifier(groups="person", random_intercepts=columns).fit(answers.X, answers.y)


def test_bad_labels_and_tables(small, answers):
    table, estimator = answers.X[["x", "item"]], FlatBNNClassifier(**small, random_intercepts="item")
    missing = table.assign(item=[*table["item"][:3], None, *table["item"][4:]])
    with pytest.raises(ValueError, match=r"column 'item' of X .* has 1 missing label\(s\), the first at row 3; drop"):
        estimator.fit(missing, answers.y)
    weights = np.arange(len(table)) != 3  # (row,)
    quiet_fit(clone(estimator), missing, answers.y, sample_weight=weights)  # the row does not count
    with pytest.raises(ValueError, match=r"column 'item' of X .* not hashable: \['a'\]"):
        estimator.fit(table.assign(item=[["a"]] * len(table)), answers.y)
    with pytest.raises(ValueError, match="names every column of X: none is left"):
        estimator.fit(table[["item"]], answers.y)
    with pytest.raises(ValueError, match="random_intercepts='item' names a column, but X is a ndarray without"):
        estimator.fit(np.zeros((4, 2)), [0, 1, 0, 1])
    fitted = quiet_fit(clone(estimator), table, answers.y)
    with pytest.raises(ValueError, match=r"random_intercepts=None names none now\. Set it back"):
        clone_of(fitted).set_params(random_intercepts=None).predict(table[["x", "item"]].assign(item=0.0))


def clone_of(fitted):
    return copy.copy(fitted)


def test_doubtful_labels_are_warned_of(small, answers):
    estimator = FlatBNNClassifier(**small, random_intercepts="item")
    alone = answers.X[["x"]].assign(item=[f"row {k}" for k in range(len(answers.y))])
    with pytest.warns(UserWarning, match="column 'item' .* has a label of its own for 120 of 120 rows.* leave such a"):
        quiet_fit(clone(estimator), alone, answers.y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clone(estimator).fit(alone.assign(item="one"), answers.y)
    assert any("column 'item' of X that random_intercepts names has one label in all" in str(w.message) for w in caught)


def test_update_of_groups_is_refused(small, answers):
    table = answers.X[["x", "item", "person"]]
    model = PerGroupClassifier(FlatBNNClassifier(**small, random_intercepts="item"), groups="person", n_jobs=1)
    fitted = quiet_fit(model, table, answers.y)
    assert fitted.predict_proba(table).shape == (120, 2)
    with pytest.raises(ValueError, match="update knows no random_intercepts"):
        fitted.update(table, answers.y)


def test_dropped_groups_take_their_rows_with_them(crossed, answers, tmp_path):
    fitted = copy.deepcopy(crossed).drop_groups([2])
    rest = answers.X[answers.X["person"] != 2]
    np.testing.assert_array_equal(fitted.predict_proba(rest), crossed.predict_proba(rest))
    data = fitted.training_data_
    found = [np.array(data.intercept_labels[0])[data.intercept_codes[place, 0]] for place in data.places]
    np.testing.assert_array_equal(np.array(found)[data.places >= 0], rest["item"])
    fitted.save(tmp_path / "fit.skhbnn")
    np.testing.assert_array_equal(skhbnn.load(tmp_path / "fit.skhbnn").predict(rest), crossed.predict(rest))
