"""Nested groups: levels in every form, draws, predictions of unseen groups, priors and files."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import skhbnn
from conftest import quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
    PerGroupClassifier,
)
from skhbnn.posterior.group_prior import SHARED_STD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

REGIONS = np.array(["west", "east", "south"])


@pytest.fixture(scope="module")
def shops():
    """Rows of three regions of two to four shops, whose labels are equal in all regions; a table with both columns."""
    rng = np.random.default_rng(0)
    region = rng.integers(0, 3, 120)  # (row,)
    shop = rng.integers(0, region + 2)  # (row,)
    X = rng.normal(size=(120, 2))  # (row, feature)
    y = (X[:, 0] * (region - 1) + 0.5 * shop + rng.normal(size=120) > 0.5).astype(int)  # (row,)
    return pd.DataFrame(X, columns=["a", "b"]).assign(region=REGIONS[region], shop=shop), y


@pytest.fixture(scope="module")
def by_column(shops, small):
    return quiet_fit(HierarchicalBNNClassifier(groups=["region", "shop"], **small), *shops)


@pytest.fixture(scope="module")
def partial(shops, small):
    """A fit under partial pooling of all layers, in which entries are weights."""
    return quiet_fit(HierarchicalBNNClassifier(groups=["region", "shop"], pooling="partial", **small), *shops)


# Levels in every form ------------------------------------------------------------------------------------------------

FORMS_OF_LEVELS = {
    "pandas": lambda table: table,
    "polars": pl.DataFrame,
    "PyArrow": lambda table: pa.table({name: table[name] for name in table}),
    "array": lambda table: table.to_numpy(dtype=object),
    "tuples": lambda table: list(table.itertuples(index=False, name=None)),
    "named tuples": lambda table: list(table.itertuples(index=False)),
    "objects": lambda table: pd.Series(list(table.itertuples(index=False, name=None))),
    "MultiIndex": pd.MultiIndex.from_frame,
    "iterator": lambda table: table.itertuples(index=False, name=None),
    "records": lambda table: table.to_records(index=False).astype([("region", "U9"), ("shop", "i8")]),
}


@pytest.mark.parametrize("form", FORMS_OF_LEVELS)
def test_levels_in_every_form(form, shops, by_column, small):
    """The draws of a fit of columns, to the last bit."""
    table, y = shops
    make = FORMS_OF_LEVELS[form]
    fitted = HierarchicalBNNClassifier(**small).fit(table[["a", "b"]], y, groups=make(table[["region", "shop"]]))
    np.testing.assert_array_equal(fitted.posterior_.weights, by_column.posterior_.weights)
    named = form in ("pandas", "polars", "PyArrow", "records")
    assert fitted.group_levels_ == (["region", "shop"] if named else ["level_1", "level_2"])
    new = table[:3].assign(region=["west", "west", "north"], shop=[0, 9, 1])
    found = fitted.predict_proba(new[["a", "b"]], groups=make(new[["region", "shop"]]))
    np.testing.assert_array_equal(found, by_column.predict_proba(new))


def test_groups_are_sorted_tuples(by_column, shops):
    table, _ = shops
    pairs = sorted(set(zip(table["region"], table["shop"], strict=True)))
    assert by_column.groups_.tolist() == pairs
    assert by_column.groups_.dtype == object
    assert by_column.group_levels_ == ["region", "shop"]
    data = by_column.training_data_
    outer = sorted(set(table["region"]))
    assert data.labels_at(1) == outer
    np.testing.assert_array_equal(data.members, [[outer.index(region) for region, _ in pairs], range(len(pairs))])


def test_levels_that_sort_by_themselves(shops, small):
    """Shops of a region stand beside each other even where regions have no order of their own."""
    table, y = shops
    mixed = {"west": 1, "east": "1", "south": 2.5}
    labels = [(mixed[region], shop) for region, shop in zip(table["region"], table["shop"], strict=True)]
    fitted = HierarchicalBNNClassifier(**small).fit(table[["a", "b"]], y, groups=labels)
    outer = [region for region, _ in fitted.groups_.tolist()]
    assert len(list(itertools.groupby(outer))) == 3


def test_one_column_of_several_axes_is_one_level(shops, small):
    table, y = shops
    fits = [
        HierarchicalBNNClassifier(**small).fit(table[["a", "b"]], y, groups=groups)
        for groups in (table["region"], table[["region"]], table[["region"]].to_numpy())
    ]
    for fitted in fits:
        assert fitted.groups_.tolist() == ["east", "south", "west"]
        np.testing.assert_array_equal(fitted.posterior_.weights, fits[0].posterior_.weights)
        assert fitted.posterior_.model.levels == ("group",)
        assert fitted.posterior_.outer is None


def test_estimators_per_group_have_one_combined_label(shops):
    table, y = shops
    inner = FlatBNNClassifier((), chains=1, tune=10, draws=10, random_state=0)
    by_columns = PerGroupClassifier(inner, groups=["region", "shop"]).fit(table, y)
    by_argument = PerGroupClassifier(inner).fit(table[["a", "b"]], y, groups=table[["region", "shop"]])
    assert by_columns.groups_.tolist() == by_argument.groups_.tolist() == sorted(by_columns.estimators_)
    np.testing.assert_array_equal(
        by_columns.predict_proba(table),
        by_argument.predict_proba(table[["a", "b"]], groups=list(zip(table["region"], table["shop"], strict=True))),
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["group", "id"], ["group", "id"]),
        (["draw", "weight"], ["draw_level", "weight_level"]),
        (["a/b", "unit_0"], ["a_b", "unit_0_level"]),
        ([1, "1"], ["1_1", "1_2"]),
        (["weights", "coef_0"], ["weights_level", "coef_0_level"]),
    ],
)
def test_names_of_levels_are_no_other_axes(names, expected, shops, small):
    """Of the labelled posterior and of the PyMC model, which both can be made."""
    table, y = shops
    groups = table[["region", "shop"]].set_axis(names, axis=1)
    fitted = HierarchicalBNNClassifier(**small).fit(table[["a", "b"]], y, groups=groups)
    assert fitted.group_levels_ == expected
    assert dict(fitted.to_arviz().posterior[f"{expected[0]}_weights"].sizes)[expected[0]] == 3
    assert len(fitted.to_pymc().coords[expected[1]]) == len(fitted.groups_)


# Faults --------------------------------------------------------------------------------------------------------------


def test_faults(shops, small, by_column):
    table, y = shops
    X, groups = table[["a", "b"]], table[["region", "shop"]]
    estimator = HierarchicalBNNClassifier(**small)
    with pytest.raises(ValueError, match=r"level 'shop' of groups has 2 missing label\(s\), the first at row 4; drop"):
        estimator.fit(X, y, groups=groups.assign(shop=groups["shop"].where(~groups.index.isin([4, 7]))))
    with pytest.raises(ValueError, match=r"level 'region' of groups has 1 missing label\(s\), the first at row 2;"):
        HierarchicalBNNClassifier(groups=["region", "shop"], **small).fit(
            table.assign(region=table["region"].where(table.index != 2)), y
        )
    with pytest.raises(ValueError, match=r"groups=\['shop', 'shop'\] names a column of X twice"):
        HierarchicalBNNClassifier(groups=["shop", "shop"], **small).fit(table, y)
    fitted = quiet_fit(estimator, X, y, groups=groups)
    with pytest.raises(ValueError, match=r"groups has one label a row, and fit had groups of 2 level\(s\): pass a lab"):
        fitted.predict(X, groups=groups["shop"])
    with pytest.raises(ValueError, match=r"groups has labels of 3 levels a row, and fit had groups of 2 level\(s\)"):
        fitted.predict(X, groups=table[["region", "region", "shop"]].to_numpy())
    one = HierarchicalBNNClassifier(**small).fit(X, y, groups=groups["region"])
    for several in (groups, list(zip(*groups.to_numpy().T, strict=True))):
        with pytest.raises(ValueError, match=r"labels of 2 levels a row, .* 1 level\(s\): pass one label a row"):
            one.predict(X, groups=several)
    with pytest.raises(ValueError, match=r"1 label\(s\) that fit did not see: \('east', 9\)"):
        quiet_fit(HierarchicalBNNClassifier(unseen_groups="error", **small), X, y, groups=groups).predict(
            X[:1], groups=[("east", 9)]
        )


def test_levels_in_the_wrong_order_warn(shops, small):
    table, y = shops
    own = table["region"] + table["shop"].astype(str)
    with pytest.warns(UserWarning, match="one label of 'region' for each label of 'own'.*The outermost level comes"):
        HierarchicalBNNClassifier(groups=["own", "region"], **small).fit(table.drop(columns="shop").assign(own=own), y)


# Fits and predictions ------------------------------------------------------------------------------------------------


def test_the_order_of_rows_changes_no_draw(shops, by_column, small):
    table, y = shops
    order = np.random.default_rng(1).permutation(len(y))
    fitted = HierarchicalBNNClassifier(groups=["region", "shop"], **small).fit(table.iloc[order], y[order])
    np.testing.assert_array_equal(fitted.posterior_.weights, by_column.posterior_.weights)
    np.testing.assert_array_equal(fitted.posterior_.outer, by_column.posterior_.outer)


def forward(weights, x):
    """Probabilities of class 1 at inputs x (input,) of a 2-3-1 network, (draw,)."""
    w = weights.astype(float)
    hidden = np.tanh(np.einsum("i,diu->du", x, w[:, :6].reshape(-1, 2, 3)) + w[:, 6:9])
    return 1 / (1 + np.exp(-(np.einsum("du,du->d", hidden, w[:, 9:12]) + w[:, 12])))


def test_unseen_groups_are_drawn_around_what_is_known_around_them(partial):
    """Of a known region around the region's weights, with the shops' scales; else around the mean with both."""
    posterior, data = partial.posterior_, partial.training_data_
    assert posterior.learned_parts == [
        f"{part}_{level}" for level in ("region", "shop") for part in ("coef_0", "intercept_0", "coef_1", "intercept_1")
    ]
    parts = np.repeat(range(4), [6, 3, 3, 1])  # (weight,)
    scale = posterior.group_scale.reshape(100, 2, 4)[:, :, parts].astype(float)  # (draw, level, weight)
    outer = posterior.outer.reshape(100, 3, 13).astype(float)  # (draw, region, weight)
    mean = posterior.group_mean.reshape(100, 13).astype(float)  # (draw, weight)
    known = [posterior.population_weights(("south", k), data.known_around(("south", k))) for k in range(40, 80)]
    z = (np.array(known) - outer[:, 1]) / scale[:, 1]  # (label, draw, weight)
    unknown = [posterior.population_weights((f"new {k}", 1), data.known_around((f"new {k}", 1))) for k in range(40)]
    both = (np.array(unknown) - mean) / np.sqrt((scale**2).sum(axis=1))  # (label, draw, weight)
    for sample in (z, both):
        for part in range(4):
            values = sample[..., parts == part].ravel()
            assert abs(values.mean()) < 4.5 / np.sqrt(values.size)
            assert abs((values**2).mean() - 1) < 4.5 * np.sqrt(2 / values.size)
        assert stats.kstest(sample[:, ::3].ravel(), "norm").pvalue > 1e-3


def test_unseen_groups_of_one_unseen_region_share_its_deviation(partial):
    posterior = partial.posterior_
    first, second, other = (posterior.population_weights(label) for label in (("n", 1), ("n", 2), ("m", 1)))
    parts = np.repeat(range(4), [6, 3, 3, 1])  # (weight,)
    scale = posterior.group_scale.reshape(100, 2, 4)[:, :, parts]  # (draw, level, weight)
    alike = (first - second) / (np.sqrt(2) * scale[:, 1])  # (draw, weight): the shops' deviations alone
    assert abs((alike**2).mean() - 1) < 4.5 * np.sqrt(2 / alike.size)
    apart = (first - other) / np.sqrt(2 * (scale**2).sum(axis=1))  # (draw, weight)
    assert abs((apart**2).mean() - 1) < 4.5 * np.sqrt(2 / apart.size)
    mean = posterior.group_mean.reshape(100, 13)  # (draw, weight)
    of_region = (first - mean + second - mean).astype(float)  # (draw, weight): twice the region's deviation, and noise
    spread = of_region / np.sqrt(4 * scale[:, 0] ** 2 + 2 * scale[:, 1] ** 2)
    assert abs((spread**2).mean() - 1) < 4.5 * np.sqrt(2 / spread.size)


def test_predictions_equal_the_formula(partial, shops):
    """Of known shops, of unseen shops of known regions, of a missing label, and of unseen regions."""
    table, _ = shops
    posterior, data = partial.posterior_, partial.training_data_
    labels = [("east", 0), ("south", 99), ("south", None), ("north", 0), (None, None)]
    rows = table[:5].assign(region=[r for r, _ in labels], shop=pd.array([s for _, s in labels], dtype="Int64"))
    found = partial.sample_proba(rows)[..., 1]  # (draw, row)
    inputs = partial.standardizer_.transform(table[["a", "b"]].to_numpy()[:5])  # (row, input)
    assert [data.known_around(label) for label in labels] == [(1, 0), (1, 1), (1, 1), (0, 0), (0, 0)]
    for row, label in enumerate(labels):
        if row == 0:
            weights = posterior.weights.reshape(100, -1, 13)[:, 0]
        else:
            weights = posterior.population_weights(label, data.known_around(label))
        np.testing.assert_allclose(found[:, row], forward(weights, inputs[row]), rtol=1e-10)


def test_mapped_regions(by_column):
    """Under affine pooling the maps of region and shop add up before they are applied."""
    posterior = by_column.posterior_
    entries = posterior.outer.reshape(100, 3, 19).astype(float)  # (draw, region, weight + entry of the map)
    weights = posterior.outer_weights.reshape(100, 3, 13)  # (draw, region, weight)
    matrix, of_map = entries[..., :6].reshape(100, 3, 2, 3), entries[..., 13:].reshape(100, 3, 3, 2)
    expected = np.einsum("drik,drku->driu", np.eye(2) + of_map[..., :2, :], matrix).reshape(100, 3, 6)
    np.testing.assert_allclose(weights[..., :6], expected, rtol=1e-4, atol=1e-5)
    inverse = np.linalg.pinv(matrix)  # (draw, region, unit, input)
    scale = posterior.group_scale.reshape(100, 2, 4)[:, 1, 2]  # (draw,): of the shops' maps
    drawn = np.array(
        [posterior.population_weights(("east", k), (1, 0)) for k in range(50, 90)]
    )  # (label, draw, weight)
    deviation = (drawn[..., :6] - weights[:, 0, :6]).reshape(40, 100, 2, 3)  # (label, draw, input, unit)
    z = np.einsum("ldiu,duk->ldik", deviation, inverse[:, 0]) / scale[:, None, None]
    assert abs((z**2).mean() - 1) < 4.5 * np.sqrt(2 / z.size)


def test_linearised_networks(shops, small):
    """Of Laplace's method: an unseen shop is linearised around its region."""
    table, y = shops
    fitted = quiet_fit(
        HierarchicalBNNClassifier(
            groups=["region", "shop"], group_scale_prior=0.5, inference="laplace", **{**small, "draws": 400}
        ),
        table,
        y,
    )
    posterior = fitted.posterior_
    assert posterior.mode_weights is not None
    shares = posterior.group_parameters(0).shape[1]
    for label, around in ((("east", 9), (1, 0)), (("north", 9), (0, 0))):
        parameters = posterior.population_parameters(label, around)  # (draw, parameter)
        assert parameters.shape == (400, shares)
        modes = posterior.mode_outer[0, 0] if around[0] else posterior.mode_group_mean[0]  # (weight,)
        chosen = posterior.sample_stats["mode"].ravel() == 0
        np.testing.assert_array_equal(parameters[chosen, 13:], np.broadcast_to(modes, (chosen.sum(), 13)))
    proba = fitted.predict_proba(table.assign(shop=99))
    assert np.all((proba > 0) & (proba < 1))


