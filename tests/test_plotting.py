"""The displays keep what other code computes, draw it with labels, and say what is wrong with a request."""

import copy
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import is_valid_linkage
from scipy.integrate import trapezoid
from scipy.stats import beta, norm
from sklearn.calibration import calibration_curve
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from conftest import legend_texts, quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    InformedPriorBNNClassifier,
    plotting,
)
from skhbnn.plotting import (
    ConfidentRowsDisplay,
    DecisionSurfaceDisplay,
    EffectDisplay,
    ElboDisplay,
    GroupMeanSurfaceDisplay,
    GroupRankingDisplay,
    GroupResidualDisplay,
    GroupScaleDisplay,
    InputRelevanceDisplay,
    IntervalCalibrationDisplay,
    PredictionBandDisplay,
    PriorPosteriorDisplay,
    ReliabilityDisplay,
    ShrinkageDisplay,
    UncertaintySurfaceDisplay,
    WeightCorrelationDisplay,
)
from skhbnn.posterior.diagnostics import OptimizationDiagnostics


@pytest.fixture
def advi(flat):
    """A fit with the course of a variational one."""
    steps = np.random.default_rng(0).normal(size=300)  # (iteration,)
    fitted = copy.copy(flat)
    fitted.diagnostics_ = OptimizationDiagnostics(300, True, np.cumsum(steps))
    return fitted


# Weights -----------------------------------------------------------------------------------------------------


def test_group_scales(hierarchical, fit_groups, moons):
    display = GroupScaleDisplay.from_estimator(hierarchical)
    np.testing.assert_array_equal(display.scales, hierarchical.posterior_.group_scale.reshape(-1, 4))
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == [
        "coef_1",
        "intercept_1",
        "input_map",
        "input_shift",
    ]
    assert legend_texts(display.ax_.get_legend()) == ["90 % of the posterior", "median"]
    fitted = fit_groups(groups=moons.groups, pooling=["complete", "partial"])
    display = GroupScaleDisplay.from_estimator(fitted)
    assert display.parts == ["coef_1", "intercept_1"]
    np.testing.assert_array_equal(display.scales, fitted.posterior_.group_scale.reshape(-1, 2))
    with pytest.raises(ValueError, match="learned no group scale"):
        GroupScaleDisplay.from_estimator(fit_groups(groups=moons.groups, group_scale_prior=0.5))


def test_group_scales_have_the_weights_of_their_chains(hierarchical):
    """A chain that counts for nothing is not shown, and one that counts for all is shown twice."""
    fitted = copy.copy(hierarchical)
    fitted.posterior_ = replace(hierarchical.posterior_, chain_weights=np.array([0.0, 1.0]))
    display = GroupScaleDisplay.from_estimator(fitted)
    second = hierarchical.posterior_.group_scale[1]  # (draw, learned part)
    np.testing.assert_array_equal(display.scales, np.repeat(second, 2, axis=0))


def test_correlation_of_a_linearized_fit(moons):
    """Of the draws of the weights, whatever the modes that the network is linearised at."""
    estimator = FlatBNNClassifier((3,), activation="relu", inference="laplace", chains=8, draws=60, random_state=0)
    fitted = quiet_fit(estimator, moons.X, moons.y)
    posterior = fitted.posterior_
    assert len(posterior.mode_weights) > 1
    display = WeightCorrelationDisplay.from_estimator(fitted, align=False)
    expected = np.corrcoef(posterior.weights.reshape(60, 13).astype(float).T)
    np.testing.assert_allclose(display.correlation, expected, atol=1e-6)


def test_correlation_of_posterior_draws(hierarchical):
    for group, draws in ((None, hierarchical.posterior_.group_mean), (1, hierarchical.posterior_.weights[:, :, 1])):
        display = WeightCorrelationDisplay.from_estimator(hierarchical, group=group, align=False)
        expected = np.corrcoef(draws.reshape(-1, 13).astype(float).T)
        np.testing.assert_allclose(display.correlation, expected, atol=1e-6)
        assert is_valid_linkage(display.linkage)
        np.testing.assert_array_equal(np.sort(display.order), np.arange(13))
        shown = display.ax_.get_images()[0].get_array()
        np.testing.assert_array_equal(shown, display.correlation[display.order][:, display.order])
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == [display.weight_names[i] for i in display.order]
    assert display.weight_names[0] == "layer 0: x0 -> unit 0"
    assert legend_texts(display.ax_.get_legend()) == ["layer 0", "layer 1"]


