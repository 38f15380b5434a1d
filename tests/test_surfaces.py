"""Surfaces keep and draw what the estimators predict at their points, and say what is wrong with a request."""

from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression

from conftest import legend_texts, quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, PerGroupClassifier
from skhbnn.inspection.relevance import by_relevance
from skhbnn.plotting import DecisionSurfaceDisplay, GroupMeanSurfaceDisplay, ShrinkageDisplay, UncertaintySurfaceDisplay

TICKS = 7  # along each side of a surface


def middle(table, shop, column):
    """Lower median of a column over the rows of a shop, a value of one of them."""
    values = np.sort(table.loc[table["shop"] == shop, column])
    return values[(len(values) - 1) // 2]


def points_of(display):
    """The points of a two-feature surface, (tick * tick, 2)."""
    return np.stack([display.xx0.ravel(), display.xx1.ravel()], axis=1)


def test_decision_surface_is_predict_proba_of_each_group(hierarchical, moons):
    display = DecisionSurfaceDisplay.from_estimator(hierarchical, groups=[2, 0], grid_resolution=TICKS)
    points = points_of(display)
    assert display.panels == [2, 0]
    for proba, rows, classes, group in zip(display.proba, display.rows, display.row_classes, [2, 0], strict=True):
        expected = hierarchical.predict_proba(points, groups=[group] * len(points))
        np.testing.assert_allclose(proba.reshape(-1, 2), expected, rtol=1e-12)
        own = moons.groups == group
        table = np.column_stack([rows, classes])
        wanted = np.column_stack([moons.X[own], moons.y[own]])
        np.testing.assert_allclose(table[np.lexsort(table.T)], wanted[np.lexsort(wanted.T)], atol=1e-12)


def test_surface_spans_the_rows_of_all_groups(hierarchical, moons):
    display = DecisionSurfaceDisplay.from_estimator(hierarchical, groups=[1], grid_resolution=TICKS)
    for values, column in ((display.xx0, moons.X[:, 0]), (display.xx1, moons.X[:, 1])):
        width = np.ptp(column)
        assert values.min() == pytest.approx(column.min() - 0.05 * width)
        assert values.max() == pytest.approx(column.max() + 0.05 * width)
    limits = ((-1, 2), (0, 5))
    display = DecisionSurfaceDisplay.from_estimator(hierarchical, groups=[1], limits=limits, grid_resolution=TICKS)
    np.testing.assert_allclose([display.xx0[0, [0, -1]], display.xx1[[0, -1], 0]], limits)
    assert display.axes_[0].get_xlim() == (-1, 2)
    assert display.axes_[0].get_ylim() == (0, 5)


def test_pixels_lie_around_their_points(flat):
    """A pixel's middle is a point of the grid: the extent reaches half a step beyond."""
    display = DecisionSurfaceDisplay.from_estimator(flat, limits=((0, 3), (0, 6)), grid_resolution=4)
    image = display.axes_[0].get_images()[0]
    np.testing.assert_allclose(image.get_extent(), (-0.5, 3.5, -1, 7))
    np.testing.assert_array_equal(image.get_array(), display.proba[0, :, :, 1])


def test_surface_of_one_network_has_one_panel(flat, informed):
    for estimator in (flat, informed):
        display = DecisionSurfaceDisplay.from_estimator(estimator, grid_resolution=TICKS)
        assert display.panels == [None]
        expected = estimator.predict_proba(points_of(display))
        np.testing.assert_allclose(display.proba.reshape(-1, 2), expected, rtol=1e-12)


@pytest.mark.parametrize("features", [("debt", "age"), (3, 0), ["debt", 0]])
def test_other_features_are_held_at_their_values(shops, features):
    fitted, table, _ = shops
    display = DecisionSurfaceDisplay.from_estimator(
        fitted, features=features, fixed={"income": 12.5}, grid_resolution=TICKS
    )
    assert display.feature_names == ("debt", "age")
    columns = {"debt": display.xx0.ravel(), "age": display.xx1.ravel(), "income": 12.5}
    for proba, shop, held in zip(display.proba, ["east", "north", "west"], display.fixed, strict=True):
        assert held == pytest.approx({"income": 12.5, "size": middle(table, shop, "size")})
        points = pd.DataFrame({**columns, "size": middle(table, shop, "size"), "shop": shop})[table.columns.tolist()]
        np.testing.assert_allclose(proba.reshape(-1, 3), fitted.predict_proba(points), rtol=1e-9)


def test_default_features_are_the_steepest(shops, small):
    """Of a fit whose classes come of two known columns, in the order of the columns; continuous ones before others."""
    _, table, _ = shops
    y = 10 * table["debt"] + 0.05 * table["size"] > -45  # both count alike, per standard deviation
    table = table.assign(switch=np.arange(60) % 2)
    fitted = quiet_fit(HierarchicalBNNClassifier(**{**small, "tune": 150}, groups="shop"), table, y)
    display = DecisionSurfaceDisplay.from_estimator(fitted, grid_resolution=TICKS)
    assert display.feature_names == ("debt", "size")
    y = table["switch"] == 1
    fitted = quiet_fit(HierarchicalBNNClassifier(**small, groups="shop"), table, y)
    assert "switch" not in DecisionSurfaceDisplay.from_estimator(fitted, grid_resolution=TICKS).feature_names


def test_the_figure_says_at_what_others_are_held(shops):
    fitted, table, _ = shops
    display = DecisionSurfaceDisplay.from_estimator(
        fitted, features=("age", "debt"), fixed={"income": 10}, grid_resolution=TICKS
    )
    low, *_, high = sorted(middle(table, shop, "size") for shop in ("east", "north", "west"))
    title = display.figure_.legends[0].get_title().get_text()
    assert title.replace("\n", " ") == f"at income = 10, size = {low:.4g} to {high:.4g}, the median of each group"
    mean = GroupMeanSurfaceDisplay.from_estimator(fitted, features=(0, 2), grid_resolution=TICKS)
    values = np.sort(table["debt"]), np.sort(table["size"])
    assert mean.figure_.get_supxlabel() == f"at debt = {values[0][29]:.4g}, size = {values[1][29]:.4g}"


def test_features_that_differ_within_groups_go_first():
    """Of continuous ones; a feature of few values comes last, however relevant it is."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(7), 10)  # (row,)
    X = np.column_stack([np.arange(70) % 2, rng.normal(size=(70, 2)), rng.normal(size=7)[group]])  # (row, feature)
    panels = [X[group == code] for code in range(7)]
    of_features = np.array([9, 1, 2, 8])
    assert by_relevance(of_features, X, panels) == [2, 1, 3, 0]
    assert by_relevance(of_features, X, [X]) == [3, 2, 1, 0]


def test_many_zeros_are_counted_and_long_notes_fit(shops):
    mean = GroupMeanSurfaceDisplay.from_estimator(shops[0], features=(0, 2), grid_resolution=TICKS)
    few = replace(mean, fixed=[{"a": 0.0, "b": 0.0, "c": 0.0, "d": 2.5}]).plot()
    assert few.figure_.get_supxlabel() == "at a = 0, b = 0, c = 0, d = 2.5"
    more = replace(mean, fixed=[{"a": 0.0, "b": 0.0, "c": 0.0, "d": 2.5, "e": 0.0}]).plot()
    assert more.figure_.get_supxlabel() == "at d = 2.5, 4 others = 0"
    all_zero = replace(mean, fixed=[dict.fromkeys("abcd", 0.0)]).plot()
    assert all_zero.figure_.get_supxlabel() == "at 4 features = 0"
    long = replace(mean, fixed=[{f"a column {i}": 1.5 for i in range(30)}]).plot()
    lines = long.figure_.get_supxlabel().split("\n")
    assert len(lines) > 3
    assert not any(line.startswith("=") or line.endswith("=") for line in lines)
    long.figure_.canvas.draw()
    box, whole = long.figure_._supxlabel.get_window_extent(), long.figure_.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1


def test_a_feature_that_is_0_in_a_group_is_held_at_0(small):
    """Not at what standardising and back leaves of it."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 2)), columns=["age", "debt"]).assign(shop=np.repeat(["east", "west"], 30))
    table["switch"] = np.where(table["shop"] == "east", 0.0, rng.integers(0, 2, 60) * 0.3)
    fitted = quiet_fit(HierarchicalBNNClassifier(**small, groups="shop"), table, rng.integers(0, 2, 60))
    display = DecisionSurfaceDisplay.from_estimator(fitted, features=("age", "debt"), grid_resolution=TICKS)
    assert display.fixed[0] == {"switch": 0.0}


def test_rows_at_one_point_lie_side_by_side(flat, moons):
    display = DecisionSurfaceDisplay.from_estimator(flat, grid_resolution=TICKS)
    rows = np.array([[0.5, 0.1]] * 9 + [[-0.5, 0.3]])  # (row, 2)
    display = replace(display, rows=[rows], row_classes=[moons.y[np.arange(10)]]).plot()
    drawn = np.concatenate(
        [points.get_offsets() for points in display.axes_[0].collections if len(points.get_offsets())]
    )
    dots = drawn[[any(np.allclose(dot, row, atol=0.3) for row in rows) for dot in drawn]]
    assert len(dots) == 10
    assert len(np.unique(dots.round(6), axis=0)) == 10
    for point in ([0.5, 0.1], [-0.5, 0.3]):
        assert any(np.allclose(dot, point) for dot in dots)
    span = np.array([np.ptp(display.xx0), np.ptp(display.xx1)])
    near = np.abs(dots - [0.5, 0.1]) / span < 0.015 * np.sqrt(9)
    assert near.all(axis=1).sum() == 9


def test_many_classes_show_the_likeliest(shops):
    display = DecisionSurfaceDisplay.from_estimator(shops[0], grid_resolution=TICKS)
    assert display.class_of_interest is None
    assert legend_texts(display.figure_.legends[0]) == ["class low", "class mid", "class top"]
    likeliest = display.proba.argmax(axis=-1)  # (panel, tick1, tick0)
    for panel, axes in enumerate(display.axes_):
        image = axes.get_images()[0].get_array()  # (tick1, tick0, colour)
        strength = 1.5 * (display.proba[panel].max(axis=-1) - 1 / 3)  # (tick1, tick0)
        colours = [matplotlib.colors.to_rgb(colour) for colour in ("#3f90da", "#ffa90e", "#bd1f01")]
        for code, colour in enumerate(colours):
            own = likeliest[panel] == code
            expected = 1 - strength[own, None] * (1 - np.array(colour))
            np.testing.assert_allclose(image[own], expected, atol=1e-9)


def test_a_class_of_interest_is_shown_alone(shops):
    display = DecisionSurfaceDisplay.from_estimator(
        shops[0], class_of_interest="top", groups=["west"], grid_resolution=TICKS
    )
    np.testing.assert_array_equal(display.axes_[0].get_images()[0].get_array(), display.proba[0, :, :, 2])
    assert legend_texts(display.figure_.legends[0]) == ["other classes", "class top"]


@pytest.mark.parametrize("quantity", ["std", "total", "aleatoric", "epistemic"])
def test_uncertainty_surface(hierarchical, quantity):
    display = UncertaintySurfaceDisplay.from_estimator(
        hierarchical, quantity=quantity, groups=[3], grid_resolution=TICKS
    )
    points = points_of(display)
    groups = [3] * len(points)
    if quantity == "std":
        expected = hierarchical.predict_std(points, groups=groups)[:, 1]
    else:
        expected = hierarchical.predict_uncertainty(points, groups=groups)[quantity]
    np.testing.assert_allclose(display.uncertainty.ravel(), expected, rtol=1e-9, atol=1e-12)
    expected = hierarchical.predict_proba(points, groups=groups)
    np.testing.assert_allclose(display.proba.reshape(-1, 2), expected, rtol=1e-12)


def test_uncertainty_of_many_classes_is_that_of_the_likeliest(shops):
    fitted, table, _ = shops
    options = {"groups": ["east"], "features": ("age", "income"), "grid_resolution": TICKS}
    display = UncertaintySurfaceDisplay.from_estimator(fitted, **options)
    points = pd.DataFrame(
        {"age": display.xx0.ravel(), "shop": "east", "income": display.xx1.ravel()}
        | {name: middle(table, "east", name) for name in ("debt", "size")}
    )
    std, proba = fitted.predict_std(points), fitted.predict_proba(points)
    expected = [row[p.argmax()] for row, p in zip(std, proba, strict=True)]
    np.testing.assert_allclose(display.uncertainty.ravel(), expected, rtol=1e-9)
    display = UncertaintySurfaceDisplay.from_estimator(fitted, class_of_interest="mid", **options)
    np.testing.assert_allclose(display.uncertainty.ravel(), std[:, 1], rtol=1e-9)


def test_group_mean_surface_is_the_mean_over_networks_of_mu(hierarchical):
    display = GroupMeanSurfaceDisplay.from_estimator(hierarchical, grid_resolution=TICKS)
    X = hierarchical.standardizer_.transform(points_of(display))
    total = np.zeros(len(X))
    draws = hierarchical.posterior_.group_mean.reshape(-1, 13).astype(float)  # a 2-3-1 network
    for w in draws:
        hidden = np.tanh(X @ w[:6].reshape(2, 3) + w[6:9])
        total += 1 / (1 + np.exp(-(hidden @ w[9:12] + w[12])))
    np.testing.assert_allclose(display.proba[0, :, :, 1].ravel(), total / len(draws), rtol=1e-6)


def test_surfaces_have_labels(hierarchical):
    display = DecisionSurfaceDisplay.from_estimator(hierarchical, grid_resolution=TICKS)
    assert [axes.get_title() for axes in display.axes_] == [f"group {g}" for g in range(4)]
    assert display.axes_[0].get_ylabel() == "x1"
    assert display.axes_[-1].get_xlabel() == "x0"
    assert legend_texts(display.figure_.legends[0]) == ["class 0", "class 1"]
    assert display.figure_.axes[-1].get_ylabel() == "P(class 1)"
    display = UncertaintySurfaceDisplay.from_estimator(hierarchical, quantity="total", grid_resolution=TICKS)
    assert display.figure_.axes[-1].get_ylabel() == "total entropy (nats)"


def test_surfaces_draw_on_given_axes(hierarchical):
    figure, axes = plt.subplots(1, 2)
    display = DecisionSurfaceDisplay.from_estimator(
        hierarchical, groups=[0, 1], grid_resolution=TICKS, ax=axes, colorbar=False, legend=False
    )
    assert display.figure_ is figure
    assert figure.axes == list(axes)
    with pytest.raises(ValueError, match=r"ax holds 1 axes, but the display has 4 panel\(s\)"):
        DecisionSurfaceDisplay.from_estimator(hierarchical, grid_resolution=TICKS, ax=axes[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ("age", "weight")}, r"'weight' is not a feature of the fit, whose features are \['age', 'inc"),
        ({"features": ("age", "shop")}, "'shop' holds the groups"),
        ({"features": (0, 1)}, "1 holds the groups"),
        ({"features": (0, 5)}, "5 is not a feature of the fit, whose features are"),
        ({"features": ("age", 0)}, "features must name two different features"),
        ({"features": ("age", "income", "debt")}, "features must name two different features"),
        ({"fixed": {"height": 1}}, "fixed: 'height' is not a feature"),
        ({"fixed": {"age": 1}}, "fixed holds 'age', which the display varies"),
        ({"limits": ((1, 0), (0, 1))}, "limits must be"),
        (
            {"groups": ["south"]},
            r"groups holds \['south'\], for which the fit has no network; its groups are 'east'",
        ),
        ({"class_of_interest": "huge"}, r"none of the classes of the fit, which are \['low', 'mid', 'top'\]"),
        ({"grid_resolution": 1}, "grid_resolution"),
    ],
)
def test_wrong_requests_are_named(shops, options, message):
    with pytest.raises(ValueError, match=message):
        DecisionSurfaceDisplay.from_estimator(shops[0], **options)


