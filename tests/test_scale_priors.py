"""What every registered prior of learned scales keeps to: compiled part and PyMC's form are SciPy's distribution."""

import numpy as np
import pymc as pm
import pytest
from agreement import differences, logp_function, value_name
from numba import njit
from scipy import integrate, stats

from skhbnn.model.scale_priors import NAMES, scale_prior
from skhbnn.model.scale_priors.compiled import number
from skhbnn.model.scale_priors.compiled import scale_prior as compiled_prior

SCIPY = {"half_normal": stats.halfnorm(), "half_cauchy": stats.halfcauchy(), "inverse_gamma": stats.invgamma(2)}
LOG_SCALES = np.linspace(-6, 6, 49)  # (scale,)


@pytest.fixture(scope="module", params=NAMES)
def kind(request):
    """Every registered prior of scales."""
    if request.param not in SCIPY:
        pytest.fail(f"The scale prior {request.param!r} has no entry in SCIPY: say there what SciPy calls it.")
    return scale_prior(request.param)


@njit
def run_one(position, first, second, log_scale):
    return compiled_prior(position, first, second, log_scale, np.exp(log_scale))


def run(kind, log_scales):
    """Log densities of logarithms of scales (scale,), and their derivatives, (scale,) each."""
    found = [run_one(number(kind), *kind.parameters, log_scale) for log_scale in log_scales]
    values, slopes = np.array(found).T  # (scale,) each
    return kind.log_constant + values, slopes


def test_log_density_is_scipys(kind):
    """Of the logarithm of a scale: the Jacobian is the logarithm itself."""
    expected = SCIPY[kind.name].logpdf(np.exp(LOG_SCALES)) + LOG_SCALES
    np.testing.assert_allclose(run(kind, LOG_SCALES)[0], expected, rtol=1e-12, atol=1e-12)


def test_density_integrates_to_one(kind):
    total, _ = integrate.quad(lambda log_scale: np.exp(run(kind, [log_scale])[0][0]), -40, 40, points=[-1, 0, 1])
    np.testing.assert_allclose(total, 1, rtol=1e-8)


def test_slope_is_the_derivative(kind):
    expected = np.diagonal(differences(lambda at: run(kind, at)[0], LOG_SCALES))  # (scale,)
    np.testing.assert_allclose(run(kind, LOG_SCALES)[1], expected, rtol=1e-8, atol=1e-9)


def test_pymc_variable(kind):
    """Its log density and gradient in the logarithms of scales."""
    for coords, dims, log_scales in (({}, None, np.array(0.4)), ({"part": range(49)}, "part", LOG_SCALES)):
        with pm.Model(coords=coords) as model:
            kind.pymc("sd", dims)
        value = value_name(model, "sd")
        logp, gradients = logp_function(model)({value: log_scales})
        values, slopes = run(kind, np.atleast_1d(log_scales))
        np.testing.assert_allclose(logp, values.sum(), rtol=0, atol=1e-8 * values.size)  # PyMC takes log(2) as float32
        np.testing.assert_allclose(np.atleast_1d(gradients[value]), slopes, rtol=1e-9, atol=1e-10)
