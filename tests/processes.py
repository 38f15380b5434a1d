"""Python processes for tests of what happens outside of this one."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil

FIT = """
import hashlib, sys, warnings
from sklearn.exceptions import ConvergenceWarning
warnings.simplefilter("ignore", ConvergenceWarning)
from skhbnn import FlatBNNClassifier
from skhbnn.datasets import make_rotated_moons
X, _, y, *_ = make_rotated_moons(n_groups=4, n_samples=30, random_state=0)
small = dict(hidden_layer_sizes=(3,), chains=2, tune=50, draws=50, random_state=0)
"""


def start(code, *options, **environment):
    """Start Python on some code, with options of the interpreter, as a process group of its own."""
    return subprocess.Popen(
        [sys.executable, *options, "-c", code],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(*processes, seconds=600):
    """The code that each process ends with, and what it printed and said; it must end by itself."""
    try:
        return [(*process.communicate(timeout=seconds), process.returncode) for process in processes]
    finally:
        for process in processes:
            with process:  # closes its pipes
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def run(code, *options, **environment):
    """Run Python on some code: what it printed, what it said, and the code that it ended with."""
    return finish(start(code, *options, **environment))[0]


def busy_threads(process, seconds):
    """Threads of a process and its children that computed for a tenth of some seconds, but for this one."""

    def times():
        found = {}
        for member in [process, *process.children(recursive=True)]:
            try:
                threads = member.threads()
            except psutil.NoSuchProcess:
                continue
            found |= {thread.id: thread.user_time + thread.system_time for thread in threads}
        return found

    before = times()
    time.sleep(seconds)
    own = threading.get_native_id()
    return sum(now - before.get(key, now) >= 0.1 * seconds for key, now in times().items() if key != own)


def busy_while(work):
    """How many threads compute at once, from look to look, while some work is done in a thread of its own."""
    worker, counts, process = threading.Thread(target=work), [], psutil.Process()
    worker.start()
    while worker.is_alive():
        counts.append(busy_threads(process, 0.2))
    worker.join()
    return counts
