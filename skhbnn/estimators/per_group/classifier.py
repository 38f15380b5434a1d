"""A clone of any classifier per group, fitted in parallel."""

from __future__ import annotations

import os
from typing import Literal, Self

from ...persistence.saving import storable
from ...support.typed import Columns, Data, Estimator, Inference, Seed, available_if, fit_context
from ..grouped_classifier_methods import GroupedClassifierMethods
from .base import PerGroup
from .classes import GroupClassesMixin
from .updates import keeps_rows


@storable
class PerGroupClassifier(GroupedClassifierMethods, GroupClassesMixin, PerGroup):
    """Classifier with a clone of a classifier per group, fitted in parallel.

    Groups come as ``groups=`` of every method, or as columns of X named by the constructor's ``groups``, as in
    :class:`HierarchicalBNNClassifier`. Without groups, one clone is fitted to all rows. The fits go through joblib:
    they run on its processes, or on the cluster of the Dask or Ray backend that ``joblib.parallel_config`` sets.

    Parameters
    ----------
    estimator : classifier
        Classifier that is cloned for every group. If it has a parameter ``classes`` that is None, as
        :class:`InformedPriorBNNClassifier` has, every clone is given the classes of all groups there.
    groups : str, int, or list or tuple of them, default=None
        Column of X that holds the group labels. Several columns are levels of nested groups, the outermost first, such
        as ``["region", "shop"]``; estimators per group have no levels, and take the tuple of the labels for one label.
    n_jobs : int, default=None
        Number of groups that are fitted at once. With more than 1, each fit runs on one thread, whatever the ``n_jobs``
        of ``estimator`` says. It changes no result.
    on_error : {"raise", "fallback"}, default="raise"
        What a group whose fit fails gets: an error, or the fallback with a ``FitFailedWarning``.
    refit_inference : str, default=None
        The ``inference`` by which a group is fitted again if ``diagnostics_`` of its fit name problems. With
        ``estimator`` set to ``inference="laplace"``, ``"nuts"`` samples only the groups whose Pareto k is above 0.7;
        ``estimators_[label].inference`` says by which a group was fitted in the end. None: every group is fitted once.
    fallback : classifier or "prior", default=None
        Predicts groups that ``fit`` did not see. A classifier is cloned and fitted to all rows without their groups;
        ``"prior"`` is the prior of ``estimator``, an InformedPriorBNNClassifier, by itself. None: a ValueError.
    checkpoint : path-like, default=None
        A folder that keeps every finished group, so that a later ``fit`` with equal data and parameters goes on from
        it. Its files are pickles: name only a folder that you trust.
    random_state : int, RandomState instance or None, default=None
        Seeds every ``random_state`` within the clones, from the label of the group. None: each clone keeps its own.
    verbose : int, default=0
        1 shows a line of progress.

    Attributes
    ----------
    estimators_ : dict
        Fitted estimator of each group by its label, which is ``"all rows"`` if ``fit`` got no groups.
    fallback_ : estimator or None
        Fitted fallback.
    failed_groups_ : dict
        Text of the error of each group whose fit failed, by label; the fallback serves these groups.
    classes_ : ndarray of shape (n_classes,)
        Class labels of all groups.
    ordered_classes_ : ndarray of shape (n_classes,) or None
        Class labels in the order of an ordered pandas categorical as y, the lowest first; None of any other y.
    groups_ : ndarray of shape (n_groups,) or None
        Sorted group labels, of several columns tuples; None if ``fit`` got none.
    group_columns_ : list of int or None
        Positions of the columns of X that hold the group labels; None if these were an argument, or there were none.
    n_features_in_ : int
        Number of columns of X, group columns included.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Names of the columns of X, where X had any.

    See Also
    --------
    HierarchicalBNNClassifier : Groups that teach each other.
    InformedPriorBNNClassifier.from_hierarchical : What to fit to every new group.

    Notes
    -----
    The methods of prediction are the ones that ``estimator`` has. A class that a group's estimator does not know has
    probability 0 in the rows of the group. A fit without groups has no use for ``n_jobs``,
    ``on_error``, ``fallback`` and ``checkpoint``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skhbnn import PerGroupClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = PerGroupClassifier(LogisticRegression(), fallback=LogisticRegression())
    >>> classifier.fit(X, y, groups=groups).predict_proba(X[:2], groups=[0, "unseen"]).shape
    (2, 2)
    """

    def __init__(
        self,
        estimator: Estimator,
        groups: Columns | None = None,
        *,
        n_jobs: int | None = None,
        on_error: Literal["raise", "fallback"] = "raise",
        refit_inference: Inference | None = None,
        fallback: Estimator | Literal["prior"] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        random_state: Seed = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator=estimator,
            groups=groups,
            n_jobs=n_jobs,
            on_error=on_error,
            refit_inference=refit_inference,
            fallback=fallback,
            checkpoint=checkpoint,
            random_state=random_state,
            verbose=verbose,
        )

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Data, y: Data, groups: Data | None = None, sample_weight: Data | None = None) -> Self:
        """Fit a clone of the estimator to the rows of every group.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows, of any kind that the estimator takes.
        y : array-like of shape (n_samples,)
            Class labels.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, of any hashable kind; not together with the constructor's ``groups``.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, for an estimator whose ``fit`` takes weights. None: once.

        Returns
        -------
        self : PerGroupClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, groups, sample_weight or a parameter is not valid, a group label is missing, the fit of a group
            fails with ``on_error="raise"``, the estimator or the fallback takes no weights, the fallback does not know
            a class, or the checkpoint is corrupt or of another run.
        TypeError, RuntimeError
            If the fit of a group or of the fallback fails so, or workers that fit groups keep being killed or are lost.
        OSError
            If the checkpoint cannot be read or written.

        Warns
        -----
        FitFailedWarning
            If groups failed and the fallback serves them.
        UserWarning
            If there are no groups, so that all rows are one group.
        """
        return self._fit(X, y, groups, sample_weight)

    @available_if(keeps_rows)
    @fit_context(prefer_skip_nested_validation=False)
    def update(self, X: Data, y: Data, groups: Data | None = None, sample_weight: Data | None = None) -> Self:
        """Learn from new rows of some groups.

        Each of these groups is fitted again, as ``fit`` does it, to its new rows and to its old ones, which its network
        keeps. The other groups, and the fallback, stay as they are. The estimator must be a network of this package.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            New rows only.
        y : array-like of shape (n_samples,)
            Class labels, all of them in ``classes_``.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each new row counts, where rows of ``fit`` have other weights than 1. None: once.

        Returns
        -------
        self : PerGroupClassifier
            The classifier, with the new rows learned.

        Raises
        ------
        NotFittedError
            If nothing was fitted yet.
        ValueError, TypeError, RuntimeError
            If X, y, groups or sample_weight is not valid, y has a class that is not in ``classes_``, or the fit of a
            group fails; all groups then stay as they were.

        See Also
        --------
        InformedPriorBNNClassifier.from_posterior : A prior of new rows, where the old ones are not to be kept.
        """
        return self._update(X, y, groups, sample_weight)
