"""What is kept and what is said when the user, the disk or the machine gets in the way of a fit.

Want of memory is in ``test_memory.py``, killed workers and programs are in ``test_checkpoint.py`` and
``test_clusters.py``.
"""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytensor
import pytest
from processes import FIT, finish, run, start

import skhbnn

PACKAGE = Path(skhbnn.__file__).parent
TESTS = Path(__file__).parent
OLD_PYTENSOR = pytensor.__version__.startswith("2.")
NO_PATH = os.path.dirname(os.path.abspath(os.devnull))  # a folder without programs


# Ctrl-C ------------------------------------------------------------------------------------------------------------

INTERRUPTED = f"""
import contextlib, json, os, signal, sys, tempfile, time
import numpy as np
import psutil
from sklearn.exceptions import NotFittedError

sys.path.insert(0, {str(TESTS)!r})
from probes import Interrupted
from skhbnn import FlatBNNClassifier, PerGroupClassifier
from skhbnn.support import progress

rng = np.random.default_rng(0)
X, groups = rng.normal(size=(2000, 2)), np.repeat(np.arange(4), 500)
y = (X[:, 0] * X[:, 1] > 0).astype(int)
X[1300, 0] = 2000  # where the probe presses Ctrl-C: in group 2
pressed = []

def press(*args):
    "Ctrl-C in the terminal of this process and its children."
    pressed.append(args)
    os.killpg(0, signal.SIGINT)

class PressAfter:
    "A line of progress that presses Ctrl-C after so many steps."
    steps = 0
    def __init__(self, label, unit):
        pass
    def __call__(self, done, total):
        if done > self.steps and not pressed:
            press(done, total)
    def close(self):
        pass

class Callback:
    "A callback of PyMC that presses Ctrl-C at its 150th call."
    calls = 0
    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls == 150:
            press()

def cpu_seconds():
    "What this process and its children have used so far, by process."
    seconds = {{}}
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds[process.pid] = sum(process.cpu_times()[:2])
    return seconds

def comes_to_rest():
    "Whether nothing is left at work; what was interrupted may take a while to end on a busy machine."
    end = time.monotonic() + 60
    while time.monotonic() < end:
        before = cpu_seconds()
        time.sleep(0.3)
        if sum(now - before.get(pid, 0) for pid, now in cpu_seconds().items()) < 0.05:
            return True
    return False

def outcome(estimator, **fit_params):
    "What came of a fit: whether it was interrupted, and what it left behind."
    pressed.clear()
    try:
        estimator.fit(X, y, **fit_params)
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    try:
        estimator.predict(X)
        fitted = True
    except NotFittedError:
        fitted = False
    handler = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return {{"interrupted": interrupted, "fitted": fitted, "rests": comes_to_rest(), "handler": handler}}
"""

# Each would take minutes; a network of five weights, so that the draws of such a fit are allowed in little memory.
NETWORKS = """
def flat(**params):
    return FlatBNNClassifier((1,), chains=2, random_state=0, **params)

found = {}
progress.ProgressLine = PressAfter
found["nuts, tuning"] = outcome(flat(tune=10**6, draws=10, verbose=1, n_jobs=2))
assert pressed[0][0] < 10**6
PressAfter.steps = 2 * 100
found["nuts, draws"] = outcome(flat(tune=100, draws=3 * 10**5, verbose=1))
found["advi"] = outcome(flat(inference="advi", max_iter=10**6, sample_kwargs={"callbacks": [Callback()]}))
for n_jobs in (1, 2):
    metropolis = flat(inference="metropolis", tune=100, draws=3 * 10**5, n_jobs=n_jobs)
    found[f"metropolis, {n_jobs} at once"] = outcome(metropolis.set_params(sample_kwargs={"callback": Callback()}))
estimator = flat(tune=50, draws=50).fit(X, y)
found["fitted before"] = outcome(estimator.set_params(tune=10**6, verbose=1))
print(json.dumps(found))
"""

