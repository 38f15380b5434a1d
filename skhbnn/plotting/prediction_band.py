"""Curves of the predicted mean over one feature, with the bands of the mean and of new targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from ..data.labels import encode_labels, unique_labels
from ..inspection.relevance import by_relevance, relevance
from ..posterior import prediction_of_numbers
from ..support.typed import Data, Feature, Figure, Floats, PanelAxes, validate_params
from .colours import ACCENT
from .figures import legend_of_panels, panel_axes
from .grid import feature_position, held_values, ranges_of, values_text
from .numbers import NumberNetworks, last_regressor, on_rows, read_inputs
from .panels import CROWD, MARKER_SIZE, OF_ROWS, check_number_of_panels


@dataclass(eq=False, repr=False, kw_only=True)
class PredictionBandDisplay:
    """Curves of the predicted mean over one feature: a panel per group, with two bands.

    The narrow band is where the expected target lies by the posterior, the wide one is where a new target is to be
    expected, each with a given probability. All other features are held at the values that the legend names. The rows
    that are drawn have other features of their own: with several features, they need not lie within the wide band.
    Make one with :meth:`from_estimator`.

    Parameters
    ----------
    values : ndarray of shape (n_ticks,)
        Values of the feature, in the caller's units.
    mean : ndarray of shape (n_panels, n_ticks)
        Posterior mean of the expected target, as of ``predict``, in the unit of y.
    mean_interval : ndarray of shape (n_panels, n_ticks, 2)
        Central interval of the posterior of the expected target, in the unit of y.
    interval : ndarray of shape (n_panels, n_ticks, 2)
        Central interval of a new target, as of ``predict_interval``, in the unit of y.
    coverage : float
        Probability of both intervals.
    feature_name : str
        Name of the feature.
    target_name : str
        Name of y.
    fixed : dict
        Value at which every other feature is held, by its name.
    panels : list
        Group label of each panel; None for a fit without groups.
    rows : list of ndarray of shape (n_rows,)
        The feature in the rows of each panel.
    row_targets : list of ndarray of shape (n_rows,), or None
        Their targets, if these were given.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
    figure_ : matplotlib Figure

    See Also
    --------
    IntervalCalibrationDisplay : Whether new targets lie within such bands as often as they should.
    GroupMeanSurfaceDisplay : What the groups have in common.

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn import HierarchicalBNNRegressor
    >>> from skhbnn.plotting import PredictionBandDisplay
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.uniform(-2, 2, (60, 1)), np.repeat(["east", "west"], 30)
    >>> y = np.sin(X[:, 0]) + (shop == "west") + 0.2 * rng.normal(size=60)
    >>> regressor = HierarchicalBNNRegressor((3,), draws=100, tune=100, random_state=0).fit(X, y, groups=shop)
    >>> display = PredictionBandDisplay.from_estimator(regressor, X, y, groups=shop, grid_resolution=20)
    >>> display.interval.shape
    (2, 20, 2)
    """

    values: Floats
    mean: Floats
    mean_interval: Floats
    interval: Floats
    coverage: float
    feature_name: str
    target_name: str
    fixed: dict[str, float]
    panels: list[Any]
    rows: list[Floats]
    row_targets: list[NDArray[Any]] | None

    @classmethod
    @validate_params(
        {
            "fixed": [None, dict],
            "coverage": [Interval(Real, 0, 1, closed="neither")],
            "grid_resolution": [Interval(Integral, 2, None, closed="left")],
        }
    )
    def from_estimator(
        cls,
        estimator: NumberNetworks,
        X: Data,
        y: Data | None = None,
        *,
        groups: Data | None = None,
        feature: Feature | None = None,
        fixed: dict[Any, Any] | None = None,
        coverage: float = 0.9,
        grid_resolution: int = 40,
        ax: PanelAxes = None,
    ) -> Self:
        """Compute the curves of a fitted regressor over one feature for the groups of some rows, and draw them.

        Parameters
        ----------
        estimator : FlatBNNRegressor, HierarchicalBNNRegressor, InformedPriorBNNRegressor or PerGroupRegressor
            A fitted one, the last of flat or informed networks; or a pipeline or search that ends in one.
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows, of training or new: they give the groups, the range of the feature, and the medians of the others.
        y : array-like of shape (n_samples,), default=None
            Their targets, which are drawn. None: the curves alone.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels of the rows, if the estimator was fitted with groups that are not a column of X.
        feature : str or int, default=None
            The feature, by name or by index of its column of X. None: the one in which the expected target is steepest
            on average, per standard deviation; features of more than five values that differ within a group go first.
        fixed : dict, default=None
            Values of other features, by name or index, in the units of X. Any feature left out is held at the (lower)
            median of the rows.
        coverage : float, default=0.9
            Probability of the intervals, between 0 and 1, both excluded.
        grid_resolution : int, default=40
            Points along each curve.
        ax : matplotlib Axes or array-like of them, default=None
            One per panel. None: a new figure.

        Returns
        -------
        display : PredictionBandDisplay
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
            If X, y or groups are not valid, a feature is unknown, or the rows are of more than 36 groups.
        """
        estimator, X = last_regressor(cls, estimator, X, "DecisionSurfaceDisplay")
        inputs, labels = read_inputs(estimator, X, groups)  # (row, input), labels of the rows
        inputs = inputs[:, : len(estimator._input_names())]  # (row, input), without labels of random intercepts
        targets = None if y is None else estimator._read_new_targets(inputs, y)  # (row,)
        panels = [None] if labels is None else unique_labels(labels, getattr(estimator, "groups", None))
        check_number_of_panels(len(panels), *OF_ROWS)
        codes = np.zeros(len(inputs), dtype=int) if labels is None else encode_labels(labels, panels)  # (row,)
        names = estimator._input_names()
        if feature is None:
            shown = _most_relevant(estimator, inputs, panels, codes)
        else:
            shown = feature_position(estimator, feature, "feature")
        held = held_values(estimator, inputs, [shown], fixed)  # (input,)
        low, high = ranges_of(inputs)[shown]
        values = np.linspace(low, high, grid_resolution)  # (tick,)
        points = np.tile(held, (len(panels) * len(values), 1))  # (panel * tick, input)
        points[:, shown] = np.tile(values, len(panels))
        of_points = None if labels is None else [label for label in panels for _ in values]
        bands = on_rows(estimator, partial(_ask_bands, coverage), points, of_points)  # (panel * tick, 5)
        bands = bands.reshape(len(panels), len(values), 5)  # (panel, tick, 5)
        own = [codes == code for code in range(len(panels))]  # (row,) each
        return cls(
            values=values,
            mean=bands[..., 0],
            mean_interval=bands[..., 1:3],
            interval=bands[..., 3:],
            coverage=coverage,
            feature_name=names[shown],
            target_name=str(getattr(y, "name", None) or "y"),
            fixed={name: float(held[i]) for i, name in enumerate(names) if i != shown},
            panels=panels,
            rows=[inputs[rows, shown] for rows in own],
            row_targets=None if targets is None else [targets[rows] for rows in own],
        ).plot(ax)

    def plot(self, ax: PanelAxes = None) -> Self:
        """Draw a panel per group, with the legend that they share.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            One per panel. None: a new figure.

        Returns
        -------
        display : self
            With ``figure_`` and ``axes_``.

        Raises
        ------
        ValueError
            If ``ax`` holds other than one axes per panel.
        """
        caller, shared = f"{type(self).__name__}.plot", {"sharex": True, "sharey": True}
        self.figure_: Figure
        self.axes_: NDArray[Any]
        labels = self.feature_name, self.target_name
        self.figure_, self.axes_ = panel_axes(caller, len(self.panels), ax, *labels, **shared)
        size = MARKER_SIZE / 2 * min(1, np.sqrt(CROWD / max(1, *map(len, self.rows))))
        percent = f"{100 * self.coverage:g} %"
        for index, axes in enumerate(self.axes_):
            for interval, strength, label in (
                (self.interval, 0.2, f"{percent} of new targets"),
                (self.mean_interval, 0.4, f"{percent} of the posterior of the mean"),
            ):
                low, high = interval[index].T  # (tick,) each
                axes.fill_between(self.values, low, high, color=ACCENT, alpha=strength, linewidth=0, label=label)
            axes.plot(self.values, self.mean[index], color=ACCENT, label="predicted mean")
            if self.row_targets is not None:
                style = {"color": "black", "linewidths": 0, "alpha": 0.6, "zorder": 3, "label": "rows"}
                axes.scatter(self.rows[index], self.row_targets[index], s=size, **style)
            axes.set_xlim(self.values[[0, -1]])
            if self.panels[index] is not None:
                axes.set_title(f"group {self.panels[index]}", fontsize="medium")
        title = values_text([self.fixed]) or None
        handles = self.axes_[0].get_legend_handles_labels()[0]
        legend_of_panels(self, handles, title, ax)
        return self


def _most_relevant(estimator, inputs, panels, codes):
    """Position of the input in which the expected target is steepest at rows (row, input) of the panels."""
    if inputs.shape[1] == 1:
        return 0
    own = [inputs[codes == code] for code in range(len(panels))]  # (row, input) each

    def expect(label, points):
        labels = None if panels == [None] else [label] * len(points)
        return on_rows(estimator, _ask_means, points, labels)[:, None]  # (point, 1)

    spread = inputs.std(axis=0)  # (input,)
    of_panels = [relevance(partial(expect, label), rows, spread) for label, rows in zip(panels, own, strict=True)]
    return by_relevance(np.mean(of_panels, axis=0), inputs, own)[0]


def _ask_means(fitted, inputs, labels):
    """Posterior mean of the expected target of each row, in the unit of the model, (row,)."""
    return fitted._over_rows(prediction_of_numbers.mean_number, inputs, labels)


def _ask_bands(coverage, fitted, inputs, labels):
    """Mean, interval of the mean and interval of a new target of each row, in the unit of y, (row, 5)."""
    return fitted._targets_in_callers_form(fitted._over_rows(partial(_bands, coverage), inputs, labels))


def _bands(coverage, predictor, parameters, X):
    """Mean, interval of the mean and interval of a new target of each row, in the unit of the model, (row, 5)."""
    tails = [(1 - coverage) / 2, (1 + coverage) / 2]
    means = prediction_of_numbers.sample_mean(predictor, parameters, X)  # (draw, row)
    new = prediction_of_numbers.quantiles(tails, predictor, parameters, X)  # (row, 2)
    return np.column_stack([means.mean(axis=0), np.quantile(means, tails, axis=0).T, new])
