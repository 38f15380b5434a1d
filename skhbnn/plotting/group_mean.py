"""Surface of the network whose weights are the group mean: what the groups have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..estimators.hierarchical import HierarchicalBNN, HierarchicalBNNClassifier
from ..inspection.relevance import relevance
from ..posterior.prediction_of_numbers import mean_number
from ..support.typed import Feature, Floats, PanelAxes, validate_params
from .checks import last_fit
from .colours import SEQUENTIAL
from .grid import feature_grid, held_values, training_inputs
from .panels import Panel
from .surface import GRID_CONSTRAINTS, Limits, SurfaceDisplay


@dataclass(eq=False, repr=False, kw_only=True)
class GroupMeanSurfaceDisplay(SurfaceDisplay):
    """Surface of the network whose weights are the group mean, averaged over its posterior.

    It shows what the groups have in common, and is not the mean of their surfaces. No rows are drawn: none belong to
    this network. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    xx0, xx1, proba, feature_names, fixed, classes, class_of_interest, panels, rows, row_classes : see below
        The surface, as of :class:`DecisionSurfaceDisplay`, with one panel and no rows; of a regressor without classes.
    mean : ndarray of shape (1, n_ticks, n_ticks) or None
        Posterior mean of the expected target at the grid's points, in the unit of y; None of a classifier.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (1,)
    figure_ : matplotlib Figure
    mappable_ : matplotlib ScalarMappable

    See Also
    --------
    DecisionSurfaceDisplay : The networks of the groups.
    PredictionBandDisplay : The networks of the groups, of a regressor.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.plotting import GroupMeanSurfaceDisplay
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(draws=100, tune=100, random_state=0).fit(X, y, groups=groups)
    >>> GroupMeanSurfaceDisplay.from_estimator(classifier, grid_resolution=20).proba.shape
    (1, 20, 20, 2)
    """

    mean: Floats | None = None

    @classmethod
    @validate_params(GRID_CONSTRAINTS)
    def from_estimator(
        cls,
        estimator: HierarchicalBNN,
        *,
        features: Sequence[Feature] | None = None,
        fixed: dict[Any, Any] | None = None,
        limits: Limits | None = None,
        class_of_interest: Any = None,
        grid_resolution: int = 60,
        ax: PanelAxes = None,
        **kwargs: bool,
    ) -> Self:
        """Compute the surface of the group mean of a fitted estimator, and draw it.

        Parameters
        ----------
        estimator : HierarchicalBNNClassifier or HierarchicalBNNRegressor
            A fitted one, or a pipeline or search that ends in one.
        features, fixed, limits, class_of_interest, grid_resolution, ax, **kwargs : see below
            What to show, and where: as of :meth:`DecisionSurfaceDisplay.from_estimator`. A regressor has no class of
            interest.

        Returns
        -------
        display : GroupMeanSurfaceDisplay
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
            If a layer has no group mean, as with ``pooling="none"``, or a feature or the class is unknown.
        """
        estimator = last_fit(cls, estimator, HierarchicalBNN, "hierarchical estimator")
        posterior = estimator.posterior_
        if not posterior.model.shares_all_weights:
            raise ValueError(f"pooling={estimator.pooling!r} leaves a layer without a group mean: nothing to show.")
        ranges = {"features": features, "fixed": fixed, "limits": limits}
        if not isinstance(estimator, HierarchicalBNNClassifier):
            if class_of_interest is not None:
                raise ValueError(f"class_of_interest was given, but a {type(estimator).__name__} has no classes.")
            return cls._of_numbers(estimator, grid_resolution, **ranges).plot(ax, **kwargs)
        panels = [Panel(label="mean", fitted=estimator, parameters=posterior.mean_parameters(), rows=slice(0))]
        (common,) = cls._compute(
            estimator,
            (),
            panels,
            class_of_interest=class_of_interest,
            grid_resolution=grid_resolution,
            **ranges,
        )
        return cls(**common).plot(ax, **kwargs)

    @classmethod
    def _of_numbers(cls, regressor, grid_resolution, features, fixed, limits):
        """Display of the group mean of a regressor over a grid."""
        posterior, rows = regressor.posterior_, training_inputs(regressor)  # (row, input)
        parameters = posterior.mean_parameters()  # (draw, parameter)

        def mean_of(points):
            """Posterior mean of the expected target in the unit of the model, (point, 1)."""
            return mean_number(posterior.predictor, parameters, regressor.standardizer_.transform(points))[:, None]

        grid = feature_grid(
            estimator=regressor,
            features=features,
            limits=limits,
            n_ticks=grid_resolution,
            relevance=lambda spread: relevance(mean_of, rows, spread),
            panels=[rows],
        )
        values = held_values(regressor, rows, grid.features, fixed)  # (input,)
        mean = mean_of(grid.points(values))[:, 0]  # (point,)
        return cls(
            xx0=grid.xx0,
            xx1=grid.xx1,
            proba=np.empty((1, *grid.xx0.shape, 0)),
            feature_names=grid.names,
            fixed=[grid.fixed(values)],
            classes=np.empty(0),
            class_of_interest=None,
            panels=["mean"],
            rows=[np.empty((0, 2))],
            row_classes=[np.empty(0)],
            mean=regressor._targets_in_callers_form(mean).reshape(1, *grid.xx0.shape),
        )

    def _paint(self, axes, index):
        if self.mean is None:
            return super()._paint(axes, index)
        return self._imshow(axes, self.mean[index], cmap=SEQUENTIAL)

    def _draw_over(self, axes, index):
        if self.mean is None:
            return super()._draw_over(axes, index)
        style = {"colors": "white", "linewidths": 0.6, "linestyles": "solid"}
        lines = axes.contour(self.xx0, self.xx1, self.mean[index], **style)
        axes.clabel(lines, fontsize="small")
        return []

    def _colorbar_label(self):
        return super()._colorbar_label() if self.mean is None else "expected y"
