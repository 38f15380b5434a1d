"""Rows of a fit in one canonical order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..support.typed import Floats, Integers
from .standardizer import Standardizer


@dataclass(frozen=True, eq=False)
class GroupedData:
    """Rows of a fit, sorted by group and then by value, so that a fit depends on the set of rows only.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Standardised inputs.
    y : ndarray of shape (n_rows,)
        Targets as the model takes them; of a classifier the class codes.
    offsets : ndarray of shape (n_groups + 1,)
        Group g owns the rows offsets[g]:offsets[g + 1].
    group_labels : list
        One label per group.
    order : ndarray of shape (n_rows,)
        The position of each row in the caller's X.
    weights : ndarray of shape (n_rows,) or None
        How often each row counts in the likelihood. None: once.
    """

    X: Floats
    y: NDArray[Any]
    offsets: Integers
    group_labels: list[Any]
    order: Integers
    weights: Floats | None = None

    @property
    def n_groups(self) -> int:
        """Number of groups of the fit."""
        return len(self.offsets) - 1

    @property
    def members(self) -> Integers:
        """The member of each level of groups that every innermost group lies in, (level, group)."""
        return np.arange(self.n_groups)[None]

    @property
    def group_of_row(self) -> Integers:
        """Code of the group of each row, (row,)."""
        return np.repeat(np.arange(self.n_groups), np.diff(self.offsets))


def group_rows(X, y, codes, group_labels, standardizer=None):
    """Rows of a fit as GroupedData, sorted by group code and value and standardised, and their standardizer.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Inputs in the caller's units.
    y : ndarray of shape (n_rows,)
        Targets as the model takes them.
    codes : ndarray of shape (n_rows,)
        Position of each row's group in group_labels.
    group_labels : list
        Sorted labels of the groups.
    standardizer : Standardizer, default=None
        Shift and scale of the inputs. None: made from the rows.

    Returns
    -------
    data : GroupedData
        The sorted rows.
    standardizer : Standardizer
        Given or made.
    """
    order = np.lexsort((y, *X.T[::-1], codes))  # (row,)
    X, y = X[order], y[order]
    # After sorting: the last digit of a mean depends on the order of its terms.
    standardizer = standardizer or Standardizer.of(X)
    offsets = np.searchsorted(codes[order], np.arange(len(group_labels) + 1)).astype(np.int64)  # (group + 1,)
    inputs = standardizer.transform(X)  # (row, feature)
    return GroupedData(X=inputs, y=y, offsets=offsets, group_labels=group_labels, order=order), standardizer
