"""The same seed gives the same draws, to the last bit, whatever does not belong to the model."""

import hashlib
import json

import numpy as np
import pytest

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSES = [FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier]


@pytest.fixture(scope="module")
def draws(small, moons):
    """The weights, and for the hierarchical model the predictions of an unseen group, of a fit to some rows."""
    X = np.vstack([moons.X, moons.X[:3], [[0.0, 0.0], [-0.0, 0.0]]])  # ties, and two zeros that are equal
    y, groups = np.r_[moons.y, 1 - moons.y[:3], 0, 1], np.r_[moons.groups, moons.groups[:3], 0, 0]

    def draws(cls, order=slice(None), convert=lambda array: array, **params):
        grouped = cls is HierarchicalBNNClassifier
        fitted = cls(**{**small, **params})
        fitted.fit(
            *(convert(array[order]) for array in (X, y)), **({"groups": convert(groups[order])} if grouped else {})
        )
        unseen = fitted.predict_proba(moons.X_new, groups=["unseen"] * 60) if grouped else np.zeros(0)
        return np.concatenate([fitted.posterior_.weights.ravel(), unseen.ravel()])

    return draws


ORDERS = {
    "shuffled": np.random.default_rng(0).permutation(65),
    "reversed": np.arange(65)[::-1],
    "groups in another order": np.r_[np.arange(45, 60), np.arange(45), np.arange(60, 65)],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("cls", CLASSES)
def test_order_of_rows(cls, order, draws):
    np.testing.assert_array_equal(draws(cls, order=ORDERS[order]), draws(cls))


@pytest.mark.parametrize("n_jobs", [2, -1])
@pytest.mark.parametrize("cls", CLASSES)
def test_n_jobs(cls, n_jobs, draws):
    np.testing.assert_array_equal(draws(cls, n_jobs=n_jobs), draws(cls, n_jobs=1))


@pytest.mark.parametrize("cls", CLASSES)
def test_list_or_array(cls, draws):
    np.testing.assert_array_equal(draws(cls, convert=np.ndarray.tolist), draws(cls))


@pytest.mark.parametrize("cls", CLASSES)
def test_random_state(cls, draws):
    reference = draws(cls, random_state=0)
    state = np.random.RandomState(0)
    np.testing.assert_array_equal(draws(cls, random_state=state), reference)  # check_random_state(0) is that state
    assert not np.array_equal(draws(cls, random_state=state), reference)  # the first fit moved it on
    assert not np.array_equal(draws(cls, random_state=1), reference)
    assert not np.array_equal(draws(cls, random_state=None), draws(cls, random_state=None))


def test_chains_differ(flat):
    first, second = flat.posterior_.weights
    assert not np.isclose(first, second).all(axis=-1).any()


def test_refit(hierarchical, small, moons):
    """A fit leaves nothing behind that the next one could depend on."""
    estimator = HierarchicalBNNClassifier(**small)
    estimator.fit(moons.X[:40] * 3, 1 - moons.y[:40], groups=moons.groups[:40]).predict(moons.X, groups=["u"] * 60)
    estimator.fit(moons.X, moons.y, groups=moons.groups)
    np.testing.assert_array_equal(estimator.posterior_.weights, hierarchical.posterior_.weights)


# Sets are ordered by hashes, and those of strings change with PYTHONHASHSEED.
LABELS = {
    "int": [0, 1, 2, 3, 99],
    "str": ["k", "l", "m", "n", "unseen"],
    "tuple": [("k", "x"), ("k", "y"), ("l", "x"), ("l", "y"), ("m", "x")],
    "mixed": [1, "k", ("k", 1), b"k", "unseen"],
    "frozenset": [frozenset({c, "x", "y", 5}) for c in ("k", "l", "m", "n", "unseen")],
    "frozenset in a tuple": [(frozenset({c, "x", "y"}), 1) for c in ("k", "l", "m", "n", "unseen")],
}
PROGRAM = f"""
import hashlib, json
from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

small = dict(hidden_layer_sizes=(3,), chains=2, tune=50, draws=50, random_state=0)
X, X_new, y, _, codes, _ = make_rotated_moons(n_groups=4, n_samples=30, random_state=0)

def found(labels):
    fitted = HierarchicalBNNClassifier(**small).fit(X, y, groups=[labels[code] for code in codes])
    arrays = fitted.posterior_.weights, fitted.predict_proba(X_new[:5], groups=labels)
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]

labels = {LABELS!r}
"""


@pytest.fixture(scope="module")
def here(hierarchical, moons):
    """Hashes of the weights and of predictions, one of them of an unseen group, in this process."""
    arrays = hierarchical.posterior_.weights, hierarchical.predict_proba(moons.X_new[:5], groups=LABELS["int"])
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]


@pytest.fixture(scope="module")
def processes(run_python):
    """The hashes for every kind of label, in fresh processes of two hash seeds."""
    program = PROGRAM + "print(json.dumps({kind: found(labels[kind]) for kind in labels}))"
    return [json.loads(run_python(program, PYTHONHASHSEED=seed)) for seed in ("1", "2")]


@pytest.mark.parametrize("kind", LABELS)
def test_hash_seed(kind, processes):
    first, second = processes
    assert first[kind] == second[kind]


def test_fresh_process(processes, here):
    assert processes[0]["int"] == here
