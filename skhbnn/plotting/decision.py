"""What each group's network predicts over two features, and what the group mean learned."""

from sklearn.utils._param_validation import validate_params

from ..estimators.hierarchical import HierarchicalBNNClassifier
from .support import check_fit
from .surface import GRID_CONSTRAINTS, NETWORKS, Panel, SurfaceDisplay, group_panels


class DecisionSurfaceDisplay(SurfaceDisplay):
    """What each group's network predicts over two features: a panel per group, one colour bar.

    Two classes, or a class of interest: its probability, with a line at 1/2. More classes: the colour of the likeliest
    class, the stronger the likelier, with lines where that class changes. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (n_ticks, n_ticks)
        Grid of the two features in the caller's units; the first changes along the columns.
    proba : ndarray of shape (n_panels, n_ticks, n_ticks, n_classes)
        Posterior mean of the class probabilities at the grid's points.
    feature_names : tuple of str
        Names of the two features.
    fixed : dict
        Value at which every other feature is held, by its name.
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
    @validate_params(GRID_CONSTRAINTS | {"groups": [None, "array-like"]}, prefer_skip_nested_validation=True)
    def from_estimator(
        cls,
        estimator,
        *,
        groups=None,
        features=None,
        fixed=None,
        limits=None,
        class_of_interest=None,
        grid_resolution=60,
        ax=None,
        **kwargs,
    ):
        """Compute the surfaces of a fitted estimator and draw them.

        Parameters
        ----------
        estimator : FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier or PerGroupClassifier
            A fitted one, the last of flat or informed networks.
        groups : array-like, default=None
            Labels of the groups to show, a panel each. None: all that have a network, thus none whose fit failed.
        features : pair of str or int, default=None
            The two features, by name or by index of their column of X. None: the first two.
        fixed : dict, default=None
            Values of other features, by name or index, in the units of X. Those left out are held at the median of the
            training rows.
        limits : pair of (low, high), default=None
            Range of each of the two features. None: that of the training rows of all groups, and a little more.
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
        check_fit(cls, estimator, NETWORKS, "classifier of this package")
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


class GroupMeanSurfaceDisplay(SurfaceDisplay):
    """What the group model learned: the network whose weights are the group mean, averaged over its posterior.

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
    @validate_params(GRID_CONSTRAINTS, prefer_skip_nested_validation=True)
    def from_estimator(
        cls,
        estimator,
        *,
        features=None,
        fixed=None,
        limits=None,
        class_of_interest=None,
        grid_resolution=60,
        ax=None,
        **kwargs,
    ):
        """Compute the surface of a fitted estimator's group mean and draw it.

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
        panels = [Panel("mean", estimator, posterior.mean_parameters(), slice(0))]
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
