"""Alignment over the symmetries of a network, and the informed prior that is made from aligned draws."""

import math
from itertools import pairwise, permutations, product

import numpy as np
import pytest
from models import hierarchical_model
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.density.forward import network_outputs
from skhbnn.model.network import Network
from skhbnn.model.pooling import layer_pooling
from skhbnn.posterior.alignment import align
from skhbnn.posterior.group_prior import SHARED_STD, population_moments

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ODD = ("tanh", "identity")


def scramble(network, weights, rng):
    """The same function from other weights: hidden units permuted, and for odd activations their signs flipped."""
    weights = weights.copy()
    for below, above in pairwise(network.layers):
        order = rng.permutation(below.n_out)
        sign = rng.choice([-1.0, 1.0], below.n_out) if network.activation in ODD else np.ones(below.n_out)
        incoming = weights[below.kernel].reshape(below.n_in, below.n_out)
        outgoing = weights[above.kernel].reshape(above.n_in, above.n_out)
        weights[below.kernel] = (incoming[:, order] * sign).ravel()
        weights[above.kernel] = (outgoing[order] * sign[:, None]).ravel()
        if network.fit_intercept:
            weights[below.intercept] = weights[below.intercept][order] * sign
    return weights


NETWORKS = [
    Network((n_inputs, *hidden, n_logits), activation, fit_intercept)
    for n_inputs, hidden, n_logits in [(2, (5,), 1), (3, (8,), 3), (2, (5, 5), 1), (4, (6, 3), 3)]
    for activation in ("tanh", "relu", "identity", "logistic")
    for fit_intercept in (True, False)
]


def name(network):
    return f"{network.sizes}-{network.activation}-{network.fit_intercept}"


@pytest.mark.parametrize("network", NETWORKS, ids=name)
def test_align_undoes_permutations_and_flips(network):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        weights = rng.standard_normal(network.n_weights)
        draws = np.array([scramble(network, weights, rng) for _ in range(30)])  # (draw, weight)
        assert len(np.unique(draws, axis=0)) > 10
        np.testing.assert_array_equal(align(network, draws), np.broadcast_to(draws[0], draws.shape))


