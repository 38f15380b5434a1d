"""Table of the rows of which a model is most sure and least sure."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions

from ..data.levels import as_one_label, read_levels
from ..data.reading import read_rows
from ..estimators.groups import GroupsMixin
from ..support.pipelines import last_step, transformed
from ..support.typed import Axes, Data, Floats, Integers, Labels, validate_params
from .checks import check_has_proba
from .colours import ACCENT, WARNING
from .figures import OneAxesDisplay


@dataclass(eq=False, repr=False, kw_only=True)
class ConfidentRowsDisplay(OneAxesDisplay):
    """Table of bars of the rows of which a classifier is most sure, on top, and least sure.

    Each row is named by its group and by the index of a dataframe, or by its position where X has no index.
    Make one with :meth:`from_estimator`.

    Parameters
    ----------
    rows : ndarray of shape (2 * n_rows,)
        Positions of the rows in X, from the most to the least confident.
    values : ndarray of shape (2 * n_rows,)
        Probability of the predicted class, or its posterior standard deviation.
    predicted : ndarray of shape (2 * n_rows,)
        Predicted classes.
    truth : ndarray of shape (2 * n_rows,) or None
        True classes, if they were given.
    groups : list of length 2 * n_rows or None
        Group labels, given or a column of X; None where there are none.
    index : list of length 2 * n_rows or None
        Labels of the rows in the index of X, a dataframe of pandas; None where X has no index.
    by : {"proba", "std"}
        What confidence means.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skhbnn import FlatBNNClassifier
    >>> from skhbnn.plotting import ConfidentRowsDisplay
    >>> X, y = make_moons(60, noise=0.2, random_state=0)
    >>> classifier = FlatBNNClassifier(draws=100, tune=100, random_state=0).fit(X, y)
    >>> ConfidentRowsDisplay.from_estimator(classifier, X, y, n_rows=3).values.shape
    (6,)
    """

    rows: Integers
    values: Floats
    predicted: Labels
    truth: Labels | None
    groups: list[Any] | None
    index: list[Any] | None
    by: Literal["proba", "std"]

    @classmethod
    @validate_params({"by": [StrOptions({"proba", "std"})], "n_rows": [Interval(Integral, 1, None, closed="left")]})
    def from_estimator(
        cls,
        estimator: Any,
        X: Data,
        y: Data | None = None,
        *,
        groups: Data | None = None,
        by: Literal["proba", "std"] = "proba",
        n_rows: int = 8,
        ax: Axes | None = None,
    ) -> Self:
        """Find the rows of X of which a fitted classifier is most and least sure, and draw them.

        Parameters
        ----------
        estimator : classifier
            A fitted one that has ``predict_proba``, and ``predict_std`` for ``by="std"``.
        X : array-like of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,), default=None
            True classes, to tell right predictions from wrong ones.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if the estimator's methods need them.
        by : {"proba", "std"}, default="proba"
            Rank by the probability of the predicted class, or by its posterior standard deviation.
        n_rows : int, default=8
            Rows at either end.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : ConfidentRowsDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no ``predict_proba``.
        ValueError
            If X, y or groups are not valid, or X has fewer than twice ``n_rows`` rows.
        """
        check_has_proba(cls, estimator, "PredictionBandDisplay")
        transformer, fitted = last_step(estimator)  # a pipeline has no predict_std
        inputs, labels = transformed(transformer, X), {} if groups is None else {"groups": groups}
        proba = fitted.predict_proba(inputs, **labels)  # (row, class)
        true = None if y is None else column_or_1d(y)  # (row,)
        check_consistent_length(proba, true)
        if len(proba) < 2 * n_rows:
            raise ValueError(f"X has {len(proba)} rows: n_rows can be {len(proba) // 2} at most, got {n_rows}.")
        codes = proba.argmax(axis=1)  # (row,)
        statistic = proba if by == "proba" else fitted.predict_std(inputs, **labels)  # (row, class)
        values = np.take_along_axis(statistic, codes[:, None], axis=1)[:, 0]  # (row,)
        order = np.argsort(-values if by == "proba" else values, kind="stable")  # (row,), most confident first
        index: Any = getattr(X, "index", None) if hasattr(X, "iloc") else None  # of pandas
        if isinstance(fitted, GroupsMixin):
            known = read_rows(fitted, inputs, groups, reset=False)[1]
        else:
            known = None if groups is None else as_one_label(read_levels(groups, len(proba), one_level=True)[0])
        chosen = np.concatenate([order[:n_rows], order[-n_rows:]])  # (2 * n_rows,)
        return cls(
            rows=chosen,
            values=values[chosen],
            predicted=fitted.classes_[codes[chosen]],
            truth=None if true is None else true[chosen],
            groups=None if known is None else [known[i] for i in chosen],
            index=None if index is None else list(index[chosen]),
            by=by,
        ).plot(ax)

    def _figure_size(self):
        longest = max(map(len, self._row_names()))
        return 5.2 + 0.075 * longest, 1.4 + 0.26 * len(self.rows)

    def _draw(self, axes):
        n = len(self.rows) // 2
        positions = np.arange(2 * n) + 1.5 * (np.arange(2 * n) >= n)  # (2 * n_rows,): a gap between the two ends
        if self.truth is None:
            axes.barh(positions, self.values, color=ACCENT)
        else:
            right = self.predicted == self.truth  # (2 * n_rows,)
            axes.barh(positions[right], self.values[right], color=ACCENT, label="right")
            style = {"color": WARNING, "hatch": "///", "edgecolor": "white"}
            axes.barh(positions[~right], self.values[~right], label="wrong", **style)
        for position, value in zip(positions, self.values, strict=True):
            axes.annotate(f"{value:.3f}", (value, position), (3, 0), textcoords="offset points", va="center")
        what = "probability of the predicted class" if self.by == "proba" else "posterior std of the predicted class"
        axes.set(yticks=positions, yticklabels=self._row_names(), xlabel=what)
        axes.set(xlim=(0, 1.15 * self.values.max()), ylim=(positions[-1] + 0.7, -1.4))
        for half, title in ((positions[:n], "most confident"), (positions[n:], "least confident")):
            axes.annotate(title, (0, half[0] - 0.6), (3, 0), textcoords="offset points", style="italic")
        if self.truth is not None:
            axes.legend(title="prediction", loc="center left", bbox_to_anchor=(1, 0.5))

    def _row_names(self):
        """What stands beside each bar: group, row by its index or position, predicted class, and true class."""
        rows = self.rows if self.index is None else self.index
        names = [f"row {row}: class {label}" for row, label in zip(rows, self.predicted, strict=True)]
        if self.truth is not None:
            names = [f"{name} (is {label})" for name, label in zip(names, self.truth, strict=True)]
        if self.groups is not None:
            names = [f"group {label}, {name}" for name, label in zip(names, self.groups, strict=True)]
        return names
