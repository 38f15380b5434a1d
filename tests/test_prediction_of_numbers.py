"""Statistics of predicted numbers against plain loops over draws and rows, for every likelihood of numbers."""

from functools import partial

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp
from test_likelihoods import CASES, example, log_density

from skhbnn.density.forward import Forward, network_outputs
from skhbnn.model import likelihoods
from skhbnn.model.likelihoods.base import NumberLikelihood
from skhbnn.model.network import Network
from skhbnn.posterior import prediction
from skhbnn.posterior import prediction_of_numbers as numbers
from skhbnn.posterior.prediction import Predictor

NETWORK = Network((2, 3, 1), "tanh", True)
N_DRAWS, N_ROWS = 7, 5
LEVELS = [0.01, 0.3, 0.5, 0.975]


def test_the_names_of_likelihoods_of_numbers():
    found = [name for name in likelihoods.NAMES if isinstance(likelihoods.likelihood(name), NumberLikelihood)]
    assert sorted(found) == sorted(likelihoods.OF_NUMBERS)


class Mixture:
    """A predictor, its parameters and rows, and SciPy's distributions of each draw and row."""

    def __init__(self, name, n_draws=N_DRAWS, seed=0):
        kind, rng = likelihoods.likelihood(name), np.random.default_rng(seed)
        weights = rng.normal(size=(n_draws, NETWORK.n_weights))  # (draw, weight)
        own = [example(name, 1, seed)[1] for seed in range(n_draws)]  # (own number,) each
        self.X = rng.normal(size=(N_ROWS, 2))  # (row, input)
        self.parameters = np.concatenate([weights, np.array(own).reshape(n_draws, -1)], axis=1).astype(np.float32)
        self.predictor = Predictor(Forward(NETWORK), kind)
        outputs = network_outputs(NETWORK, self.parameters[:, : NETWORK.n_weights], self.X)  # (draw, 1, row)
        own = self.parameters[:, NETWORK.n_weights :].astype(float)  # (draw, own number)
        self.draws = [[CASES[name].distribution(z, o) for z in of_draw.T] for of_draw, o in zip(outputs, own)]  # noqa: B905
        self.is_count = kind.is_count

    def each(self, function):
        """A number of each distribution, (draw, row)."""
        return np.array([[function(distribution) for distribution in of_draw] for of_draw in self.draws])

    def ask(self, statistic, *more):
        return statistic(self.predictor, self.parameters, self.X, *more)


@pytest.fixture(scope="module", params=likelihoods.OF_NUMBERS)
def mixture(request):
    return Mixture(request.param)


