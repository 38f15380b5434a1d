"""Rows of a fit in one canonical form."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..support.typed import Floats, Integers
from .standardizer import Standardizer


@dataclass(frozen=True, eq=False)
class GroupedData:
    """Distinct rows of a fit, sorted by group and then by value, so that a fit depends on the set of rows only.

    Rows of the caller that are equal in group, inputs, labels of random intercepts and target are one row here, whose
    weight is the sum of their weights; rows of weight 0 are not there.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Standardised inputs.
    y : ndarray of shape (n_rows,)
        Targets as the model takes them; of a classifier the class codes.
    weights : ndarray of shape (n_rows,)
        How often each row counts in the likelihood.
    offsets : ndarray of shape (n_groups + 1,)
        Group g owns the rows offsets[g]:offsets[g + 1].
    group_labels : list
        One label per group.
    places : ndarray of shape (n_samples,)
        The row here of each row of the caller's X; -1 of a row of weight 0.
    n_levels : int
        Levels of groups. Of several, a group label is a tuple of a label of each level, the outermost first.
    intercept_labels : list of list
        Sorted labels of each column of random intercepts.
    intercept_codes : ndarray of shape (n_rows, n_columns) or None
        Position of each row's label among those of the column; None where there are no columns.
    """

    X: Floats
    y: NDArray[Any]
    weights: Floats
    offsets: Integers
    group_labels: list[Any]
    places: Integers
    n_levels: int = 1
    intercept_labels: list[list[Any]] = field(default_factory=list)
    intercept_codes: Integers | None = None

    @property
    def labels_of_row(self) -> Integers:
        """Positions of each row's labels among those of the columns of random intercepts, (row, column)."""
        return np.empty((len(self.y), 0), np.int64) if self.intercept_codes is None else self.intercept_codes

    @property
    def n_groups(self) -> int:
        """Number of groups of the fit."""
        return len(self.offsets) - 1

    @property
    def group_sizes(self) -> Floats:
        """Rows of each group, counted as often as their weights say, (group,); no group is without rows."""
        return np.add.reduceat(self.weights, self.offsets[:-1])

    @property
    def rows_per_group(self) -> Floats:
        """Mean number of distinct rows of the groups of each level, the outermost first, (level,)."""
        return len(self.y) / np.array([len(self.labels_at(level)) for level in range(1, self.n_levels + 1)])

    @property
    def members(self) -> Integers:
        """The member of each level of groups that every innermost group lies in, (level, group)."""
        outer = [self._positions_at(level) for level in range(1, self.n_levels)]
        codes = [[at[label[:level]] for label in self.group_labels] for level, at in enumerate(outer, 1)]
        return np.array([*codes, range(self.n_groups)], dtype=np.int64)

    def labels_at(self, level: int) -> list[Any]:
        """Labels of the groups of a level.

        Parameters
        ----------
        level : int
            From 1, the outermost groups.

        Returns
        -------
        labels : list
            Of several levels, tuples of the labels of the levels up to this one; of the outermost level the labels
            themselves.
        """
        if level == self.n_levels:
            return self.group_labels
        return [label[0] if level == 1 else label for label in self._positions_at(level)]

    def known_around(self, label: Any) -> tuple[int, int]:
        """The innermost outer group of the fit that a new group lies in.

        Parameters
        ----------
        label : tuple
            Label of the new group, or the labels of some of its outermost levels.

        Returns
        -------
        level : int
            Level of the outer group; 0 if the fit knows none.
        position : int
            Position among the outer groups of all levels, those of the outermost level first.
        """
        start = sum(len(self._positions_at(level)) for level in range(1, self.n_levels))
        for level in range(self.n_levels - 1, 0, -1):
            at = self._positions_at(level)
            start -= len(at)
            if label[:level] in at:
                return level, start + at[label[:level]]
        return 0, 0

    @cached_property
    def _outer(self):
        """Positions of the outer groups by label, of each level, the outermost first."""
        labels = self.group_labels
        prefixes = [dict.fromkeys(label[:level] for label in labels) for level in range(1, self.n_levels)]
        return [{label: code for code, label in enumerate(distinct)} for distinct in prefixes]

    def _positions_at(self, level):
        return self._outer[level - 1]

    @property
    def group_of_row(self) -> Integers:
        """Code of the group of each row, (row,)."""
        return np.repeat(np.arange(self.n_groups), np.diff(self.offsets))

    @property
    def order(self) -> Integers:
        """The position in the caller's X of each row, of equal rows the first, (row,)."""
        rows, first = np.unique(self.places, return_index=True)  # (row, and -1 if need be) each
        return first[rows >= 0]


def group_rows(
    X, y, codes, group_labels, *, n_levels=1, weights=None, standardizer=None, intercept_labels=(), intercept_codes=None
):
    """Rows of a fit as GroupedData, sorted by group code and value, merged and standardised, and their standardizer.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Inputs in the caller's units.
    y : ndarray of shape (n_samples,)
        Targets as the model takes them.
    codes : ndarray of shape (n_samples,)
        Position of each row's group in group_labels; any number for a row of weight 0.
    group_labels : list
        Sorted labels of the groups.
    n_levels : int, default=1
        Levels of groups, of which the labels are tuples where there are several.
    weights : ndarray of shape (n_samples,), default=None
        How often each row counts, 0 or more. None: once.
    standardizer : Standardizer, default=None
        Shift and scale of the inputs. None: made from the rows, of which each counts as often as its weight says.
    intercept_labels : list of list, default=()
        Sorted labels of each column of random intercepts.
    intercept_codes : ndarray of shape (n_samples, n_columns), default=None
        Position of each row's label among those of the column. None: there are no columns.

    Returns
    -------
    data : GroupedData
        The sorted rows.
    standardizer : Standardizer
        Given or made.
    """
    weights = np.ones(len(y)) if weights is None else weights  # (sample,)
    of_labels = np.empty((len(y), 0), np.int64) if intercept_codes is None else intercept_codes  # (sample, column)
    # Weights too, so that sums do not depend on the order.
    order = np.lexsort((weights, y, *of_labels.T[::-1], *X.T[::-1], codes))  # (sample,)
    order = order[weights[order] > 0]  # (counted sample,)
    X, y, codes, of_labels = X[order], y[order], codes[order], of_labels[order]
    is_new = np.ones(len(y), dtype=bool)  # (counted sample,)
    is_new[1:] = (codes[1:] != codes[:-1]) | (y[1:] != y[:-1]) | np.any(X[1:] != X[:-1], axis=1)
    is_new[1:] |= np.any(of_labels[1:] != of_labels[:-1], axis=1)
    places = np.full(len(weights), -1)  # (sample,)
    places[order] = np.cumsum(is_new) - 1
    starts = np.flatnonzero(is_new)  # (row,)
    merged = np.add.reduceat(weights[order], starts)  # (row,)
    X, y, codes = X[starts], y[starts], codes[starts]
    # Of sorted rows: the last digit of a mean depends on the order of its terms.
    standardizer = standardizer or Standardizer.of(X, merged)
    offsets = np.searchsorted(codes, np.arange(len(group_labels) + 1)).astype(np.int64)  # (group + 1,)
    data = GroupedData(
        standardizer.transform(X),
        y,
        merged,
        offsets,
        group_labels,
        places,
        n_levels,
        intercept_labels=list(intercept_labels),
        intercept_codes=None if intercept_codes is None else of_labels[starts],
    )
    return data, standardizer
