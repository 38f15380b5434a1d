"""What a fit says of itself: a line in a terminal, a notebook or a log file, tasks for callbacks, or nothing."""

import importlib.util
import io
import itertools
import logging
import os
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytensor
import pytest
from sklearn.callback import ProgressBar
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skhbnn
from skhbnn import FlatBNNClassifier, PerGroupClassifier
from skhbnn.support import progress
from skhbnn.support.progress import ProgressLine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Notebook(io.StringIO):
    """Standard error of a notebook: no terminal, yet a carriage return rewrites its line."""


Notebook.__module__ = "ipykernel.iostream"


@pytest.fixture
def hundredths(monkeypatch):
    """A clock that moves by a hundredth of a second whenever it is looked at."""
    ticks = itertools.count()
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(ticks) / 100)


@pytest.fixture
def redirect(monkeypatch, hundredths):
    """A function that makes a stream standard error: in the test itself, for pytest puts its own in before."""

    def redirect(stream):
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return redirect


@pytest.mark.parametrize("kind", [Terminal, Notebook])
def test_live_line_is_rewritten(kind, redirect):
    live = redirect(kind())
    line = ProgressLine("Fit", "draws")
    for done in range(1, 10_001):
        line(done, 10_000)
    line.close()
    states = live.getvalue().split("\r")
    assert states[0] == ""
    assert 900 <= len(states) - 1 <= 1001  # ten a second of a hundred seconds
    assert all(state.startswith("Fit: ") and "\n" not in state for state in states[1:-1])
    assert states[-1] == "Fit: 10000 of 10000 draws, 100.0 s\n"


@pytest.mark.parametrize("kind", [Terminal, Notebook])
def test_live_line_that_ends_early_is_ended(kind, redirect):
    live = redirect(kind())
    line = ProgressLine("Fit", "iterations")
    line(3, 20)
    line.close()
    assert live.getvalue() == "\rFit: 3 of 20 iterations, 0.0 s\n"


@pytest.mark.parametrize(("total", "n_lines"), [(10_000, 10), (10, 10), (3, 3), (1, 1)])
def test_log_file_has_a_line_per_tenth(total, n_lines, redirect):
    log_file = redirect(io.StringIO())
    line = ProgressLine("Fit", "groups")
    for done in range(1, total + 1):
        line(done, total)
    line(total, total)  # the end is said once
    line.close()
    text = log_file.getvalue()
    assert "\r" not in text
    assert text.endswith("s\n")
    assert len(text.splitlines()) == n_lines
    assert text.splitlines()[-1].startswith(f"Fit: {total} of {total} groups, ")


def test_no_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    line = ProgressLine("Fit", "draws")
    line(1, 1)
    line.close()


# What fits say ------------------------------------------------------------------------------------------------------

METHODS = {
    "nuts": ({}, 80, "draws"),
    "map": ({}, 2, "starts"),
    "advi": ({"max_iter": 50}, 50, "iterations"),
    "metropolis": ({}, 80, "draws"),
}


@pytest.mark.parametrize("inference", METHODS)
def test_line_of_a_fit(inference, moons, capfd):
    params, total, unit = METHODS[inference]
    classifier = FlatBNNClassifier((2,), inference=inference, chains=2, tune=20, draws=20, verbose=1, **params)
    with pytensor.config.change_flags(mode="FAST_COMPILE") if inference in ("advi", "metropolis") else nullcontext():
        classifier.fit(moons.X, moons.y)
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert 1 <= len(lines) <= 10
    assert all(line.startswith("FlatBNNClassifier: ") for line in lines)
    assert lines[-1].startswith(f"FlatBNNClassifier: {total} of {total} {unit}, ")


