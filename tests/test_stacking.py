"""Weights of chains by stacking, against a grid, ArviZ, and predictions of each chain alone."""

import warnings

import numpy as np
import pytest

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.posterior.stacking import stacking_weights
from skhbnn.support.libraries import import_arviz


def test_weights_of_known_densities():
    """Draws that are all alike: the densities left one out are those themselves, and a grid finds the best mixture."""
    rng = np.random.default_rng(0)
    density = rng.uniform(0.1, 0.9, size=(3, 40))  # (chain, row)
    noise = 1e-9 * rng.normal(size=(3, 100, 40))  # (chain, draw, row); equal ones have no tail to smooth
    found = stacking_weights(np.log(density)[:, None] + noise, np.ones(density.shape[1]))
    ticks = np.linspace(0, 1, 201)
    grid = [(a, b, 1 - a - b) for a in ticks for b in ticks if a + b <= 1 + 1e-9]
    best = max(grid, key=lambda w: np.log(np.maximum(w @ density, 1e-300)).sum())
    np.testing.assert_allclose(found, best, atol=0.006)
    assert found.sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def stacked(small, moons):
    return quiet_fit(
        HierarchicalBNNClassifier(**{**small, "chains": 3}, pooling="partial", chain_weights="stacking"),
        moons.X,
        moons.y,
        groups=moons.groups,
    )


@pytest.mark.parametrize("n_draws", [4, 24, 100])
def test_draws_without_a_tail(n_draws):
    """Few draws, and draws that are all the same, have plain importance weights: harmonic means of densities."""
    rng = np.random.default_rng(0)
    log_density = np.log(rng.uniform(0.2, 0.8, size=(2, 1, 30))).repeat(n_draws, axis=1)  # (chain, draw, row)
    if n_draws < 25:
        log_density += rng.normal(0, 0.1, size=log_density.shape)
    harmonic = 1 / np.exp(-log_density).mean(axis=1)  # (chain, row)
    ticks = np.linspace(0, 1, 2001)
    best = max(ticks, key=lambda w: np.log(w * harmonic[0] + (1 - w) * harmonic[1]).sum())
    np.testing.assert_allclose(
        stacking_weights(log_density, np.ones(log_density.shape[2])), [best, 1 - best], atol=1e-3
    )


def test_weights_are_those_of_arviz(stacked):
    """Its comparison of models, which the chains are taken for; ArviZ's own optimiser ends a little off."""
    arviz, data = import_arviz(), stacked.to_arviz()
    models = {str(chain): data.sel(chain=[chain]) for chain in range(3)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows whose Pareto k is high after so few draws
        table = arviz.compare(models, method="stacking")
    expected = table.loc[["0", "1", "2"], "weight"].to_numpy(float)  # (chain,)
    density = stacked.posterior_.log_likelihood(stacked.training_data_)
    assert density.shape == (3, 50, 60)
    np.testing.assert_allclose(stacked.posterior_.chain_weights, expected, atol=0.05)


def test_predictions_are_the_weighted_mean_over_chains(stacked, moons):
    posterior = stacked.posterior_
    assert posterior.chain_weights.max() > 0.34  # they are not all the same
    by_chain = []
    for chain in range(3):
        stacked.posterior_ = posterior.of_chains(chain)
        by_chain.append(stacked.predict_proba(moons.X_new, groups=moons.groups_new))
    stacked.posterior_ = posterior
    expected = np.tensordot(posterior.chain_weights, by_chain, axes=1)  # (row, class)
    found = stacked.predict_proba(moons.X_new, groups=moons.groups_new)
    # A chain has its share of the 150 draws but for one draw at either end.
    np.testing.assert_allclose(found, expected, atol=3 * 2 / 150)


def test_a_chain_that_is_worse_everywhere_counts_for_nothing(stacked):
    """Every row is less likely under a chain than under another: any weight of such a chain lowers the mean."""
    density = stacked.posterior_.log_likelihood(stacked.training_data_)
    density[1] = density[0] - 0.1
    assert stacking_weights(density, np.ones(density.shape[2]))[1] < 0.01


def test_equal_draws_of_unequal_chains(stacked):
    """A quarter of a chain's share is a quarter of its draws, evenly spaced; a share above 1 / n repeats draws."""
    posterior = stacked.posterior_
    values = np.arange(150).reshape(3, 50)  # (chain, draw)
    kept = posterior.pooled(values)  # (draw,)
    counts = np.bincount(kept // 50, minlength=3)  # (chain,)
    np.testing.assert_allclose(counts / 150, posterior.chain_weights, atol=1 / 150)
    assert np.all(np.diff(kept) >= 0)
    assert np.bincount(kept, minlength=150).max() <= np.ceil(3 * posterior.chain_weights.max())


def test_a_prior_of_a_stacked_fit_is_that_of_its_chains(stacked):
    """Its mean is near the weighted one of the chains' own."""
    prior = InformedPriorBNNClassifier.from_hierarchical(stacked, align=False)
    means = stacked.posterior_.group_mean.mean(axis=1)  # (chain, weight)
    spread = np.abs(stacked.posterior_.group_mean).max()
    expected = stacked.posterior_.chain_weights @ means
    np.testing.assert_allclose(prior.prior_mean, expected, atol=6 * spread / 150)
    assert prior.chain_weights == "stacking"
    equal = InformedPriorBNNClassifier.from_hierarchical(stacked, align=False, prior_chains="equal")
    np.testing.assert_allclose(equal.prior_mean, means.mean(axis=0), atol=1e-6)
    chosen = InformedPriorBNNClassifier.from_hierarchical(stacked, align=False, prior_chains=[0, 2])
    np.testing.assert_allclose(chosen.prior_mean, means[[0, 2]].mean(axis=0), atol=1e-6)


def test_a_prior_weighs_the_chains_of_a_fit_that_did_not(stacked, small, moons):
    settings = {**small, "chains": 3, "pooling": "partial"}
    equal = quiet_fit(HierarchicalBNNClassifier(**settings), moons.X, moons.y, groups=moons.groups)
    assert equal.posterior_.chain_weights is None
    found, expected = (InformedPriorBNNClassifier.from_hierarchical(fitted) for fitted in (equal, stacked))
    np.testing.assert_array_equal(found.prior_mean, expected.prior_mean)
    np.testing.assert_array_equal(found.prior_cov, expected.prior_cov)


def test_one_chain_has_nothing_to_weigh(small, moons):
    fitted = quiet_fit(FlatBNNClassifier(**{**small, "chains": 1}, chain_weights="stacking"), moons.X, moons.y)
    assert fitted.posterior_.chain_weights is None
