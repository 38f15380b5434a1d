"""Fits and predictions that the memory does not hold are refused, what memory there is, and what of it goes back."""

import ctypes
import re
import sys
import threading

import psutil
import pytest
from processes import FIT, run

from skhbnn import FlatBNNClassifier
from skhbnn.inference import nuts
from skhbnn.support import memory


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


HAS_GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not HAS_GLIBC, reason="glibc alone keeps what threads freed")
def test_memory_that_a_thread_freed_goes_back_to_the_system():
    """As after the chains of a fit: 100 MB of a thread, of which little is still used, but the last of it."""
    kept: list = []

    def work():
        blocks = [bytearray(50_000) for _ in range(2_000)]  # less than what the system is asked for by itself
        kept.append(blocks[-1])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    before = psutil.Process().memory_info().rss
    memory.return_freed_memory()
    assert before - psutil.Process().memory_info().rss > 50e6


def test_every_fit_by_nuts_returns_what_its_chains_took(small, moons, monkeypatch):
    returned: list = []
    monkeypatch.setattr(nuts, "return_freed_memory", lambda: returned.append(True))
    FlatBNNClassifier(**small).fit(moons.X, moons.y)
    FlatBNNClassifier(**small, tol=0.5).fit(moons.X, moons.y)
    assert len(returned) == 2


def test_nothing_is_returned_where_the_library_cannot(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())  # as of musl
    memory.return_freed_memory()
    monkeypatch.setattr(memory.sys, "platform", "win32")  # which has no library of all that is loaded
    monkeypatch.setattr(memory.ctypes, "CDLL", None)
    memory.return_freed_memory()
