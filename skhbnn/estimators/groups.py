"""Groups as an argument of every method or as columns of X, for the estimators that have them."""

from typing import Any

from ..data.labels import ALL_ROWS, labels_array, unique_labels
from ..persistence.saving import why_not_saved
from ..support.caller import warn_caller
from .base import column_names


def unseen_text(labels):
    """Text for an error: which labels the fit did not see."""
    return f"groups holds {len(labels)} label(s) that fit did not see: {', '.join(map(repr, labels))}."


def offered(method):
    """Condition for ``available_if``: whether an estimator offers a method, as its ``_offers`` says."""
    return lambda estimator: estimator._offers(method)


class GroupsMixin:
    """The parameter ``groups``, the attribute ``groups_``, and groups in scikit-learn's metadata routing."""

    groups: Any
    groups_: Any

    # Routed by default: with metadata routing on, nobody has to call set_fit_request.
    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__score = {"groups": True}

    def _offers(self, method):
        """Whether the estimator has a method of prediction."""
        return True

    def _input_names(self):
        """Names of the columns of X that hold no groups."""
        names = column_names(self)
        if self.groups is None:
            return names
        columns = self.groups if isinstance(self.groups, (list, tuple)) else [self.groups]
        taken = {column if isinstance(column, str) else names[column] for column in columns}
        return [name for name in names if name not in taken]

    def _take_groups(self, labels, n_rows):
        """Sorted distinct labels of a fit, and the label of each row; sets groups_.

        Warnings are of a fit without groups, and of labels that a file cannot hold.

        Without groups all rows have one label, which groups_ does not show.
        """
        if labels is not None:
            known = unique_labels(labels, self.groups)
            self.groups_ = labels_array(known)  # (group,)
            reason = why_not_saved(self, known)
            if reason is not None:
                warn_caller(f"The method save will not take this fit, though pickle does: {reason}", UserWarning)
            return known, labels
        name = type(self).__name__
        warn_caller(
            f"This {name} was fitted without groups: all rows are one group. Pass groups= to fit, or name their column "
            f"of X in the constructor, {name}(groups='column'), which is the way for scikit-learn's searches and "
            "cross-validation: they keep an argument groups for their splitters unless metadata routing is on.",
            UserWarning,
        )
        self.groups_ = None
        return [ALL_ROWS], [ALL_ROWS] * n_rows
