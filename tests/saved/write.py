"""Write the files that tests/test_persistence.py loads on every supported Python: run it on each of them.

Each holds a fit with group labels of several kinds; ``expected.json`` beside them holds the predictions of the process
that wrote it.
"""

import datetime
import json
import sys
import warnings
from pathlib import Path

import numpy as np

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

FOLDER = Path(__file__).parent
LABELS = ["oak", ("elm", 1), 2.5, datetime.date(2024, 2, 28)]
UNSEEN = datetime.datetime(2024, 2, 28, tzinfo=datetime.UTC)


def inputs():
    """Training rows with their labels, and rows of every group and of an unseen one."""
    X, X_new, y, _, groups, groups_new = make_rotated_moons(n_groups=4, n_samples=20, random_state=0)
    labels_new = [LABELS[code] for code in groups_new[::8]]
    return X, y, [LABELS[code] for code in groups], X_new[[*range(0, len(X_new), 8), 0]], [*labels_new, UNSEEN]


if __name__ == "__main__":
    X, y, groups, X_new, groups_new = inputs()
    warnings.simplefilter("ignore")
    fitted = HierarchicalBNNClassifier((2,), chains=2, tune=20, draws=10, random_state=np.random.RandomState(0))
    fitted.fit(X, y, groups=groups)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    fitted.save(FOLDER / f"{name}.skhbnn")
    expected = json.loads((FOLDER / "expected.json").read_text()) if (FOLDER / "expected.json").exists() else {}
    expected[name] = fitted.predict_proba(X_new, groups=groups_new).tolist()
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
