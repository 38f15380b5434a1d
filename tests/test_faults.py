"""What is kept and what is said when the user, the disk, the memory or the machine gets in the way of a fit.

Killed workers and programs are in ``test_checkpoint.py`` and ``test_clusters.py``.
"""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytensor
import pytest
from processes import finish, run, start

import skhbnn
from skhbnn import FlatBNNClassifier
from skhbnn.support import memory

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

FIT = """
import hashlib, sys, warnings
from sklearn.exceptions import ConvergenceWarning
warnings.simplefilter("ignore", ConvergenceWarning)
from skhbnn import FlatBNNClassifier
from skhbnn.datasets import make_rotated_moons
X, _, y, *_ = make_rotated_moons(n_groups=4, n_samples=30, random_state=0)
small = dict(hidden_layer_sizes=(3,), chains=2, tune=50, draws=50, random_state=0)
"""
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


# Memory ------------------------------------------------------------------------------------------------------------


# Of two sizes the first is that of nutpie since 0.16.11, which keeps less of a step.
@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {"draws": 10**12},
            r"2 chains of 50 \+ 1000000000000 steps of 13 unconstrained weights .* would take (312|728)",
        ),
        ({"tune": 10**13}, r"would take (1\.0|5\.2) PB of memory, and .* are available; lower draws, tune or chains"),
        (
            {"draws": 10**13, "inference": "advi"},
            r"0 draws of 13 .* would take 7\.3 PB .*; lower draws, or",
        ),
        ({"draws": 10**12, "inference": "metropolis"}, r"would take 1\.2 PB"),
        (
            {"inference": "pymc", "sample_kwargs": {"draws": 10**12, "chains": 1}},
            r"1 chains of 50 \+ 1000000000000 steps .* would take 624",
        ),
    ],
    ids=["draws", "tune", "advi", "metropolis", "sample_kwargs"],
)
def test_draws_that_do_not_fit_are_refused(params, said, small, moons):
    estimator = FlatBNNClassifier(**{**small, **params})
    with pytest.raises(MemoryError, match=said):
        estimator.fit(moons.X, moons.y)
    assert not hasattr(estimator, "posterior_")


def test_refused_under_a_limit_of_the_process():
    """Where nutpie would abort the process: two or more GB of draws in 0.9 GB of address space."""
    code = f"""{FIT}
import resource
FlatBNNClassifier(**small).fit(X, y)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 9 * 10**8, resource.RLIM_INFINITY))
try:
    FlatBNNClassifier(**{{**small, "draws": 6 * 10**6}}).fit(X, y)
except MemoryError as error:
    print(error)
"""
    output, said, code = run(code)
    assert (code, said) == (0, "")
    assert re.search(r"steps of 13 unconstrained weights and scales would take (1\.9|4\.4) GB of memory, and ", output)
    assert "MB are available; lower draws" in output


def test_what_a_fit_takes_is_what_is_asked_for():
    """The peak of the memory of a process beside the estimate, on draws that outweigh everything else."""
    code = """
import re, warnings
import numpy as np
from skhbnn import HierarchicalBNNClassifier
from skhbnn.inference import nuts
warnings.simplefilter("ignore")
asked = []
nuts.require_memory = lambda n_bytes, *args: asked.append(n_bytes)

def fit(n_groups, draws):
    X, y = np.random.default_rng(0).normal(size=(2 * n_groups, 2)), np.arange(2 * n_groups) % 2
    settings = dict(prior_scale=(1.0, 4.0), chains=2, tune=50, draws=draws, target_accept=0.4, random_state=0)
    HierarchicalBNNClassifier(**settings).fit(X, y, groups=np.repeat(np.arange(n_groups), 2))

def kilobytes(field):
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

fit(20, 10)  # what is made once, the compiled density among it
open("/proc/self/clear_refs", "w").write("5")  # from here on the peak is that of the second fit
before = kilobytes("VmRSS")
fit(400, 500)
print((kilobytes("VmHWM") - before) * 1024 / asked[-1])
"""
    output, said, code = run(code)
    assert code == 0, said
    assert 0.6 < float(output) < 1.4


def test_probabilities_that_do_not_fit_are_refused(flat, moons, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**5)
    with pytest.raises(MemoryError, match=r"60 rows under 100 draws would take 192\.0 kB .* lower n_draws"):
        flat.sample_proba(moons.X_new)
    assert flat.sample_proba(moons.X_new, n_draws=50).shape == (50, 60, 2)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that lays out the files by which Linux tells of memory; limits are in bytes."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "cgroup")

    def lay_out(**files):
        for name, text in {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n", **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    return lay_out


CASES = {
    "the machine": ({}, 8000 * 1024),
    "version 2, a limit further up": (
        {
            "proc/self/cgroup": "0::/a/b\n",
            "cgroup/a/b/memory.max": "max\n",
            "cgroup/a/memory.max": "5000\n",
            "cgroup/a/memory.current": "3000\n",
            "cgroup/a/memory.stat": "anon 2500\ninactive_file 400\n",
        },
        2400,
    ),
    "version 1": (
        {
            "proc/self/cgroup": "5:cpu:/x\n4:memory:/x\n",
            "cgroup/memory/x/memory.limit_in_bytes": "5000\n",
            "cgroup/memory/x/memory.usage_in_bytes": "3000\n",
            "cgroup/memory/x/memory.stat": "total_inactive_file 100\n",
        },
        2100,
    ),
    "a container that sees its own group as the root": (
        {
            "proc/self/cgroup": "0::/outside/of/it\n",
            "cgroup/memory.max": "5000\n",
            "cgroup/memory.current": "6000\n",
            "cgroup/memory.stat": "inactive_file 0\n",
        },
        0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_available_memory(case, machine):
    files, expected = CASES[case]
    machine(**files)
    assert memory.available_bytes() == expected


def test_unknown_memory_refuses_nothing(machine, monkeypatch):
    """Where the system tells only how much memory there is, that is the limit; where not even that, there is none."""
    pages = {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 1000}
    monkeypatch.setattr(memory.os, "sysconf", pages.__getitem__)
    assert memory.available_bytes() == 3000
    monkeypatch.delattr(memory.os, "sysconf")
    assert memory.available_bytes() is None
    memory.require_memory(10**18, "A fit", "lower draws")


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