# Priors of new groups ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("within", [None, "south", ("south",)])
def test_a_prior_within_a_region_has_the_moments_of_its_shops(within, partial):
    posterior = partial.posterior_
    prior = InformedPriorBNNClassifier.from_hierarchical(partial, within=within, align=False, prior_chains="equal")
    parts = np.repeat(range(4), [6, 3, 3, 1])  # (weight,)
    variance = posterior.group_scale.reshape(100, 2, 4).astype(float)[:, :, parts] ** 2  # (draw, level, weight)
    if within is None:
        around, variance = posterior.group_mean.reshape(100, 13).astype(float), variance.sum(axis=1)
    else:
        around, variance = posterior.outer.reshape(100, 3, 13)[:, 1].astype(float), variance[:, 1]
    np.testing.assert_allclose(prior.prior_mean, around.mean(axis=0), rtol=1e-5, atol=1e-6)
    expected = np.cov(around, rowvar=False) + np.diag(variance.mean(axis=0) + SHARED_STD**2)
    np.testing.assert_allclose(prior.prior_cov, expected, rtol=1e-4, atol=1e-5)


def test_unknown_regions_are_named(partial, hierarchical):
    for within in ("north", ("north",), (), ("south", 0), None.__class__):
        with pytest.raises(ValueError, match=r"is none of the groups around others.*'east', 'south', 'west'.*'region'"):
            InformedPriorBNNClassifier.from_hierarchical(partial, within=within)
    with pytest.raises(ValueError, match=r"within=\['south'\]: groups holds a label that is not hashable"):
        InformedPriorBNNClassifier.from_hierarchical(partial, within=["south"])
    with pytest.raises(ValueError, match=r"within=1 names an outer group, but this .* groups of one level"):
        InformedPriorBNNClassifier.from_hierarchical(hierarchical, within=1)


