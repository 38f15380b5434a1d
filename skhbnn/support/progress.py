"""Progress of a long computation: a line on standard error, and tasks of which scikit-learn's callbacks are told."""

import sys
import threading
import time
from contextlib import contextmanager

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """A class in the place of scikit-learn's, which supports no callbacks."""


REFRESH = 0.1  # seconds between two states of a line that is rewritten
STEPS = 100  # tasks of a fit whose own steps are too many to tell


def _is_rewritable(stream):
    """Whether a stream goes back to the start of its line: a terminal does, and the output of a notebook's cell."""
    if type(stream).__module__.partition(".")[0] == "ipykernel":
        return True
    try:
        return bool(stream.isatty())
    except (
        AttributeError,
        ValueError,
        OSError,
    ):  # it can write alone, or is closed
        return False


class ProgressLine:
    """One line of progress on standard error: rewritten in a terminal and a notebook, a line per tenth in a log file.

    Parameters
    ----------
    label : str
        What is being done.
    unit : str
        What its steps are.
    """

    def __init__(self, label, unit):
        self.label = label
        self.unit = unit
        self._stream = sys.stderr  # None in a program without a console, and once it cannot be written to
        self._live = self._stream is not None and _is_rewritable(self._stream)
        self._start, self._shown = time.monotonic(), -REFRESH
        self._tenth = 0
        self._is_open = False

    def __call__(self, done, total):
        """Show that done of total steps are made; the last step is shown once."""
        seconds, tenth = time.monotonic() - self._start, 10 * done // total
        is_due = seconds - self._shown >= REFRESH or done >= total if self._live else tenth > self._tenth
        if self._stream is None or self._tenth >= 10 or not is_due:
            return
        self._tenth, self._shown = tenth, seconds
        self._is_open = self._live and done < total
        text = f"{self.label}: {done} of {total} {self.unit}, {seconds:.1f} s"
        self._write(("\r" if self._live else "") + text + ("" if self._is_open else "\n"))

    def close(self):
        """End the line of work that ended before its last step."""
        if self._is_open:
            self._write("\n")

    def _write(self, text):
        """Write a text; a stream that does not take it is left alone from then on, so that the work goes on."""
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            if hasattr(self._stream, "flush"):
                self._stream.flush()
        except Exception:  # a stream is anybody's object, and progress is not worth a fit
            self._stream = None


class _CallbackTasks:
    """Report that tells the callbacks of an estimator of each task that is done."""

    def __init__(self, estimator, context, name):
        self.estimator, self.context, self.name = estimator, context, name
        self._n_told = 0

    def __call__(self, done, total):
        n_done = self.context.max_subtasks * done // total
        for _ in range(self._n_told, n_done):
            task = self.context.subcontext(task_name=self.name)
            task.call_on_fit_task_begin(estimator=self.estimator)
            task.call_on_fit_task_end(estimator=self.estimator)
        self._n_told = max(self._n_told, n_done)


@contextmanager
def fit_progress(estimator, unit, n_tasks=STEPS):
    """A context that shows the progress of a fit where ``verbose`` asks so, and tells scikit-learn's callbacks.

    Must be within a method that scikit-learn's ``_fit_context`` decorates: it tears the callbacks down.

    Parameters
    ----------
    estimator : estimator
        Its callbacks come from ``set_callbacks``, or from the pipeline or search that fits it.
    unit : str
        What the steps of the fit are.
    n_tasks : int, default=100
        Tasks that the callbacks are told.

    Yields
    ------
    report : callable or None
        To be given the number of steps done, and of all; None if nobody wants to know.
    """
    line = ProgressLine(type(estimator).__name__, unit) if estimator.verbose else None
    reports: list = [] if line is None else [line]
    context = None
    if hasattr(estimator, "_init_callback_context"):
        context = estimator._init_callback_context(max_subtasks=n_tasks)
        context.call_on_fit_task_begin(estimator=estimator)
        if getattr(estimator, "_skl_callbacks", None):
            reports.append(_CallbackTasks(estimator, context, unit))

    lock, ended = threading.Lock(), False

    def report(done, total):
        with lock:  # a sampler reports from a thread of its own, maybe once more after its end
            for each in () if ended else reports:
                each(done, total)

    try:
        yield report if reports else None
    finally:
        with lock:
            ended = True
        if line is not None:
            line.close()
    if context is not None:
        context.call_on_fit_task_end(estimator=estimator)
