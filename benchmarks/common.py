"""The article's data and settings, the quality of a prediction, and a clock."""

import ctypes
import json
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from skhbnn.inference import nuts
from skhbnn.support.libraries import import_arviz

ARTICLE = {
    "hidden_layer_sizes": (5, 5),
    "fit_intercept": False,
    "prior_scale": 1.0,
    "target_accept": 0.9,
    "chains": 4,
    "tune": 400,
    "draws": 400,
}
ARTICLE_HIERARCHICAL = {**ARTICLE, "pooling": "partial"}


@contextmanager
def timed():
    """Give a clock whose ``seconds`` are those that the block took."""
    clock, start = SimpleNamespace(seconds=None), time.perf_counter()
    yield clock
    clock.seconds = time.perf_counter() - start


def trajectories(*, long):
    """With trajectories of NUTS that are long even where few steps adapt the sampler, or as they are."""
    return patch.object(nuts, "SHORT_RUN", 0) if long else nullcontext()


@contextmanager
def convergence_ignored():
    """Without ConvergenceWarning: the quality that it is about stands in the table itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "inference='.*' (takes|climbs)")
        yield


@contextmanager
def warnings_ignored():
    """Without the peers' own warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def observed(function, *arguments):
    """What a function returns, the seconds it took, and whether it warned of convergence."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with timed() as clock:
            found = function(*arguments)
    warned = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return found, clock.seconds, warned


def gradient_seconds(density, repeats):
    """Seconds of one call of the callback that the sampler calls, the fastest of several runs of so many."""
    arrays = density.initial_point(0), np.empty(density.n_dim), np.empty(1)  # x, gradient, log density
    pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in arrays]
    arguments, header = (density.n_dim, *pointers), density.header_address
    best = np.inf
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(repeats):
            density.callback.ctypes(*arguments, header)
        best = min(best, (time.perf_counter() - start) / repeats)
    return best


def measured_in_new_python(code, *arguments):
    """What a program prints as JSON, as a namespace."""
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return SimpleNamespace(**json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def first_rows(groups, n_rows):
    """Positions of the first rows of every group, (row,)."""
    return np.concatenate([np.flatnonzero(groups == g)[:n_rows] for g in np.unique(groups)])


def scores(y, proba):
    """Accuracy and log loss of the probabilities of class 1, or of all classes."""
    if proba.ndim == 1:
        proba = np.stack([1 - proba, proba], axis=1)  # (row, class)
    return float(np.mean(proba.argmax(axis=1) == y)), float(log_loss(y, proba, labels=range(proba.shape[1])))


def median_ess(proba, n_chains, n_probes=50):
    """Median effective sample size of the logits of class 1 over evenly spaced rows; proba: (draw, row)."""
    arviz = import_arviz()
    rows = np.linspace(0, proba.shape[1] - 1, n_probes).astype(int)  # (probe,)
    p = np.clip(proba[:, rows], 1e-12, 1 - 1e-12)  # (draw, probe)
    logits = np.log(p / (1 - p)).reshape(n_chains, -1, n_probes)  # (chain, draw, probe)
    return float(np.median([float(arviz.ess(logits[:, :, k])) for k in range(n_probes)]))


def paired(a, b):
    """Mean of a - b and its standard error over seeds."""
    difference = np.asarray(a) - np.asarray(b)  # (seed,)
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
