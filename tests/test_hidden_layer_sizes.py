"""The sizes of the hidden layers: given, or chosen by the numbers of inputs and groups."""

import numpy as np
import pytest

from skhbnn import (
    FlatBNNClassifier,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHORT = {"chains": 2, "tune": 4, "draws": 4, "random_state": 0}


@pytest.fixture(scope="module")
def rows():
    """Inputs (30, 10), classes (30,) and groups (30,)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 10)), np.arange(30) % 2, np.arange(30) // 10


@pytest.mark.parametrize(("n_inputs", "hidden"), [(1, (5, 5)), (9, (5, 5)), (10, (10, 5))])
def test_auto_goes_by_the_number_of_inputs(n_inputs, hidden, rows):
    X, y, groups = rows
    X = X[:, :n_inputs]
    fitted = HierarchicalBNNClassifier(**SHORT).fit(X, y, groups=groups)
    assert fitted.posterior_.network.sizes == (n_inputs, *hidden, 1)
    given = HierarchicalBNNClassifier(hidden, **SHORT).fit(X, y, groups=groups)
    np.testing.assert_array_equal(fitted.predict_proba(X, groups=groups), given.predict_proba(X, groups=groups))


@pytest.mark.parametrize(("n_groups", "hidden"), [(600, (10, 5)), (601, (5, 5))])
def test_auto_goes_by_the_number_of_all_groups(n_groups, hidden):
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(2 * n_groups, 10)), np.repeat(np.arange(n_groups), 2)  # (row, input), (row,)
    fitted = HierarchicalBNNClassifier(max_groups=5, **SHORT).fit(X, np.arange(2 * n_groups) % 2, groups=groups)
    assert fitted.posterior_.network.sizes == (10, *hidden, 1)


def test_columns_of_labels_are_no_inputs(rows):
    X, y, groups = rows
    labelled = np.column_stack([groups, X[:, :8], groups % 2])  # ten columns, of which eight are inputs
    fitted = HierarchicalBNNClassifier(groups=0, random_intercepts=9, **SHORT).fit(labelled, y)
    assert fitted.posterior_.network.sizes == (8, 5, 5, 1)


def test_a_prior_has_the_chosen_sizes(rows):
    X, y, groups = rows
    fitted = HierarchicalBNNClassifier(**SHORT).fit(X, y, groups=groups)
    informed = InformedPriorBNNClassifier.from_hierarchical(fitted)
    assert tuple(informed.hidden_layer_sizes) == (10, 5)


def test_a_regressor_takes_auto(rows):
    X, _, groups = rows
    fitted = HierarchicalBNNRegressor("auto", **SHORT).fit(X, X[:, 0], groups=groups)
    assert fitted.posterior_.network.sizes == (10, 10, 5, 1)


def test_a_flat_network_has_sizes(rows):
    X, y, _ = rows
    with pytest.raises(ValueError, match=r"'hidden_layer_sizes' parameter of FlatBNNClassifier must be .*Got 'auto'"):
        FlatBNNClassifier("auto").fit(X, y)
    with pytest.raises(ValueError, match=r"'hidden_layer_sizes' parameter of HierarchicalBNNClassifier .*Got 'wide'"):
        HierarchicalBNNClassifier("wide").fit(X, y)
