"""Predictions of an estimator per group, and of a fallback for the other groups."""

from typing import Any

import numpy as np
from sklearn.utils import Bunch, _safe_indexing
from sklearn.utils.validation import _num_samples, check_is_fitted

from ...data.labels import ALL_ROWS, rows_by_label
from ..groups import GroupsMixin, unseen_text
from .parallel import named


class GroupEstimatorsMixin(GroupsMixin):
    """What the estimators of the groups say of their rows, in the order of the rows.

    The classifier stores the parameter ``estimator``, and sets ``classes_``, ``estimators_`` and ``fallback_`` in fit.
    """

    estimator: Any
    classes_: np.ndarray
    estimators_: dict
    fallback_: Any

    def _offers(self, method):
        getattr(self.estimator, method)  # its AttributeError says more
        return True

    def _parts(self, X, groups, method, **arguments):
        """What a method of each group's estimator says of its rows: triples of rows, estimator and result."""
        check_is_fitted(self)
        X, labels = self._split(X, groups, reset=False)
        self._check_same_way(labels)
        if labels is None:
            estimator = self.estimators_[ALL_ROWS]
            return [(slice(None), estimator, getattr(estimator, method)(X, **arguments))], _num_samples(X)
        rows = rows_by_label(labels)
        unserved = [label for label in rows if label not in self.estimators_]
        served = [(rows[label], self.estimators_[label]) for label in rows if label in self.estimators_]
        if unserved:
            if self.fallback_ is None:
                raise ValueError(f"{unseen_text(unserved)} Set fallback to predict them.")
            if not hasattr(self.fallback_, method):
                raise ValueError(
                    f"The fallback {type(self.fallback_).__name__} has no {method}, and serves the group(s) "
                    f"{named(unserved)}; use a fallback that has it."
                )
            served.append((sorted(row for label in unserved for row in rows[label]), self.fallback_))
        results = [(r, e, getattr(e, method)(_safe_indexing(X, r), **arguments)) for r, e in served]
        return results, len(labels)

    def _class_columns(self, estimator):
        """The columns of the classes that an estimator knows."""
        return np.searchsorted(self.classes_, estimator.classes_)  # (known class,)

    def _by_class(self, X, groups, method):
        """A result of shape (row, class) of the estimators, 0 for classes that they do not know."""
        parts, n_rows = self._parts(X, groups, method)
        values = np.zeros((n_rows, len(self.classes_)))  # (row, class)
        for rows, estimator, part in parts:
            columns = self._class_columns(estimator)
            values[np.arange(n_rows)[rows][:, None], columns] = part
        return values

    def _labels(self, X, groups):
        parts, n_rows = self._parts(X, groups, "predict")
        y = np.empty(n_rows, dtype=self.classes_.dtype)  # (row,)
        for rows, _, part in parts:
            y[rows] = part
        return y

    def _proba(self, X, groups):
        return self._by_class(X, groups, "predict_proba")

    def _std(self, X, groups):
        return self._by_class(X, groups, "predict_std")

    def _uncertainty(self, X, groups):
        parts, n_rows = self._parts(X, groups, "predict_uncertainty")
        result = Bunch(**{name: np.empty(n_rows) for name in ("total", "aleatoric", "epistemic")})  # (row,) each
        for rows, _, part in parts:
            for name, values in result.items():
                values[rows] = part[name]
        return result

    def _sample_proba(self, X, groups, n_draws):
        parts, n_rows = self._parts(X, groups, "sample_proba", n_draws=n_draws)
        counts = sorted({len(part) for _, _, part in parts})
        if len(counts) > 1:
            raise ValueError(
                f"The groups and the fallback have different numbers of draws, {counts}: set n_draws to {counts[0]} "
                "or less."
            )
        proba = np.zeros((counts[0], n_rows, len(self.classes_)))  # (draw, row, class)
        for rows, estimator, part in parts:
            proba[:, np.arange(n_rows)[rows][:, None], self._class_columns(estimator)] = part
        return proba