# Other tools and files -----------------------------------------------------------------------------------------------


def test_labelled_posterior(by_column):
    posterior = by_column.to_arviz().posterior
    assert posterior["weights"].dims == ("chain", "draw", "shop", "weight")
    assert posterior["region_weights"].dims == ("chain", "draw", "region", "weight")
    assert posterior["region"].values.tolist() == ["east", "south", "west"]
    np.testing.assert_array_equal(posterior["region_weights"], by_column.posterior_.outer_weights)
    assert posterior["part"].values.tolist() == by_column.posterior_.learned_parts
    assert "levels: ('region', 'shop')" in repr(by_column.posterior_)
    assert by_column.diagnostics_.learned_parts == by_column.posterior_.learned_parts


def test_three_levels_of_a_regressor(small, tmp_path):
    rng = np.random.default_rng(0)
    labels = [(k % 2, k % 4, k % 8) for k in range(96)]
    X = rng.normal(size=(96, 1))  # (row, feature)
    y = X[:, 0] * [0.5 * c + 0.2 * r for c, r, _ in labels] + 0.1 * rng.normal(size=96)  # (row,)
    fitted = quiet_fit(HierarchicalBNNRegressor(**small), X, y, groups=labels)
    assert fitted.posterior_.outer.shape[2] == 2 + 4
    new = [(0, 0, 0), (0, 0, 99), (0, 99, 0), (99, 0, 0), (0, None, None)]
    assert [fitted.training_data_.known_around(label)[0] for label in new] == [2, 2, 1, 0, 1]
    mean = fitted.predict(X[:5], groups=new)
    fitted.save(tmp_path / "fit")
    loaded = skhbnn.load(tmp_path / "fit")
    np.testing.assert_array_equal(loaded.predict(X[:5], groups=new), mean)
    assert loaded.groups_.tolist() == fitted.groups_.tolist()
    assert loaded.group_levels_ == fitted.group_levels_


