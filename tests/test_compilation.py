"""After its first fits a process compiles nothing: other models are other data for the same compiled code."""

import json

COUNTED = """
import json, warnings
import numpy as np
from numba import cfunc, njit
from numba.core import event
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
warnings.simplefilter("ignore")

def compiled(work):
    "Passes of Numba's compiler that some work starts; of a C callback Numba reports nothing else."
    with event.install_recorder("numba:run_pass") as recorder:
        work()
    return len(recorder.buffer)

"""

COUNTER = """
@njit
def double(x):
    return 2 * x

work = [lambda: double(1), lambda: double(2), lambda: double(2.5), lambda: cfunc("f8(f8)")(lambda x: 2 * x)]
print(json.dumps([compiled(each) for each in work]))
"""

FITS = """
rng = np.random.default_rng(0)

def fit_and_predict(n_features, n_groups, n_classes, make, **params):
    y = np.arange(12 * n_groups) % n_classes  # (row,)
    X, groups = rng.normal(size=(len(y), n_features)), np.repeat(np.arange(n_groups), 12)  # (row, feature), (row,)
    fitted = make(chains=1, tune=5, draws=10, max_iter=5, random_state=0, **params)
    labels = {"groups": groups} if isinstance(fitted, HierarchicalBNNClassifier) else {}
    fitted.fit(X, y, **labels)
    for predict in (fitted.predict, fitted.predict_std, fitted.predict_uncertainty, fitted.sample_proba):
        predict(X, **labels)
    if labels:
        fitted.predict_proba(X, groups=["unseen"] * len(X))
        InformedPriorBNNClassifier.from_hierarchical(fitted, chains=1, tune=5, draws=10).fit(X, y).predict(X)

# Of each likelihood, of the curvature, and of each likelihood with maps of more inputs than units; then of so many
# small groups that lanes hold groups.
FIRST = [
    (2, 1, 2, FlatBNNClassifier, {}),
    (2, 1, 3, FlatBNNClassifier, {}),
    (2, 1, 2, FlatBNNClassifier, {"inference": "laplace"}),
    (3, 2, 2, HierarchicalBNNClassifier, {"hidden_layer_sizes": (2,)}),
    (3, 2, 3, HierarchicalBNNClassifier, {"hidden_layer_sizes": (2,)}),
    (2, 8, 2, HierarchicalBNNClassifier, {}),
    (3, 8, 3, HierarchicalBNNClassifier, {"hidden_layer_sizes": (2,)}),
]
FURTHER = [
    (1, 1, 2, FlatBNNClassifier, {"hidden_layer_sizes": ()}),
    (4, 1, 3, FlatBNNClassifier, {"hidden_layer_sizes": (3, 2), "activation": "relu", "weight_prior": "laplace"}),
    (3, 1, 2, FlatBNNClassifier, {"hidden_layer_sizes": (7,), "activation": "logistic", "fit_intercept": False}),
    (3, 1, 4, FlatBNNClassifier, {"hidden_layer_sizes": (2,), "activation": "identity", "inference": "map"}),
    (5, 1, 3, FlatBNNClassifier, {"hidden_layer_sizes": (2,), "activation": "relu", "inference": "laplace"}),
    (2, 5, 2, HierarchicalBNNClassifier, {"weight_prior": "student_t", "pooling": "partial"}),
    (3, 2, 3, HierarchicalBNNClassifier, {"pooling": "affine", "group_scale_prior": "half_cauchy"}),
    (1, 9, 2, HierarchicalBNNClassifier, {"pooling": "partial", "group_scale_prior": "inverse_gamma"}),
    (2, 20, 2, HierarchicalBNNClassifier, {"pooling": "affine", "weight_prior": "student_t"}),
    (2, 4, 2, HierarchicalBNNClassifier, {"hidden_layer_sizes": (3,), "pooling": ["complete", "partial"]}),
    (2, 3, 2, HierarchicalBNNClassifier, {"pooling": "partial", "group_scale_prior": 0.5}),
    (6, 3, 2, HierarchicalBNNClassifier, {"hidden_layer_sizes": (4, 3)}),
    (5, 4, 4, HierarchicalBNNClassifier, {"hidden_layer_sizes": (3,), "activation": "logistic"}),
]
first = compiled(lambda: [fit_and_predict(*sizes, **params) for *sizes, params in FIRST])
further = [compiled(lambda: fit_and_predict(*sizes, **params)) for *sizes, params in FURTHER]
print(json.dumps([first, further]))
"""


def test_a_fit_compiles_nothing(run_python, tmp_path):
    """With an empty cache, which would not hide what is compiled anew and kept on disk."""
    first, further = json.loads(run_python(COUNTED + FITS, NUMBA_CACHE_DIR=str(tmp_path)))
    assert first > 0
    assert further == [0] * 13


def test_compilations_are_counted(run_python):
    """The count above can fail: it sees a function compiled, not its second call, a second type, and a C callback."""
    first, again, other, callback = json.loads(run_python(COUNTED + COUNTER))
    assert first > 0
    assert again == 0
    assert other > 0
    assert callback > 0
