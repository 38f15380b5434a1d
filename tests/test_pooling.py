"""The terms that every registered pooling kind gives, and what models of terms mean, at any number of levels."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from agreement import assert_close, assert_equals_pymc, assert_gradient_is_right, differences
from hypothesis import given, settings
from hypothesis import strategies as st
from models import FORMS, in_form
from scipy import stats

from skhbnn.data.rows import GroupedData
from skhbnn.density.density import Density
from skhbnn.model import build
from skhbnn.model.likelihoods import likelihood
from skhbnn.model.network import Network
from skhbnn.model.pooling import NAMES, affine, pooling
from skhbnn.model.terms import Layout, Model, Term
from skhbnn.model.weights import group_weights, weight_tangent

FIXED = settings(derandomize=True, database=None, deadline=None, max_examples=25)
WIDE, NARROW = Network((5, 3, 1), "tanh", True), Network((2, 3, 1), "tanh", True)  # more inputs than units, and fewer


# Kinds ---------------------------------------------------------------------------------------------------------------

PRIOR, DEVIATION = "prior", "deviation"
TERMS = {  # what a part has at each level, of n levels of groups
    "complete": lambda n: [(0, PRIOR)],
    "partial": lambda n: [(0, PRIOR), *((level, DEVIATION) for level in range(1, n + 1))],
    "none": lambda n: [(n, PRIOR)],
    "affine": lambda n: [(0, PRIOR)],  # of the first layer; the deviations are those of the map
}


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    """The name of every registered pooling kind."""
    if request.param not in TERMS:
        pytest.fail(f"The pooling kind {request.param!r} has no entry in TERMS: say there what its terms are.")
    return request.param


def assert_terms(terms, part, expected, group_scale):
    """The terms of a part are at these levels, with these scales, and each has all entries of the part."""
    assert [(term.name, term.level) for term in terms] == [(part.name, level) for level, _ in expected]
    for term, (_, kind) in zip(terms, expected, strict=True):
        np.testing.assert_array_equal(term.entries, np.arange(part.start, part.stop))
        if kind == PRIOR or group_scale is not None:
            np.testing.assert_array_equal(term.scale, np.full(len(part.entries), 0.7 if kind == PRIOR else group_scale))
        assert term.is_learned == (kind == DEVIATION and group_scale is None)


@pytest.mark.parametrize("levels", [("group",), ("region", "shop"), ("country", "region", "shop")])
@pytest.mark.parametrize("group_scale", [None, 0.4])
def test_terms_of_a_part(name, levels, group_scale):
    parts = [part for part in NARROW.parts if name != "affine" or part.layer == 0]
    learned = []
    for part in parts:
        terms = pooling(name)(part, 0.7, group_scale, levels)
        assert_terms(terms, part, TERMS[name](len(levels)), group_scale)
        learned += [term.scale for term in terms if term.is_learned]
    assert len(set(learned)) == len(learned)  # every part and level has a scale of its own


@pytest.mark.parametrize("levels", [("group",), ("region", "shop")])
@pytest.mark.parametrize("group_scale", [None, 0.4])
@pytest.mark.parametrize("rank", [3, 5])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_terms_of_a_map(levels, group_scale, rank, fit_intercept):
    """Deviations of all rows of the first layer, intercepts included, right behind the weights."""
    network = Network((5, 3, 1), "tanh", fit_intercept)
    terms, parts = affine.map_terms(network, rank, group_scale, levels), affine.map_parts(network, rank)
    assert [part.name for part in parts] == ["input_map", "input_shift"][: 1 + fit_intercept]
    assert parts[0].start == network.n_weights
    assert parts[-1].stop == network.n_weights + (5 + fit_intercept) * rank
    for part in parts:
        expected = [(level, DEVIATION) for level in range(1, len(levels) + 1)]
        assert_terms([term for term in terms if term.name == part.name], part, expected, group_scale)


def test_compact_maps_are_for_normal_priors_and_many_inputs():
    for network, family, rank in (
        (WIDE, "normal", 3),
        (WIDE, "laplace", 5),
        (NARROW, "normal", 2),
        (Network((3, 3, 1), "tanh", True), "normal", 3),
    ):
        assert affine.map_rank(network, family) == rank


# A reference in plain NumPy ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class NestedData(GroupedData):
    """Rows whose groups lie in groups of further levels."""

    nesting: np.ndarray = field(default_factory=lambda: np.empty((0, 0), int))  # (level, group)

    @property
    def members(self):
        return self.nesting


NESTING = {
    1: [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    2: [[0, 0, 1, 1, 1, 2, 3, 3, 3, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    3: [[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 2, 3, 3, 3, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
}
SIZES = [3, 1, 9, 0, 2, 66, 4, 1, 0, 8]  # rows of the groups: more than a batch of them


def nested_data(network, name, n_levels):
    rng, n = np.random.default_rng(0), sum(SIZES)
    y = likelihood(name).draw(rng, rng.normal(size=(network.n_outputs, n)), np.array([0.5]))  # (row,)
    return NestedData(
        X=rng.normal(size=(n, network.sizes[0])),
        y=y,
        weights=np.ones(n),
        offsets=np.cumsum([0, *SIZES]),
        group_labels=list(range(len(SIZES))),
        places=np.arange(n),
        nesting=np.array(NESTING[n_levels]),
    )


FAMILIES = {  # weight of v at a scale, its derivative, distribution at scale 1
    "normal": (lambda v, scale: v, lambda v, scale: np.ones_like(v), stats.norm()),
    "student_t": (lambda v, scale: 2 * scale * np.sinh(v), lambda v, scale: 2 * scale * np.cosh(v), stats.t(4)),
}
SCALE_PRIORS = {"half_normal": stats.halfnorm(), "inverse_gamma": stats.invgamma(2)}


def reference(model, data, x):
    """The weights of every group (group, weight), the scales, the own numbers and the log prior of x (n_dim,).

    A number at a time, in the order that ``Layout`` documents.
    """
    weight, slope, distribution = FAMILIES[model.family_name]
    learned, numbers, log_prior = [], iter(x.tolist()), 0.0
    for term in model.terms:
        if isinstance(term.scale, str) and term.scale not in learned:
            learned.append(term.scale)

    def take(n):
        return np.array([next(numbers) for _ in range(n)])

    members = [np.zeros(data.n_groups, int), *data.members]  # (level, group)
    terms = [[term for term in model.terms if term.level == level] for level in range(len(model.levels) + 1)]
    free = [[[take(len(term.entries)) for term in terms[0]]]]  # level, member, term
    log_scales, free_own = take(len(learned)), take(len(model.likelihood.own))
    for level in range(1, len(terms)):
        n_members = max(members[level]) + 1
        free.append([[take(len(term.entries)) for term in terms[level]] for _ in range(n_members)])
    assert next(numbers, None) is None
    scales = dict(zip(learned, np.exp(log_scales), strict=True))
    prior = SCALE_PRIORS[model.scale_prior_name]
    log_prior += sum(prior.logpdf(np.exp(log_scale)) + log_scale for log_scale in log_scales)
    log_prior += sum(stats.halfnorm.logpdf(np.exp(v)) + v for v in free_own)
    n_entries = max(max(term.entries) for term in model.terms) + 1
    entries = np.zeros((data.n_groups, n_entries))  # (group, entry)
    if model.location is not None:
        entries[:, : len(model.location)] += model.location
    for level in range(len(terms)):
        for member, of_terms in enumerate(free[level]):
            for term, v in zip(terms[level], of_terms, strict=True):
                within, outside = 1.0, 1.0
                if isinstance(term.scale, str):
                    outside = scales[term.scale]
                elif term.scale.ndim == 2:
                    outside = term.scale
                elif level == 0:
                    within = term.scale
                else:
                    outside = term.scale
                value = weight(v, within)
                log_prior += np.sum(distribution.logpdf(value / within) - np.log(within) + np.log(slope(v, within)))
                added = outside @ value if np.ndim(outside) == 2 else outside * value
                for g in range(data.n_groups):
                    if members[level][g] == member:
                        entries[g, term.entries] += added
    weights = np.stack([mapped(model, row) for row in entries])  # (group, weight)
    return weights, np.exp(log_scales), np.exp(free_own), log_prior


def mapped(model, entries):
    """The weights of one group from its entries (entry,)."""
    network = model.network
    weights, rank = entries[: network.n_weights].copy(), model.map_rank
    if rank:
        n_in, n_units = network.sizes[:2]
        matrix = weights[: n_in * n_units].reshape(n_in, n_units).copy()
        rows = matrix if rank == n_in else np.linalg.cholesky(matrix.T @ matrix).T  # (rank, unit)
        for i, deviation in enumerate(entries[network.n_weights :].reshape(-1, rank)):
            weights[i * n_units : (i + 1) * n_units] += deviation @ rows
    return weights


def outputs(network, weights, X):
    """Outputs of rows X under the weights of one group, (output, row)."""
    h, at = X, 0
    for n_in, n_out in zip(network.sizes, network.sizes[1:], strict=False):
        h = np.tanh(h) if at else h
        h = h @ weights[at : at + n_in * n_out].reshape(n_in, n_out)
        at += n_in * n_out
        if network.fit_intercept:
            h, at = h + weights[at : at + n_out], at + n_out
    return h.T


def reference_log_density(density, x):
    model, data = density.model, density.data
    weights, _, own, total = reference(model, data, x)
    for g, (start, stop) in enumerate(zip(data.offsets, data.offsets[1:], strict=False)):
        z = outputs(model.network, weights[g], data.X[start:stop])  # (output, row)
        total += model.likelihood.log_likelihood(z, data.y[start:stop], own).sum()
    return total


# Models by hand ------------------------------------------------------------------------------------------------------

LEVELS = {1: ("group",), 2: ("region", "shop"), 3: ("country", "region", "shop")}


def pooled_model(network, names, n_levels, group_scale=None, name="bernoulli", **further):
    """A model of the terms that pooling kinds give for each layer, at any number of levels."""
    levels, terms, rank = LEVELS[n_levels], [], 0
    for part in network.parts:
        terms += pooling(names[part.layer])(part, 0.7 + part.layer, group_scale, levels)
    if names[0] == "affine":
        rank = affine.map_rank(network, further.get("family_name", "normal"))
        terms += affine.map_terms(network, rank, group_scale, levels)
    return Model(
        network=network,
        likelihood_name=name,
        terms=tuple(sorted(terms, key=lambda term: term.level)),
        levels=levels,
        map_rank=rank,
        **further,
    )


def location(network):
    """What the weights of every group are around."""
    return np.random.default_rng(3).normal(size=network.n_weights)


def learned_at_level_0(n_levels):
    """All weights have a learned scale at level 0, those of a layer in common, and the output layer deviations."""
    shared = [Term(name=part.name, entries=part.entries, level=0, scale=f"layer {part.layer}") for part in NARROW.parts]
    model = pooled_model(NARROW, ("complete", "partial"), n_levels, name="normal", scale_prior_name="inverse_gamma")
    deviations = [term for term in model.terms if term.level > 0]
    return Model(
        network=NARROW,
        likelihood_name="normal",
        terms=(*shared, *deviations),
        levels=model.levels,
        scale_prior_name="inverse_gamma",
    )


def one_scale_for_all(n_levels):
    """Level 0 and every level of groups have one learned scale."""
    terms = [
        Term(name=part.name, entries=part.entries, level=level, scale="all")
        for level in range(n_levels + 1)
        for part in NARROW.parts
    ]
    return Model(network=NARROW, likelihood_name="bernoulli", terms=tuple(terms), levels=LEVELS[n_levels])


def factor_at_level_0(n_levels):
    """Weights with a mean and a Cholesky factor, and deviations from them."""
    rng = np.random.default_rng(0)
    n = NARROW.n_weights
    root = rng.normal(size=(n, n))  # (weight, weight)
    cholesky = np.linalg.cholesky(root @ root.T / n + 0.1 * np.eye(n))  # (weight, weight)
    deviations = [term for term in pooled_model(NARROW, ("partial", "partial"), n_levels).terms if term.level > 0]
    return Model(
        network=NARROW,
        likelihood_name="bernoulli",
        terms=(Term(name="weights", entries=np.arange(n), level=0, scale=cholesky), *deviations),
        levels=LEVELS[n_levels],
        location=rng.normal(size=n),
    )


MODELS = {
    "partial": lambda n: pooled_model(NARROW, ("partial", "partial"), n),
    "partial, fixed scales": lambda n: pooled_model(NARROW, ("partial", "partial"), n, 0.4),
    "none": lambda n: pooled_model(NARROW, ("partial", "none"), n),
    "complete": lambda n: pooled_model(NARROW, ("complete", "complete"), n),
    "Student's t": lambda n: pooled_model(
        NARROW, ("none", "partial"), n, family_name="student_t", scale_prior_name="inverse_gamma"
    ),
    "own numbers": lambda n: pooled_model(NARROW, ("partial", "complete"), n, name="normal"),
    "map": lambda n: pooled_model(NARROW, ("affine", "partial"), n),
    "map, fixed scales": lambda n: pooled_model(NARROW, ("affine", "none"), n, 0.4),
    "map, Student's t": lambda n: pooled_model(WIDE, ("affine", "partial"), n, family_name="student_t"),
    "compact map": lambda n: pooled_model(WIDE, ("affine", "partial"), n, name="normal"),
    "compact map, no intercepts": lambda n: pooled_model(
        Network((5, 3, 3), "tanh", False), ("affine", "complete"), n, name="categorical"
    ),
    "learned at level 0": learned_at_level_0,
    "one scale for all": one_scale_for_all,
    "factor at level 0": factor_at_level_0,
    "location": lambda n: pooled_model(NARROW, ("none", "complete"), n, location=location(NARROW)),
    "location and map": lambda n: pooled_model(NARROW, ("affine", "partial"), n, location=location(NARROW)),
}


CASES = [(key, 2, form) for key in MODELS for form in FORMS]
CASES += [(key, n, form) for key in ("partial", "compact map", "learned at level 0") for n in (1, 3) for form in FORMS]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(map(str, case)))
def density(request):
    """Models of two levels of groups, some also of one and of three, in both forms of the kernel."""
    key, n_levels, form = request.param
    model = MODELS[key](n_levels)
    return in_form(form, Density(model, nested_data(model.network, model.likelihood_name, n_levels)))


def random_points(density, n=3):
    return 0.4 * np.random.default_rng(1).normal(size=(n, density.n_dim))  # (point, n_dim)


def test_log_density_equals_the_reference(density):
    for x in random_points(density):
        np.testing.assert_allclose(density.logp_grad(x)[0], reference_log_density(density, x), rtol=1e-11)


def test_gradient_is_right(density):
    for x in random_points(density):
        assert_gradient_is_right(density, x)


def test_group_weights_equal_the_reference(density):
    """With and without leading axes."""
    points = random_points(density, 4)
    found = group_weights(density.layout, points.reshape(2, 2, -1))
    for k, x in enumerate(points):
        weights, scales, own, _ = reference(density.model, density.data, x)
        at = divmod(k, 2)
        np.testing.assert_allclose(found.weights[at], weights, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found.scales[at], scales, rtol=1e-13)
        np.testing.assert_allclose(found.own[at], own, rtol=1e-13)
        np.testing.assert_array_equal(group_weights(density.layout, x).weights, found.weights[at])


def test_shared_mean_is_that_of_groups_without_deviations(density):
    """What all rows share: the weights of every group where all deviations are 0."""
    x = random_points(density, 1)[0]
    first, log_scales, own, levels = density.layout.split(x)
    without = density.layout.join(first, log_scales, own, [np.zeros_like(level) for level in levels])
    weights, *_ = reference(density.model, density.data, without)
    np.testing.assert_allclose(weights, np.repeat(group_weights(density.layout, x).mean[None], len(weights), axis=0))


def test_weight_tangent_is_the_derivative(density):
    """Of the weights of every group, and of what all rows share."""
    x, layout = random_points(density, 1)[0], density.layout
    tangent, steps = weight_tangent(layout, x), np.eye(density.n_dim)  # (n_dim, n_dim)
    np.testing.assert_allclose(tangent.weights, group_weights(layout, x).weights, rtol=1e-13)
    found = np.moveaxis(tangent.along(steps) - tangent.weights, 0, -1)  # (group, weight, n_dim)
    assert_close(found, differences(lambda at: group_weights(layout, at).weights, x), 1e-9)
    found = (tangent.mean_along(steps) - tangent.mean).T  # (weight, n_dim)
    assert_close(found, differences(lambda at: group_weights(layout, at).mean, x), 1e-9)


def test_layout_splits_and_joins(density):
    """Every number of the vector is in one part, and where ``blocks`` says."""
    layout = density.layout

    @given(st.lists(st.integers(1, 3), max_size=2).map(tuple), st.integers(0, 2**32 - 1))
    @FIXED
    def splits_and_joins(shape, seed):
        x = np.random.default_rng(seed).normal(size=(*shape, layout.n_dim))  # (..., n_dim)
        first, log_scales, own, levels = layout.split(x)
        np.testing.assert_array_equal(layout.join(first, log_scales, own, levels), x)
        parts = [first, log_scales, own, *(level.reshape(*shape, -1) for level in levels)]
        for part, block in zip(parts, layout.blocks, strict=True):
            np.testing.assert_array_equal(part, x[..., block.where])
        assert sum(part.shape[-1] for part in parts) == layout.n_dim

    splits_and_joins()
    n_innermost = density.data.n_groups * layout.n_of_group
    assert layout.n_shared + n_innermost == layout.n_dim
    assert layout.n_of_group == sum(len(t.entries) for t in density.model.terms if t.level == len(density.model.levels))


# Every kind, as the package builds its models ------------------------------------------------------------------------


@pytest.mark.parametrize("group_scale", ["half_normal", "inverse_gamma", 0.4])
@pytest.mark.parametrize("network", [NARROW, WIDE], ids=["narrow", "wide"])
def test_hierarchical_models_of_every_kind(name, network, group_scale):
    """Densities, weights and gradients of the models that the package builds of a kind."""
    scale, names = np.array([0.7, 1.2]), (name, "partial" if name == "affine" else name)
    model = build.hierarchical_model(network, "bernoulli", scale, names, group_scale_prior=group_scale)
    fixed = None if isinstance(group_scale, str) else group_scale
    expected = [
        t for part in network.parts for t in pooling(names[part.layer])(part, scale[part.layer], fixed, ("group",))
    ]
    found = {(term.name, term.level): term.scale for term in model.terms}
    for term in expected:
        np.testing.assert_array_equal(found[term.name, term.level], term.scale)
    data = nested_data(network, "bernoulli", 1)
    density = Density(model, data)
    x = random_points(density, 1)[0]
    np.testing.assert_allclose(density.logp_grad(x)[0], reference_log_density(density, x), rtol=1e-11)
    weights, *_ = reference(model, data, x)
    np.testing.assert_allclose(group_weights(density.layout, x).weights, weights, rtol=1e-12, atol=1e-13)
    assert_gradient_is_right(density, x)


@pytest.mark.parametrize("fused", [True, False])
def test_densities_of_every_kind_equal_pymc(name, fused):
    names = (name, "partial" if name == "affine" else name)
    model = build.hierarchical_model(NARROW, "bernoulli", np.array([0.7, 1.2]), names)
    assert_equals_pymc(Density(model, nested_data(NARROW, "bernoulli", 1)), fused)


# The map -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("group_scale", ["half_cauchy", 0.4])
def test_compact_maps_equal_pymc(fused, fit_intercept, group_scale):
    network = Network((5, 3, 1), "tanh", fit_intercept)
    scale = np.array([0.7, 1.2])  # (layer,)
    model = build.hierarchical_model(network, "bernoulli", scale, ("affine", "partial"), group_scale_prior=group_scale)
    assert model.has_compact_map
    assert_equals_pymc(Density(model, nested_data(network, "bernoulli", 1)), fused)


@given(st.integers(1, 4), st.integers(0, 4), st.booleans(), st.integers(0, 2**32 - 1))
@FIXED
def test_compact_maps_have_the_distribution_of_full_ones(n_units, more_inputs, fit_intercept, seed):
    """Given W, the rows of a group's first layer are independent with covariance WᵀW, as functions of normal z."""
    n_in = n_units + more_inputs
    network = Network((n_in, n_units, 1), "tanh", fit_intercept)
    weights = np.random.default_rng(seed).normal(size=network.n_weights)  # (weight,)
    n_rows, stop = n_in + fit_intercept, network.layers[0].stop
    matrix = network.layers[0].matrix(weights)  # (input, unit)
    expected = np.kron(np.eye(n_rows), matrix.T @ matrix)  # (weight of the layer, the same)
    for rank in (n_in, n_units):
        entries = np.zeros((n_rows * rank, network.n_weights + n_rows * rank))  # (entry of the map, entry)
        entries[:, : network.n_weights] = weights
        entries[:, network.n_weights :] = np.eye(n_rows * rank)
        linear = affine.apply_map(network, rank, entries) - weights  # (entry of the map, weight)
        np.testing.assert_array_equal(linear[:, stop:], 0)
        np.testing.assert_allclose(linear[:, :stop].T @ linear[:, :stop], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rank", [3, 5])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_jacobian_of_a_map(rank, fit_intercept):
    network = Network((5, 3, 2), "tanh", fit_intercept)
    n_entries = network.n_weights + (5 + fit_intercept) * rank
    entries = np.random.default_rng(0).normal(size=(4, n_entries))  # (group, entry)
    found = affine.apply_map_jacobian(network, rank, entries)  # (group, weight, entry)
    for g in range(4):
        expected = differences(lambda at: affine.apply_map(network, rank, at), entries[g], step=1e-3)
        assert_close(found[g], expected, 1e-9)


def test_maps_leave_the_given_entries_as_they_are():
    entries = np.random.default_rng(0).normal(size=WIDE.n_weights + 18)  # (entry,)
    before = entries.copy()
    affine.apply_map(WIDE, 3, entries)
    np.testing.assert_array_equal(entries, before)


@pytest.mark.parametrize("n_levels", [0, 1, 2])
def test_rows_may_have_more_levels_than_the_model(n_levels):
    """Groups that differ in no level of the model have one network."""
    scale, data = np.array([0.7, 1.2]), nested_data(NARROW, "bernoulli", 3)
    model = (
        pooled_model(NARROW, ("partial", "none"), n_levels)
        if n_levels
        else build.flat_model(NARROW, "bernoulli", scale)
    )
    density = Density(model, data)
    for x in random_points(density):
        np.testing.assert_allclose(density.logp_grad(x)[0], reference_log_density(density, x), rtol=1e-11)
        assert_gradient_is_right(density, x)


def test_layouts_need_no_group():
    """Of a flat model there is level 0 alone."""
    model = build.flat_model(NARROW, "normal", np.array([0.7, 1.2]))
    layout = Layout(model, np.arange(1)[None])
    assert layout.n_dim == layout.n_shared == NARROW.n_weights + 1
    assert layout.n_of_group == 0
    assert layout.split(np.arange(float(layout.n_dim)))[3] == []
