"""Curve of what an estimator expects over the values of one feature, with bands: of all rows, or group by group."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from ..data.tables import take_column
from ..inspection.columns import distinct, has_numbers, numbers_of
from ..inspection.effects import chosen_positions, slopes_of
from ..inspection.relevance import FEW_VALUES
from ..inspection.response import ExpectedResponse
from ..inspection.table import value_text
from ..support.typed import Data, Estimator, Feature, Figure, Floats, PanelAxes, validate_params
from .colours import ACCENT, MUTED
from .figures import import_pyplot, legend_of_panels, panel_axes
from .panels import OF_ROWS, check_number_of_panels


@dataclass(eq=False, repr=False, kw_only=True)
class EffectDisplay:
    """Curve of a class's probability, or of the expected target, over the values of one feature, with a band.

    At each value of the feature, every row is given the value, and the predictions are averaged over the rows: of all
    groups in one panel, or of each group in a panel of its own, beside the average over all rows. Other features keep
    the values of the rows, or are held where ``fixed`` says. The band holds the curve at each value with a given
    posterior probability; it is wide where rows are few, whose values the ticks at the bottom show. A feature of
    up to five values, or of no numbers, has points with intervals. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    values : ndarray of shape (n_ticks,)
        Values of the feature, in the caller's units.
    mean, lower, upper : ndarray of shape (n_panels, n_ticks)
        Posterior mean and central interval of the average.
    overall : ndarray of shape (n_ticks,) or None
        Posterior mean of the average over all rows, where panels are groups.
    level : float
        Probability of the intervals.
    feature_name : str
        Name of the feature.
    response : str
        What is averaged.
    fixed : dict
        Value at which other features are held, by name.
    panels : list
        Group label of each panel; None for all rows.
    rows : list of ndarray of shape (n_rows,)
        The feature in the rows of each panel.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
    figure_ : matplotlib Figure

    See Also
    --------
    GroupRankingDisplay : The groups in the order of the feature's effect.
    PredictionBandDisplay : Of a regressor, with the band of new targets, and all other features held.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.plotting import EffectDisplay
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(draws=100, tune=100, random_state=0).fit(X, y, groups=groups)
    >>> display = EffectDisplay.from_estimator(classifier, X, feature="x0", groups=groups, by_group=True)
    >>> display.mean.shape
    (3, 30)
    """

    values: NDArray[Any]
    mean: Floats
    lower: Floats
    upper: Floats
    overall: Floats | None
    level: float
    feature_name: str
    response: str
    fixed: dict[str, Any]
    panels: list[Any]
    rows: list[NDArray[Any]]

    @classmethod
    @validate_params(
        {
            "by_group": ["boolean"],
            "fixed": [None, dict],
            "level": [Interval(Real, 0, 1, closed="neither")],
            "grid_resolution": [Interval(Integral, 2, None, closed="left")],
        }
    )
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Data,
        *,
        feature: Feature | None = None,
        groups: Data | None = None,
        by_group: bool = False,
        fixed: dict[Any, Any] | None = None,
        class_of_interest: Any = None,
        level: float = 0.9,
        grid_resolution: int = 30,
        ax: PanelAxes = None,
    ) -> Self:
        """Compute the curve of a fitted estimator over one feature, and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted one of this package, or a pipeline or search that ends in one.
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to average over, which give the range of the feature.
        feature : str or int, default=None
            The feature, by name or index of its column. None: the column of numbers of the largest average slope, per
            standard deviation of the column.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.
        by_group : bool, default=False
            Whether to draw a panel for each group, or one of all rows.
        fixed : dict, default=None
            Values to give to other features in every row, by name or index, in the units of X.
        class_of_interest : class label, default=None
            The class whose probability is meant. None: the second of two.
        level : float, default=0.9
            Probability of the band at each value.
        grid_resolution : int, default=30
            Points along the curve.
        ax : matplotlib Axes or array-like of them, default=None
            One per panel. None: a new figure.

        Returns
        -------
        display : EffectDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is not of this package.
        ValueError
            If X or groups are not valid, a feature or the class is unknown, the feature holds the groups, groups are
            asked for and there are none, or the rows are of more than 36 of them.
        """
        caller = f"{cls.__name__}.from_estimator"
        import_pyplot(caller)
        response = ExpectedResponse(caller, estimator, X, groups, class_of_interest, None)
        shown = _steepest(response) if feature is None else response.position(feature, "feature")
        held = response.held(fixed, [shown])
        panels, panel = response.members(by_group)
        check_number_of_panels(len(panels), *OF_ROWS)
        column = take_column(response.X, shown)
        if has_numbers(response.X, shown):
            column = numbers_of(response.X, shown, response.names[shown])  # (row,)
        column = np.asarray(column)  # (row,)
        values = distinct(column)  # (value,)
        if len(values) > FEW_VALUES and column.dtype.kind == "f":
            values = np.linspace(values[0], values[-1], grid_resolution)  # (tick,)
        shares = np.bincount(panel) / len(panel)  # (panel,)
        tails = [(1 - level) / 2, (1 + level) / 2]
        curves, overall = [], []
        for value in values.tolist():
            at_value = {**held, shown: value}
            draws = response.averages(lambda rows, at=at_value: response.draws(rows, at), panel)  # (draw, panel)
            curves.append([draws.mean(axis=0), *np.quantile(draws, tails, axis=0)])
            overall.append(draws.mean(axis=0) @ shares)
        mean, lower, upper = np.transpose(curves, (1, 2, 0))  # (panel, tick) each
        return cls(
            values=values,
            mean=mean,
            lower=lower,
            upper=upper,
            overall=np.array(overall) if by_group else None,
            level=level,
            feature_name=str(response.names[shown]),
            response=response.response,
            fixed={str(response.names[position]): value for position, value in held.items()},
            panels=panels,
            rows=[column[panel == code] for code in range(len(panels))],
        ).plot(ax)

    def plot(self, ax: PanelAxes = None) -> Self:
        """Draw a panel per group, or one of all rows, with the legend that they share.

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
        labels = self.feature_name, f"average {self.response}"
        self.figure_: Figure
        self.axes_: NDArray[Any]
        self.figure_, self.axes_ = panel_axes(caller, len(self.panels), ax, *labels, **shared)
        is_curve = len(self.values) > FEW_VALUES and self.values.dtype.kind == "f"
        x = self.values if is_curve else np.arange(len(self.values))  # (tick,)
        band = f"{100 * self.level:g} % of its posterior"
        for index, axes in enumerate(self.axes_):
            mean, low, high = self.mean[index], self.lower[index], self.upper[index]  # (tick,) each
            if self.overall is not None:
                style = {"color": MUTED, "linestyle": "--"} if is_curve else {"color": MUTED, "marker": "_", "ls": ""}
                axes.plot(x, self.overall, label="average over all rows", **style)
            if is_curve:
                axes.fill_between(x, low, high, color=ACCENT, alpha=0.3, linewidth=0, label=band)
                axes.plot(x, mean, color=ACCENT, label="average prediction")
                style = {"transform": axes.get_xaxis_transform(), "color": "black", "marker": "|", "ls": ""}
                rows = np.unique(self.rows[index])  # (value,)
                axes.plot(rows, np.full(len(rows), 0.02), alpha=0.5, markersize=5, label="rows", **style)
                axes.set_xlim(x[[0, -1]])
            else:
                axes.vlines(x, low, high, color=ACCENT, label=band)
                axes.plot(x, mean, "o", color=ACCENT, label="average prediction")
                axes.set_xticks(x, [value_text(value) for value in self.values])
                axes.set_xlim(x[0] - 0.5, x[-1] + 0.5)
            if self.panels[index] is not None:
                axes.set_title(f"group {self.panels[index]} ({len(self.rows[index])} rows)", fontsize="medium")
        held = ", ".join(f"{name} = {value_text(value)}" for name, value in self.fixed.items())
        handles = self.axes_[0].get_legend_handles_labels()[0]
        title = f"at {held}" if held else None
        legend_of_panels(self, handles, title, ax)
        return self


def _steepest(response):
    """Position of the column of the largest average slope over all rows, per standard deviation of the column."""
    positions = chosen_positions(response, None)
    together = np.zeros(response.X.shape[0], dtype=int)  # (row,)
    slopes = [abs(response.averages(slopes_of(response, i, {}), together).mean()) for i in positions]
    spreads = [numbers_of(response.X, i, response.names[i]).std() for i in positions]
    return positions[int(np.argmax(np.multiply(slopes, spreads)))]