def test_correlation_of_aligned_draws_knows_no_symmetry(flat):
    """Flipping the signs of all units in half of the draws changes raw correlations, and not the aligned ones."""
    flipped = copy.deepcopy(flat)
    flipped.posterior_.weights[:, ::2, 0, :9] *= -1  # into the three units
    flipped.posterior_.weights[:, ::2, 0, 9:12] *= -1  # out of them
    for align, same in ((True, True), (False, False)):
        one, other = (WeightCorrelationDisplay.from_estimator(f, align=align).correlation for f in (flat, flipped))
        assert np.allclose(np.abs(one), np.abs(other), atol=1e-6) == same


def test_correlation_of_the_prior(informed):
    display = WeightCorrelationDisplay.from_estimator(informed, source="prior")
    cov = np.asarray(informed.prior_cov)
    std = np.sqrt(np.diag(cov))
    np.testing.assert_allclose(display.correlation, cov / std / std[:, None], atol=1e-9)


def test_correlation_errors(hierarchical, flat, fit_groups, moons, small):
    with pytest.raises(TypeError, match="informed prior for source='prior', got a HierarchicalBNNC"):
        WeightCorrelationDisplay.from_estimator(hierarchical, source="prior")
    with pytest.raises(ValueError, match=r"holds \['x'\], for which the fit has no network"):
        WeightCorrelationDisplay.from_estimator(hierarchical, group="x")
    with pytest.raises(ValueError, match="fitted without any"):
        WeightCorrelationDisplay.from_estimator(flat, group=1)
    mode = quiet_fit(FlatBNNClassifier(**{**small, "inference": "map"}), moons.X, moons.y)
    with pytest.raises(ValueError, match="Fewer than two weights vary"):
        WeightCorrelationDisplay.from_estimator(mode)


def test_prior_and_posterior_densities(informed):
    names = ["layer 1: unit 0 -> output 0", "layer 0: x1 -> unit 2"]
    display = PriorPosteriorDisplay.from_estimator(informed, weights=[names[0], 5])
    assert display.weight_names == names
    for row, weight in enumerate([9, 5]):
        draws = informed.posterior_.weights[:, :, 0, weight].ravel().astype(float)
        prior = norm(informed.prior_mean[weight], np.sqrt(informed.prior_cov[weight, weight]))
        np.testing.assert_allclose(display.prior_density[row], prior.pdf(display.values[row]), rtol=1e-9)
        mass = trapezoid(display.posterior_density[row], display.values[row])
        mean = trapezoid(display.posterior_density[row] * display.values[row], display.values[row])
        assert mass == pytest.approx(1, abs=0.02)
        assert mean == pytest.approx(draws.mean(), abs=0.05 * draws.std())
    assert [axes.get_title() for axes in display.axes_] == names
    assert legend_texts(display.figure_.legends[0]) == ["prior", "posterior"]


def test_weights_that_moved_farthest_come_first(informed):
    display = PriorPosteriorDisplay.from_estimator(informed, n_weights=3)
    draws = informed.posterior_.weights[:, :, 0].reshape(-1, 13)
    moved = np.abs(draws.mean(axis=0) - informed.prior_mean) / np.sqrt(np.diag(informed.prior_cov))
    names = informed.posterior_.network.weight_names(["x0", "x1"])
    assert display.weight_names == [names[i] for i in np.argsort(moved)[::-1][:3]]


def test_prior_posterior_errors(informed, flat, moons):
    for weight in ("layer 9", 13, -1):
        with pytest.raises(ValueError, match="neither a position from 0 to 12 nor a name, such as 'layer 0: x0"):
            PriorPosteriorDisplay.from_estimator(informed, weights=[weight])
    mode = InformedPriorBNNClassifier(**{**informed.get_params(), "inference": "map"})
    with pytest.raises(ValueError, match="inference='map' gave one point"):
        PriorPosteriorDisplay.from_estimator(quiet_fit(mode, moons.X, moons.y))
    with pytest.raises(TypeError, match="with an informed prior, got a FlatBNNClassifier"):
        PriorPosteriorDisplay.from_estimator(flat)


# The course of a fit -----------------------------------------------------------------------------------------


