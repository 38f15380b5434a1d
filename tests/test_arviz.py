"""The labelled posterior, and ArviZ's own functions on it, with either generation of ArviZ."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest

from skhbnn.imports import import_arviz

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
    assert list(posterior["group"].values) == ["0", "1", "2", "3"]
    assert "layer 0: x0 -> unit 0" in posterior["weight"].values
    for name in ("diverging", "tree_depth", "energy", "n_steps", "step_size", "lp"):
        assert stats[name].shape == (2, 50), name


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
    mean = hierarchical.posterior_.learned_group_scale.mean(axis=(0, 1))  # (learned part,)
    np.testing.assert_allclose(summary["mean"].astype(float), mean, rtol=0.05, atol=6e-3)
    assert len(summary) == 4
