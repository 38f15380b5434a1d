"""Independent tasks handed to joblib: their results as they finish, whatever becomes of the workers that run them."""

import contextlib
import threading
import warnings
from concurrent.futures.process import BrokenProcessPool

from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from .wording import named, shortened

MAX_LOST_WORKERS = 3  # a task that kills its worker every time must come to an end
TASKS_PER_CALL = 50  # a worker, where joblib returns all results of a call at once, as with Ray
CHECK_SECONDS = 2.0  # between two questions whether there are workers


def has_other_workers(n_jobs):
    """Whether joblib's active backend has more than one worker, and is not one of its own for this machine.

    Parameters
    ----------
    n_jobs : int or None
        As joblib has it.

    Returns
    -------
    has_other_workers : bool
    """
    return _is_foreign(get_active_backend()[0]) and effective_n_jobs(n_jobs) > 1


def _is_foreign(backend):
    """Whether a backend, such as Dask's or Ray's, is not one of joblib's own, which use the cores of this machine."""
    return type(backend).__module__ != "joblib._parallel_backends"


def _result(task):
    """Key and result of a task: one tuple, since Dask would scatter larger arguments, and lose them with a worker."""
    key, function, argument = task
    return key, function(argument)


class _Watch:
    """A watch on the workers of a backend that is not joblib's own, which ends a call when they are lost.

    joblib would wait without end: for workers that never come back, and with Dask for a task that Dask gave up.
    """

    def __init__(self, parallel, backend):
        self.reason = None
        self._parallel, self._backend, self._is_over = parallel, backend, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        if _is_foreign(backend):
            self._thread.start()

    def _look(self):
        while self.reason is None and not self._is_over.wait(CHECK_SECONDS):
            given_up = [job.job.exception() for job in self._pending() if job.job.done()]
            self.reason = next((error for error in given_up if error is not None), None)
            with contextlib.suppress(Exception):  # of a scheduler slow to answer; that it is gone Dask says itself
                try:
                    self._backend.effective_n_jobs(-1)
                except TimeoutError as error:  # of Dask's, where there have been no workers for some time
                    self.reason = self.reason or error
        if self.reason is not None:
            self._parallel.timeout = 0  # which joblib reads again and again

    def _pending(self):
        """Tasks whose end joblib waits for, with the futures of the backend."""
        jobs = list(getattr(self._parallel, "_jobs_set", ()))
        return [job for job in jobs if hasattr(job.job, "done") and hasattr(job.job, "exception")]

    def close(self):
        self._is_over.set()


def results(keys, function, argument, n_jobs, *, unit, ends):
    """Yield key and result of a function for every key, in the order in which the calls end.

    Parameters
    ----------
    keys : list of hashable
    function : callable
        Defined at the top of a module.
    argument : callable
        Makes the argument of the function for a key, when its turn comes.
    n_jobs : int or None
        Calls that run at once.
    unit : str
        What a key stands for, in the plural, for the error.
    ends : callable
        Whether no more calls are to start after a result.

    Raises
    ------
    RuntimeError
        If workers keep being lost, or there are none left.
    """
    left, lost_workers, stopping = dict.fromkeys(keys), 0, False
    backend = get_active_backend()[0]
    streams = backend.supports_return_generator
    n_tasks = len(left) if streams else TASKS_PER_CALL * effective_n_jobs(n_jobs)
    while left and not stopping:
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered" if streams else "list")
        watch = _Watch(parallel, backend)
        try:
            with contextlib.closing(watch):
                tasks = (
                    delayed(_result)((key, function, argument(key))) for key in list(left)[:n_tasks] if not stopping
                )
                finished = parallel(tasks)
                with _closing(finished) if streams else contextlib.nullcontext():
                    for key, result in finished:
                        del left[key]
                        stopping = stopping or ends(result)
                        yield key, result
        except BrokenProcessPool as error:
            lost_workers += 1
            if lost_workers > MAX_LOST_WORKERS:
                raise RuntimeError(
                    f"Processes that fit {unit} were killed {lost_workers} times, maybe for want of memory; "
                    f"{_named(left, unit)}. Set n_jobs to fewer, and checkpoint to a folder, which keeps the {unit} "
                    "that are done."
                ) from error
        except Exception as error:
            if watch.reason is None:
                raise
            said = " ".join(f"{type(watch.reason).__name__}: {watch.reason}".rstrip(".").split())
            raise RuntimeError(
                f"Workers of joblib's backend that fit {unit} were lost ({shortened(said)}); {_named(left, unit)}. "
                "Start workers anew, with more memory if that is what they lacked, and set checkpoint to a folder, "
                f"which keeps the {unit} that are done."
            ) from error


def _named(left, unit):
    """Text of the keys without a result."""
    return f"{len(left)} {unit} are not fitted, of them {named(list(left))}"


@contextlib.contextmanager
def _closing(finished):
    """A context that ends a generator of joblib behind it, without joblib's warning of tasks that an error cuts off."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            finished.close()
