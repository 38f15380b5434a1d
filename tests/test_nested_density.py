"""Nested groups: the density of levels against PyMC, and the means of outer groups."""

import numpy as np
import pytest
from agreement import assert_equals_pymc, assert_gradient_is_right
from models import FORMS, in_form

from skhbnn.data.rows import group_rows
from skhbnn.density.density import Density
from skhbnn.model.build import hierarchical_model
from skhbnn.model.network import Network
from skhbnn.posterior.group_prior import output_mean_covariance

NETWORKS = {"narrow": Network((2, 3, 1), "tanh", True), "wide": Network((4, 2, 1), "tanh", True)}
LEVELS = {2: ("region", "shop"), 3: ("country", "region", "shop")}
POOLINGS = [("partial", "partial"), ("affine", "partial"), ("complete", "partial"), ("none", "partial")]
POOLINGS += [("partial", "none"), ("complete", "complete"), ("affine", "none")]


def nested_rows(network, n_levels, sizes=(3, 1, 9, 2, 66, 4, 1, 8)):
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(len(sizes)), sizes)  # (row,)
    labels = [(g // 5, g // 2, g)[-n_levels:] for g in range(len(sizes))]
    X, y = rng.normal(size=(len(codes), network.sizes[0])), rng.integers(0, 2, len(codes))  # (row, input), (row,)
    return group_rows(X, y, codes, labels, n_levels=n_levels)[0]


def test_mean_rows_of_the_groups_of_each_level():
    rows = nested_rows(NETWORKS["narrow"], 3)  # 94 of 8 shops, in 5 regions of 2 countries
    np.testing.assert_allclose(rows.rows_per_group, [94 / 2, 94 / 5, 94 / 8])


@pytest.mark.parametrize("group_scale", ["half_cauchy", 0.4])
@pytest.mark.parametrize("pooling", POOLINGS, ids="-".join)
@pytest.mark.parametrize("n_levels", LEVELS)
def test_densities_equal_pymc(n_levels, pooling, group_scale):
    for k, network in enumerate(NETWORKS.values()):
        model = hierarchical_model(
            network,
            "bernoulli",
            np.array([0.7, 1.2]),
            pooling,
            family="student_t" if k and group_scale == 0.4 else "normal",
            group_scale_prior=group_scale,
            levels=LEVELS[n_levels],
        )
        density = in_form(FORMS[k], Density(model, nested_rows(network, n_levels)))
        assert_equals_pymc(density, fused=bool(k), n_points=1)
        assert_gradient_is_right(density, 0.4 * np.random.default_rng(1).normal(size=density.n_dim))


@pytest.mark.parametrize("form", FORMS)
def test_entries_that_levels_leave_between_others_equal_pymc(form):
    """Levels change the first layer and the last one, and leave the one between them as it is."""
    network = Network((3, 2, 4, 1), "tanh", True)
    pooling = ("partial", "complete", "partial")
    model = hierarchical_model(network, "bernoulli", np.array([0.7, 1.2, 2.0]), pooling, levels=LEVELS[3])
    density = in_form(form, Density(model, nested_rows(network, 3)))
    assert_equals_pymc(density, fused=True, n_points=2)
    assert_gradient_is_right(density, 0.4 * np.random.default_rng(1).normal(size=density.n_dim))


@pytest.mark.parametrize("around", [(0, 0), (1, 0), (1, 1), (2, 2), (2, 5)])
def test_the_mean_output_weights_of_outer_groups(around):
    """Their covariance, from the precision of all means and deviations together."""
    network, rng = Network((2, 2, 1), "tanh", True), np.random.default_rng(0)
    data = nested_rows(network, 3, sizes=(3, 4, 5, 2, 6, 4, 3, 5))
    model = hierarchical_model(
        network, "bernoulli", np.array([1.0, 1.5]), ("affine", "partial"), levels=("country", "region", "shop")
    )
    weights = rng.normal(size=(8, 9))  # (group, weight)
    scales = rng.uniform(0.5, 1.5, len(model.scale_names))  # (scale,)
    counts = [1, *(data.members.max(axis=1) + 1)]  # (level,)
    starts = 3 * np.cumsum([0, *counts])  # of the deviations of each level in the joint vector
    joint = np.zeros((starts[-1], starts[-1]))
    sd = dict(zip(model.scale_names, scales, strict=True))
    of_level = [np.full(3, 1.5)]
    of_level += [np.array([sd[f"coef_1_{n}"]] * 2 + [sd[f"intercept_1_{n}"]]) for n in model.levels]
    for level, count in enumerate(counts):
        for member in range(count):
            at = slice(starts[level] + 3 * member, starts[level] + 3 * member + 3)
            joint[at, at] = np.diag(1 / of_level[level] ** 2)
    members = np.vstack([np.zeros(8, int), data.members])  # (level, group)

    def to_weights(group, n_levels):
        """The matrix that makes output weights (weight,) of the joint vector, of the levels up to one."""
        matrix = np.zeros((3, starts[-1]))
        for level in range(n_levels + 1):
            at = starts[level] + 3 * members[level, group]
            matrix[:, at : at + 3] = np.eye(3)
        return matrix

    for g in range(8):
        rows = data.X[data.offsets[g] : data.offsets[g + 1]]  # (row, input)
        w = weights[g]
        units = np.c_[np.tanh(rows @ w[:4].reshape(2, 2) + w[4:6]), np.ones(len(rows))]  # (row, unit + intercept)
        p = 1 / (1 + np.exp(-units @ w[6:]))  # (row,)
        matrix = to_weights(g, 3)
        joint += matrix.T @ (units.T @ (units * (p * (1 - p))[:, None])) @ matrix
    level, position = around
    if level == 2:
        position -= counts[1]
        around = (2, around[1])
    group = int(np.flatnonzero(members[level] == max(position, 0))[0])
    matrix = to_weights(group, level)
    expected = matrix @ np.linalg.inv(joint) @ matrix.T
    found = output_mean_covariance(model, data, weights, scales, np.empty(0), around)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
