"""Surface of what each group's network predicts over two features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ..support.typed import Data, Feature, PanelAxes, validate_params
from .checks import last_fit
from .panels import group_panels
from .surface import GRID_CONSTRAINTS, NETWORKS, OF_CLASSES, Limits, Networks, SurfaceDisplay


class DecisionSurfaceDisplay(SurfaceDisplay):
    """Surface of what each group's network predicts over two features: a panel per group, one colour bar.

    Two classes, or a class of interest: its probability, with a line at 1/2. More classes: the colour of the likeliest
    class, the stronger the likelier, with lines where that class changes. Rows whose two features are equal lie around
    their point. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (n_ticks, n_ticks)
        Grid of the two features in the caller's units; the first changes along the columns.
    proba : ndarray of shape (n_panels, n_ticks, n_ticks, n_classes)
        Posterior mean of the class probabilities at the grid's points.
    feature_names : tuple of str
        Names of the two features.
    fixed : list of dict
        Value at which every other feature is held in each panel, by its name.
    classes : ndarray of shape (n_classes,)
        Class labels.
    class_of_interest : class label or None
        The class that is shown; None: the likeliest at each point.
    panels : list
        Group label of each panel; None for a fit without groups.
    rows : list of ndarray of shape (n_rows, 2)
        The two features of each panel's training rows.
    row_classes : list of ndarray of shape (n_rows,)
        Their classes.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
    figure_ : matplotlib Figure
    mappable_ : matplotlib ScalarMappable
        The colour scale, for a colour bar of your own.

    See Also
    --------
    UncertaintySurfaceDisplay : How sure the networks are.
    GroupMeanSurfaceDisplay : What the groups have in common.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.plotting import DecisionSurfaceDisplay
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(draws=100, tune=100, random_state=0).fit(X, y, groups=groups)
    >>> display = DecisionSurfaceDisplay.from_estimator(classifier, grid_resolution=20)
    >>> display.proba.shape
    (3, 20, 20, 2)
    """

    @classmethod
    @validate_params(GRID_CONSTRAINTS | {"groups": [None, "array-like"]})
    def from_estimator(
        cls,
        estimator: Networks,
        *,
        groups: Data | None = None,
        features: Sequence[Feature] | None = None,
        fixed: dict[Any, Any] | None = None,
        limits: Limits | None = None,
        class_of_interest: Any = None,
        grid_resolution: int = 60,
        ax: PanelAxes = None,
        **kwargs: bool,
    ) -> Self:
        """Compute the surfaces of the networks of a fitted estimator, and draw them.

        Parameters
        ----------
        estimator : FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier or PerGroupClassifier
            A fitted one, the last of flat or informed networks; or a pipeline or search that ends in one.
        groups : array-like, default=None
            Labels of the groups to show, a panel each. None: all that have a network, thus none whose fit failed.
        features : pair of str or int, default=None
            The two features, by name or by index of their column of X. None: the two in which the shown networks
            are steepest, by the average absolute slope of the probabilities times the feature's standard deviation;
            features of more than five values go first, and of these such as differ between rows of a group.
        fixed : dict, default=None
            Values of other features, by name or index, in the units of X. Any feature left out is held at the (lower)
            median of the training rows of the panel's group, which is a value of one of them; the figure says at which.
        limits : pair of (low, high), default=None
            Range of each of the two features. None: the range of the training rows of all groups, and a
            little more.
        class_of_interest : class label, default=None
            The class whose probability is shown. None: the second of two, the likeliest of more.
        grid_resolution : int, default=60
            Points along each side of the grid.
        ax : matplotlib Axes or array-like of them, default=None
            One per panel. None: a new figure.
        **kwargs
            Other arguments of :meth:`plot`.

        Returns
        -------
        display : DecisionSurfaceDisplay
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
            If a feature, a group or the class is unknown, the fit has one feature only, or there are more than 36
            groups and none are chosen.
        """
        estimator = last_fit(cls, estimator, NETWORKS, OF_CLASSES)
        panels = group_panels(estimator, groups)
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