def test_elbo_and_its_running_mean(advi):
    display = ElboDisplay.from_estimator(advi, window=10)
    np.testing.assert_array_equal(display.elbo, advi.diagnostics_.elbo)
    expected = [np.mean(display.elbo[i : i + 10]) for i in range(len(display.elbo) - 9)]
    np.testing.assert_allclose(display.smoothed, expected)
    raw, mean = display.ax_.get_lines()
    np.testing.assert_array_equal(raw.get_xdata(), np.arange(1, len(display.elbo) + 1))
    assert mean.get_xdata()[0] == 10
    assert mean.get_xdata()[-1] == len(display.elbo)
    assert legend_texts(display.ax_.get_legend()) == ["each iteration", "mean of 10 iterations"]
    assert ElboDisplay.from_estimator(advi).window == len(display.elbo) // 100
    with pytest.raises(ValueError, match="window=100000, but the fit has"):
        ElboDisplay.from_estimator(advi, window=100_000)


def test_elbo_needs_a_variational_fit(flat):
    with pytest.raises(ValueError, match=r'Only inference="advi" .* this fit has inference=\'nuts\''):
        ElboDisplay.from_estimator(flat)


# Calibration -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_bins", [1, 5, 10])
def test_reliability_against_scikit_learn(hierarchical, moons, n_bins):
    y = moons.y  # any labels do; those of the training rows are at hand
    display = ReliabilityDisplay.from_estimator(hierarchical, moons.X, y, groups=moons.groups, n_bins=n_bins)
    proba = hierarchical.predict_proba(moons.X, groups=moons.groups)[:, 1]
    prob_true, prob_pred = calibration_curve(y, proba, n_bins=n_bins)
    np.testing.assert_allclose(display.prob_true, prob_true)
    np.testing.assert_allclose(display.prob_pred, prob_pred)
    ece = 0.0
    for n, true, pred in zip(display.counts, prob_true, prob_pred, strict=True):
        ece += n / len(y) * abs(true - pred)
    assert display.ece == pytest.approx(ece)
    assert display.counts.sum() == len(y)


def test_reliability_intervals_are_jeffreys(hierarchical, moons):
    display = ReliabilityDisplay.from_estimator(
        hierarchical, moons.X, moons.y, groups=moons.groups, n_bins=4, level=0.8
    )
    for true, n, low, high in zip(display.prob_true, display.counts, display.lower, display.upper, strict=True):
        posterior = beta(true * n + 0.5, (1 - true) * n + 0.5)
        assert posterior.cdf(low) == pytest.approx(0.1)
        assert posterior.cdf(high) == pytest.approx(0.9)


def test_reliability_of_many_classes(shops):
    fitted, table, y = shops
    proba = fitted.predict_proba(table)
    display = ReliabilityDisplay.from_estimator(fitted, table, y, n_bins=5)
    expected = calibration_curve(fitted.predict(table) == y, proba.max(axis=1), n_bins=5)
    np.testing.assert_allclose([display.prob_true, display.prob_pred], expected)
    assert display.ax_.get_xlabel() == "predicted probability of the predicted class"
    display = ReliabilityDisplay.from_estimator(fitted, table, y, n_bins=5, class_of_interest="mid")
    np.testing.assert_allclose(
        [display.prob_true, display.prob_pred], calibration_curve(y == "mid", proba[:, 1], n_bins=5)
    )
    with pytest.raises(ValueError, match="'huge' is none of the classes"):
        ReliabilityDisplay.from_estimator(fitted, table, y, class_of_interest="huge")


def test_reliability_curves_share_axes(flat, moons):
    """Any classifier with predict_proba can stand beside; each has its colour and its ECE in the legend."""
    other = LogisticRegression().fit(moons.X, moons.y)
    first = ReliabilityDisplay.from_estimator(flat, moons.X_new, moons.y)
    second = ReliabilityDisplay.from_estimator(other, moons.X_new, moons.y, name="linear", ax=first.ax_)
    assert second.ax_ is first.ax_
    expected = ["perfectly calibrated", f"FlatBNNClassifier: ECE {first.ece:.3f}", f"linear: ECE {second.ece:.3f}"]
    assert legend_texts(first.ax_.get_legend()) == expected
    colours = [container.lines[0].get_color() for container in first.ax_.containers]
    assert len(set(colours)) == 2
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ReliabilityDisplay.from_estimator(flat, moons.X, moons.y[:-1])


