"""Groups as an argument of every method or as columns of X, for the estimators that have them."""

from __future__ import annotations

import datetime
from itertools import compress
from numbers import Real

from ..data.columns import column_positions
from ..data.doubts import doubt_of_labels, doubt_of_nesting
from ..data.labels import ALL_ROWS, labels_array, unique_labels
from ..data.levels import ONE_LEVEL, unique_nested
from ..persistence.saving import warn_if_not_saved
from ..support.caller import warn_caller
from ..support.typed import Columns, Labels
from ..support.wording import named, shown
from .base import column_names, input_names

COLUMNS = [None, str, Real, list, tuple, datetime.date]  # of groups: what may be a column's name or index
BY_COLUMN = (
    "The columns are those of the X that the estimator gets, behind transformers, which may move or scale columns: "
    'give the column a name, which set_output(transform="pandas") keeps.'
)
BY_ARGUMENT = "The third argument of fit is groups; weights of rows go by name: sample_weight=."


def offered(method):
    """Condition for ``available_if``: whether an estimator offers a method, as its ``_offers`` says."""
    return lambda estimator: estimator._offers(method)


class GroupsMixin:
    """The parameter ``groups``, the attribute ``groups_``, and groups in scikit-learn's metadata routing."""

    groups: Columns | None
    groups_: Labels | None
    group_columns_: list[int] | None
    group_levels_: list[str] | None
    n_features_in_: int

    # Routed by default: with metadata routing on, nobody has to call set_fit_request.
    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__score = {"groups": True}

    def _offers(self, method):
        """Whether the estimator has a method of prediction."""
        return True

    def _input_names(self):
        return input_names(self)

    def _group_positions(self):
        """Positions of the columns of X that hold the groups."""
        if not hasattr(self, "group_columns_") and self.groups is not None:  # of a file of an earlier release
            return column_positions(self.groups, column_names(self), self.n_features_in_)
        return getattr(self, "group_columns_", None) or []

    def _label_source(self):
        """Where the labels come from, the subject of a warning."""
        if self.groups is None:
            return "groups"
        names = getattr(self, "feature_names_in_", None)
        positions = self._group_positions()
        columns = f"at {positions}" if names is None else named([names[position] for position in positions])
        return f"The column(s) {columns} of X that groups={shown(self.groups)} names"

    def _take_groups(self, labels, weights):
        """Sorted distinct labels of rows of a fit that count, and the label of each row; sets groups_.

        Warnings are of a fit without groups, and of labels that a file cannot hold.

        Without groups all rows have one label, which groups_ does not show. weights: how often each row counts, (row,).
        """
        if labels is not None:
            counted = list(compress(labels, weights > 0))
            levels = getattr(self, "group_levels_", None) or ONE_LEVEL
            known = unique_labels(counted, self.groups) if len(levels) == 1 else unique_nested(counted, levels)
            doubt = doubt_of_labels(counted, len(counted))
            if doubt is not None:
                advice = BY_ARGUMENT if self.groups is None else BY_COLUMN
                warn_caller(f"{self._label_source()} {doubt} {advice}", UserWarning)
            doubt = doubt_of_nesting(known, levels)
            if doubt is not None:
                warn_caller(f"{self._label_source()} {doubt}", UserWarning)
            self.groups_ = labels_array(known)  # (group,)
            warn_if_not_saved(self, known)
            return known, labels
        name = type(self).__name__
        warn_caller(
            f"This {name} was fitted without groups: all rows are one group. Pass groups= to fit, or name their column "
            f"of X in the constructor, {name}(groups='column'), which is the way for scikit-learn's searches and "
            "cross-validation: they keep an argument groups for their splitters unless metadata routing is on.",
            UserWarning,
        )
        self.groups_ = None
        return [ALL_ROWS], [ALL_ROWS] * len(weights)
