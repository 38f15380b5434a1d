"""Curve that tells whether predicted probabilities come true, with the uncertainty of the check."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval

from ..inspection.response import class_code
from ..support.typed import Axes, Data, Floats, Integers, validate_params
from .checks import check_has_proba
from .figures import OneAxesDisplay, import_pyplot
from .shares import draw_shares, jeffreys_interval

OPTIONS = {
    "n_bins": [Interval(Integral, 1, None, closed="left")],
    "level": [Interval(Real, 0, 1, closed="neither")],
    "name": [None, str],
}


@dataclass(eq=False, repr=False, kw_only=True)
class ReliabilityDisplay(OneAxesDisplay):
    """Curve of reliability, with a credible interval in every bin.

    Of two classes, or with a class of interest, the probability of that class is held against how often it came true;
    of more classes, the probability of the predicted class against how often the prediction was right. The intervals
    are Jeffreys' [1]_. The expected calibration error [2]_ is the mean distance of the two over all rows. On axes
    that hold a curve already, the next one has the next colour. Make one with :meth:`from_estimator` or
    :meth:`from_predictions`.

    Parameters
    ----------
    prob_pred : ndarray of shape (n_bins_filled,)
        Mean predicted probability in each bin that holds rows.
    prob_true : ndarray of shape (n_bins_filled,)
        Share of the rows of each bin in which the event came true.
    lower, upper : ndarray of shape (n_bins_filled,)
        Credible interval of the share.
    counts : ndarray of shape (n_bins_filled,)
        Rows in each bin.
    ece : float
        Expected calibration error, between 0 and 1.
    event : str
        What the probability is of.
    level : float
        Probability of the intervals.
    name : str
        Name of the estimator, or what else the legend is to say.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    .. [1] Brown, Cai and DasGupta (2001), "Interval estimation for a binomial proportion", Statistical Science 16(2).
    .. [2] Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", ICML.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skhbnn import FlatBNNClassifier
    >>> from skhbnn.plotting import ReliabilityDisplay
    >>> X, y = make_moons(200, noise=0.3, random_state=0)
    >>> classifier = FlatBNNClassifier(draws=100, tune=100, random_state=0).fit(X[:100], y[:100])
    >>> display = ReliabilityDisplay.from_estimator(classifier, X[100:], y[100:], n_bins=5)
    >>> int(display.counts.sum())
    100
    """

    prob_pred: Floats
    prob_true: Floats
    lower: Floats
    upper: Floats
    counts: Integers
    ece: float
    event: str
    level: float
    name: str

    @classmethod
    @validate_params(OPTIONS)
    def from_estimator(
        cls,
        estimator: Any,
        X: Data,
        y: Data,
        *,
        groups: Data | None = None,
        class_of_interest: Any = None,
        n_bins: int = 10,
        level: float = 0.9,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Compare the predictions of a fitted classifier with rows it has not seen, and draw the outcome.

        Parameters
        ----------
        estimator : classifier
            A fitted one, of any kind that has ``predict_proba``.
        X : array-like of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            True classes.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if ``predict_proba`` needs them.
        class_of_interest : class label, default=None
            None: the second of two, the predicted one of more.
        n_bins : int, default=10
            Bins of equal width between 0 and 1.
        level : float, default=0.9
            Probability of the intervals.
        name : str, default=None
            Name in the legend. None: the name of the class of the estimator.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : ReliabilityDisplay
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
            If X, y or groups are not valid, or the class is unknown.
        """
        check_has_proba(cls, estimator, "IntervalCalibrationDisplay")
        check_consistent_length(X, y)
        proba = estimator.predict_proba(X, **({} if groups is None else {"groups": groups}))  # (row, class)
        return cls.from_predictions(
            y,
            proba,
            classes=estimator.classes_,
            class_of_interest=class_of_interest,
            n_bins=n_bins,
            level=level,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
        )

    @classmethod
    @validate_params(OPTIONS)
    def from_predictions(
        cls,
        y: Data,
        proba: Data,
        *,
        classes: Data | None = None,
        class_of_interest: Any = None,
        n_bins: int = 10,
        level: float = 0.9,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Compare class probabilities with what came true, and draw the outcome.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            True classes.
        proba : array-like of shape (n_samples, n_classes) or (n_samples,)
            Probabilities of the classes; of one dimension, probabilities of the second of two.
        classes : array-like of shape (n_classes,), default=None
            The classes in the order of the columns. None: the classes in y, sorted.
        class_of_interest : class label, default=None
            None: the second of two, the predicted one of more.
        n_bins : int, default=10
            Bins of equal width between 0 and 1.
        level : float, default=0.9
            Probability of the intervals.
        name : str, default=None
            Name in the legend. None: "predictions".
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : ReliabilityDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        ValueError
            If y and proba are not of the same rows and classes, proba holds no probabilities, or the class is unknown.
        """
        import_pyplot(f"{cls.__name__}.from_predictions")
        truth, table = (
            column_or_1d(y),
            check_array(proba, ensure_2d=False, input_name="proba"),
        )  # (row,), (row[, class])
        check_consistent_length(truth, table)
        if table.ndim == 1:
            table = np.stack([1 - table, table], axis=1)  # (row, class)
        known = np.unique(truth) if classes is None else np.asarray(classes)  # (class,)
        if table.shape[1] != len(known):
            raise ValueError(f"proba has {table.shape[1]} columns, but there are the {len(known)} classes {known}.")
        if table.min() < 0 or table.max() > 1:
            raise ValueError("proba holds numbers below 0 or above 1, which are no probabilities.")
        if class_of_interest is None and len(known) == 2:
            class_of_interest = known[1]
        if class_of_interest is None:
            event = "the predicted class"
            predicted, came_true = table.max(axis=1), known[table.argmax(axis=1)] == truth  # (row,) each
        else:
            event = f"class {class_of_interest}"
            predicted = table[:, class_code(known, class_of_interest)]  # (row,)
            came_true = truth == class_of_interest  # (row,)
        bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], predicted)  # (row,)
        counts = np.bincount(bins, minlength=n_bins)  # (bin,)
        filled = counts > 0  # (bin,)
        n, hits, total = (
            np.bincount(bins, weights, minlength=n_bins)[filled] for weights in (None, came_true, predicted)
        )  # (filled bin,) each
        lower, upper = jeffreys_interval(hits, n, level)  # (filled bin,) each
        return cls(
            prob_pred=total / n,
            prob_true=hits / n,
            lower=lower,
            upper=upper,
            counts=n,
            ece=float(np.abs(total - hits).sum() / len(truth)),
            event=event,
            level=level,
            name=name or "predictions",
        ).plot(ax)

    def _figure_size(self):
        return 5.5, 5.5

    def _draw(self, axes):
        label = f"{self.name}: ECE {self.ece:.3f}"
        draw_shares(axes, self.prob_pred, self.prob_true, self.lower, self.upper, label)
        ylabel = f"share that came true, with {100 * self.level:g} % intervals"
        axes.set(xlabel=f"predicted probability of {self.event}", ylabel=ylabel)
