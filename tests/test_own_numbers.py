"""Numbers that a likelihood itself learns, on their way through methods of inference, PyMC, ArviZ and files."""

import io
import warnings

import numpy as np
import pymc as pm
import pytensor
import pytest
from agreement import assert_equals_pymc, logp_function, pymc_point, value_name
from models import random_rows
from pytensor.compile.mode import Mode

import skhbnn
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.density.density import Density
from skhbnn.density.pymc_model import build_model, unconstrained
from skhbnn.inference.methods import infer
from skhbnn.inference.trace import Settings
from skhbnn.model import build
from skhbnn.model.likelihoods import NAMES, likelihood
from skhbnn.model.network import Network
from skhbnn.posterior.arviz import to_arviz
from skhbnn.posterior.from_trace import posterior_from_trace

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_CLASSES = 4
WITH_OWN = [name for name in NAMES if likelihood(name).of_classes(N_CLASSES).own]
SETTINGS = Settings(inference="nuts", chains=2, tune=50, draws=40, target_accept=0.9, cores=1, max_iter=3_000)
QUICKLY = Mode("cvm", "fast_compile")  # compiles a small model in less than half of the usual time


def density_of(name, n_classes=N_CLASSES):
    """The density of a hierarchical model of three groups."""
    kind = likelihood(name).of_classes(n_classes)
    network = Network((2, 2, kind.n_outputs(n_classes)), "tanh", True)
    model = build.hierarchical_model(network, name, np.ones(2), ("partial", "complete"), n_classes=n_classes)
    return Density(model, random_rows((20, 1, 30), 2, name, network.n_outputs, n_classes=n_classes))


def group(result, name):
    return result[name] if hasattr(result, "children") else getattr(result, name)


