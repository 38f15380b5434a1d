"""Fits to hostile rows, predictions of these, and their files."""

from typing import NamedTuple

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from .calls import Escape, failed, moment, outcome, same_numbers, same_values, saved_and_loaded
from .faults import MISSING, ONE_COLUMN, WRONG
from .labels import ANY, KINDS, REFUSED, objects
from .rows import ESTIMATORS, GROUPED, Rows, all_of, all_rows, ranked, ranked_by_level
from .tables import FORMS, SPARSE

HOLDS_HOLES = [name for name in ANY if name not in ("tensor", "iterator")]  # of which NumPy would make something else


def taken_as_classes(spec, values):
    """Whether y may hold these labels in their container."""
    if spec.container in (
        "iterator",
        "sparse",
        "bytearray",
        "c16",
        "longdouble",
        "xarray",
        "tensor",
        "lists",
        "frame",
        "polars objects",
    ):
        return None
    if spec.container in ("two axes", "polars frame", "arrow table", "memoryview", "values of a dict", "deque"):
        return None
    if spec.container in ("IntEnum", "Decimal") or "ecimal" in spec.container:
        return None
    if spec.container in WRONG:
        return False
    return KINDS[spec.kind].classes or None


def taken_as_groups(spec, labels):
    """Whether groups of the container and kind must be taken."""
    if spec.container in ONE_COLUMN:
        return None
    return spec.container not in WRONG and (not labels or spec.kind not in REFUSED)


class Fit(NamedTuple):
    """A fit to hostile rows; ``hole`` is where a label is missing and which of MISSING it is, or None."""

    estimator: str
    rows: Rows
    hole: tuple | None

    def check(self):
        estimator, reference = (ESTIMATORS[self.estimator]() for _ in range(2))
        grouped, rows, foreign = self.estimator in GROUPED, self.rows, "scikit-learn" in self.estimator
        assume(not foreign or rows.scale in ("units", "whole"))
        X, plain_X = rows.matrix()
        _, y_codes, g_codes = rows.codes
        y, g = rows.y.values(y_codes), rows.groups.values(g_codes)
        ranks, ordered = ranked_by_level(g) if "hierarchical" in self.estimator else ranked(g)
        labels = {"y": list(y), "groups": list(g)}
        if self.hole is not None:
            place, which = self.hole
            assume(y and getattr(rows, place).container in HOLDS_HOLES and (grouped or place == "y"))
            labels[place][rows.seed % len(y)] = MISSING[which]

        def wrapped_y():
            return rows.y.wrap(labels["y"])

        def arguments():
            return {"groups": rows.groups.wrap(labels["groups"])} if grouped else {}

        fit = outcome(estimator.fit, rows.matrix()[0], wrapped_y(), **arguments())
        plain_y, classes = ranked(y)
        plain_arguments = {"groups": ranks} if grouped else {}
        expected = None if plain_X is None else outcome(reference.fit, plain_X, plain_y, **plain_arguments)
        form = None if foreign else FORMS[rows.form].taken
        taken = all_of(
            [
                form if rows.hole == "none" else False,
                taken_as_classes(rows.y, y),
                taken_as_groups(rows.groups, g) if grouped else True,
                expected is not None and expected.error is None,
                self.hole is None,
            ]
        )
        if failed(estimator, fit):
            if taken:
                raise Escape(f"refused: {fit.error!r}")
            if expected is not None and expected.error is None:
                failed(reference, outcome(reference.fit, X, wrapped_y(), **arguments()))
            return
        if taken is False:
            raise Escape(f"taken: {rows}; plain: {expected}")
        if rows.form == "int beyond 64 bits" or (
            foreign and not FORMS[rows.form].taken and rows.form[:3] not in SPARSE
        ):
            return
        same_values(
            estimator.classes_, np.array(list(map(moment, classes))).astype(estimator.classes_.dtype), "classes_"
        )
        if grouped:
            known = objects(ordered) if ordered is not None else reference.groups_
            same_values(estimator.groups_, known, "groups_")
        proba = outcome(estimator.predict_proba, rows.matrix()[0], **arguments())
        wanted = outcome(reference.predict_proba, plain_X, **plain_arguments).value
        if proba.error is not None:
            if foreign:
                return
            raise Escape(f"refused at predict: {proba.error!r}")
        if not foreign:
            same_numbers(proba.value, wanted, "predict_proba")
            self.check_saved(estimator, fit, plain_X, {"groups": g} if grouped else {}, wanted)
        elif FORMS[rows.form].dtype is float and not np.allclose(proba.value, wanted, atol=0.01):
            raise Escape("predict_proba of scikit-learn's estimator differs")

    @staticmethod
    def check_saved(estimator, fit, X, groups, wanted):
        loaded = outcome(saved_and_loaded, estimator)
        if loaded.error is not None:
            if not any("The method save will not take" in text for text in fit.said):
                raise Escape(f"not saved: {loaded.error!r}")
            return
        same_values(loaded.value.classes_, estimator.classes_, "classes_ of the file")
        if groups:
            same_values(loaded.value.groups_, estimator.groups_, "groups_ of the file")
        found = outcome(loaded.value.predict_proba, X, **groups)
        if found.error is not None:
            raise Escape(f"refused by the loaded fit: {found.error!r}")
        same_numbers(found.value, wanted, "predict_proba of the file")


holes = st.tuples(st.sampled_from(["y", "groups"]), st.integers(0, len(MISSING) - 1))
fits = st.builds(Fit, st.sampled_from([*ESTIMATORS]), all_rows(), st.one_of(st.none(), st.none(), st.none(), holes))
