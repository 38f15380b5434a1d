"""Agreement of draws with a known distribution, and of the compiled density with PyMC and with its own values."""

import numpy as np
import pytensor

from skhbnn.density.pymc_model import build_model, variable_name
from skhbnn.support.libraries import import_arviz

# Central differences that are exact for polynomials of degree 8: at so long steps rounding is divided by little.
WEIGHTS = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def moments(values, log_density):
    """Mean and standard deviation of values under an unnormalised log density on an even grid."""
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = (values * density).sum()
    return mean, np.sqrt(((values - mean) ** 2 * density).sum())


def assert_moments(draws, mean, std, least_ess):
    """Mean and standard deviation of enough draws (chain, draw) are right to 4 standard errors."""
    arviz = import_arviz()
    draws = draws.astype(float)
    for quantity, truth in ((draws, mean), ((draws - mean) ** 2, std**2)):
        ess = float(arviz.ess(quantity))
        assert ess > least_ess
        assert abs(quantity.mean() - truth) < 4 * quantity.std() / np.sqrt(ess)


def differences(function, x, step=1e-2):
    """Derivatives of a function at x (coordinate,), with the axis of the coordinates behind those of its values."""

    def slope(along):
        return sum(w * (function(x + k * along) - function(x - k * along)) for k, w in WEIGHTS.items()) / step

    slopes = [slope(step * unit) for unit in np.eye(len(x))]
    return np.stack(slopes, axis=-1) if slopes else np.empty((*np.shape(function(x)), 0))


def assert_close(found, expected, tolerance):
    """Every number is right to the tolerance times the largest."""
    size = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * size)


def assert_gradient_is_right(density, x, tolerance=1e-8):
    """The gradient of a Density at x (n_dim,) is that of its values."""
    expected = differences(lambda at: density.logp_grad(at)[0], x, step=1e-3)  # (n_dim,)
    assert_close(density.logp_grad(x)[1], expected, tolerance)


def logp_function(pymc_model):
    """A function from a point to the log density of a PyMC model and its gradients, by value variable."""
    logp, values = pymc_model.logp(), pymc_model.value_vars
    # Neither rewritten nor compiled: either takes longer than all the evaluations.
    mode = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    function = pytensor.function(values, [logp, *pytensor.grad(logp, values)], mode=mode, on_unused_input="ignore")
    names = [value.name for value in values]

    def logp_grad(point):
        value, *gradients = function(*(point[name] for name in names))
        return value, dict(zip(names, gradients, strict=True))

    return logp_grad


def value_name(pymc_model, name):
    """The name of the value variable of a variable."""
    return pymc_model.rvs_to_values[pymc_model[name]].name


def pymc_point(density, pymc_model, x):
    """The unconstrained vector x (n_dim,) by value variables of the PyMC model.

    The vector holds the coordinates of level 0, the logarithms of learned scales and the likelihood's own numbers, and
    then those of every member of level 1, of level 2 and so on, and the random intercepts of every column.
    """
    model, point, at = density.model, {}, 0

    def take(names, sizes, n_members):
        nonlocal at
        block = x[at : at + n_members * sum(sizes)].reshape(n_members, sum(sizes))  # (member, coordinate)
        at += block.size
        for name, part in zip(names, np.split(block, np.cumsum(sizes), axis=1), strict=False):
            dims = pymc_model.named_vars_to_dims.get(name, ())
            point[value_name(pymc_model, name)] = part.reshape([len(pymc_model.coords[dim]) for dim in dims])

    def take_level(level, n_members):
        terms = [term for term in model.terms if term.level == level]
        take([variable_name(model, term) for term in terms], [len(term.entries) for term in terms], n_members)

    take_level(0, 1)
    learned = {name for term in model.terms for name in term.learned}
    learned |= {column.scale for column in model.random_intercepts if isinstance(column.scale, str)}
    counts = {"prior_scale": len(model.prior_scales), "group_scale": len(learned - set(model.prior_scales))}
    counts = {name: count for name, count in counts.items() if count}
    take(counts, list(counts.values()), 1)
    axes = {} if model.has_own_entries else model.likelihood.own_dims
    take(axes, [1 if axis is None else len(pymc_model.coords[axis]) for axis in axes.values()], 1)
    for level in range(1, len(model.levels) + 1):
        take_level(level, density.data.members[level - 1].max() + 1)
    for column in model.random_intercepts:
        take([f"z_random_intercept_{column.name}"], [model.network.n_outputs], column.n_labels)
    assert at == len(x)
    return point


def assert_equals_pymc(density, fused, n_points=3):
    """Log density and gradient of a model, at random points."""
    pymc_model = build_model(density.model, density.data, fused=fused)
    function = logp_function(pymc_model)
    # The mapping from vector to point moves numbers and changes none: applied to positions, it tells where each goes.
    where = pymc_point(density, pymc_model, np.arange(density.n_dim))
    rng = np.random.default_rng(1)
    for _ in range(n_points):
        # Moderate outputs: PyMC takes log(1 - p) of the rounded p, which loses digits where p is near 1.
        x = 0.5 * rng.normal(size=density.n_dim)  # (n_dim,)
        value, gradients = function(pymc_point(density, pymc_model, x))
        grad = np.full(density.n_dim, np.nan)  # (n_dim,)
        for name, part in gradients.items():
            grad[where[name]] = part
        own_value, own_grad = density.logp_grad(x)
        np.testing.assert_allclose(own_value, value, rtol=1e-8)
        np.testing.assert_allclose(own_grad, grad, rtol=1e-8, atol=1e-8)