GROUPS = """
expected = PerGroupClassifier(Interrupted()).fit(X, y, groups=groups).estimators_
found = {}
for at, n_jobs, kept in (("groups", 1, False), ("groups, kept", 1, True), ("groups, kept, 2 at once", 2, True)):
    notes, checkpoint = tempfile.mkdtemp(), tempfile.mkdtemp() if kept else None
    estimator = PerGroupClassifier(Interrupted(notes, checkpoint), n_jobs=n_jobs, checkpoint=checkpoint)
    said = found[at] = outcome(estimator, groups=groups)
    if kept:
        said["kept"] = len([name for name in os.listdir(checkpoint) if name.endswith(".joblib")])
    estimator.set_params(n_jobs=1).fit(X, y, groups=groups)
    said["same"] = all((estimator.estimators_[g].coef_ == expected[g].coef_).all() for g in expected)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def interrupts():
    """What came of every interrupted fit, by what it was at."""
    environment = {"PYTENSOR_FLAGS": "mode=FAST_COMPILE"}
    parts = [start(INTERRUPTED + part, "-W", "ignore", **environment) for part in (NETWORKS, GROUPS)]
    found = {}
    for output, said, code in finish(*parts):
        # What joblib's own process says, whole or in part, when Ctrl-C meets it between two tasks: a matter of luck.
        said = re.sub(r"Process LokyProcess-\d+:\n(Traceback .*\n(  .*\n)+KeyboardInterrupt\n)?", "", said)
        assert (code, said) == (0, "")
        found.update(json.loads(output))
    return found


AT_WORK = ["nuts, tuning", "nuts, draws", "advi", "metropolis, 1 at once", "metropolis, 2 at once", "fitted before"]
BETWEEN_GROUPS = ["groups", "groups, kept", "groups, kept, 2 at once"]


@pytest.mark.parametrize("at", AT_WORK + BETWEEN_GROUPS)
def test_interrupt_ends_the_fit_and_leaves_it_unfitted(at, interrupts):
    """Nothing goes on behind the KeyboardInterrupt, nothing else is said, and Ctrl-C is as it was before."""
    outcome = interrupts[at]
    assert outcome["interrupted"]
    assert not outcome["fitted"]
    assert outcome["rests"]
    assert outcome["handler"]


@pytest.mark.parametrize("at", BETWEEN_GROUPS)
def test_interrupted_groups_can_be_fitted_again(at, interrupts):
    """With a checkpoint the groups that were done are kept."""
    outcome = interrupts[at]
    assert outcome["same"]
    if "kept" in at:
        assert 1 <= outcome["kept"] <= 3


# Kernels without a home --------------------------------------------------------------------------------------------

DRAW = FIT + "print(hashlib.sha256(FlatBNNClassifier(**small).fit(X, y).posterior_.weights.tobytes()).hexdigest())"


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory):
    """An environment in which no home, no cache and no compiler can be found; root has no rights here either."""
    file = tmp_path_factory.mktemp("machine") / "file"
    file.touch()
    homes = ["HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"]
    return {**{name: str(file / name) for name in homes}, "PATH": NO_PATH}


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    """A copy of the package whose caches cannot be written: files stand in the place of their folders."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, site / "skhbnn", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [site / "skhbnn", *(path for path in (site / "skhbnn").rglob("*") if path.is_dir())]:
        (folder / "__pycache__").touch()
    return site


@pytest.fixture(scope="module")
def cold(nowhere, read_only, tmp_path_factory):
    """What three fits gave that started at once: two with one empty cache, and one with none and no compiler."""
    cache = str(tmp_path_factory.mktemp("cache"))
    shared = {"NUMBA_CACHE_DIR": cache, "HOME": cache, "XDG_CACHE_HOME": cache, "PYTHONPATH": str(PACKAGE.parent)}
    without = {**nowhere, "PYTHONPATH": str(read_only), "NUMBA_CACHE_DIR": ""}
    where = "import skhbnn; print(skhbnn.__file__)\n"
    processes = [start(where + DRAW, "-P", **environment) for environment in (shared, shared, without)]
    return dict(zip(("first", "second", "read-only"), finish(*processes), strict=True)), cache


@pytest.mark.parametrize("which", ["first", "second", "read-only"])
def test_cold_start(which, cold, read_only, flat):
    """Each succeeds in silence, and draws what this process drew."""
    output, said, code = cold[0][which]
    assert (code, said) == (0, "")
    origin, drawn = output.splitlines()
    assert drawn == hashlib.sha256(flat.posterior_.weights.tobytes()).hexdigest()
    assert Path(origin).is_relative_to(read_only) == (which == "read-only")


def test_kernel_loaded(cold, flat):
    """A process that loads the kernel from the cache draws what those drew that compiled it."""
    results, cache = cold
    counted = """
from skhbnn.density import compiled
print(compiled.logp_callback("bernoulli", False, False, False).cache_hits)"""
    output, said, code = run(DRAW + counted, NUMBA_CACHE_DIR=cache)
    assert code == 0, said
    drawn, hits = output.splitlines()
    assert drawn == results["first"][0].splitlines()[1]
    assert int(hits) == 1