def test_means_and_spreads(mixture):
    mean, variance = mixture.each(lambda d: d.mean()), mixture.each(lambda d: d.var())  # (draw, row) each
    np.testing.assert_allclose(mixture.ask(numbers.mean_number), mean.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(mixture.ask(numbers.std_number), mean.std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(mixture.ask(numbers.sample_mean), mean, rtol=1e-6)
    aleatoric, epistemic = mixture.ask(numbers.variances).T  # (row,) each
    np.testing.assert_allclose(aleatoric, variance.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(epistemic, mean.var(axis=0), rtol=1e-6)
    second = mixture.each(lambda d: d.var() + d.mean() ** 2).mean(axis=0)  # (row,): of the mixture
    np.testing.assert_allclose(aleatoric + epistemic, second - mean.mean(axis=0) ** 2, rtol=1e-6)


def test_log_predictive_density(mixture):
    y = mixture.each(lambda d: d.ppf(0.7))[0]  # (row,)
    logliks = np.array([[log_density(d, y[r]) for r, d in enumerate(of_draw)] for of_draw in mixture.draws])
    expected = logsumexp(logliks, axis=0) - np.log(N_DRAWS)  # (row,)
    np.testing.assert_allclose(mixture.ask(prediction.log_predictive_density, y), expected, rtol=1e-9, atol=1e-9)


def test_quantiles_are_where_the_mixture_reaches_the_level(mixture):
    found = mixture.ask(partial(numbers.quantiles, LEVELS))  # (row, level)
    for r in range(N_ROWS):
        for level, quantile in zip(LEVELS, found[r], strict=True):
            reached = np.mean([of_draw[r].cdf(quantile) for of_draw in mixture.draws])
            if mixture.is_count:
                assert quantile == np.floor(quantile)
                assert np.mean([of_draw[r].cdf(quantile - 1) for of_draw in mixture.draws]) < level <= reached
            else:
                assert abs(reached - level) < 1e-9


def test_quantiles_of_modes_far_apart():
    """Three draws of seven at -50, four at 50, with next to no noise: also between them, where there is no density."""
    parameters = np.zeros((N_DRAWS, NETWORK.n_weights + 1))  # (draw, parameter)
    parameters[:, -2:] = [[center, 1e-3] for center in [-50] * 3 + [50] * 4]
    levels = [1e-12, 0.2, 3 / 7 - 1e-6, 3 / 7 + 1e-6, 0.9, 1 - 1e-12]
    predictor = Predictor(Forward(NETWORK), likelihoods.likelihood("normal"))
    (found,) = numbers.quantiles(levels, predictor, parameters, np.zeros((1, 2)))
    reached = (3 * stats.norm.cdf(found, -50, 1e-3) + 4 * stats.norm.cdf(found, 50, 1e-3)) / 7  # (level,)
    np.testing.assert_allclose(reached, levels, rtol=1e-9)
    (between,) = numbers.quantiles([3 / 7], predictor, parameters, np.zeros((1, 2)))
    assert -50 < between < 50


def test_quantiles_of_one_draw_are_those_of_its_distribution(mixture):
    one = Mixture(mixture.predictor.likelihood.name, n_draws=1)
    expected = np.array([[d.ppf(level) for level in LEVELS] for d in one.draws[0]])  # (row, level)
    np.testing.assert_allclose(one.ask(partial(numbers.quantiles, LEVELS)), expected, rtol=1e-9, atol=1e-9)


COUNTS = [name for name in likelihoods.OF_NUMBERS if likelihoods.likelihood(name).is_count]


@pytest.mark.parametrize("output", [-2.0, 1.5, 4.0, 6.4, 8.5, 14.0, 25.0])
@pytest.mark.parametrize("name", COUNTS)
def test_quantiles_of_counts_are_those_of_scipys_mixtures(name, output):
    """No count before reaches the level: where probabilities are added, where counts are searched, and across both."""
    network, rng, levels = Network((1, 1), "tanh", True), np.random.default_rng(0), [0.975, 0.01, 0.5, 1e-6, 0.3, 0.5]
    own = np.array([example(name, 1, seed)[1] for seed in range(N_DRAWS)]).reshape(N_DRAWS, -1)  # (draw, own number)
    parameters = np.column_stack([rng.normal([0, output], 0.3, (N_DRAWS, 2)), own])  # (draw, parameter)
    X = rng.normal(size=(N_ROWS, 1))  # (row, input)
    found = numbers.quantiles(levels, Predictor(Forward(network), likelihoods.likelihood(name)), parameters, X)
    for x, quantiles in zip(X[:, 0], found, strict=True):
        draws = [CASES[name].distribution([p[0] * x + p[1]], p[2:]) for p in parameters]

        def mixed(y, draws=draws):
            return np.mean([distribution.cdf(y) for distribution in draws], axis=0)

        assert (mixed(quantiles) >= levels).all()
        assert (mixed(quantiles - 1) < levels).all()


@pytest.mark.parametrize("name", COUNTS)
def test_quantiles_of_counts_of_a_rare_0(name):
    """A draw under which 0 has no probability that a float holds, beside draws of small counts."""
    parameters = np.zeros((N_DRAWS, 2 + len(likelihoods.likelihood(name).own)))  # (draw, parameter)
    parameters[:, 1] = [9, 0, 0.1, 0.2, 0.3, 0.4, 0.5]
    parameters[:, 2:] = 0.01
    predictor = Predictor(Forward(Network((1, 1), "tanh", True)), likelihoods.likelihood(name))
    (found,) = numbers.quantiles(LEVELS, predictor, parameters, np.zeros((1, 1)))  # (level,)
    draws = [CASES[name].distribution([p[1]], p[2:]) for p in parameters]
    every = np.mean([distribution.cdf(np.arange(10_000)) for distribution in draws], axis=0)  # (count,)
    np.testing.assert_array_equal(found, np.searchsorted(every, LEVELS))


@pytest.mark.parametrize("output", [14.0, 30.0])
def test_quantiles_of_counts_between_draws_far_apart(output, monkeypatch):
    """At 4 of 8 draws the distribution function is the level over millions of counts, of which few are looked at."""
    parameters = np.zeros((8, 2))  # (draw, parameter)
    parameters[:, 1] = output + np.arange(8)
    kind, looks = likelihoods.likelihood("poisson"), []
    monkeypatch.setattr(kind, "cdf", lambda *a: looks.append(a[0]) or type(kind).cdf(kind, *a), raising=False)
    (found,) = numbers.quantiles(
        [0.5, 0.3], Predictor(Forward(Network((1, 1), "tanh", True)), kind), parameters, np.zeros((1, 1))
    )
    spread = np.exp(parameters[[3, 2], 1] / 2)  # (level,): of the fourth and the third draw
    assert (np.abs(found - np.exp(parameters[[3, 2], 1])) < 9 * spread).all()
    assert len(looks) < 300


def test_new_numbers_have_the_distribution_of_the_mixture(mixture):
    """The share of new numbers up to a quantile of each draw is the level, to 5 standard errors."""
    n = 4000
    parameters = np.repeat(mixture.parameters, n, axis=0)  # (draw, parameter): each draw n times
    rng = np.random.default_rng(0)
    samples = numbers.sample_numbers(rng, mixture.predictor, parameters, mixture.X).reshape(N_DRAWS, n, N_ROWS)
    for level in LEVELS:
        quantile = mixture.each(lambda d, level=level: d.ppf(level))  # (draw, row)
        expected = mixture.each(lambda d, level=level: d.cdf(d.ppf(level)))  # (draw, row): of counts above the level
        share = np.mean(samples <= quantile[:, None], axis=1)  # (draw, row)
        assert (np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / n)).all()


@pytest.mark.parametrize(
    "statistic",
    [
        numbers.mean_number,
        numbers.std_number,
        numbers.variances,
        numbers.sample_mean,
        partial(numbers.quantiles, LEVELS),
    ],
)
def test_small_blocks_give_what_large_ones_give(statistic, mixture, monkeypatch):
    expected = mixture.ask(statistic)
    for module in (prediction, numbers):
        monkeypatch.setattr(module, "BLOCK_BYTES", 8 * 3 * 2)  # two numbers of the widest layer
    np.testing.assert_allclose(mixture.ask(statistic), expected, rtol=1e-12, atol=1e-12)
