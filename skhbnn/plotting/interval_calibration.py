"""Curve that tells whether predictive intervals hold as many targets as they should."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Self

import numpy as np
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval

from ..posterior.prediction import blocks
from ..support.typed import Axes, Data, Floats, validate_params
from .figures import OneAxesDisplay, import_pyplot
from .numbers import NumberNetworks, last_regressor, on_rows, read_inputs
from .shares import draw_shares, jeffreys_interval

LEVELS = np.arange(1, 20) / 20  # (level,): 0.05, 0.1, ... 0.95
OPTIONS = {"level": [Interval(Real, 0, 1, closed="neither")], "name": [None, str]}


@dataclass(eq=False, repr=False, kw_only=True)
class IntervalCalibrationDisplay(OneAxesDisplay):
    """Curve of the observed coverage of central predictive intervals against their level, with credible intervals.

    Of a calibrated model, half of the targets lie in the intervals of level 0.5, and so on: a curve below the diagonal
    is of a model that is too sure, one above of a model that is not sure enough. The credible intervals of the coverage
    are Jeffreys' [1]_, for rows that are independent.

    Intervals of counts are conservative: they end at whole numbers, and hold a count with the probability of their
    level at least. Of small counts the curve of a calibrated model therefore lies above the diagonal.

    On axes that hold a curve already, the next one has the next colour. Make one with :meth:`from_estimator` or
    :meth:`from_predictions`.

    Parameters
    ----------
    levels : ndarray of shape (19,)
        Probabilities of the intervals: 0.05, 0.1, ... 0.95.
    coverage : ndarray of shape (19,)
        Share of the targets that lie in the intervals of each level.
    lower, upper : ndarray of shape (19,)
        Credible interval of the share.
    n_rows : int
        Number of targets.
    level : float
        Probability of the credible intervals.
    name : str
        Name of the estimator, or what else the legend is to say.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    ReliabilityDisplay : Whether probabilities of classes come true.
    PredictionBandDisplay : The intervals over one feature.

    References
    ----------
    .. [1] Brown, Cai and DasGupta (2001), "Interval estimation for a binomial proportion", Statistical Science 16(2).

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn import FlatBNNRegressor
    >>> from skhbnn.plotting import IntervalCalibrationDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, (200, 1))
    >>> y = np.sin(X[:, 0]) + 0.2 * rng.normal(size=200)
    >>> regressor = FlatBNNRegressor((3,), draws=100, tune=100, random_state=0).fit(X[:100], y[:100])
    >>> display = IntervalCalibrationDisplay.from_estimator(regressor, X[100:], y[100:])
    >>> display.coverage.shape
    (19,)
    """

    levels: Floats
    coverage: Floats
    lower: Floats
    upper: Floats
    n_rows: int
    level: float
    name: str

    @classmethod
    @validate_params(OPTIONS)
    def from_estimator(
        cls,
        estimator: NumberNetworks,
        X: Data,
        y: Data,
        *,
        groups: Data | None = None,
        level: float = 0.9,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Compare the intervals of a fitted regressor with rows it has not seen, and draw the outcome.

        Parameters
        ----------
        estimator : FlatBNNRegressor, HierarchicalBNNRegressor, InformedPriorBNNRegressor or PerGroupRegressor
            A fitted one, the last of flat or informed networks; or a pipeline or search that ends in one.
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Their targets.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels of the rows, if the estimator was fitted with groups that are not a column of X.
        level : float, default=0.9
            Probability of the credible intervals of the coverage.
        name : str, default=None
            Name in the legend. None: the name of the class of the estimator.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : IntervalCalibrationDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is none of these.
        ValueError
            If X, y or groups are not valid.
        """
        estimator, X = last_regressor(cls, estimator, X, "ReliabilityDisplay")
        inputs, labels = read_inputs(estimator, X, groups)  # (row, input), labels of the rows
        targets = estimator._read_new_targets(inputs, y)  # (row,)
        pit = on_rows(estimator, _ask_transforms, inputs, labels, targets)  # (row, 2)
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(pit, level=level, name=name, ax=ax)

    @classmethod
    @validate_params(OPTIONS)
    def from_predictions(
        cls, pit: Data, *, level: float = 0.9, name: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Compare probability integral transforms of any predictions with the uniform distribution, and draw it.

        Parameters
        ----------
        pit : array-like of shape (n_samples,) or (n_samples, 2)
            The probability integral transform: the predictive distribution function at the target of each row. Of
            counts two columns, the probability of less than the target, and of the target at most.
        level : float, default=0.9
            Probability of the credible intervals of the coverage.
        name : str, default=None
            Name in the legend. None: "predictions".
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : IntervalCalibrationDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        ValueError
            If pit has another shape, or holds no probabilities, or more for less than the target than for it at most.

        Examples
        --------
        Of draws from another model, (draw, row), the transform is the share of draws up to the target:

        >>> import numpy as np
        >>> from skhbnn.plotting import IntervalCalibrationDisplay
        >>> rng = np.random.default_rng(0)
        >>> draws, y = rng.normal(size=(1000, 200)), rng.normal(size=200)
        >>> display = IntervalCalibrationDisplay.from_predictions(np.mean(draws <= y, axis=0))
        >>> display.n_rows
        200
        """
        import_pyplot(f"{cls.__name__}.from_predictions")
        table = check_array(pit, ensure_2d=False, dtype=np.float64, input_name="pit")  # (row,) or (row, 2)
        if table.ndim == 1:
            table = np.stack([table, table], axis=1)  # (row, 2)
        if table.ndim != 2 or table.shape[1] != 2:
            raise ValueError(f"pit must have the shape (n_samples,) or (n_samples, 2), got {np.shape(pit)}.")
        below, up_to = table.T  # (row,) each
        if table.min() < 0 or table.max() > 1:
            raise ValueError("pit holds numbers below 0 or above 1, which are no probabilities.")
        if np.any(below > up_to):
            raise ValueError(
                f"pit has a greater probability of less than the target than of the target at most in row "
                f"{int(np.argmax(below > up_to))}: the columns are P(Y < y) and P(Y <= y)."
            )
        # A target is not below the quantile of a level if it is reached with it, and not above if it is not before it.
        low, high = (1 - LEVELS) / 2, (1 + LEVELS) / 2  # (level,) each
        hits = np.sum((up_to[:, None] >= low) & (below[:, None] < high), axis=0)  # (level,)
        lower, upper = jeffreys_interval(hits, len(table), level)  # (level,) each
        return cls(
            levels=LEVELS.copy(),
            coverage=hits / len(table),
            lower=lower,
            upper=upper,
            n_rows=len(table),
            level=level,
            name=name or "predictions",
        ).plot(ax)

    def _figure_size(self):
        return 5.5, 5.5

    def _draw(self, axes):
        label = f"{self.name}: {self.n_rows} rows"
        draw_shares(axes, self.levels, self.coverage, self.lower, self.upper, label)
        ylabel = f"share of targets within, with {100 * self.level:g} % intervals"
        axes.set(xlabel="level of the central predictive interval", ylabel=ylabel)


def _ask_transforms(fitted, inputs, labels, y):
    """Probabilities of a new target below y (row,), and of y at most, (row, 2)."""
    return fitted._over_rows(_transforms, inputs, labels, fitted.target_standardizer_.transform(y))


def _transforms(predictor, parameters, X, y):
    """Probabilities of a new target below y (row,) in the unit of the model, and of y at most, (row, 2)."""
    likelihood, total = predictor.likelihood, np.zeros((len(X), 2))  # (row, 2)
    before = np.ceil(y) - 1 if likelihood.is_count else y  # (row,)
    for draws, rows in blocks(predictor, parameters, X):
        outputs, own = predictor.outputs_and_own(parameters[draws].astype(float), X[rows])
        for column, at in enumerate((before, y)):
            total[rows, column] += likelihood.cdf(at[rows], outputs, own).sum(axis=0)
    return np.minimum(total / len(parameters), 1)  # a sum may be rounded upwards