def test_groups_of_a_fit_without_any(flat):
    with pytest.raises(ValueError, match="FlatBNNClassifier was fitted without any"):
        DecisionSurfaceDisplay.from_estimator(flat, groups=[0])


def test_too_many_groups_must_be_chosen(fit_groups, moons):
    fitted = fit_groups(groups=np.arange(len(moons.y)) % 40)
    with pytest.raises(ValueError, match="40 groups, too many for one figure"):
        DecisionSurfaceDisplay.from_estimator(fitted, grid_resolution=TICKS)


def test_surfaces_of_a_network_per_group(shops, small):
    """A panel is what the group's own network predicts, 0 for the class that its rows never showed."""
    _, table, y = shops
    y = np.where((table["shop"] == "east") & (y == "top"), "mid", y)  # (row,)
    fitted = quiet_fit(PerGroupClassifier(FlatBNNClassifier(**small), groups="shop"), table, y)
    assert fitted.estimators_["east"].classes_.tolist() == ["low", "mid"]
    choice = {"groups": ["west", "east"], "features": ("debt", "age"), "fixed": {"income": 12.5}}
    display = DecisionSurfaceDisplay.from_estimator(fitted, grid_resolution=TICKS, **choice)
    unsure = UncertaintySurfaceDisplay.from_estimator(fitted, grid_resolution=TICKS, class_of_interest="top", **choice)
    columns = {"debt": display.xx0.ravel(), "age": display.xx1.ravel(), "income": 12.5}
    for panel, shop in enumerate(["west", "east"]):
        assert display.fixed[panel] == pytest.approx({"income": 12.5, "size": middle(table, shop, "size")})
        points = pd.DataFrame({**columns, "size": middle(table, shop, "size"), "shop": shop})[table.columns.tolist()]
        np.testing.assert_allclose(display.proba[panel].reshape(-1, 3), fitted.predict_proba(points), rtol=1e-9)
        np.testing.assert_allclose(unsure.uncertainty[panel].ravel(), fitted.predict_std(points)[:, 2], rtol=1e-9)
        rows, classes = display.rows[panel], display.row_classes[panel]
        own = table["shop"] == shop
        shown = sorted((*row, label) for row, label in zip(rows.round(9).tolist(), classes, strict=True))
        wanted = zip(table.loc[own, ["debt", "age"]].round(9).to_numpy().tolist(), y[own], strict=True)
        assert shown == sorted((*row, label) for row, label in wanted)
    assert np.all(display.proba[1, ..., 2] == 0)
    whole = display.xx0[0, [0, -1]]  # the range is that of all groups
    assert whole[0] < table["debt"].min() < table["debt"].max() < whole[1]


