"""One line of progress on standard error: rewritten in a terminal, a line per tenth elsewhere."""

import sys
import time


class ProgressLine:
    """Progress of one long computation.

    Parameters
    ----------
    label : str
        What is being done.
    unit : str, default="draws"
        What its steps are.
    """

    def __init__(self, label, unit="draws"):
        self.label = label
        self.unit = unit
        self._start = time.monotonic()
        self._tenth = 0

    def __call__(self, done, total):
        """Say that done of total steps are made."""
        live = sys.stderr.isatty()
        tenth = 10 * done // total
        if not live and tenth <= self._tenth:
            return
        self._tenth = tenth
        seconds = time.monotonic() - self._start
        text = f"{self.label}: {done} of {total} {self.unit}, {seconds:.1f} s"
        end = "" if live and done < total else "\n"
        print(("\r" if live else "") + text, end=end, file=sys.stderr, flush=True)
