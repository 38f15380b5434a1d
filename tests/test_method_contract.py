"""What every method of inference must do: parametrised over the registry, so that a new method is tested too."""

import importlib
import inspect
import json
import warnings

import numpy as np
import pytensor
import pytest

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier
from skhbnn.inference import methods
from skhbnn.inference.methods import METHODS, OWN_PARAMETERS, infer, require_used
from skhbnn.inference.trace import Settings

LIMITS = {"chains": 2, "tune": 20, "draws": 30, "max_iter": 40}
STEPS = {"draws": 2 * (20 + 30), "starts": 2, "iterations": 40}  # of a fit with these limits, by the unit of its method
VALUES = {"batch_size": 5, "sample_kwargs": {"progressbar": False}, "tol": 0.1}  # that a user may give
FIELDS = {"batch_size": "batch_size", "sample_kwargs": "sample_kwargs", "tol": "enough"}  # of Settings
IN_PROCESS = [name for name, method in METHODS.items() if "sample_kwargs" not in method.uses]  # PyMC has nothing to do


class Watched:
    """Settings that note which of them are asked for."""

    def __init__(self, settings):
        self.settings, self.asked = settings, set()

    def __getattr__(self, name):
        self.asked.add(name)
        return getattr(self.settings, name)


def draw(name, fitted):
    """Draws by a method given the model and rows of a fit, what it was asked of its settings, and what it told."""
    settings, told = Watched(Settings(inference=name, **LIMITS, target_accept=0.9, cores=2)), []
    with warnings.catch_warnings(), pytensor.config.change_flags(mode="FAST_COMPILE"):
        warnings.simplefilter("ignore")  # PyMC's advice
        trace = infer(fitted.posterior_.model, fitted.training_data_, settings, 3, lambda *steps: told.append(steps))
    return trace, settings.asked, told


@pytest.fixture(scope="module", params=METHODS)
def run(request, flat):
    return METHODS[request.param], *draw(request.param, flat)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_entry_has_the_common_signature(method):
    module = importlib.import_module(f"skhbnn.inference.{method.module}")
    assert module.infer.__module__ == module.__name__
    assert inspect.signature(module.infer) == inspect.signature(infer)


def test_no_two_entries_have_one_name():
    assert len(methods._ENTRIES) == len(METHODS)


def test_progress_ends_with_all_steps(run):
    """In the unit of the method; each report is of no fewer steps than the last, and of no more than all."""
    method, _, _, told = run
    assert told[-1] == (STEPS[method.unit],) * 2
    done, total = np.array(told).T  # (report,) each
    assert np.all(np.diff(done) >= 0)
    assert np.all(done <= total)


def test_parameters_are_used_where_the_registry_says_so(run):
    method, _, asked, _ = run
    assert set(method.uses) == {name for name in OWN_PARAMETERS if FIELDS[name] in asked}


def test_trace_is_whole(run, flat):
    """Draws of the unconstrained vector, a number a draw of each statistic, and one way or another to judge them."""
    _, trace, _, _ = run
    assert trace.x.ndim == 3
    assert trace.x.shape[2] == 13  # weights of a flat network of 2-3-1
    assert np.isfinite(trace.x).all()
    assert {values.shape for values in trace.statistics.values()} <= {trace.x.shape[:2]}
    assert (trace.n_iter is None) == (trace.converged is None)
    assert trace.n_iter is None or trace.n_tune == 0


def test_a_seed_gives_its_draws_again(run, flat):
    method, trace, _, _ = run
    np.testing.assert_array_equal(draw(method.name, flat)[0].x, trace.x)


@pytest.mark.parametrize("name", OWN_PARAMETERS)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_parameters_of_other_methods_are_refused(method, name, moons):
    parameters = {**dict.fromkeys(OWN_PARAMETERS), name: VALUES[name]}
    if name in method.uses:
        require_used(method.name, parameters)
        return
    estimator = FlatBNNClassifier((), inference=method.name, **parameters)
    said = f"^{name} is only for inference='.*', and inference='{method.name}' does not use it; set {name}=None[.]$"
    with pytest.raises(ValueError, match=said):
        estimator.fit(moons.X, moons.y)


def test_words_of_a_refusal():
    with pytest.raises(ValueError, match="batch_size") as refused:
        require_used("nuts", {"batch_size": 5, "sample_kwargs": None, "tol": None})
    assert str(refused.value) == (
        "batch_size is only for inference='advi' or 'fullrank_advi', and inference='nuts' does not use it; "
        "set batch_size=None."
    )


def test_modules_are_imported_when_their_methods_are_used(run_python):
    """None by importing the package, one by a fit, and PyMC by no method but those that go through it."""
    code = f"""
import json, sys, warnings
import numpy as np
from skhbnn import FlatBNNClassifier
from skhbnn.inference.methods import METHODS
warnings.simplefilter("ignore")
loaded = lambda: sorted(m.module for m in METHODS.values() if f"skhbnn.inference.{{m.module}}" in sys.modules)
seen = [loaded()]
X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
for name in ["map", *{IN_PROCESS}]:
    FlatBNNClassifier((2,), inference=name, **{LIMITS}).fit(X, y).predict(X)
    seen.append(loaded())
print(json.dumps([*seen[:2], "pymc" in sys.modules, "pytensor" in sys.modules]))
"""
    assert json.loads(run_python(code)) == [[], ["mode"], False, False]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("inference", METHODS)
def test_every_method_serves_every_prediction(inference, moons, capfd, caplog):
    caplog.set_level("INFO", logger="pymc")
    params = {"chains": 2, "tune": 20, "draws": 20, "random_state": 0, "max_iter": 50, "inference": inference}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = HierarchicalBNNClassifier((), **params).fit(moons.X, moons.y, groups=moons.groups)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    groups = [*moons.groups_new[:-1], "unseen"]
    proba = fitted.predict_proba(moons.X_new, groups=groups)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    assert fitted.predict_std(moons.X_new, groups=groups).shape == proba.shape
    assert fitted.predict_uncertainty(moons.X_new, groups=groups).epistemic.shape == (60,)
    assert fitted.sample_proba(moons.X_new, groups=groups, n_draws=1).shape == (1, 60, 2)
    assert fitted.to_arviz()["posterior"]["weights"].shape == fitted.posterior_.weights.shape
    assert repr(fitted.diagnostics_)