# Groups and rows ---------------------------------------------------------------------------------------------


def test_reliability_of_predictions_from_anywhere(flat, shops, moons):
    fields = ("prob_pred", "prob_true", "lower", "upper", "counts", "ece", "event")

    def same(one, other):
        return all(np.array_equal(getattr(one, field), getattr(other, field)) for field in fields)

    proba = flat.predict_proba(moons.X_new)  # (row, class)
    known = ReliabilityDisplay.from_estimator(flat, moons.X_new, moons.y)
    assert same(known, ReliabilityDisplay.from_predictions(moons.y, proba))
    assert same(known, ReliabilityDisplay.from_predictions(moons.y, proba[:, 1]))
    fitted, table, y = shops
    rows = np.flatnonzero(y != "top")  # (row,)
    given = {"class_of_interest": "mid", "n_bins": 5}
    known = ReliabilityDisplay.from_estimator(fitted, table.iloc[rows], y[rows], **given)
    proba = fitted.predict_proba(table.iloc[rows])
    assert same(known, ReliabilityDisplay.from_predictions(y[rows], proba, classes=fitted.classes_, **given))
    with pytest.raises(ValueError, match=r"proba has 3 columns, but there are the 2 classes"):
        ReliabilityDisplay.from_predictions(y[rows], proba)
    with pytest.raises(ValueError, match="below 0 or above 1"):
        ReliabilityDisplay.from_predictions(moons.y, 2 * moons.y - 0.5)


def test_shrinkage_of_weights_by_hand(shops):
    fitted, *_ = shops
    display = ShrinkageDisplay.from_estimator(fitted, quantity="weights")
    posterior = fitted.posterior_
    for chain in range(2):
        for group in range(3):
            deviation = np.zeros(posterior.network.n_weights)
            for draw in range(50):
                deviation += (posterior.weights[chain, draw, group] - posterior.group_mean[chain, draw]) / 50
            assert display.distances[chain, group] == pytest.approx(np.sqrt(np.sum(deviation**2)), rel=1e-4)
    np.testing.assert_array_equal(display.n_rows, [10, 20, 30])
    assert display.groups.tolist() == ["east", "north", "west"]


def test_shrinkage_of_predictions_by_hand(shops):
    """Sixty rows are compared at all; the group mean's network is written out."""
    fitted, table, _ = shops
    display = ShrinkageDisplay.from_estimator(fitted)
    X = fitted.standardizer_.transform(table.drop(columns="shop").to_numpy())
    posterior = fitted.posterior_

    def proba(w):  # a 4-3-3 network
        hidden = np.tanh(X @ w[:12].reshape(4, 3) + w[12:15])
        logits = np.exp(hidden @ w[15:24].reshape(3, 3) + w[24:])
        return logits / logits.sum(axis=1, keepdims=True)

    for chain in range(2):
        common = np.mean([proba(w) for w in posterior.group_mean[chain].astype(float)], axis=0)
        for group in range(3):
            own = np.mean([proba(w) for w in posterior.weights[chain, :, group].astype(float)], axis=0)
            expected = np.mean([np.abs(a - b).sum() / 2 for a, b in zip(own, common, strict=True)])
            assert display.distances[chain, group] == pytest.approx(expected, rel=1e-6)


def test_shrinkage_has_labels(shops, hierarchical, small, moons):
    display = ShrinkageDisplay.from_estimator(shops[0])
    assert sorted(text.get_text() for text in display.ax_.texts) == ["east", "north", "west"]
    assert legend_texts(display.ax_.get_legend()) == ["one chain", "mean of the chains"]
    display.figure_.canvas.draw()
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["10", "20", "30"]
    tied = ShrinkageDisplay.from_estimator(hierarchical)  # four groups of 15 rows
    x = tied.ax_.get_lines()[-1].get_xdata()
    assert len(set(x)) == 4
    np.testing.assert_allclose(np.exp(np.log(x).mean()), 15)
    alone = quiet_fit(HierarchicalBNNClassifier(**small), moons.X, moons.y)
    with pytest.raises(ValueError, match="fitted without groups"):
        ShrinkageDisplay.from_estimator(alone)


