"""Independent fits handed to joblib: their outcomes as they finish, whatever becomes of the processes that run them."""

import contextlib
import threading
import traceback
import warnings
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs, parallel_config
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from ...support.parallel import results


class Task(NamedTuple):
    """What the fit of one group needs.

    A tuple: Dask would scatter larger arguments, and lose them with the worker that has them.

    Parameters
    ----------
    key : hashable
        Label of the group, or POOLED for the fallback.
    estimator : estimator
        Unfitted.
    X, y : {array-like, dataframe}
        Rows of the group.
    weights : ndarray of shape (n_rows,) or None
        How often each row counts; None where ``fit`` got no weights, which not every estimator takes.
    refit_inference : str, default=None
        Inference of a second fit, made if the diagnostics of the first doubt it.
    """

    key: Any
    estimator: Any
    X: Any
    y: np.ndarray
    weights: np.ndarray | None = None
    refit_inference: str | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of the fit of one group.

    Parameters
    ----------
    estimator : estimator or None
        Fitted estimator; None if the fit failed.
    error : type or None
        ValueError, TypeError or RuntimeError: the kind of the fit's error; None if there was none.
    error_text : str
        Text of the error.
    trace : str
        Traceback of the error.
    warnings : list of (type, str)
        Categories and texts of the warnings of the fit.
    """

    estimator: Any
    error: type | None = None
    error_text: str = ""
    trace: str = ""
    warnings: list = field(default_factory=list)


@contextlib.contextmanager
def _recorded_warnings(**filters):
    """Warnings of a block as a list; outside of the main thread none are caught: recording is not thread-safe."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    with warnings.catch_warnings(record=True, **filters) as caught:
        yield caught


def inference_parameters(estimator):
    """Names of all parameters ``inference`` of an estimator and of the estimators within it, as a list."""
    return [name for name in estimator.get_params() if name.rpartition("__")[2] == "inference"]


def fit_task(task):
    """The estimator of a task, fitted, by another inference if the diagnostics doubt its first fit."""
    by_row = {} if task.weights is None else {"sample_weight": task.weights}
    if task.refit_inference is None:
        return task.estimator.fit(task.X, task.y, **by_row)
    with _recorded_warnings(action="always") as caught:
        fitted = task.estimator.fit(task.X, task.y, **by_row)
    names, parts = inference_parameters(fitted), {"": fitted, **fitted.get_params()}
    judged = [parts[name.removesuffix("inference").removesuffix("__")] for name in names]
    for part in judged:
        if not hasattr(part, "diagnostics_"):
            raise ValueError(
                f"refit_inference needs diagnostics_, and {type(fitted).__name__} fits a copy of its "
                f"{type(part).__name__}, which keeps them: put the {type(part).__name__} itself, or a pipeline, in "
                "its place."
            )
    if any(part.diagnostics_.doubts() for part in judged):
        again = clone(fitted).set_params(**dict.fromkeys(names, task.refit_inference))
        return again.fit(task.X, task.y, **by_row)
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return fitted


def _outcome(task, crowded):
    """Outcome of the fit of a task, on one thread if other groups are fitted meanwhile."""
    # BLAS on one thread always: with more, the last digits of its sums depend on how many there are.
    alone = parallel_config(backend="sequential") if crowded else contextlib.nullcontext()
    with alone, threadpool_limits(1), _recorded_warnings() as caught:
        try:
            outcome = Outcome(estimator=fit_task(task))
        except Exception as error:  # a value, so that it takes no other group with it; fit raises or reports it
            kind = next((kind for kind in (ValueError, TypeError) if isinstance(error, kind)), RuntimeError)
            text = f"{type(error).__name__}: {error}" if kind is RuntimeError else str(error)
            outcome = Outcome(estimator=None, error=kind, error_text=text, trace=traceback.format_exc())
    return replace(outcome, warnings=[(w.category, str(w.message)) for w in caught])


def run_tasks(keys, task, n_jobs, keep_going):
    """Yield key and outcome of the fit of every task, in the order in which the fits end.

    Parameters
    ----------
    keys : list of hashable
        Labels of groups, and POOLED for the fallback.
    task : callable
        Makes the Task of a key, when its turn comes.
    n_jobs : int or None
        Tasks that run at once.
    keep_going : bool
        Whether to start further tasks after one failed.

    Raises
    ------
    RuntimeError
        If workers keep being lost, or there are none left.
    """

    def ends(outcome):
        return not (keep_going or outcome.error is None)

    fit = partial(_outcome, crowded=effective_n_jobs(n_jobs) > 1)
    return results(keys, fit, task, n_jobs, unit="groups", ends=ends)
