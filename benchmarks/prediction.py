"""predict_proba on 10,000 rows with 2,000 draws, in a process that has only loaded the fitted model."""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import joblib

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

PREDICT = """
import resource, sys, time
import joblib, numpy as np
fitted = joblib.load(sys.argv[1])
rng = np.random.default_rng(0)
X, groups = rng.normal(size=(10_000, 2)), rng.integers(0, 18, 10_000)
fitted.predict_proba(X[:18], groups=range(18))
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
fitted.predict_proba(X, groups=groups)
print(time.perf_counter() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024)
"""


def run():
    X, _, y, _, groups, _ = make_rotated_moons()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 20 steps of tuning are too few, and enough here
        fitted = HierarchicalBNNClassifier(chains=4, tune=20, draws=500, n_jobs=2, random_state=0)
        path = Path(folder) / "fitted.joblib"
        joblib.dump(fitted.fit(X, y, groups=groups), path)
        command = [sys.executable, "-c", PREDICT, str(path)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds, megabytes = map(float, output.split())
    return [
        {"figure": "seconds", "value": seconds, "wanted": "< 3"},
        {"figure": "peak memory above that of the loaded model, MB", "value": megabytes, "wanted": "< 500"},
    ]