def test_quiet(flat, hierarchical, moons, capfd, caplog, tmp_path):
    """Neither a word nor a line of a log; test_method_contract.py asks this of every method of inference."""
    caplog.set_level(logging.INFO)
    PerGroupClassifier(flat, n_jobs=2, fallback=flat).fit(moons.X, moons.y, groups=moons.groups).save(tmp_path / "fit")
    loaded = skhbnn.load(tmp_path / "fit")
    loaded.predict_proba(moons.X, groups=moons.groups)
    hierarchical.to_pymc()
    hierarchical.to_arviz()
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_quiet_in_a_new_process(tmp_path):
    """With Python's own filters, and a cache in which ArviZ notes that it has announced its next version today."""
    code = """
import warnings
from sklearn.exceptions import ConvergenceWarning
from skhbnn import FlatBNNClassifier
from skhbnn.datasets import make_rotated_moons
warnings.simplefilter("ignore", ConvergenceWarning)
X, _, y, _, _, _ = make_rotated_moons(n_groups=1, n_samples=30, random_state=0)
fitted = FlatBNNClassifier((2,), inference="advi", max_iter=5, draws=10).fit(X, y)
fitted.to_pymc()
fitted.set_params(inference="nuts", tune=10).fit(X, y)
"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTENSOR_FLAGS": "mode=FAST_COMPILE"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


# scikit-learn's callbacks -------------------------------------------------------------------------------------------


class Recorder:
    """A callback that a pipeline or a search passes on, and that writes down what it is told."""

    max_propagation_depth = None

    def __init__(self):
        self.told = []

    def setup(self, estimator, context):
        self.told.append((type(estimator).__name__, "setup"))

    def teardown(self, estimator, context):
        self.told.append((type(estimator).__name__, "teardown"))

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.told.append((type(estimator).__name__, context.task_name))


def test_callbacks_through_a_pipeline(moons):
    recorder = Recorder()
    flat = FlatBNNClassifier((2,), inference="map", chains=4, max_iter=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), flat).set_callbacks(recorder).fit(moons.X, moons.y)
    ours = [what for name, what in recorder.told if name == "FlatBNNClassifier"]
    assert ours == ["starts"] * 100 + ["fit"]
    assert recorder.told[0] == ("Pipeline", "setup")
    assert recorder.told[-1] == ("Pipeline", "teardown")
    plain = make_pipeline(StandardScaler(), flat).fit(moons.X, moons.y)
    np.testing.assert_array_equal(plain.predict_proba(moons.X), pipeline.predict_proba(moons.X))
    assert vars(pipeline[-1]).keys() == vars(plain[-1]).keys()  # nothing of the callbacks stays


def test_callbacks_of_draws(moons, small):
    recorder = Recorder()
    FlatBNNClassifier(**small).set_callbacks(recorder).fit(moons.X, moons.y)
    name = "FlatBNNClassifier"
    assert recorder.told == [(name, "setup"), *[(name, "draws")] * 100, (name, "fit"), (name, "teardown")]


@pytest.mark.parametrize("groups", [True, False])
def test_callbacks_of_groups(groups, moons):
    recorder = Recorder()
    inner = LogisticRegression()
    estimator = PerGroupClassifier(inner, fallback=inner).set_callbacks(recorder)
    estimator.fit(moons.X, moons.y, groups=moons.groups if groups else None)
    tasks = ["groups"] * 5 if groups else ["fits"]
    assert [what for _, what in recorder.told] == ["setup", *tasks, "fit", "teardown"]


def test_failed_fit_tears_down(moons):
    recorder = Recorder()
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        FlatBNNClassifier([2.5]).set_callbacks(recorder).fit(moons.X, moons.y)
    estimator = PerGroupClassifier(LogisticRegression()).set_callbacks(recorder)
    with pytest.raises(ValueError, match="one class"):
        estimator.fit(moons.X, moons.groups == 1, groups=moons.groups)
    assert [what for _, what in recorder.told] == ["setup", "groups", "teardown"]


def test_progress_bar_of_a_search(moons, small, capfd):
    """In other processes too."""
    search = GridSearchCV(FlatBNNClassifier(**small), {"prior_scale": [0.5, 1.0]}, cv=2, n_jobs=2)
    search.set_callbacks(ProgressBar()).fit(moons.X, moons.y)
    out, err = capfd.readouterr()
    assert out.count("FlatBNNClassifier - fit") >= 5  # four fits and the last one
    assert err == ""


def test_scikit_learn_without_callbacks(monkeypatch):
    """Before version 1.9: no method set_callbacks, and a fit is as before."""
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.spec_from_file_location("progress_of_old", progress.__file__)
    old = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(old)

    class Estimator(old.CallbackSupportMixin):
        verbose = 0

    assert not hasattr(Estimator, "set_callbacks")
    with old.fit_progress(Estimator(), "draws") as report:
        assert report is None


def test_callbacks_are_not_saved(moons, small, tmp_path):
    fitted = FlatBNNClassifier(**small).set_callbacks(Recorder()).fit(moons.X, moons.y)
    fitted.save(tmp_path / "fit")
    loaded = skhbnn.load(tmp_path / "fit")
    np.testing.assert_array_equal(loaded.predict_proba(moons.X), fitted.predict_proba(moons.X))


# Streams that take no progress -------------------------------------------------------------------------------------


class Stream:
    """A stream of a program's own, with some of the methods of a file."""

    def __init__(self, **methods):
        self.written = []
        vars(self).update(methods)

    def write(self, text):
        self.written.append(text)


def broken(*args):
    raise BrokenPipeError("nobody reads")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


STREAMS = {
    "write alone": Stream,
    "write and flush": lambda: Stream(flush=lambda: None),
    "closed": closed,
    "none": lambda: None,
    "a pipe that nobody reads": lambda: Stream(write=broken, isatty=lambda: True),
    "a terminal that is gone": lambda: Stream(isatty=broken, flush=broken),
    "without any method": object,
    "of bytes": io.BytesIO,
}


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("estimator", ["network", "groups"])
def test_progress_never_ends_a_fit(kind, estimator, small, moons, monkeypatch):
    stream = STREAMS[kind]()
    monkeypatch.setattr(sys, "stderr", stream)
    if estimator == "network":
        FlatBNNClassifier(verbose=1, **small).fit(moons.X, moons.y)
    else:
        PerGroupClassifier(LogisticRegression(), verbose=1).fit(moons.X, moons.y, groups=moons.groups)
    if kind.startswith("write"):
        assert "".join(stream.written).endswith(" s\n")
