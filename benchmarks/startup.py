"""First fit ever, import, and a warm fit of 50 rows.

Each in a process of its own. The first fit has an empty cache of compiled code.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np

FIT = """
import time; start = time.perf_counter()
import warnings; warnings.simplefilter("ignore")
from skhbnn import FlatBNNClassifier
from skhbnn.datasets import make_rotated_moons
X, _, y, _, _, _ = make_rotated_moons(n_groups=1)
settings = dict(fit_intercept=False, chains=4, tune=400, draws=400, n_jobs=2, random_state=0)
FlatBNNClassifier(**settings).fit(X, y)
first = time.perf_counter() - start
start = time.perf_counter()
FlatBNNClassifier(**settings).fit(X, y)
print(first, time.perf_counter() - start)
"""
IMPORT = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"
HEAVY = "import sys, skhbnn; print([m for m in ('pymc', 'pytensor', 'nutpie', 'arviz', 'numba') if m in sys.modules])"


def python(code, **environment):
    """Words that the code prints in a new interpreter."""
    output = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return output.stdout.split()


def run():
    with tempfile.TemporaryDirectory() as cache:
        first, _ = map(float, python(FIT, NUMBA_CACHE_DIR=cache))
        second, warm = map(float, python(FIT, NUMBA_CACHE_DIR=cache))
    ours = np.median([float(python(IMPORT.format("skhbnn"))[0]) for _ in range(5)])
    theirs = np.median([float(python(IMPORT.format("sklearn.neural_network"))[0]) for _ in range(5)])
    return [
        {"figure": "first fit ever, imports included, s", "value": first, "wanted": "< 20"},
        {"figure": "first fit of a process, imports included, s", "value": second, "wanted": "-"},
        {"figure": "flat fit on 50 rows, warm, s", "value": warm, "wanted": "< 1.5"},
        {"figure": "import skhbnn less import sklearn.neural_network, s", "value": ours - theirs, "wanted": "<= 1"},
        {"figure": "heavy modules that import skhbnn loads", "value": " ".join(python(HEAVY)), "wanted": "[]"},
    ]
