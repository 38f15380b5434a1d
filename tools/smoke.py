"""Fit, predict, save and load with the installed package, in an environment that has nothing else."""

import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import skhbnn
from skhbnn.datasets import make_rotated_moons

warnings.simplefilter("ignore", ConvergenceWarning)  # a tenth of the draws that a fit takes
X, X_new, y, y_new, groups, groups_new = make_rotated_moons(n_groups=4, n_samples=60, random_state=0)
hierarchical = skhbnn.HierarchicalBNNClassifier(chains=2, tune=100, draws=100, random_state=0)
hierarchical.fit(X, y, groups=groups)
informed = skhbnn.InformedPriorBNNClassifier.from_hierarchical(hierarchical).fit(X[groups == 0], y[groups == 0])
assert hierarchical.score(X_new, y_new, groups=groups_new) > 0.6
assert informed.score(X_new[groups_new == 0], y_new[groups_new == 0]) > 0.6
assert len(hierarchical.to_arviz().posterior.weights.dims) == 4
with tempfile.TemporaryDirectory() as folder:
    hierarchical.save(path := Path(folder, "fit.skhbnn"))
    loaded = skhbnn.load(path)
proba = hierarchical.predict_proba(X_new, groups=groups_new)  # (row, class)
np.testing.assert_array_equal(loaded.predict_proba(X_new, groups=groups_new), proba)
assert skhbnn.__version__ == version("skhbnn")
print(f"skhbnn {skhbnn.__version__} works, from {Path(skhbnn.__file__).parent}")
