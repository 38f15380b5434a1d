"""Surface of the network whose weights are the group mean: what the groups have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ..estimators.hierarchical import HierarchicalBNNClassifier
from ..support.typed import PanelAxes, validate_params
from .checks import check_fit
from .surface import GRID_CONSTRAINTS, Feature, Limits, Panel, SurfaceDisplay


class GroupMeanSurfaceDisplay(SurfaceDisplay):
    """Surface of the network whose weights are the group mean, averaged over its posterior.

    It shows what the groups have in common, and is not the mean of their surfaces. No rows are drawn: none belong to
    this network. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    xx0, xx1, proba, feature_names, fixed, classes, class_of_interest, panels, rows, row_classes : see below
        The surface, as of :class:`DecisionSurfaceDisplay`, with one panel and no rows.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (1,)
    figure_ : matplotlib Figure
    mappable_ : matplotlib ScalarMappable

    See Also
    --------
    DecisionSurfaceDisplay : The networks of the groups.

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

    @classmethod
    @validate_params(GRID_CONSTRAINTS)
    def from_estimator(
        cls,
        estimator: HierarchicalBNNClassifier,
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
        estimator : HierarchicalBNNClassifier
            A fitted one.
        features, fixed, limits, class_of_interest, grid_resolution, ax, **kwargs : see below
            What to show, and where: as of :meth:`DecisionSurfaceDisplay.from_estimator`.

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
            If it is not a HierarchicalBNNClassifier.
        ValueError
            If a layer has no group mean, as with ``pooling="none"``, or a feature or the class is unknown.
        """
        check_fit(cls, estimator, HierarchicalBNNClassifier)
        posterior = estimator.posterior_
        if not posterior.model.shares_all_weights:
            raise ValueError(f"pooling={estimator.pooling!r} leaves a layer without a group mean: nothing to show.")
        panels = [Panel(label="mean", fitted=estimator, parameters=posterior.mean_parameters(), rows=slice(0))]
        (common,) = cls._compute(
            estimator,
            (),
            panels,
            features=features,
            fixed=fixed,
            limits=limits,
            class_of_interest=class_of_interest,
            grid_resolution=grid_resolution,
        )
        return cls(**common).plot(ax, **kwargs)