@pytest.mark.parametrize("network", NETWORKS, ids=name)
def test_align_preserves_every_function(network):
    """Also of draws that have nothing in common; and it brings them nearer to each other, never further away."""
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((40, network.n_weights))  # (draw, weight)
    X = rng.standard_normal((7, network.sizes[0]))
    before = draws.copy()
    aligned = align(network, draws)
    np.testing.assert_allclose(
        network_outputs(network, aligned, X), network_outputs(network, before, X), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_array_equal(draws, before)  # the argument is left alone
    np.testing.assert_allclose(np.sort(np.abs(aligned), axis=1), np.sort(np.abs(before), axis=1))
    assert aligned.var(axis=0).sum() < before.var(axis=0).sum()
    if network.activation not in ODD:  # relu(-a) is not -relu(a), nor is the logistic: no sign may change
        np.testing.assert_array_equal(np.sort(aligned, axis=1), np.sort(before, axis=1))


@pytest.mark.parametrize("hidden", [(4,), (5, 5)])
def test_align_recovers_noisy_draws(hidden):
    """Scatter that is small beside the distance of the units leaves no doubt which unit is which."""
    network = Network((3, *hidden, 2), "tanh", True)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(network.n_weights)
    noisy = weights + 0.02 * rng.standard_normal((50, network.n_weights))  # (draw, weight)
    scrambled = [noisy[0], *(scramble(network, draw, rng) for draw in noisy[1:])]  # the first sets the order
    aligned = align(network, np.array(scrambled))
    np.testing.assert_array_equal(aligned, noisy)


def test_align_without_hidden_layers():
    draws = np.random.default_rng(0).standard_normal((5, 4))
    np.testing.assert_array_equal(align(Network((3, 1), "tanh", True), draws), draws)


# The normal distribution of a new group's weights ------------------------------------------------------------------


def make_model(network, pooling="partial"):
    return hierarchical_model(network, np.ones(len(network.layers)), layer_pooling(network, pooling))


@pytest.mark.parametrize("pooling", ["partial", "affine"])
def test_population_moments_against_sampling(pooling):
    """Mean and covariance of w ~ Normal(mu, sd²), with (mu, sd) one of the draws, by brute force."""
    network = Network((2, 2, 1), "tanh", True)  # 9 weights: 6 in layer 0, 3 in layer 1
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((9, 9)) / 3
    mu = rng.standard_normal(9) + rng.standard_normal((300, 9)) @ factor  # (draw, weight)
    sd = rng.uniform(0.1, 1.5, (300, 6 if pooling == "affine" else 4))  # (draw, part)
    sd[:, :2] *= pooling == "partial"  # the first layer
    learned = slice(2, None) if pooling == "affine" else slice(None)  # those of the first layer are 0
    mean, cov = population_moments(make_model(network, pooling), mu, sd[:, learned])

    n = 400_000
    picked = rng.integers(300, size=n)
    w = mu[picked] + sd[picked][:, np.repeat(range(4), [4, 2, 2, 1])] * rng.standard_normal((n, 9))  # (sample, weight)
    if pooling == "affine":
        matrix = w[:, :4].reshape(n, 2, 2)  # (sample, input, unit)
        seen = np.eye(2) + sd[picked, 4, None, None] * rng.standard_normal((n, 2, 2))  # (sample, input, input)
        shift = sd[picked, 5, None, None] * rng.standard_normal((n, 1, 2))  # (sample, 1, input)
        w[:, :4], w[:, 4:6] = (seen @ matrix).reshape(n, 4), w[:, 4:6] + (shift @ matrix)[:, 0]
    np.testing.assert_array_less(np.abs(mean - w.mean(axis=0)), 5 * w.std(axis=0) / math.sqrt(n))
    products = np.einsum("si,sj->sij", w - w.mean(axis=0), w - w.mean(axis=0))  # (sample, weight, weight)
    error = products.std(axis=0) / math.sqrt(n)  # (weight, weight)
    unbiased = np.cov(mu.T) / 300  # the package divides the covariance of the 300 draws by 299
    np.testing.assert_array_less(np.abs(cov - unbiased - SHARED_STD**2 * np.eye(9) - products.mean(axis=0)), 5 * error)


@pytest.mark.parametrize("pooling", ["partial", "affine"])
def test_population_moments_structure(pooling):
    network = Network((2, 2, 1), "tanh", True)
    rng = np.random.default_rng(0)
    mu, sd = rng.standard_normal((50, 9)), rng.uniform(0.1, 1, (50, 4))  # (draw, weight), (draw, learned scale)
    model = make_model(network, pooling)
    full, layer, diag = (population_moments(model, mu, sd, kind)[1] for kind in ("full", "layer", "diag"))
    same_layer = np.equal.outer([0] * 6 + [1] * 3, [0] * 6 + [1] * 3)
    assert (full != 0).all()
    np.testing.assert_array_equal(layer, np.where(same_layer, full, 0))
    np.testing.assert_array_equal(diag, np.diag(np.diag(full)))
    for cov in (full, layer, diag):
        np.testing.assert_allclose(cov, cov.T, rtol=1e-14)
        added = np.mean(sd**2, axis=0).min() if pooling == "partial" else SHARED_STD**2
        assert np.linalg.eigvalsh(cov)[0] >= added * (1 - 1e-12)  # Cov mu adds, never takes


def test_population_moments_of_equivalent_chains():
    """Two chains in equivalent modes: aligned they are one, pooled as they are they blur."""
    network = Network((2, 5, 5, 1), "tanh", False)
    rng = np.random.default_rng(0)
    chain = rng.standard_normal(network.n_weights) + 0.02 * rng.standard_normal((40, network.n_weights))
    other = np.array([scramble(network, draw, np.random.default_rng(1)) for draw in chain])
    sd, model = np.full((80, len(network.parts)), 0.1), make_model(network)
    both = np.concatenate([chain, other])  # (draw, weight)
    _, one = population_moments(model, chain, sd[:40])
    _, aligned = population_moments(model, align(network, both), sd)
    _, pooled = population_moments(model, both, sd)
    assert np.trace(aligned) < 1.02 * np.trace(one)
    assert np.trace(pooled) > 5 * np.trace(one)


# from_hierarchical -------------------------------------------------------------------------------------------------


def test_the_prior_is_of_the_tenth_of_the_draws_around_the_most_typical(fit_groups, moons):
    """Against all orders and signs of the three units, one by one."""
    fitted = fit_groups(groups=moons.groups, pooling="partial")
    proba = fitted.sample_proba(moons.X, groups=moons.groups)[:, np.arange(len(moons.y)), moons.y]  # (draw, row)
    centre = np.square(proba - proba.mean(axis=0)).sum(axis=1).argmin()
    mu = fitted.posterior_.group_mean.reshape(100, 13).astype(float)  # (draw, weight)
    nearest = []
    for draw in mu:
        incoming, outgoing = draw[:9].reshape(3, 3), draw[9:12]  # (input or intercept, unit), (unit,)
        forms = [
            np.concatenate([(incoming[:, order] * signs).ravel(), outgoing[list(order)] * signs, draw[12:]])
            for order in permutations(range(3))
            for signs in product([-1, 1], repeat=3)
        ]
        nearest.append(min(forms, key=lambda form: np.linalg.norm(form - mu[centre])))
    kept = np.argsort([np.linalg.norm(draw - mu[centre]) for draw in nearest])[:10]
    mu = np.array(nearest)[kept]  # (near draw, weight)
    variance = np.mean(fitted.posterior_.group_scale.reshape(100, 4)[kept].astype(float) ** 2, axis=0)  # (part,)
    prior = InformedPriorBNNClassifier.from_hierarchical(fitted, prior_chains="equal")
    np.testing.assert_allclose(prior.prior_mean, mu.mean(axis=0), rtol=1e-6, atol=1e-7)
    expected = np.cov(mu.T) + np.diag(np.repeat(variance, [6, 3, 3, 1]) + SHARED_STD**2)
    np.testing.assert_allclose(prior.prior_cov, expected, rtol=1e-5, atol=1e-6)


def test_prior_carries_over(fit_groups, moons):
    hierarchical = fit_groups(groups=moons.groups, pooling="partial")
    prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical, prior_chains="equal", align=False)
    mu = hierarchical.posterior_.group_mean.reshape(100, 13).astype(float)
    variance = np.mean(hierarchical.posterior_.group_scale.reshape(100, 4).astype(float) ** 2, axis=0)
    np.testing.assert_allclose(prior.prior_mean, mu.mean(axis=0), rtol=1e-6, atol=1e-7)
    expected = np.cov(mu.T) + np.diag(np.repeat(variance, [6, 3, 3, 1]) + SHARED_STD**2)
    np.testing.assert_allclose(prior.prior_cov, expected, rtol=1e-5, atol=1e-6)
    assert not hasattr(prior, "posterior_")
    rows = moons.groups == 2
    prior.fit(moons.X[rows], moons.y[rows])
    np.testing.assert_allclose(prior.standardizer_.mean, moons.X.mean(axis=0), atol=1e-12)  # of all groups' rows
    np.testing.assert_allclose(prior.standardizer_.scale, moons.X.std(axis=0), rtol=1e-12)
    assert prior.predict_proba(moons.X_new).shape == (60, 2)


