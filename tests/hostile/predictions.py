"""Predictions of hostile rows by estimators that were fitted to plain ones."""

import functools
from typing import NamedTuple

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from .calls import Escape, outcome, same_numbers, same_values
from .faults import MISSING, MISSING_ALL, ONE_COLUMN, WRONG
from .labels import ANY, KINDS, REFUSED
from .rows import ESTIMATORS, GROUPED, Rows, all_of, all_rows
from .tables import FORMS

METHODS = ("predict", "predict_proba", "predict_log_proba", "predict_std", "predict_uncertainty", "sample_proba")


@functools.lru_cache(maxsize=500)
def fitted(name, kind):
    """A fit of plain rows of two columns and five groups, and its predictions of them."""
    rng = np.random.default_rng(0)
    X, y, labels = rng.normal(size=(20, 2)), np.arange(20) % 2, [KINDS[kind].label(i % 5) for i in range(20)]
    groups = {"groups": labels} if name in GROUPED else {}
    estimator = outcome(ESTIMATORS[name]().fit, X, y, **groups).value
    proba = functools.partial(estimator.predict_proba, X, **groups)
    return estimator, proba, outcome(proba).value


def taken_as_groups(container):
    """Whether groups of the container must be taken."""
    return None if container in ONE_COLUMN else container not in WRONG or container in MISSING_ALL


class Prediction(NamedTuple):
    """A prediction of hostile rows; ``hole`` is the position of a missing label in MISSING."""

    estimator: str
    kind: str | None
    method: str
    rows: Rows
    hole: int | None

    def check(self):
        rows, is_grouped = self.rows, self.estimator in GROUPED
        kind = self.kind or rows.groups.kind
        assume(kind not in REFUSED)
        estimator, proba, before = fitted(self.estimator, kind)
        assume(hasattr(estimator, self.method))
        predict, attributes = getattr(estimator, self.method), dict(vars(estimator))
        X, plain_X = rows.matrix()
        labels = rows.groups.values(rows.codes[2])
        plain, hostile = list(labels), list(labels)
        if self.hole is not None:
            assume(labels and rows.groups.container in ANY and rows.groups.container != "tensor")
            plain[rows.seed % len(labels)], hostile[rows.seed % len(labels)] = None, MISSING[self.hole]
        if rows.groups.container in MISSING_ALL:
            plain = [None] * len(labels)
        found = outcome(predict, X, **({"groups": rows.groups.wrap(hostile)} if is_grouped else {}))
        expected = None if plain_X is None else outcome(predict, plain_X, **({"groups": plain} if is_grouped else {}))
        taken = all_of(
            [
                FORMS[rows.form].taken if rows.hole == "none" else False,
                taken_as_groups(rows.groups.container) if is_grouped else True,
                expected is not None and expected.error is None,
            ]
        )
        if found.error is not None:
            if taken and "scikit-learn" not in self.estimator:
                raise Escape(f"refused: {found.error!r}")
        elif "scikit-learn" not in self.estimator:
            if taken is False:
                raise Escape("taken")
            if rows.form != "int beyond 64 bits":
                same_predictions(found.value, expected.value)
        if {name: id(value) for name, value in vars(estimator).items()} != {n: id(v) for n, v in attributes.items()}:
            raise Escape("the estimator is another")
        same_numbers(outcome(proba).value, before, "predict_proba after the call")


def same_predictions(found, expected):
    """An Escape unless two results of a method are equal."""
    if isinstance(found, dict):
        for name, values in found.items():
            same_numbers(values, expected[name], name)
    elif found.dtype == float:
        same_numbers(found, expected, "what is predicted")
    else:
        same_values(found, expected, "what is predicted")


predictions = st.builds(
    Prediction,
    st.sampled_from([*ESTIMATORS]),
    st.one_of(st.none(), st.none(), st.sampled_from([*KINDS])),
    st.sampled_from(METHODS),
    all_rows(n_columns=(2, 2, 2, 2, 2, 2, 1, 3, 0)),
    st.one_of(st.none(), st.none(), st.integers(0, len(MISSING) - 1)),
)