@pytest.mark.parametrize("name", WITH_OWN)
def test_draws_of_pymc_become_the_vector(name):
    """Values of the PyMC model's variables at a vector, taken back to the vector."""
    density = density_of(name)
    pymc_model = build_model(density.model, density.data)
    x = np.random.default_rng(0).normal(size=density.n_dim)  # (n_dim,)
    values = pymc_model.unobserved_value_vars
    function = pytensor.function(pymc_model.value_vars, values, mode=Mode("py", None), on_unused_input="ignore")
    point = pymc_point(density, pymc_model, x)
    found = function(*(point[variable.name] for variable in pymc_model.value_vars))
    draws = {variable.name: value[None, None] for variable, value in zip(values, found, strict=True)}
    np.testing.assert_allclose(unconstrained(density.layout, draws)[0, 0], x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", WITH_OWN)
def test_pymc_draws_from_the_prior(name):
    """Own numbers and targets that the likelihood allows."""
    density = density_of(name)
    kind, pymc_model = density.model.likelihood, build_model(density.model, density.data)
    variables = [pymc_model[variable] for variable in kind.own_dims]
    with pytensor.config.change_flags(mode=QUICKLY):
        *own, y = pm.draw([*variables, pymc_model["y"]], 20, random_seed=0)
    own = np.concatenate([values.reshape(20, -1) for values in own], axis=1)  # (draw, own number)
    assert np.isfinite(kind.own_to_unconstrained(own)).all()
    assert y.shape == (20, 51)
    kind.check(y)


@pytest.mark.parametrize("name", WITH_OWN)
@pytest.mark.parametrize("inference", ["nuts", "laplace"])
def test_methods_draw_them(name, inference):
    """Draws are what the likelihood allows, and ArviZ has them by name."""
    density = density_of(name)
    settings = Settings(**{**vars(SETTINGS), "inference": inference, "max_iter": 100})  # enough to draw around a point
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = infer(density.model, density.data, settings, 0)
    posterior, kind = posterior_from_trace(density.layout, trace, 0), density.model.likelihood
    free = trace.x[..., density.layout.blocks[2].where]  # (chain, draw, own number)
    np.testing.assert_allclose(posterior.own, kind.own_from_unconstrained(free), rtol=1e-5)
    assert np.all(np.std(posterior.own, axis=(0, 1)) > 0)
    result = group(to_arviz(posterior, density.data, ["x0", "x1"]), "posterior")
    if name == "ordinal":
        assert result["cutpoints"].dims == ("chain", "draw", "cutpoint")
        assert result["cutpoint"].values.tolist() == ["cutpoint_1", "cutpoint_2", "cutpoint_3"]
        np.testing.assert_array_equal(result["cutpoints"], posterior.own)
        assert np.all(np.diff(posterior.own) > 0)
    else:
        for k, own in enumerate(kind.own):
            np.testing.assert_array_equal(result[own], posterior.own[..., k])


@pytest.mark.parametrize("name", ["ordinal", "student_t"])
def test_variational_inference_starts_from_allowed_values(name):
    density = density_of(name)
    settings = Settings(**{**vars(SETTINGS), "inference": "advi", "max_iter": 20})
    with pytensor.config.change_flags(mode=QUICKLY), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = infer(density.model, density.data, settings, 0)
    assert trace.x.shape == (1, 40, density.n_dim)
    assert np.isfinite(trace.elbo).all()


# Ordered classes: as many cutpoints as the classes ask for ------------------------------------------------------------


def test_likelihood_of_so_many_ordered_classes():
    ordinal = likelihood("ordinal")
    assert ordinal.of_classes(4).own == ("cutpoint_1", "cutpoint_2", "cutpoint_3")
    assert ordinal.of_classes(4) is ordinal.of_classes(4)
    assert ordinal.of_classes(4).of_classes(2) is ordinal.of_classes(2)
    for n_classes in (None, 1):
        with pytest.raises(ValueError, match="ordinal needs the number of its classes"):
            ordinal.of_classes(n_classes)


def test_prior_of_cutpoints():
    """The density of PyMC's Normal under its transform, and draws that increase as sorted normal ones do."""
    coords, ordered = {"cutpoint": range(3)}, pm.distributions.transforms.ordered
    with pm.Model(coords=coords) as found:
        (cutpoints,) = likelihood("ordinal").of_classes(4).own_pymc()
    with pm.Model(coords=coords) as expected:
        start = np.arange(3.0)  # (cutpoint,)
        pm.Normal("cutpoints", 0, np.float64(3), dims="cutpoint", transform=ordered, initval=start)
    for seed in range(3):
        v = np.random.default_rng(seed).normal(size=3)  # (cutpoint,)
        densities = [logp_function(model)({value_name(model, "cutpoints"): v})[0] for model in (found, expected)]
        np.testing.assert_allclose(*densities, rtol=1e-12)
    draws = pm.draw(cutpoints, 4_000, random_seed=0)  # (draw, cutpoint)
    sorted_draws = np.sort(3 * np.random.default_rng(0).normal(size=(100_000, 3)), axis=1)  # (draw, cutpoint)
    error = 5 * draws.std(axis=0) / np.sqrt(len(draws))  # (cutpoint,)
    assert (np.abs(draws.mean(axis=0) - sorted_draws.mean(axis=0)) < error).all()


@pytest.mark.parametrize("n_classes", [2, 6])
@pytest.mark.parametrize("fused", [True, False])
def test_one_compiled_density_serves_any_number_of_classes(n_classes, fused):
    density = density_of("ordinal", n_classes)
    assert_equals_pymc(density, fused)
    assert density.callback is density_of("ordinal", 4).callback


@pytest.fixture
def ordered(small):
    """A function that fits an estimator to three ordered classes; returns the fit, the rows and the groups."""
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(60, 2)), np.repeat([0, 1, 2], 20)  # (row, feature), (row,)
    y = np.digitize(2 * X[:, 0] + rng.logistic(size=60), [-1.0, 1.0])  # (row,)

    def fit(cls):
        is_grouped = cls is HierarchicalBNNClassifier
        if cls is InformedPriorBNNClassifier:
            return cls.from_hierarchical(fit(HierarchicalBNNClassifier)[0]).fit(X, y), X, {}
        arguments = {"groups": groups} if is_grouped else {}
        return cls(likelihood="ordinal", **small).fit(X, y, **arguments), X, arguments

    return fit


CLASSIFIERS = [FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier]


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_classifiers_of_ordered_classes(ordered, cls):
    """Cutpoints are learned, probabilities are those of all classes, and a file holds the fit."""
    fitted, X, groups = ordered(cls)
    posterior = fitted.posterior_
    assert posterior.own.shape == (2, 50, 2)
    proba = fitted.predict_proba(X, **groups)  # (row, class)
    samples = fitted.sample_proba(X, **groups)  # (draw, row, class)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(samples.mean(axis=0), proba, rtol=1e-9)
    assert fitted.predict_std(X, **groups).shape == (60, 3)
    low, high = (proba[side].mean(axis=0) for side in (X[:, 0] < -1, X[:, 0] > 1))  # (class,) each
    assert low[0] > high[0]
    assert low[2] < high[2]
    file = io.BytesIO()
    fitted.save(file)
    file.seek(0)
    loaded = skhbnn.load(file)
    assert loaded.posterior_.model.n_classes == 3
    np.testing.assert_array_equal(loaded.posterior_.own, posterior.own)
    np.testing.assert_array_equal(loaded.predict_proba(X, **groups), proba)
    pymc_model = fitted.to_pymc()
    made = pymc_model.deterministics if cls is InformedPriorBNNClassifier else pymc_model.free_RVs
    assert made[-1].name == "cutpoints"