def test_surface_of_a_network_per_group_of_all_rows(small, moons):
    fitted = quiet_fit(PerGroupClassifier(FlatBNNClassifier(**small)), moons.X, moons.y)
    display = UncertaintySurfaceDisplay.from_estimator(fitted, quantity="total", grid_resolution=TICKS)
    assert display.panels == [None]
    expected = fitted.predict_uncertainty(points_of(display)).total
    np.testing.assert_allclose(display.uncertainty.ravel(), expected, rtol=1e-9)


def test_surfaces_of_groups_whose_fit_failed(small, moons):
    """A flat network cannot learn from one class; the fallback, which serves the group, has no panel."""
    y = np.where(moons.groups == 2, 0, moons.y)  # (row,)
    fallback = FlatBNNClassifier(**small)
    fitted = PerGroupClassifier(FlatBNNClassifier(**small), on_error="fallback", fallback=fallback)
    with pytest.warns(FitFailedWarning):
        quiet_fit(fitted, moons.X, y, groups=moons.groups)
    assert DecisionSurfaceDisplay.from_estimator(fitted, grid_resolution=TICKS).panels == [0, 1, 3]
    with pytest.raises(ValueError, match=r"groups holds \[2\], for which the fit has no network"):
        DecisionSurfaceDisplay.from_estimator(fitted, groups=[2])
    fitted.estimators_ = {}
    with pytest.raises(ValueError, match="The fits of all groups failed"):
        DecisionSurfaceDisplay.from_estimator(fitted)