def test_labels_of_shrinkage_hide_nothing():
    """Of a crowd some labels are left out, the farthest never, and none stands on another or on a point."""
    rng = np.random.default_rng(0)
    distances = np.r_[0.1 + 0.002 * rng.random(35), 0.3, 0.4, 0.5, 0.6, 0.7]  # (group,)
    n_rows = np.r_[rng.integers(10, 14, 35), 5, 20, 30, 40, 50]  # (group,)
    groups = np.array([f"village {i}" for i in range(40)], dtype=object)
    display = ShrinkageDisplay(
        distances=distances[None], n_rows=n_rows, groups=groups, quantity="predictions", kind="total variation"
    ).plot()
    display.figure_.canvas.draw()
    boxes = {text.get_text(): text.get_window_extent() for text in display.ax_.texts}
    assert 5 < len(boxes) < 40
    assert set(groups[35:]) < set(boxes)
    points = display.ax_.transData.transform(np.column_stack(display.ax_.get_lines()[-1].get_data()))  # (group, 2)
    for label, box in boxes.items():
        assert not any(box.overlaps(other) for other_label, other in boxes.items() if other_label != label)
        assert not box.count_contains(points)


@pytest.mark.parametrize("by", ["proba", "std"])
def test_confident_rows(hierarchical, moons, by):
    display = ConfidentRowsDisplay.from_estimator(
        hierarchical, moons.X_new, moons.y, groups=moons.groups_new, by=by, n_rows=4
    )
    proba = hierarchical.predict_proba(moons.X_new, groups=moons.groups_new)
    std = hierarchical.predict_std(moons.X_new, groups=moons.groups_new)
    confidence = [max(p) if by == "proba" else -s[p.argmax()] for p, s in zip(proba, std, strict=True)]
    ranked = sorted(range(len(confidence)), key=lambda row: -confidence[row])
    assert display.rows.tolist() == ranked[:4] + ranked[-4:]
    np.testing.assert_allclose(display.values, np.abs([confidence[row] for row in display.rows]))
    assert (
        display.predicted.tolist() == hierarchical.predict(moons.X_new, groups=moons.groups_new)[display.rows].tolist()
    )
    first = display.rows[0]
    label = f"group {moons.groups_new[first]}, row {first}: class {display.predicted[0]} (is {moons.y[first]})"
    assert display.ax_.get_yticklabels()[0].get_text() == label
    assert legend_texts(display.ax_.get_legend()) == ["right", "wrong"]


def test_confident_rows_are_named_by_index_and_column_of_groups(shops):
    fitted, table, y = shops
    table = table.set_axis([f"bill {i}" for i in range(60)])
    display = ConfidentRowsDisplay.from_estimator(fitted, table, y, n_rows=2)
    best = fitted.predict_proba(table).max(axis=1).argmax()
    assert display.index[0] == f"bill {best}"
    assert display.groups[0] == table["shop"].iloc[best]
    text = display.ax_.get_yticklabels()[0].get_text()
    assert text == f"group {display.groups[0]}, row bill {best}: class {display.predicted[0]} (is {y[best]})"
    assert ConfidentRowsDisplay.from_estimator(fitted, pl.from_pandas(table), n_rows=2).index is None


def test_confident_rows_without_truth_and_groups(flat, moons):
    display = ConfidentRowsDisplay.from_estimator(flat, moons.X, n_rows=2)
    assert display.ax_.get_yticklabels()[0].get_text() == f"row {display.rows[0]}: class {display.predicted[0]}"
    assert display.ax_.get_legend() is None
    with pytest.raises(ValueError, match="X has 60 rows: n_rows can be 30 at most, got 31"):
        ConfidentRowsDisplay.from_estimator(flat, moons.X, n_rows=31)


# All displays ------------------------------------------------------------------------------------------------

OF_FITS = {
    "DecisionSurfaceDisplay": FlatBNNClassifier,
    "ElboDisplay": FlatBNNClassifier,
    "GroupMeanSurfaceDisplay": HierarchicalBNNClassifier,
    "GroupScaleDisplay": HierarchicalBNNClassifier,
    "InputRelevanceDisplay": FlatBNNClassifier,
    "PriorPosteriorDisplay": InformedPriorBNNClassifier,
    "ShrinkageDisplay": HierarchicalBNNClassifier,
    "UncertaintySurfaceDisplay": FlatBNNClassifier,
    "WeightCorrelationDisplay": FlatBNNClassifier,
}
OF_NUMBERS = ["GroupResidualDisplay", "IntervalCalibrationDisplay", "PredictionBandDisplay"]
OF_ROWS = {"ConfidentRowsDisplay": FlatBNNClassifier, "ReliabilityDisplay": FlatBNNClassifier}
OF_ROWS |= dict.fromkeys(OF_NUMBERS, FlatBNNRegressor)
OF_INPUTS = {"EffectDisplay": FlatBNNClassifier, "GroupRankingDisplay": HierarchicalBNNClassifier}


