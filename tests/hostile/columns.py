"""Fits and predictions of tables of which some columns hold the groups."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st

from .calls import Escape, failed, outcome, same_numbers, same_values, saved_and_loaded
from .faults import MISSING
from .labels import ANY, REFUSED, objects
from .rows import ESTIMATORS, Rows, all_rows, ranked, ranked_by_level
from .tables import names

PLAIN = ("bool", "int", "text", "float", "negative")  # kinds that every library of tables holds as they are
NUMBERS = ("int", "negative", "float", "float ids")


def of_objects(X, labels, at):
    return np.insert(X.astype(object), [at], objects(list(labels))[:, None], axis=1)


def of_numbers(X, labels, at):
    return np.insert(X, [at], np.array(labels, dtype=float)[:, None], axis=1)


def of_lists(X, labels, at):
    return [[*row[:at], label, *row[at:]] for row, label in zip(X.tolist(), labels, strict=True)]


def of_pandas(X, labels, at):
    table = pd.DataFrame(X, columns=names(X))
    table.insert(
        at, "shop", getattr(labels, "array", labels) if hasattr(labels, "dtype") else pd.Series(objects(list(labels)))
    )
    return table


def of_polars(X, labels, at):
    return pl.DataFrame(X, schema=names(X)).insert_column(at, pl.Series("shop", labels))


def of_arrow(X, labels, at):
    column = labels if isinstance(labels, (pa.Array, pa.ChunkedArray)) else pa.array(labels)
    return pa.table({name: X[:, i] for i, name in enumerate(names(X))}).add_column(at, "shop", column)


# A function that makes a table, and which kinds and containers of labels it keeps as they are.
TABLES = {
    "objects": (of_objects, lambda spec: True),
    "numbers": (
        of_numbers,
        lambda spec: spec.container != "c16" and spec.kind in NUMBERS,
    ),
    "lists": (of_lists, lambda spec: True),
    "pandas": (of_pandas, lambda spec: True),
    "polars": (of_polars, lambda spec: spec.container.startswith("polars") or spec.kind in PLAIN),
    "arrow": (of_arrow, lambda spec: spec.container.startswith("arrow") or spec.kind in PLAIN),
}


class Column(NamedTuple):
    """A fit and a prediction of a table; ``hole`` is the position of a missing label in MISSING."""

    estimator: str
    table: str
    way: str
    at: int
    rows: Rows
    hole: int | None

    def check(self):
        rows, (make, keeps) = self.rows, TABLES[self.table]
        inputs, _, codes = rows.codes
        labels, second = rows.groups.values(codes), np.array(codes, dtype=float) % 2
        X = np.column_stack([inputs, second]) if self.way == "two" else inputs
        n_columns = X.shape[1] + 1
        at = self.at % (inputs.shape[1] + 1)
        assume(rows.groups.kind not in REFUSED)
        assume(self.table not in ("objects", "lists") or rows.groups.container != "polars")  # whose items lose digits
        assume(keeps(rows.groups) and (self.table in ("pandas", "polars", "arrow") or self.way != "name"))

        def table(values, spec=rows.groups):
            wrapped = spec.wrap(values)
            try:
                return make(X, wrapped, at)
            except Exception:  # the library does not hold such a column
                assume(False)

        way = {
            "name": "shop",
            "index": at,
            "negative": at - n_columns,
            "list": [at],
            "two": [at, n_columns - 1],
            "NumPy": np.int8(at),
        }[self.way]
        estimator = ESTIMATORS[self.estimator]().set_params(groups=way)
        y = np.arange(rows.n_rows) % 2
        if self.hole is not None:
            assume(labels and rows.groups.container in ANY and rows.groups.container != "tensor")
            assume(self.table in ("objects", "lists", "pandas") or (self.hole == 0 and self.table != "numbers"))
            with_hole = [*labels[:-1], MISSING[self.hole]]
            if not failed(estimator, outcome(estimator.fit, table(with_hole), y)):
                raise Escape("fitted to a missing label")
        whole = table(labels)
        before = whole.copy() if hasattr(whole, "copy") else whole
        fit = outcome(estimator.fit, whole, y)
        given = list(zip(labels, second.tolist(), strict=True)) if self.way == "two" else labels
        has_levels = self.way == "two" and "hierarchical" in self.estimator
        ranks, ordered = ranked_by_level(given) if has_levels else ranked(given)
        reference = ESTIMATORS[self.estimator]()
        expected = outcome(reference.fit, inputs, y, groups=ranks)
        if failed(estimator, fit):
            if expected.error is None:
                raise Escape(f"refused: {fit.error!r}")
            return
        if expected.error is not None:
            raise Escape(f"taken, although plain rows are refused: {expected.error!r}")
        comparable = (
            isinstance(whole, pd.DataFrame) and rows.groups.kind != "thousands of digits"
        )  # which pandas writes
        if comparable and not whole.equals(before):
            raise Escape("the table is another")
        same_values(estimator.groups_, reference.groups_ if ordered is None else objects(ordered), "groups_")
        wanted = outcome(reference.predict_proba, inputs, groups=ranks).value
        proba = outcome(estimator.predict_proba, table(labels))
        if proba.error is not None:
            raise Escape(f"refused at predict: {proba.error!r}")
        same_numbers(proba.value, wanted, "predict_proba")
        if self.hole is not None:
            missing = outcome(estimator.predict_proba, table(with_hole))
            if missing.error is not None:
                raise Escape(f"a missing label at predict: {missing.error!r}")
            same_numbers(missing.value[:-1], wanted[:-1], "predict_proba beside a missing label")
        loaded = outcome(saved_and_loaded, estimator)
        if loaded.error is None:
            same_numbers(outcome(loaded.value.predict_proba, table(labels)).value, wanted, "predict_proba of the file")
        elif not any("The method save will not take" in text for text in fit.said):
            raise Escape(f"not saved: {loaded.error!r}")


columns = st.builds(
    Column,
    st.sampled_from(["hierarchical", "hierarchical, sampled", "per group"]),
    st.sampled_from([*TABLES]),
    st.sampled_from(["name", "name", "index", "negative", "list", "two", "NumPy"]),
    st.integers(0, 3),
    all_rows(n_columns=(1, 2, 2, 2, 3), containers=()),
    st.one_of(st.none(), st.none(), st.integers(0, len(MISSING) - 1)),
)
