"""Classifiers that watch or disturb the fit of a group, for the tests of fits in parallel."""

import os
import signal
import time
import warnings
from pathlib import Path

import numpy as np
from joblib import effective_n_jobs
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_info


class Noted(LogisticRegression):
    """Leaves a file in a folder for every fit, and draws a number from its seed."""

    def __init__(self, folder=None, C=1.0, random_state=None):
        super().__init__(C=C, random_state=random_state)
        self.folder = folder

    def fit(self, X, y):
        Path(self.folder, f"{len(os.listdir(self.folder))}-{os.getpid()}").touch()
        self.drawn_ = check_random_state(self.random_state).randint(10**6)
        return super().fit(X, y)


class Deadly(LogisticRegression):
    """Kills its process where X has an entry above 1000, as long as a folder has fewer than so many marks."""

    def __init__(self, folder=None, times=1, random_state=None):
        super().__init__(random_state=random_state)
        self.folder = folder
        self.times = times

    def fit(self, X, y):
        if np.max(X) > 1000:
            deaths = len(os.listdir(self.folder))
            if deaths < self.times:
                Path(self.folder, str(deaths)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


class Interrupted(LogisticRegression):
    """Presses Ctrl-C, which reaches all processes of the terminal, where X has an entry above 1000; once a folder.

    Given the folder of a checkpoint, it waits until that has a result.
    """

    def __init__(self, folder=None, checkpoint=None):
        super().__init__()
        self.folder = folder
        self.checkpoint = checkpoint

    def fit(self, X, y):
        if self.folder is not None and np.max(X) > 1000 and not os.listdir(self.folder):
            Path(self.folder, "pressed").touch()
            while self.checkpoint is not None and not list(Path(self.checkpoint).glob("*.joblib")):
                time.sleep(0.01)
            os.killpg(0, signal.SIGINT)
            time.sleep(1)
        return super().fit(X, y)


class Failing(LogisticRegression):
    """Fails where X has an entry above 1000."""

    def fit(self, X, y):
        if np.max(X) > 1000:
            raise OverflowError("too large for me")
        return super().fit(X, y)


class Talking(LogisticRegression):
    """Warns in every fit, of another thing where X has an entry above 1000."""

    def fit(self, X, y):
        warnings.warn("small talk" if np.max(X) < 1000 else "large talk", UserWarning, stacklevel=2)
        return super().fit(X, y)


class Threads(LogisticRegression):
    """Notes how many threads and jobs it may use."""

    def fit(self, X, y):
        self.pools_ = max((pool["num_threads"] for pool in threadpool_info()), default=1)
        self.jobs_ = [effective_n_jobs(n_jobs) for n_jobs in (None, 4, -1)]
        return super().fit(X, y)