def test_surfaces_of_other_classifiers_per_group(small, moons):
    fitted = PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=moons.groups)
    nested = quiet_fit(PerGroupClassifier(HierarchicalBNNClassifier(**small, groups=2)), *grouped_twice(moons))
    for estimator, name in ((fitted, "LogisticRegression"), (nested, "HierarchicalBNNClassifier")):
        with pytest.raises(TypeError, match=f"if its estimator is a FlatBNN.*; this one's is a {name}"):
            DecisionSurfaceDisplay.from_estimator(estimator)


def grouped_twice(moons):
    """Rows with a column of groups, all in one more group."""
    return np.column_stack([moons.X, moons.groups]), moons.y, np.zeros(len(moons.y))


def test_one_feature_has_no_surface(small, moons):
    fitted = quiet_fit(FlatBNNClassifier(**small), moons.X[:, :1], moons.y)
    with pytest.raises(ValueError, match="needs two features, but the fit has one: 'x0'"):
        DecisionSurfaceDisplay.from_estimator(fitted)


def test_a_layer_without_group_mean(fit_groups, moons):
    fitted = fit_groups(groups=moons.groups, pooling=["partial", "none"])
    for display in (GroupMeanSurfaceDisplay, ShrinkageDisplay):
        with pytest.raises(ValueError, match="leaves a layer without a group mean"):
            display.from_estimator(fitted)
