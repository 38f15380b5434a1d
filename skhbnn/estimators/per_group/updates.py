"""New rows of some groups: fits of these groups to their old and new rows."""

from typing import Any

import numpy as np
from sklearn.utils import check_array

from ...data.doubts import warn_of_unseen
from ...data.labels import ALL_ROWS, labels_array, rows_by_label, unique_labels
from ...data.reading import read_rows
from ...data.subsets import require_weights
from ...data.tables import take_rows
from ...data.weights import counted_rows, read_weights
from ...support.progress import fit_progress
from ..single import SingleNetworkMixin
from .fits import fit_all
from .reports import report


def keeps_rows(per_group):
    """Condition for ``available_if``: whether the estimator is a network, which keeps the rows of its fit."""
    if not isinstance(per_group.estimator, SingleNetworkMixin):
        raise AttributeError(f"A {type(per_group.estimator).__name__} does not keep the rows that it was fitted to.")
    return True


def _with_old_rows(fitted, X, y, weights):
    """Rows that a network was fitted to, in the caller's form, with new rows behind them: X, y and weights."""
    data = fitted.training_data_
    if data.intercept_labels:
        raise ValueError("update knows no random_intercepts of the estimators of groups; fit again with all rows.")
    old = fitted.standardizer_.inverse_transform(data.X)  # (row, feature)
    new = check_array(X, dtype=None, ensure_all_finite=False)  # (row, feature)
    targets = np.concatenate([fitted._targets_in_callers_form(data.y), y])  # (row,)
    return np.vstack([old, new]), targets, np.concatenate([data.weights, weights])


class UpdateMixin:
    """An update of the estimators of some groups, which leaves the other groups and the fallback unchanged."""

    estimator: Any
    groups: Any
    groups_: Any
    n_jobs: Any
    estimators_: dict
    failed_groups_: dict
    _draw_seed: Any
    _read_new_targets: Any
    _task: Any

    def _update(self, X, y, groups, sample_weight):
        """The estimator per group itself, with new rows learned."""
        inputs, labels = read_rows(self, X, groups, reset=False)  # unchecked values (row, feature), labels of the rows
        weights = read_weights(sample_weight, X, inputs)  # (row,)
        if sample_weight is not None:
            require_weights(self, [fitted.training_data_ for fitted in self.estimators_.values()])
        return self._update_clones(inputs, self._read_new_targets(inputs, y), labels, weights)

    def _update_clones(self, X, y, labels, weights):
        """The estimator per group itself, with the groups of new rows fitted again to their old and new rows."""
        labels = [ALL_ROWS] * len(y) if labels is None else labels
        X, y, labels, weights = counted_rows(X, y, labels, weights)
        if self.groups_ is not None and not any(label in self.estimators_ for label in labels):
            warn_of_unseen(list(dict.fromkeys(labels)), unique_labels([*self.estimators_, *self.failed_groups_]))
        known, rows, seed = unique_labels(labels, self.groups), rows_by_label(labels), self._draw_seed()

        def task(key):
            new = take_rows(X, rows[key]), y[rows[key]], weights[rows[key]]
            X_all, y_all, of_rows = _with_old_rows(self.estimators_[key], *new) if key in self.estimators_ else new
            return self._task(seed, key, X_all, y_all, of_rows)

        with fit_progress(self, "groups", len(known)) as progress:
            found = fit_all(known, task, n_jobs=self.n_jobs, keep_going=False, progress=progress)
            report(found, self.groups, tolerant=False, advice=" All groups stay as they were.")
        fitted = {**self.estimators_, **{label: found[label].estimator for label in known}}
        for label in self.estimators_.keys() & set(known):
            if hasattr(self.estimators_[label], "feature_names_in_"):  # the rows above came without them
                fitted[label].feature_names_in_ = self.estimators_[label].feature_names_in_
        self.failed_groups_ = {label: text for label, text in self.failed_groups_.items() if label not in fitted}
        if self.groups_ is not None:
            self.groups_ = labels_array(unique_labels([*fitted, *self.failed_groups_]))  # (group,)
        self.estimators_ = fitted
        return self
