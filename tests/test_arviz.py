"""The labelled posterior, and ArviZ's own functions on it, with either generation of ArviZ."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest

from skhbnn.support.libraries import import_arviz

mpl.use("Agg")


@pytest.fixture(scope="module")
def arviz():
    return import_arviz()


def group(result, name):
    return result[name] if hasattr(result, "children") else getattr(result, name)


def test_log_likelihood_is_that_of_each_row_as_given(hierarchical, flat, informed, moons):
    rows = moons.groups == 1
    given = [(hierarchical, moons.X, moons.y, {"groups": moons.groups}), (flat, moons.X, moons.y, {})]
    given.append((informed, moons.X[rows], moons.y[rows], {}))
    for fitted, X, y, groups in given:
        result = fitted.to_arviz()
        loglik = np.asarray(group(result, "log_likelihood")["y"])  # (chain, draw, row)
        proba = fitted.sample_proba(X, **groups)[:, np.arange(len(y)), y]  # (draw, row)
        np.testing.assert_allclose(loglik.reshape(proba.shape), np.log(proba), rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(group(result, "observed_data")["y"], y)


def test_posterior_and_statistics_are_labelled(hierarchical):
    result = hierarchical.to_arviz()
    posterior, stats = group(result, "posterior"), group(result, "sample_stats")
    assert posterior["weights"].dims == ("chain", "draw", "group", "weight")
    assert posterior["group_scale"].dims == ("chain", "draw", "part")
    assert list(posterior["part"].values) == ["coef_1", "intercept_1", "input_map", "input_shift"]
    assert posterior["group"].values.tolist() == [0, 1, 2, 3]
    assert "layer 0: x0 -> unit 0" in posterior["weight"].values
    for name in ("diverging", "tree_depth", "energy", "n_steps", "step_size", "lp"):
        assert stats[name].shape == (2, 50), name


@pytest.mark.parametrize(
    "coordinates",
    [
        {label: label for label in ("east", "north", "west", "south")},
        {1: "1", "1": "'1'", "a": "'a'", (1, 2): "(1, 2)"},
        {1: "1", "a": "a", (1, 2): "(1, 2)", 0.5: "0.5"},
    ],
)
def test_groups_are_found_by_their_labels(coordinates, fit_groups, moons):
    """As they are where they are of one kind; else by texts, no two of which are equal."""
    labels = list(coordinates)
    fitted = fit_groups(groups=[labels[g] for g in moons.groups])
    weights = group(fitted.to_arviz(), "posterior")["weights"]
    assert len(weights["group"]) == 4
    for label, coordinate in coordinates.items():
        code = fitted.training_data_.group_labels.index(label)
        np.testing.assert_array_equal(weights.sel(group=coordinate), fitted.posterior_.weights[:, :, code])


def test_arviz_functions_run(hierarchical, arviz):
    import matplotlib.pyplot as plt

    result = hierarchical.to_arviz()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few draws: Pareto k, and layout of many panels
        loo = arviz.loo(result, pointwise=True)
        summary = arviz.summary(result, var_names=["group_scale"])
        arviz.plot_trace(result, var_names=["group_scale"])
    plt.close("all")
    elpd = loo.elpd_loo if hasattr(loo, "elpd_loo") else loo.elpd
    pointwise = loo.loo_i if hasattr(loo, "loo_i") else loo.elpd_i
    assert len(np.ravel(pointwise)) == 60
    np.testing.assert_allclose(np.sum(np.asarray(pointwise)), elpd, rtol=1e-9)
    mean = hierarchical.posterior_.group_scale.mean(axis=(0, 1))  # (learned part,)
    np.testing.assert_allclose(summary["mean"].astype(float), mean, rtol=0.05, atol=6e-3)
    assert len(summary) == 4