# Damaged files -------------------------------------------------------------------------------------------------------


def test_faulty_levels_of_files(partial, tmp_path, monkeypatch):
    """What does not belong together is refused."""
    posterior, data = partial.posterior_, partial.training_data_
    labels, model = data.group_labels, posterior.model
    faults = {
        r"group_levels_ is \['shop', 'region'\]": {"group_levels_": ["shop", "region"]},
        "group_levels_ is None": {"group_levels_": None},
        "n_levels is 1 for the levels": {"training_data_": {"n_levels": 1}},
        "are not labels of every level": {"training_data_": {"group_labels": [*labels[:-1], ("west",)]}},
        "group_labels are not in their order": {"training_data_": {"group_labels": labels[::-1]}},
        r"posterior_.outer has shape \(2, 50, 2, 13\)": {"posterior_": {"outer": posterior.outer[:, :, :2]}},
        r"posterior_.outer has shape \(2, 50, 3, 12\)": {"posterior_": {"outer": posterior.outer[..., :12]}},
        "posterior_.outer does not fit": {"posterior_": {"outer": None}},
        r"levels are \('shop', 'shop'\)": {
            "posterior_": {"model": replace(model, levels=("shop", "shop"))},
            "group_levels_": ["shop", "shop"],
        },
    }
    for message, changed in faults.items():
        monkeypatch.setattr("skhbnn.persistence.saving.encoding.decode", lambda *arguments: None)
        fitted = copy.copy(partial)
        for name, values in changed.items():
            old = getattr(fitted, name)
            setattr(fitted, name, replace(old, **values) if isinstance(values, dict) else values)
        fitted.save(tmp_path / "fit", keep_draws="all")
        monkeypatch.undo()
        with pytest.raises(ValueError, match=message):
            skhbnn.load(tmp_path / "fit")
    partial.save(tmp_path / "fit")
    np.testing.assert_array_equal(skhbnn.load(tmp_path / "fit").posterior_.outer, posterior.outer)


def test_dropped_groups_leave_the_others_as_they_are(by_column, shops, tmp_path):
    """A whole region: known and unseen shops of other regions keep their predictions, in a file too."""
    table, _ = shops
    dropped = [label for label in by_column.groups_.tolist() if label[0] == "east"]
    fitted = copy.deepcopy(by_column).drop_groups(dropped)
    both = pd.DataFrame(dropped, columns=["region", "shop"])
    assert copy.deepcopy(by_column).drop_groups(both).groups_.tolist() == fitted.groups_.tolist()
    with pytest.raises(ValueError, match=r"list of labels of groups, as in drop_groups\(\[\("):
        copy.deepcopy(by_column).drop_groups(dropped[0])
    rest = table[table["region"] != "east"]
    unseen = rest.assign(shop=99)
    for rows in (rest, unseen):
        np.testing.assert_array_equal(fitted.predict_proba(rows), by_column.predict_proba(rows))
    fitted.save(tmp_path / "fit.skhbnn")
    np.testing.assert_array_equal(skhbnn.load(tmp_path / "fit.skhbnn").predict(unseen), by_column.predict(unseen))
    assert set(fitted.to_arviz()["posterior"]["region"].values.tolist()) == {"south", "west"}