def test_full_disk(tmp_path):
    """The cache can be made, and not filled: the kernel stays in memory."""
    (tmp_path / "probe.py").write_text("def double(x):\n    return 2 * x\n")
    code = f"""
import resource, sys
from functools import partial
from numba import float64, njit
from skhbnn.density import compiled
sys.path.insert(0, {str(tmp_path)!r})
sys.dont_write_bytecode = True
from probe import double
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
print(compiled._cached(partial(njit, float64(float64)), double)(21.0))
"""
    assert run(code, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == ("42.0\n", "", 0)


def test_without_compilation():
    """An error that says what to unset, of fits of networks alone."""
    code = f"""{FIT}
from sklearn.linear_model import LogisticRegression
from skhbnn import PerGroupClassifier
print(PerGroupClassifier(LogisticRegression()).fit(X, y, groups=[0] * 30 + [1] * 30).groups_)
for _ in range(2):
    try:
        FlatBNNClassifier(**small).fit(X, y)
    except RuntimeError as error:
        print(error)
"""
    output, said, code = run(code, "-W", "ignore", NUMBA_DISABLE_JIT="1")
    assert (code, said) == (0, "")
    groups, *errors = output.splitlines()
    assert groups == "[0 1]"
    assert len(errors) == 2
    assert all("start Python without the environment variable NUMBA_DISABLE_JIT" in error for error in errors)


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_damaged_cache(ending, kept, tmp_path):
    """What a crash may leave: the kernel is compiled in memory, and a warning says which folder to remove."""
    (tmp_path / "probe.py").write_text("def double(x):\n    return 2 * x\n")
    cache = tmp_path / "cache"
    code = f"""
import sys
from functools import partial
from numba import float64, njit
from skhbnn.density import compiled
sys.path.insert(0, {str(tmp_path)!r})
from probe import double
print(compiled._cached(partial(njit, float64(float64)), double)(21.0))
"""
    assert run(code, NUMBA_CACHE_DIR=str(cache)) == ("42.0\n", "", 0)
    (path,) = cache.rglob(f"probe*{ending}")
    contents = path.read_bytes()
    path.write_bytes(contents[: int(kept * len(contents))])
    output, said, exit_code = run(code, NUMBA_CACHE_DIR=str(cache))
    assert (output, exit_code) == ("42.0\n", 0)
    assert said == "" or (f"The compiled code in '{path.parent}' is damaged" in said and "remove that folder" in said)


# PyMC without a compiler, and without a home -----------------------------------------------------------------------

ADVI = FIT + 'FlatBNNClassifier(**{**small, "inference": "advi", "max_iter": 50}).fit(X, y); print("fitted")'


def test_pymc_without_a_compiler(tmp_path):
    """PyTensor 2 computes in Python then, and says so; PyTensor 3 needs none, and is told not to optimise at length."""
    mode = "" if OLD_PYTENSOR else ",mode=FAST_COMPILE"
    output, said, code = run(ADVI, PATH=NO_PATH, PYTENSOR_FLAGS=f"base_compiledir={tmp_path}{mode}")
    assert (code, output) == (0, "fitted\n"), said
    assert ("g++" in said) == OLD_PYTENSOR


def test_pymc_without_a_home(nowhere):
    """An error that says what to set; NUTS needs nothing, see above."""
    _, said, code = run(ADVI, **nowhere)
    assert code == 1
    assert "PyMC cannot be imported without a folder for compiled code" in said
    assert "PYTENSOR_FLAGS=base_compiledir=FOLDER" in said


# Without a network -------------------------------------------------------------------------------------------------


def test_no_network(tmp_path):
    """Imports, fits through nutpie and through PyMC, predictions and files, where every look at the network fails."""
    code = f"""
import sys
NETWORK = {{"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"}}
def refuse(event, arguments):
    if event in NETWORK:
        print(event, arguments[0])
        raise OSError("no network")
sys.addaudithook(refuse)

import contextlib, socket
with contextlib.suppress(OSError):
    socket.getaddrinfo("localhost", 9)
{FIT}
import skhbnn, skhbnn.plotting
fitted = FlatBNNClassifier(**small).fit(X, y)
fitted.predict_uncertainty(X)
fitted.save({str(tmp_path / "fit")!r})
skhbnn.load({str(tmp_path / "fit")!r}).to_arviz()
FlatBNNClassifier(**{{**small, "inference": "advi", "max_iter": 50}}).fit(X, y)
print("fitted")
"""
    expected = ("socket.getaddrinfo localhost\nfitted\n", "", 0)
    assert run(code, "-W", "ignore", PYTENSOR_FLAGS="mode=FAST_COMPILE") == expected
