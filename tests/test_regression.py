"""What a fit of numbers learns and predicts, against theory: closed forms, quadrature, SciPy, and units."""

import numpy as np
import pytest
from agreement import assert_equals_pymc, assert_moments
from scipy import optimize, stats
from scipy.special import logsumexp

from conftest import quiet_fit
from skhbnn import FlatBNNRegressor, HierarchicalBNNRegressor
from skhbnn.density.density import Density
from skhbnn.support.libraries import import_arviz

LEVELS = [0.05, 0.5, 0.9]


# A linear model of numbers, whose posterior is normal given the scale of the noise ---------------------------------


class LinearPosterior:
    """y = X w + noise of standardised numbers, with w ~ Normal(0, 1) and a noise scale ~ HalfNormal(1) on a grid."""

    def __init__(self, X, y):
        self.x_mean, self.x_std, self.y_mean, self.y_std = X.mean(axis=0), X.std(axis=0), y.mean(), y.std()
        X, y = self.design(X), (y - self.y_mean) / self.y_std  # (row, weight), (row,)
        self.log_scale = np.linspace(-3, 1.5, 2000)  # (point,)
        scale = np.exp(self.log_scale)  # (point,)
        log_density = stats.halfnorm.logpdf(scale) + self.log_scale  # (point,)
        self.moments = []
        for k, sd in enumerate(scale):
            cov = sd**2 * np.eye(len(y)) + X @ X.T  # (row, row)
            log_density[k] += stats.multivariate_normal.logpdf(y, np.zeros(len(y)), cov)
            cov = np.linalg.inv(np.eye(X.shape[1]) + X.T @ X / sd**2)  # (weight, weight)
            self.moments.append((cov @ X.T @ y / sd**2, cov))
        self.share = np.exp(log_density - logsumexp(log_density))  # (point,)

    def design(self, X):
        return np.column_stack([(X - self.x_mean) / self.x_std, np.ones(len(X))])  # (row, weight)

    def components(self, x):
        """Mean and standard deviation of a row's expected target, and of a new target, given each scale, (point,)."""
        (x,) = self.design(x[None])
        mean = self.y_mean + self.y_std * np.array([x @ m for m, _ in self.moments])  # (point,)
        std = self.y_std * np.sqrt([x @ cov @ x for _, cov in self.moments])  # (point,)
        return mean, std, np.hypot(std, self.y_std * np.exp(self.log_scale))


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(1)
    X = rng.normal([5, -2], [3, 0.1], (12, 2))  # (row, feature)
    y = 100 + 2 * X[:, 0] - 40 * X[:, 1] + 4 * rng.normal(size=12)  # (row,)
    X_new = np.vstack([X[:2], [[20.0, -2.5]]])  # (row, feature)
    estimator = FlatBNNRegressor((), prior_scale=1.0, chains=4, tune=500, draws=3000, random_state=0)
    return LinearPosterior(X, y), estimator.fit(X, y), X_new