def test_settings_carry_over(moons):
    settings = {"hidden_layer_sizes": (2,), "activation": "relu", "fit_intercept": False, "chains": 2, "tune": 20}
    settings |= {"draws": 20, "target_accept": 0.7, "n_jobs": 1, "random_state": 3}
    fitted = HierarchicalBNNClassifier(**settings).fit(moons.X, moons.y, groups=moons.groups)
    prior = InformedPriorBNNClassifier.from_hierarchical(fitted, random_state=4, draws=30)
    assert {k: prior.get_params()[k] for k in settings} == {**settings, "random_state": 4, "draws": 30}
    assert prior.prior_mean.shape == (6,)
    assert prior.prior_cov.shape == (6, 6)


def test_rows_of_one_class_suffice(moons, small):
    """The classes are those of the hierarchical fit, whatever the new group's rows show."""
    names = np.array(["no", "yes"])[moons.y]
    fitted = HierarchicalBNNClassifier(**small).fit(moons.X, names, groups=moons.groups)
    classifier = InformedPriorBNNClassifier.from_hierarchical(fitted)
    one_class = names == "yes"
    classifier.fit(moons.X[one_class][:5], names[one_class][:5])
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.predict_proba(moons.X_new).shape == (60, 2)
    with pytest.raises(ValueError, match=r"classes that are not in classes=\['no', 'yes'\]: \['maybe'\]"):
        classifier.fit(moons.X[:2], ["maybe", "yes"])


def test_chosen_chains(fit_groups, moons):
    """Chain 1 alone has the moments of its own draws; a list of all is all with equal weights."""
    hierarchical = fit_groups(groups=moons.groups, pooling="partial")
    one = InformedPriorBNNClassifier.from_hierarchical(hierarchical, prior_chains=1, align=False)
    np.testing.assert_allclose(one.prior_mean, hierarchical.posterior_.group_mean[1].mean(axis=0), rtol=1e-5, atol=1e-6)
    both = InformedPriorBNNClassifier.from_hierarchical(hierarchical, prior_chains=[0, 1])
    equal = InformedPriorBNNClassifier.from_hierarchical(hierarchical, prior_chains="equal")
    np.testing.assert_array_equal(both.prior_cov, equal.prior_cov)


@pytest.mark.parametrize("chains", [2, -1, [0, 2], [], [0.5], [[0]], [0, 0], True, [0.0]])
def test_faulty_chains(chains, hierarchical):
    with pytest.raises(ValueError, match=r"prior_chains=.*the chains 0 to 1"):
        InformedPriorBNNClassifier.from_hierarchical(hierarchical, prior_chains=chains)


def test_wrong_source(flat, hierarchical, moons):
    with pytest.raises(TypeError, match="needs a fitted HierarchicalBNNClassifier, got a FlatBNNClassifier"):
        InformedPriorBNNClassifier.from_hierarchical(flat)
    with pytest.raises(TypeError, match=r"from_hierarchical needs .*, got a Pipeline; its last step is pipeline\[-1\]"):
        InformedPriorBNNClassifier.from_hierarchical(make_pipeline(hierarchical))
    with pytest.raises(NotFittedError, match="HierarchicalBNNClassifier"):
        InformedPriorBNNClassifier.from_hierarchical(HierarchicalBNNClassifier())
    with pytest.raises(ValueError, match="'covariance' parameter"):
        InformedPriorBNNClassifier.from_hierarchical(hierarchical, covariance="band")
    prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical)
    with pytest.raises(ValueError, match="feature"):  # of another number of features
        prior.fit(np.c_[moons.X, moons.X], moons.y)
    with pytest.raises(ValueError, match=r"prior_mean has shape \(13,\), but the 2-4-1 network with .* has 17 weights"):
        prior.set_params(hidden_layer_sizes=(4,)).fit(moons.X, moons.y)
