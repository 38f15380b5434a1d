"""Groups that are fitted by themselves: two worker processes of Dask, and two threads.

The group distribution is learned from 100 groups of 20 rows of the rotated moons (4 chains of 150 + 25 steps).
``update`` then fits all others under its 100 draws: in threads, and in batches on a cluster of a scheduler and two
workers of one thread each, all processes of this machine. Either is a program of its own, which has fitted two
batches before the clock starts. ``--groups`` says how many groups; a tenth of them shows how the cost grows. Digests of
the draws are compared. The memory of the scheduler is its peak beyond what it takes at rest: a batch and what is found
for it pass through it. With 100 workers the groups take the time of one worker's groups divided by 100, or the time in
which what was found reaches the program that called ``update``, by a network of 1 GB a second, if that is more.
"""

import hashlib
import json
import pickle
import resource
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
from dask.distributed import Client
from joblib import parallel_config

import skhbnn
from skhbnn import HierarchicalBNNClassifier
from skhbnn.data.subsets import rows_of_groups
from skhbnn.datasets import make_rotated_moons
from skhbnn.inference.group_batches import MOST_GROUPS, Batch

from .common import convergence_ignored, measured_in_new_python, scores, timed
from .many_groups import peak_memory

N_WORKERS = 2
LEARNED = 100  # groups
SCORED = 2_000  # groups at the most
WAYS = ("threads", "dask")
SETTINGS = {"chains": 4, "tune": 150, "draws": 25, "max_groups": None}
MANY = 100  # workers of the cluster that is reckoned with
NETWORK = 1e9  # bytes a second
MEASURE = "import sys; from benchmarks.cluster import measure; measure(*sys.argv[1:])"


def run(n_groups):
    sizes = (n_groups // 10, n_groups)
    with tempfile.TemporaryDirectory() as folder, convergence_ignored():
        X, _, y, _, groups, _ = make_rotated_moons(n_groups=LEARNED, n_samples=40, random_state=0)
        path = Path(folder) / "learned.skhbnn"
        learned = HierarchicalBNNClassifier(n_jobs=N_WORKERS, random_state=0, **SETTINGS)
        learned.fit(X, y, groups=groups).save(path, keep_draws="all")
        found = {way: [measured_in_new_python(MEASURE, path, n, way, folder) for n in sizes] for way in WAYS}
    rows = []
    for i, n in enumerate(sizes):
        threads, dask = (found[way][i] for way in WAYS)
        for figure, value, wanted in (
            ("seconds by threads", threads.seconds, "-"),
            ("milliseconds a group by threads", 1e3 * threads.seconds / n, "<= 2"),
            ("milliseconds a group by Dask", 1e3 * dask.seconds / n, "-"),
            ("seconds by Dask", dask.seconds, "-"),
            ("seconds by Dask / by threads", dask.seconds / threads.seconds, "<= 1.3"),
            ("peak memory of the program by threads, GB", threads.peak / 1e9, "-"),
            ("peak memory of the program by Dask, GB", dask.peak / 1e9, "-"),
            ("peak memory of both workers, GB", dask.workers / 1e9, "-"),
            ("memory of the scheduler beyond rest, MB", dask.scheduler / 1e6, "-"),
            ("memory of the scheduler beyond rest, bytes a group", dask.scheduler / n, "-"),
            ("test log loss", threads.loss, "-"),
            ("draws are equal to the last bit", str(threads.digest == dask.digest), "True"),
        ):
            rows.append({"figure": f"{figure}, {n:,} groups", "value": value, "wanted": wanted})
    few, many = (np.array([found[name][i].seconds for name in found]) for i in range(2))  # (way,)
    for name, exponent in zip(found, np.log(many / few) / np.log(sizes[1] / sizes[0]), strict=True):
        rows.append(
            {"figure": f"exponent of the cost in groups, {name}", "value": float(exponent), "wanted": "<= 1.05"}
        )
    last = found["dask"][-1]
    work, travel = N_WORKERS * last.seconds / MANY, n_groups * last.returned / NETWORK
    return [
        *rows,
        {"figure": "bytes a group to a worker", "value": last.sent, "wanted": "-"},
        {"figure": "bytes a group from a worker", "value": last.returned, "wanted": "-"},
        {"figure": f"seconds of work of each of {MANY} workers, {n_groups:,} groups", "value": work, "wanted": "-"},
        {"figure": f"seconds of travel, {n_groups:,} groups", "value": travel, "wanted": "-"},
    ]


def measure(path, n_groups, way, folder):
    """Print what one update with so many groups took, and found."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(n_groups=int(n_groups), n_samples=40, random_state=1)
    names = groups + LEARNED  # (row,): the learned ones are 0 to 99
    with ExitStack() as stack:
        stack.enter_context(convergence_ignored())
        processes = stack.enter_context(cluster(folder)) if way == "dask" else []
        fitted, other = (skhbnn.load(path).set_params(n_jobs=N_WORKERS) for _ in range(2))
        warm = groups < N_WORKERS * MOST_GROUPS  # (row,): a batch for each worker
        other.update(X[warm], y[warm], groups=names[warm])
        at_rest = [process.memory_info().rss for process in processes]
        memories = [stack.enter_context(peak_memory(0.05, [process])) for process in processes]
        with timed() as clock:
            fitted.update(X, y, groups=names)
    tested = groups_test < min(SCORED, int(n_groups))  # (row,)
    loss = scores(y_test[tested], fitted.predict_proba(X_test[tested], groups=groups_test[tested] + LEARNED))[1]
    of_processes = [memory.peak for memory in memories]
    codes = np.arange(LEARNED, LEARNED + min(MOST_GROUPS, int(n_groups)))  # of a batch
    posterior = fitted.posterior_
    shared = [posterior.group_mean, posterior.group_scale]
    batch = Batch(posterior.model, rows_of_groups(fitted.training_data_, codes), tuple(shared), posterior.seed)
    found = {
        "seconds": clock.seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # bytes, on Linux
        "scheduler": of_processes[0] - at_rest[0] if processes else 0,
        "workers": sum(of_processes[1:]),
        "loss": loss,
        "digest": hashlib.sha256(np.ascontiguousarray(posterior.weights)).hexdigest(),
        "sent": len(pickle.dumps(batch)) // len(codes),
        "returned": posterior.n_draws * (4 * posterior.network.n_weights + 8),
    }
    print(json.dumps(found))


@contextmanager
def cluster(folder):
    """A scheduler and its workers as processes, which joblib hands its tasks to."""
    file = str(Path(folder) / "scheduler.json")
    at = ["--scheduler-file", file, "--no-dashboard"]
    commands = [["dask_scheduler", "--port", "0", *at]]
    commands += [["dask_worker", "--nthreads", "1", "--no-nanny", *at]] * N_WORKERS
    running = [
        subprocess.Popen([sys.executable, "-m", f"distributed.cli.{name}", *options], stderr=subprocess.DEVNULL)
        for name, *options in commands
    ]
    try:
        with Client(scheduler_file=file) as client, parallel_config(backend="dask"):
            client.wait_for_workers(N_WORKERS)
            yield [psutil.Process(process.pid) for process in running]
    finally:
        for process in running:
            process.terminate()
            process.wait()
        Path(file).unlink(missing_ok=True)
