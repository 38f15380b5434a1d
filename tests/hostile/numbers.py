"""Fits of regressors to hostile targets and weights, predictions of these, and their files."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st

from skhbnn import (
    FlatBNNRegressor,
    HierarchicalBNNRegressor,
    InformedPriorBNNRegressor,
    PerGroupRegressor,
)
from skhbnn.model.likelihoods import OF_NUMBERS, likelihood

from .calls import Escape, failed, outcome, same_numbers, same_values, saved_and_loaded
from .faults import MISSING, WRONG
from .labels import ANY, REFUSED, objects
from .rows import MODE, NUTS, Labels, Rows, all_of, all_rows, ranked, ranked_by_level
from .tables import ARROW, FORMS

BY_LABEL = "hierarchical, of some"  # what a group gets that is fitted by itself depends on its label
ESTIMATORS: dict[str, Callable] = {
    "flat": lambda **params: FlatBNNRegressor(**MODE, **params),
    "flat, sampled": lambda **params: FlatBNNRegressor(**NUTS, **params),
    "flat, linear": lambda **params: FlatBNNRegressor(**{**NUTS, "hidden_layer_sizes": ()}, **params),
    "informed": lambda **params: InformedPriorBNNRegressor(**MODE, **params),
    "hierarchical": lambda **params: HierarchicalBNNRegressor(group_scale_prior=0.5, **MODE, **params),
    "hierarchical, sampled": lambda **params: HierarchicalBNNRegressor(**NUTS, **params),
    BY_LABEL: lambda **params: HierarchicalBNNRegressor(max_groups=5, **NUTS, **params),
    "per group": lambda **params: PerGroupRegressor(InformedPriorBNNRegressor(**MODE, **params)),
}
GROUPED = [name for name in ESTIMATORS if name.startswith(("hierarchical", "per group"))]
METHODS = {"predict": {}, "predict_std": {}, "predict_interval": {}, "sample_predictive": {"random_state": 0}}
MOST_COPIES = 300  # of rows, which weights stand for

# Numbers at random, of a generator and how many there are.
TARGETS: dict[str, Callable] = {
    "units": lambda rng, n: rng.normal(size=n),
    "whole": lambda rng, n: np.round(rng.normal(3, 3, n)),
    "two": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "constant": lambda rng, n: np.full(n, 7.25),
    "huge": lambda rng, n: 1e307 * rng.normal(size=n),
    "tiny": lambda rng, n: 5e-322 * rng.normal(size=n),
    "far": lambda rng, n: 1e9 + rng.normal(size=n),
    "outlier": lambda rng, n: np.where(np.arange(n) == 1, 1e12, rng.normal(size=n)),
    "counts": lambda rng, n: rng.poisson(3.0, n).astype(float),
    "no counts": lambda rng, n: np.zeros(n),
    "large counts": lambda rng, n: np.round(1e6 * np.exp(rng.normal(size=n))),
    "wild counts": lambda rng, n: np.round(np.exp(rng.uniform(0, 30, n))),
    "rates": lambda rng, n: rng.poisson(3.0, n) / rng.uniform(0.1, 9, n),
    "too large": lambda rng, n: np.full(n, 1e17),
}
WEIGHTS: dict[str, Callable] = {
    "ones": lambda rng, n: np.ones(n),
    "whole": lambda rng, n: rng.integers(0, 4, n).astype(float),
    "fractions": lambda rng, n: rng.uniform(0, 2, n),
    "tiny": lambda rng, n: np.full(n, 1e-300),
    "large": lambda rng, n: np.full(n, 1e97),
    "both": lambda rng, n: np.where(rng.random(n) < 0.5, 1e-300, 1e97),
    "too large": lambda rng, n: np.full(n, 1e308),
    "few": lambda rng, n: (rng.random(n) < 0.2).astype(float),
    "zeros": lambda rng, n: np.zeros(n),
    "negative": lambda rng, n: np.where(np.arange(n) == n - 1, -1.0, 1.0),
    "infinite": lambda rng, n: np.where(np.arange(n) == n - 1, np.inf, 1.0),
}
# Containers that hold floats as they are, all of which must be taken.
OF_FLOATS: dict[str, Callable] = {
    "list": list,
    "tuple": tuple,
    "objects": lambda values: objects(np.array(values, dtype=object)),
    "array": lambda values: np.array(values, dtype=float),
    "other bytes": lambda values: np.array(values, dtype=">f8"),
    "strided": lambda values: np.repeat(np.array(values, dtype=float), 2)[::2],
    "Series": lambda values: pd.Series(values, dtype=float),
    "Series, other index": lambda values: pd.Series(values, index=np.arange(len(values)) + 1000, dtype=float),
    "Float64": lambda values: pd.Series(values, dtype="Float64"),
    "Series of arrow": lambda values: pd.Series(values, dtype=ARROW(pa.float64())),
    "polars": lambda values: pl.Series(values, dtype=pl.Float64),
    "arrow": lambda values: pa.array(values, type=pa.float64()),
    "arrow chunks": lambda values: pa.chunked_array([values[:1], values[1:]], type=pa.float64()),
}
OTHERS = {**ANY, **WRONG}
REFUSED_CONTAINERS = set(WRONG) - {"two axes", "frame", "polars frame", "arrow table", "number", "lists"}


class Floats(NamedTuple):
    """Numbers of a kind in a container, one of which may be of MISSING, at a position there."""

    kind: str
    container: str
    hole: int | None

    def wrap(self, values):
        values = [float(value) for value in values]
        if self.hole is not None:
            assume(values and self.container in ("list", "objects"))
            values[-1] = MISSING[self.hole]
        try:
            return (OF_FLOATS | OTHERS)[self.container](values)
        except Exception:  # the library of the container does not hold these values
            assume(False)

    @property
    def taken(self):
        """Whether the container must be taken; None: it may be."""
        if self.hole is not None or self.container in REFUSED_CONTAINERS:
            return False
        return True if self.container in OF_FLOATS else None


class NumberFit(NamedTuple):
    """A fit of a regressor to hostile rows; weights are None where there are none."""

    estimator: str
    likelihood: str
    rows: Rows
    y: Floats
    weights: Floats | None

    def check(self):
        rows, is_grouped = self.rows, self.estimator in GROUPED
        estimator, reference = (ESTIMATORS[self.estimator](likelihood=self.likelihood) for _ in range(2))
        X, plain_X = rows.matrix()
        rng = np.random.default_rng(rows.seed)
        y = TARGETS[self.y.kind](rng, rows.n_rows)  # (row,)
        w = None if self.weights is None else WEIGHTS[self.weights.kind](rng, rows.n_rows)  # (row,)
        labels = rows.groups.values(rows.codes[2])
        assume(not is_grouped or rows.groups.kind not in REFUSED)
        ranks, ordered = (ranked_by_level if "hierarchical" in self.estimator else ranked)(labels)

        def arguments():
            given = {} if w is None else {"sample_weight": self.weights.wrap(w)}
            return {**given, **({"groups": rows.groups.wrap(labels)} if is_grouped else {})}

        def of_plain(array, groups):
            return {**({} if w is None else {"sample_weight": array}), **({"groups": groups} if is_grouped else {})}

        fit = outcome(estimator.fit, X, self.y.wrap(y), **arguments())
        expected = None if plain_X is None else outcome(reference.fit, plain_X, y, **of_plain(w, ranks))
        parts = [FORMS[rows.form].taken if rows.hole == "none" else False, self.y.taken]
        parts += [] if self.weights is None else [self.weights.taken]
        is_one_weight = self.weights is not None and self.weights.container == "number"  # of all rows
        parts += [None if is_grouped or is_one_weight else True]
        parts += [] if is_one_weight else [expected is not None and expected.error is None]
        taken = all_of(parts)
        if failed(estimator, fit):
            if taken:
                raise Escape(f"refused: {fit.error!r}")
            return
        if taken is False:
            raise Escape("taken")
        is_count = likelihood(self.likelihood).is_count
        if is_count and not (y[slice(None) if w is None else w > 0] >= 0).all():
            raise Escape("negative counts were taken")
        if rows.form == "int beyond 64 bits" or self.y.taken is None or (self.weights and self.weights.taken is None):
            return
        counted = {label for r, label in enumerate(labels) if w is None or w[r] > 0}
        if is_grouped:
            known = [label for label in ordered or () if label in counted]
            same_values(estimator.groups_, reference.groups_ if ordered is None else objects(known), "groups_")
        # What an unseen group gets depends on its label.
        seen = [r for r, label in enumerate(labels) if label in counted or not is_grouped]
        labels, of_seen = [labels[r] for r in seen], [ranks[r] for r in seen]
        self.check_predictions(estimator, reference, plain_X[seen], labels if is_grouped else None, of_seen)
        self.check_copies(reference, plain_X, y, w, ranks if is_grouped else None)

    def check_predictions(self, estimator, reference, X, labels, ranks):
        """What is predicted is what plain data predict, finite, and what the file of the fit predicts."""
        groups, plain = ({}, {}) if labels is None else ({"groups": labels}, {"groups": ranks})
        loaded = outcome(saved_and_loaded, estimator).value
        for method, more in METHODS.items():
            found = outcome(getattr(estimator, method), X, **groups, **more)
            wanted = outcome(getattr(reference, method), X, **plain, **more)
            if found.error is not None or wanted.error is not None:
                raise Escape(f"{method}: {found.error!r} and {wanted.error!r}")
            if self.estimator != BY_LABEL:
                same_numbers(found.value, wanted.value, method)
            if self.y.kind != "huge" and not np.isfinite(found.value).all():
                raise Escape(f"{method} is not finite")
            if loaded is not None:
                of_file = outcome(getattr(loaded, method), X, **groups, **more)
                same_numbers(of_file.value, found.value, f"{method} of the file")

    def check_copies(self, weighted, X, y, w, groups):
        """A fit with whole weights is one to rows repeated so often."""
        if self.weights is None or self.weights.kind not in ("whole", "few", "ones") or w.sum() > MOST_COPIES:
            return
        copies = np.repeat(np.arange(len(y)), w.astype(int))  # (copy,)
        of_groups = {} if groups is None else {"groups": [groups[row] for row in copies]}
        repeated = ESTIMATORS[self.estimator](likelihood=self.likelihood)
        error = outcome(repeated.fit, X[copies], y[copies], **of_groups).error
        if error is not None:
            raise Escape(f"weights are taken, and copies of rows not: {error!r}")
        found, wanted = (outcome(model.predict, X[copies], **of_groups).value for model in (repeated, weighted))
        same_numbers(found, wanted, "what copies of rows predict")


def floats(kinds):
    """Strategy of numbers: most of them in a plain container."""
    kind, hole = st.sampled_from([*kinds]), st.integers(0, len(MISSING) - 1)
    usual = [
        st.builds(Floats, kind, st.sampled_from([*OF_FLOATS]), st.none()) for _ in range(8)
    ]  # equal ones count once
    holes = st.builds(Floats, kind, st.sampled_from(["list", "objects"]), hole)
    return st.one_of(*usual, st.builds(Floats, kind, st.sampled_from([*OTHERS]), st.none()), holes)


def in_plain_form(rows):
    """Rows in an array, with whole numbers as labels."""
    return replace(rows, form="array", hole="none", groups=Labels("int", "list"), n_rows=max(rows.n_rows, 3))


any_rows = all_rows(n_columns=(1, 2, 2, 2, 3), containers=())
numbers = st.builds(
    NumberFit,
    st.sampled_from([*ESTIMATORS]),
    st.sampled_from(OF_NUMBERS),
    st.one_of(any_rows, any_rows.map(in_plain_form), any_rows.map(in_plain_form)),
    floats(TARGETS),
    st.one_of(st.none(), floats(WEIGHTS)),
)
