"""Many groups of 20 rows under an informed prior, NUTS with 2 chains of 300 + 300 steps, two processes.

Each count of groups in a program of its own, whose processes have fitted a few groups before the clock starts. Memory
is that of all processes together, at its peak. A last pair compares Dask's workers with joblib's own.
"""

import json
import pickle
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.base import clone

import skhbnn
from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons

from .common import ARTICLE_HIERARCHICAL, convergence_ignored, measured_in_new_python, timed

N_JOBS = 2
SIZES = (250, 1_000)
COMPARED = 200  # groups, by joblib's processes and by Dask's
NUTS = {"chains": 2, "tune": 300, "draws": 300}
MEASURE = "import sys; from benchmarks.many_groups import measure; measure(*sys.argv[1:])"


def run():
    with tempfile.TemporaryDirectory() as folder, convergence_ignored():
        X, _, y, _, groups, _ = make_rotated_moons()
        path = Path(folder) / "hierarchical.skhbnn"
        HierarchicalBNNClassifier(random_state=0, n_jobs=N_JOBS, **ARTICLE_HIERARCHICAL).fit(X, y, groups=groups).save(
            path
        )
        by_size = [measured_in_new_python(MEASURE, path, size, "loky") for size in SIZES]
        loky, dask = (measured_in_new_python(MEASURE, path, COMPARED, backend) for backend in ("loky", "dask"))
    few, many = by_size
    growth = (many.peak - few.peak) // (many.groups - few.groups)
    ratio = dask.seconds / loky.seconds
    return [
        *({"figure": f"groups a second, {m.groups}", "value": m.groups / m.seconds, "wanted": ">= 4"} for m in by_size),
        *({"figure": f"peak memory of {m.groups} groups, MB", "value": m.peak / 1e6, "wanted": "-"} for m in by_size),
        {"figure": "growth of the peak, bytes a further group", "value": growth, "wanted": "the kept estimator"},
        {"figure": "kept estimator, bytes a group", "value": many.kept // many.groups, "wanted": "-"},
        {"figure": "kept draws in it, bytes a group", "value": many.draws // many.groups, "wanted": "-"},
        {"figure": f"seconds by Dask / by loky, {COMPARED} groups", "value": ratio, "wanted": "<= 1.3"},
    ]


def measure(path, n_groups, backend):
    """Print seconds, peak memory and the bytes that are kept, of one fit."""
    X, _, y, _, groups, _ = make_rotated_moons(n_groups=int(n_groups), n_samples=40, random_state=1)
    prior = InformedPriorBNNClassifier.from_hierarchical(skhbnn.load(path), n_jobs=None, **NUTS)
    estimator = PerGroupClassifier(prior, random_state=0, n_jobs=N_JOBS)
    with workers(backend), convergence_ignored():
        warm = groups < 4 * N_JOBS
        clone(estimator).fit(X[warm], y[warm], groups=groups[warm])
        with peak_memory() as memory, timed() as clock:
            estimator.fit(X, y, groups=groups)
    draws = sum(fitted.posterior_.weights.nbytes for fitted in estimator.estimators_.values())
    kept = sum(len(pickle.dumps(fitted)) for fitted in estimator.estimators_.values())
    found = {"groups": len(estimator.estimators_), "seconds": clock.seconds, "peak": memory.peak}
    print(json.dumps({**found, "draws": draws, "kept": kept}))


@contextmanager
def workers(backend):
    """Processes that joblib hands its tasks to."""
    if backend == "loky":
        yield
        return
    with (
        LocalCluster(n_workers=N_JOBS, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster),
        parallel_config(backend=backend),
    ):
        yield


@contextmanager
def peak_memory(interval=0.1, processes=None):
    """Watch the memory of processes, or of this process and its children, in bytes."""
    memory, done, process = SimpleNamespace(peak=0), threading.Event(), psutil.Process()

    def watch():
        while not done.wait(interval):
            watched = [process, *process.children(recursive=True)] if processes is None else processes
            memory.peak = max(memory.peak, sum(map(resident, watched)))

    thread = threading.Thread(target=watch)
    thread.start()
    yield memory
    done.set()
    thread.join()


def resident(process):
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
