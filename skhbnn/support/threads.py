"""How many threads a fit may use."""

import os
from numbers import Integral

from joblib import cpu_count, effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.utils._param_validation import Interval

# What a parameter ``n_jobs`` may be: joblib knows no 0.
N_JOBS = [None, Interval(Integral, 1, None, closed="left"), Interval(Integral, None, -1, closed="right")]


def n_threads(n_jobs):
    """The number of threads that a parameter ``n_jobs`` stands for.

    Parameters
    ----------
    n_jobs : int or None
        None: all cores, or as many as the environment variable OMP_NUM_THREADS names; one within a task of joblib,
        whose other tasks take the other cores; or what ``joblib.parallel_config`` says. An integer: as joblib has it.

    Returns
    -------
    n : int
    """
    chosen = effective_n_jobs(n_jobs)
    backend, _ = get_active_backend()
    is_task = backend.nesting_level > 0 or backend.effective_n_jobs(-1) == 1  # the second: a sequential backend
    if n_jobs is not None or chosen > 1 or is_task:
        return chosen
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cpu_count(), int(limit)) if limit.isdecimal() and int(limit) > 0 else cpu_count()
