"""Errors about thousands of labels, columns or classes: five of them, and how many more there are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.support.wording import named

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 2000
QUICK = {"hidden_layer_sizes": (2,), "inference": "map", "max_iter": 5, "chains": 1, "random_state": 0}
NAMES = [f"customer {i}" for i in range(N)]
rng = np.random.default_rng(0)
X, y = rng.normal(size=(2 * N, 2)), np.arange(2 * N) % 2
WIDE = pd.DataFrame(rng.normal(size=(20, N)), columns=[f"feature {i}" for i in range(N)])
TEXT = WIDE.astype(str).add_prefix("x").map("x{}".format)


@pytest.fixture(scope="module")
def many():
    return HierarchicalBNNClassifier(unseen_groups="error", group_scale_prior=0.5, **QUICK).fit(
        X, y, groups=np.repeat(NAMES, 2)
    )


@pytest.fixture(scope="module")
def per_group():
    return PerGroupClassifier(LogisticRegression()).fit(X[:8], y[:8], groups=[0] * 4 + [1] * 4)


def new_labels(n_rows):
    return [f"new {i}" for i in range(n_rows)]


CALLS = {
    "unseen groups": lambda many, per_group: many.predict(X, groups=new_labels(2 * N)),
    "unseen groups of estimators": lambda many, per_group: per_group.predict(X, groups=new_labels(2 * N)),
    "group of a prior": lambda many, per_group: InformedPriorBNNClassifier.from_posterior(many, group="x"),
    "no such column": lambda many, per_group: HierarchicalBNNClassifier(groups="shop").fit(WIDE, np.arange(20) % 2),
    "no such index": lambda many, per_group: HierarchicalBNNClassifier(groups=N).fit(WIDE, np.arange(20) % 2),
    "every column": lambda many, per_group: HierarchicalBNNClassifier(groups=list(WIDE)).fit(WIDE, np.arange(20) % 2),
    "text": lambda many, per_group: FlatBNNClassifier().fit(TEXT, np.arange(20) % 2),
    "other names": lambda many, per_group: InformedPriorBNNClassifier(feature_names=list(WIDE)).fit(
        WIDE.add_prefix("x"), np.arange(20) % 2
    ),
    "other classes": lambda many, per_group: InformedPriorBNNClassifier(classes=NAMES, **QUICK).fit(
        X, np.repeat(new_labels(N), 2)
    ),
    "one value": lambda many, per_group: many.predict(X, groups="x" * 10_000),
    "long labels": lambda many, per_group: many.predict(X[:3], groups=["x" * 10_000, "y" * 10_000, "z"]),
    "one axis": lambda many, per_group: FlatBNNClassifier().fit(X[:900, 0], y[:900]),
    "complex classes": lambda many, per_group: FlatBNNClassifier().fit(X[:400], y[:400] + 1j),
    "complex rows": lambda many, per_group: FlatBNNClassifier().fit(X[:400] + 1j, y[:400]),
    "labels of thousands of digits": lambda many, per_group: per_group.predict(
        X[:3], groups=[10**5000, -(10**5000), 7]
    ),
    "long name": lambda many, per_group: HierarchicalBNNClassifier(groups="x" * 10_000).fit(X, y),
    "long number": lambda many, per_group: HierarchicalBNNClassifier(groups=10**5000).fit(X, y),
    "long names": lambda many, per_group: HierarchicalBNNClassifier(groups="x" * 10_000).fit(
        WIDE.rename(columns=lambda name: name * 1000), np.arange(20) % 2
    ),
    "long class": lambda many, per_group: FlatBNNClassifier().fit(X, np.fromiter(["x" * 10_000, 1] * N, dtype=object)),
}


@pytest.mark.parametrize("case", CALLS)
def test_errors_are_short(case, many, per_group):
    with pytest.raises(ValueError, match=r".") as failure:
        CALLS[case](many, per_group)
    assert len(str(failure.value)) < 1000


def test_five_and_a_count():
    assert named([1, "a"]) == "1, 'a'"
    assert named(list(range(8))) == "0, 1, 2, 3, 4 and 3 more"
    assert named(["x" * 200]) == "'" + "x" * 96 + "..."
