"""Mean residual of every group with its interval: groups that a model misses."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Self

import numpy as np
from scipy.stats import norm
from sklearn.utils._param_validation import Interval

from ..data.labels import labels_array, rows_by_label, unique_labels
from ..data.levels import as_one_label, read_levels
from ..posterior import prediction_of_numbers
from ..support.typed import Axes, Data, Floats, Labels, validate_params
from .colours import ACCENT, MUTED, WARNING
from .figures import OneAxesDisplay, legend_above
from .numbers import NumberNetworks, last_regressor, on_rows, read_inputs
from .ordered import height_of_groups, label_groups

MANY_ROWS = 500  # beyond, the dots of rows are smaller


@dataclass(eq=False, repr=False, kw_only=True)
class GroupResidualDisplay(OneAxesDisplay):
    """Intervals of the mean standardised residual of every group, ordered by the mean.

    A standardised residual is (y - mean) / standard deviation, both of the predictive distribution of the row. If the
    model is right they have mean 0 and variance 1, and the mean of n independent ones has a standard deviation of
    1 / sqrt(n): the intervals are normal ones with it. Groups whose interval does not hold 0 stand out. By chance
    that is one group in ten, with intervals of level 0.9. All groups have their labels, or of more than 40 the five
    at either end. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    means : ndarray of shape (n_groups,)
        Mean standardised residual of each group, ascending.
    lower, upper : ndarray of shape (n_groups,)
        Interval of each mean.
    residuals : list of ndarray of shape (n_rows,)
        Standardised residuals of the rows of each group.
    groups : ndarray of shape (n_groups,)
        Group labels.
    level : float
        Probability of the intervals.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    ShrinkageDisplay : How far groups are from what all have in common.

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn import FlatBNNRegressor
    >>> from skhbnn.plotting import GroupResidualDisplay
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.uniform(-2, 2, (60, 1)), np.repeat(["east", "north", "west"], 20)
    >>> y = np.sin(X[:, 0]) + (shop == "north") + 0.2 * rng.normal(size=60)
    >>> regressor = FlatBNNRegressor((3,), draws=100, tune=100, random_state=0).fit(X, y)
    >>> display = GroupResidualDisplay.from_estimator(regressor, X, y, groups=shop)
    >>> str(display.groups[-1])
    'north'
    """

    means: Floats
    lower: Floats
    upper: Floats
    residuals: list[Floats]
    groups: Labels
    level: float

    @classmethod
    @validate_params({"level": [Interval(Real, 0, 1, closed="neither")]})
    def from_estimator(
        cls,
        estimator: NumberNetworks,
        X: Data,
        y: Data,
        *,
        groups: Data | None = None,
        level: float = 0.9,
        ax: Axes | None = None,
    ) -> Self:
        """Compute the residuals of a fitted regressor by group, and draw them.

        Parameters
        ----------
        estimator : FlatBNNRegressor, HierarchicalBNNRegressor, InformedPriorBNNRegressor or PerGroupRegressor
            A fitted one, the last of flat or informed networks; or a pipeline or search that ends in one.
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Their targets.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels of the rows, if they are not a column of X. Of a regressor that was fitted without groups, any
            labels to tell rows apart by.
        level : float, default=0.9
            Probability of the intervals.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : GroupResidualDisplay
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
            If X, y or groups are not valid, or there are no groups.
        """
        estimator, X = last_regressor(cls, estimator, X, "ReliabilityDisplay")
        if getattr(estimator, "groups_", None) is None:  # groups are nothing that it predicts from
            if groups is None:
                raise ValueError(
                    f"This {type(estimator).__name__} was fitted without groups: pass groups= to tell rows apart by."
                )
            inputs, own_labels = read_inputs(estimator, X, None)  # (row, input)
            labels = as_one_label(read_levels(groups, len(inputs), one_level=True)[0])
        else:
            inputs, labels = read_inputs(estimator, X, groups)  # (row, input), labels of the rows
            own_labels = labels
        known = unique_labels(labels, getattr(estimator, "groups", None))
        targets = estimator._read_new_targets(inputs, y)  # (row,)
        standard = on_rows(estimator, _ask_residuals, inputs, own_labels, targets)  # (row,)
        rows = rows_by_label(labels)
        means = np.array([standard[rows[label]].mean() for label in known])  # (group,)
        reach = norm.ppf((1 + level) / 2) / np.sqrt([len(rows[label]) for label in known])  # (group,)
        order = np.argsort(means, kind="stable")  # (group,)
        return cls(
            means=means[order],
            lower=(means - reach)[order],
            upper=(means + reach)[order],
            residuals=[standard[rows[known[i]]] for i in order],
            groups=labels_array(known)[order],
            level=level,
        ).plot(ax)

    def _figure_size(self):
        return 7, height_of_groups(len(self.means))

    def _draw(self, axes):
        places = np.arange(len(self.means))  # (group,)
        size = 5 if sum(map(len, self.residuals)) <= MANY_ROWS else 3
        for place, residuals in zip(places, self.residuals, strict=True):
            axes.plot(residuals, np.full(len(residuals), place), ".", color=MUTED, alpha=0.4, markersize=size, zorder=1)
        axes.plot([], [], ".", color=MUTED, label="one row")
        holds_0 = (self.lower <= 0) & (self.upper >= 0)  # (group,)
        percent = f"{100 * self.level:g} %"
        for chosen, colour, marker, label in (
            (holds_0, ACCENT, "o", f"mean, {percent} interval"),
            (~holds_0, WARNING, "D", "interval without 0"),
        ):
            if not chosen.any():
                continue
            axes.hlines(places[chosen], self.lower[chosen], self.upper[chosen], color=colour)
            axes.plot(self.means[chosen], places[chosen], marker, color=colour, markersize=4, label=label)
        axes.axvline(0, color="black", linestyle=":", linewidth=1)
        axes.set(xlabel="standardised residual")
        label_groups(axes, self.groups, self.lower, self.upper)
        legend_above(axes, 3)


def _ask_residuals(fitted, inputs, labels, y):
    """Standardised residuals of targets y (row,), (row,)."""
    return fitted._over_rows(_residuals, inputs, labels, fitted.target_standardizer_.transform(y))


def _residuals(predictor, parameters, X, y):
    """Standardised residuals of targets y (row,) in the unit of the model, (row,)."""
    variance = prediction_of_numbers.variances(predictor, parameters, X).sum(axis=1)  # (row,)
    return (y - prediction_of_numbers.mean_number(predictor, parameters, X)) / np.sqrt(variance)