def rows_for(name, X, y):
    """Rows in the order in which ``from_estimator`` takes them."""
    return (X, y) if name in OF_ROWS else (X,) if name in OF_INPUTS else ()


def test_every_display_is_listed():
    assert {*OF_FITS, *OF_ROWS, *OF_INPUTS} == set(plotting.__all__)


def test_every_display_has_its_own_file():
    displays = [getattr(plotting, name) for name in plotting.__all__]
    assert len({display.__module__ for display in displays}) == len(displays)


@pytest.mark.parametrize("name", plotting.__all__)
def test_unfitted_estimators(name, moons):
    estimator = {**OF_FITS, **OF_ROWS, **OF_INPUTS}[name]()
    with pytest.raises(NotFittedError):
        getattr(plotting, name).from_estimator(estimator, *rows_for(name, moons.X, moons.y))


@pytest.mark.parametrize("name", [*OF_FITS, *OF_NUMBERS, *OF_INPUTS])
def test_other_estimators(name, moons):
    other = LogisticRegression().fit(moons.X, moons.y)
    with pytest.raises(TypeError, match=f"{name}.from_estimator needs a fitted .*, got a LogisticRegression"):
        getattr(plotting, name).from_estimator(other, *rows_for(name, moons.X, moons.y))


def test_displays_draw_again_on_axes_of_the_caller(
    flat, hierarchical, informed, advi, flat_regressor, moons, waves, small
):
    """plot needs nothing but what from_estimator kept."""
    ard = FlatBNNClassifier(prior_scale="ard", **small).fit(moons.X, moons.y)
    displays = [
        DecisionSurfaceDisplay.from_estimator(flat, grid_resolution=5),
        UncertaintySurfaceDisplay.from_estimator(flat, grid_resolution=5),
        GroupMeanSurfaceDisplay.from_estimator(hierarchical, grid_resolution=5),
        GroupScaleDisplay.from_estimator(hierarchical),
        InputRelevanceDisplay.from_estimator(ard),
        WeightCorrelationDisplay.from_estimator(flat),
        PriorPosteriorDisplay.from_estimator(informed, n_weights=1),
        ElboDisplay.from_estimator(advi),
        ReliabilityDisplay.from_estimator(flat, moons.X, moons.y),
        ShrinkageDisplay.from_estimator(hierarchical),
        ConfidentRowsDisplay.from_estimator(flat, moons.X),
        EffectDisplay.from_estimator(flat, moons.X, grid_resolution=6),
        GroupRankingDisplay.from_estimator(hierarchical, moons.X, groups=moons.groups),
        PredictionBandDisplay.from_estimator(flat_regressor, waves.X, waves.y),
        IntervalCalibrationDisplay.from_estimator(flat_regressor, waves.X, waves.y),
        GroupResidualDisplay.from_estimator(flat_regressor, waves.X, waves.y, groups=waves.groups),
    ]
    assert len(displays) == len(plotting.__all__)
    for display in displays:
        own = display.figure_
        assert isinstance(own, Figure)
        figure, axes = plt.subplots()
        assert display.plot(axes) is display
        assert display.figure_ is figure
        assert axes is (display.axes_[0] if hasattr(display, "axes_") else display.ax_)
        assert axes.has_data()
        figure.canvas.draw()
        plt.close("all")


def test_without_matplotlib(run_python):
    rows = {name: rows_for(name, None, None) for name in plotting.__all__}
    code = f"""
import sys
sys.modules["matplotlib"] = None
from skhbnn import plotting
for name, rows in {rows}.items():
    try:
        getattr(plotting, name).from_estimator(None, *rows)
    except ImportError as error:
        print(error)
"""
    message = '{}.from_estimator requires matplotlib. You can install it with `pip install "skhbnn[plot]"`.'
    assert run_python(code).splitlines() == [message.format(name) for name in plotting.__all__]