def test_linear_regression_has_the_posterior_of_theory(line):
    posterior, fitted, X_new = line
    samples = fitted.sample_mean(X_new).reshape(4, 3000, -1)  # (chain, draw, row)
    for r, x in enumerate(X_new):
        mean, std, _ = posterior.components(x)
        center = posterior.share @ mean
        spread = np.sqrt(posterior.share @ (std**2 + (mean - center) ** 2))
        assert_moments(samples[:, :, r], center, spread, least_ess=2000)
    np.testing.assert_allclose(fitted.predict(X_new), samples.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(fitted.predict_std(X_new), samples.std(axis=(0, 1)), rtol=1e-9)


def test_noise_scale_has_the_posterior_of_theory(line):
    posterior, fitted, _ = line
    scale = np.exp(posterior.log_scale)  # (point,)
    mean = posterior.share @ scale
    std = np.sqrt(posterior.share @ (scale - mean) ** 2)
    assert_moments(fitted.posterior_.own[..., 0], mean, std, least_ess=2000)


def test_quantiles_and_densities_are_those_of_theory(line):
    """The probability below a quantile, and the density, to 4 standard errors of means over the draws."""
    posterior, fitted, X_new = line
    quantiles = fitted.predict_quantiles(X_new, LEVELS)  # (row, level)
    y = fitted.predict(X_new) + np.array([0.0, 5.0, -10.0])  # (row,)
    log_density = fitted.log_predictive_density(X_new, y)  # (row,)
    samples = fitted.sample_mean(X_new)  # (draw, row)
    noise = fitted.posterior_.own[..., 0].ravel() * posterior.y_std  # (draw,)
    for r, x in enumerate(X_new):
        mean, _, std = posterior.components(x)
        for level, quantile in zip(LEVELS, quantiles[r], strict=True):
            below = stats.norm.cdf(quantile, samples[:, r], noise)  # (draw,)
            assert abs(posterior.share @ stats.norm.cdf(quantile, mean, std) - level) < 4 * error_of_mean(below)
        density = stats.norm.pdf(y[r], samples[:, r], noise)  # (draw,)
        expected = posterior.share @ stats.norm.pdf(y[r], mean, std)
        assert abs(np.exp(log_density[r]) - expected) < 4 * error_of_mean(density)


def error_of_mean(draws):
    """Standard error of the mean of draws (chain * draw,) of four chains."""
    ess = float(import_arviz().ess(draws.reshape(4, -1), method="mean"))
    assert ess > 1000
    return draws.std() / np.sqrt(ess)


# Counts ------------------------------------------------------------------------------------------------------------


def test_the_mode_of_counts_is_that_of_a_penalised_poisson_regression(waves):
    """Around the logarithm of the mean count, which no prior shrinks."""
    fitted = FlatBNNRegressor((), likelihood="poisson", prior_scale=0.7, inference="map", random_state=0)
    fitted.fit(waves.X, waves.counts)
    Z = np.column_stack([(waves.X - waves.X.mean(axis=0)) / waves.X.std(axis=0), np.ones(64)])  # (row, weight)
    offset = np.log(waves.counts.mean())

    def loss(w):
        log_rate = Z @ w + offset  # (row,)
        return np.sum(np.exp(log_rate) - waves.counts * log_rate) + np.sum(w**2) / (2 * 0.7**2)

    mode = optimize.minimize(loss, np.zeros(3), tol=1e-12).x  # (weight,)
    np.testing.assert_allclose(fitted.predict(waves.X), np.exp(Z @ mode + offset), rtol=1e-4)


@pytest.mark.parametrize("pooling", ["complete", "partial", "none", "affine"])
def test_a_narrow_prior_of_counts_predicts_their_mean(pooling, waves, small):
    """In all groups, also in one that no row was seen of."""
    settings = {**small, "prior_scale": 1e-3, "group_scale_prior": 1e-3, "pooling": pooling}
    fitted = HierarchicalBNNRegressor(likelihood="poisson", **settings)
    quiet_fit(fitted, waves.X, 10 * waves.counts, groups=waves.groups)
    groups = np.where(waves.groups == 2, 99, waves.groups)  # (row,)
    np.testing.assert_allclose(fitted.predict(waves.X, groups=groups), 10 * waves.counts.mean(), rtol=0.1)


def test_without_intercepts_counts_have_no_offset(waves, small):
    fitted = FlatBNNRegressor(likelihood="poisson", fit_intercept=False, prior_scale=1e-3, **small)
    quiet_fit(fitted, waves.X, 10 * waves.counts)
    np.testing.assert_allclose(fitted.predict(waves.X), 1, rtol=0.2)
    assert fitted.posterior_.model.location is None


def test_counts_that_are_all_0(waves, small):
    """The prior is around the mean of half a count in all rows."""
    fitted = quiet_fit(FlatBNNRegressor(likelihood="poisson", **small), waves.X, np.zeros(64))
    assert fitted.posterior_.model.location[-1] == np.log(0.5 / 64)
    assert (fitted.predict(waves.X) < 0.5).all()
    assert (fitted.predict_quantiles(waves.X, 0.5) == 0).all()


def test_fractional_counts(waves, small):
    """Rates, such as claims by exposure, are taken as they are, and mean what whole counts mean."""
    rates = waves.counts / 4  # (row,)
    fitted = FlatBNNRegressor(likelihood="poisson", inference="map", random_state=0).fit(waves.X, rates)
    assert fitted.training_data_.y.dtype == float
    whole = FlatBNNRegressor(likelihood="poisson", inference="map", random_state=0).fit(waves.X, rates.round())
    assert whole.training_data_.y.dtype == np.int64
    assert np.corrcoef(fitted.predict(waves.X), rates)[0, 1] > 0.8


# The density of a fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", ["flat_regressor", "hierarchical_regressor", "informed_regressor", "counts_regressor"])
def test_the_density_of_a_fit_is_that_of_its_pymc_model(name, fused, request):
    fitted = request.getfixturevalue(name)
    assert_equals_pymc(Density(fitted.posterior_.model, fitted.training_data_), fused)
    assert ("noise_scale" in fitted.to_pymc(fused=fused).named_vars) == (name != "counts_regressor")


def test_arviz_has_the_noise_scale_and_the_log_likelihood(hierarchical_regressor, waves):
    data = hierarchical_regressor.to_arviz()
    np.testing.assert_array_equal(data["posterior"]["noise_scale"], hierarchical_regressor.posterior_.own[..., 0])
    found = data["log_likelihood"]["y"].values  # (chain, draw, row)
    mean = hierarchical_regressor.sample_mean(waves.X, groups=waves.groups)  # (chain * draw, row)
    unit = waves.y.std()
    noise = hierarchical_regressor.posterior_.own[..., 0].reshape(-1, 1) * unit  # (chain * draw, 1)
    expected = stats.norm.logpdf(waves.y, mean, noise) + np.log(unit)  # (chain * draw, row)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


# Units ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", ["normal", "student_t"])
def test_predictions_are_in_the_unit_of_y(likelihood, waves, small):
    """A y in another unit, of a shift and a factor without rounding, gives the predictions of y in that unit."""
    factor, shift = 1024.0, 4096.0
    settings = {"likelihood": likelihood, **small}
    one, other = (
        quiet_fit(HierarchicalBNNRegressor(**settings), waves.X, y, groups=waves.groups)
        for y in (waves.y, factor * waves.y + shift)
    )
    rows = {"X": waves.X_new, "groups": np.where(waves.groups_new == 2, 99, waves.groups_new)}
    np.testing.assert_array_equal(other.posterior_.weights, one.posterior_.weights)
    np.testing.assert_allclose(other.predict(**rows), factor * one.predict(**rows) + shift, rtol=1e-12)
    np.testing.assert_allclose(other.predict_std(**rows), factor * one.predict_std(**rows), rtol=1e-12)
    for method, arguments in (
        ("predict_quantiles", {"q": LEVELS}),
        ("predict_interval", {"coverage": 0.8}),
        ("sample_mean", {"n_draws": 7}),
        ("sample_predictive", {"n_draws": 7, "random_state": 3}),
    ):
        expected = factor * getattr(one, method)(**rows, **arguments) + shift
        np.testing.assert_allclose(getattr(other, method)(**rows, **arguments), expected, rtol=1e-12)
    for name, variance in one.predict_uncertainty(**rows).items():
        np.testing.assert_allclose(other.predict_uncertainty(**rows)[name], factor**2 * variance, rtol=1e-12)
    y_new = one.predict(**rows)  # (row,)
    np.testing.assert_allclose(
        other.log_predictive_density(y=factor * y_new + shift, **rows),
        one.log_predictive_density(y=y_new, **rows) - np.log(factor),
        rtol=1e-9,
    )


def test_the_rows_of_a_fit_in_the_unit_of_the_model(hierarchical_regressor, waves):
    data, standardizer = hierarchical_regressor.training_data_, hierarchical_regressor.target_standardizer_
    np.testing.assert_allclose(data.y, ((waves.y - waves.y.mean()) / waves.y.std())[data.order], rtol=1e-12)
    np.testing.assert_allclose([standardizer.mean, standardizer.scale], [[waves.y.mean()], [waves.y.std()]], rtol=1e-12)
    back = hierarchical_regressor._targets_in_callers_form(data.y)  # (row,)
    np.testing.assert_allclose(back, waves.y[data.order], rtol=1e-12)


def test_equal_targets_are_predicted(waves, small):
    fitted = quiet_fit(FlatBNNRegressor(**small), waves.X, np.full(64, 7.0))
    assert fitted.target_standardizer_.scale.tolist() == [1.0]
    assert (np.abs(fitted.predict(waves.X) - 7) < 0.5).all()
    assert np.isfinite(fitted.diagnostics_.mcse).all()
