"""A clone of any classifier per group, fitted in parallel."""

import os
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, is_classifier
from sklearn.utils import _safe_indexing, check_array, check_random_state, column_or_1d, get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ...data.labels import ALL_ROWS, check_no_class_missing, label_text, labels_array, rows_by_label, unique_labels
from ...inference.methods import METHODS
from ...persistence.saving import SavableMixin, storable
from ...support.progress import CallbackSupportMixin, fit_progress
from ..informed import InformedPriorBNNClassifier
from ..single import SingleNetworkClassifier
from .checkpoint import Checkpoint, parameter_digests, table_digest
from .fits import POOLED, fit_all, report, seeded_clone
from .parallel import Task, fit_with_refit, inference_parameters
from .predictions import GroupEstimatorsMixin


def _inner_keeps_rows(self):
    """Whether the estimator is a network, which keeps the rows that it was fitted to, for ``available_if``."""
    if not isinstance(self.estimator, SingleNetworkClassifier):
        raise AttributeError(f"A {type(self.estimator).__name__} does not keep the rows that it was fitted to.")
    return True


def _with_old_rows(fitted, X, y):
    """The rows that a network was fitted to, in the caller's units, and behind them the new ones."""
    data = fitted.training_data_
    old = fitted.standardizer_.inverse_transform(data.X)  # (row, feature)
    new = check_array(X, dtype=None, ensure_all_finite=False)  # (row, feature)
    return np.vstack([old, new]), np.concatenate([fitted.classes_[data.y], y])


@storable
class PerGroupClassifier(SavableMixin, GroupEstimatorsMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """A clone of a classifier per group, fitted in parallel.

    Groups come as ``groups=`` of every method, or as columns of X named by the constructor's ``groups``, as in
    :class:`HierarchicalBNNClassifier`. Without either, one clone is fitted to all rows. The fits go through joblib:
    they run on its processes, or on the cluster of the Dask or Ray backend that ``joblib.parallel_config`` sets.

    Parameters
    ----------
    estimator : classifier
        What is cloned for every group. If it has a parameter ``classes`` that is None, as
        :class:`InformedPriorBNNClassifier` has, the clones are given all classes there.
    groups : str, int, or list or tuple of them, default=None
        Column, or columns, of X that hold the group labels.
    n_jobs : int, default=None
        Groups that are fitted at once. With more than 1, each fit runs on one thread, whatever the ``n_jobs`` of
        ``estimator`` says. It changes no result.
    on_error : {"raise", "fallback"}, default="raise"
        What a group whose fit fails gets: an error, or the fallback with a ``FitFailedWarning``.
    refit_inference : str, default=None
        The ``inference`` by which a group is fitted again if ``diagnostics_`` of its fit name problems. With
        ``estimator`` set to ``inference="laplace"``, ``"nuts"`` samples only the groups whose Pareto k is above 0.7;
        ``estimators_[label].inference`` says by which a group was fitted in the end. None: each is fitted once.
    fallback : classifier or "prior", default=None
        Predicts groups that ``fit`` did not see. A classifier is cloned and fitted to all rows without their groups;
        ``"prior"`` is the prior of ``estimator``, an InformedPriorBNNClassifier, by itself. None: a ValueError.
    checkpoint : path-like, default=None
        A folder that keeps every finished group, so that ``fit`` with the same data and parameters goes on from there.
        Its files are pickles: name only a folder that you trust.
    random_state : int, RandomState instance or None, default=None
        Seeds every ``random_state`` within the clones, from the label of the group. None: they keep their own.
    verbose : int, default=0
        1 shows a line of progress.

    Attributes
    ----------
    estimators_ : dict
        The fitted estimator of each group, by label; of ``"all rows"`` if ``fit`` got no groups.
    fallback_ : estimator or None
        The fitted fallback.
    failed_groups_ : dict
        What the error said of each group that the fallback serves, by label.
    classes_ : ndarray of shape (n_classes,)
        Class labels of all groups.
    groups_ : ndarray of shape (n_groups,) or None
        Sorted group labels; None if ``fit`` got none.
    n_features_in_ : int
        Number of columns of X, group columns included.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Their names, where X had any.

    See Also
    --------
    HierarchicalBNNClassifier : Groups that teach each other.
    InformedPriorBNNClassifier.from_hierarchical : What to fit to every new group.

    Notes
    -----
    Of the methods of prediction those are there that ``estimator`` has. A class that a group's estimator does not know
    has probability 0 there, in its column of ``classes_``. A fit without groups has no use for ``n_jobs``,
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

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"])],
        "groups": [None, str, Integral, list, tuple],
        "n_jobs": [None, Integral],
        "on_error": [StrOptions({"raise", "fallback"})],
        "refit_inference": [None, StrOptions(set(METHODS))],
        "fallback": [None, StrOptions({"prior"}), HasMethods(["fit", "predict"])],
        "checkpoint": [None, str, os.PathLike],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator,
        groups=None,
        *,
        n_jobs=None,
        on_error="raise",
        refit_inference=None,
        fallback=None,
        checkpoint=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.groups = groups
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.refit_inference = refit_inference
        self.fallback = fallback
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags, tags.non_deterministic = inner.input_tags, inner.non_deterministic
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimators_")

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None):
        """Fit a clone of the estimator to the rows of every group.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows, of any kind that the estimator takes.
        y : array-like of shape (n_samples,)
            Class labels.
        groups : array-like of shape (n_samples,), default=None
            Group labels, of any hashable kind; not together with the constructor's ``groups``.

        Returns
        -------
        self : PerGroupClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, groups or a parameter is not valid, a group label is missing, the fit of a group fails with
            ``on_error="raise"``, the fallback does not know a class, or the checkpoint is corrupt or of another run.
        TypeError, RuntimeError
            If the fit of a group or of the fallback fails so, or processes that fit groups keep being killed.
        OSError
            If the checkpoint cannot be read or written.

        Warns
        -----
        FitFailedWarning
            If groups failed and the fallback serves them.
        UserWarning
            If there are no groups, so that all rows are one.
        """
        if hasattr(self, "estimators_"):
            del self.estimators_  # should this fit fail, the estimator is unfitted
        self._check_parameters()
        X, labels = self._split(X, groups, reset=True)
        y = self._check_y(X, y)  # (row,)
        self.classes_ = np.unique(y)  # (class,)
        seed = self._draw_seed()
        self.failed_groups_: dict = {}
        if labels is None:
            self._warn_without_groups()
            self.groups_, self.fallback_ = None, None
            with fit_progress(self, "fits", 1) as progress:
                estimator = self._clone(self.estimator, seed, ALL_ROWS)
                fitted = {ALL_ROWS: fit_with_refit(estimator, X, y, self.refit_inference)}
                if progress is not None:
                    progress(1, 1)
        else:
            known = unique_labels(labels, self.groups)
            self.groups_ = labels_array(known)  # (group,)
            with fit_progress(self, "groups", len(known) + self._has_pooled_fallback()) as progress:
                outcomes = self._outcomes(X, y, labels, known, seed, progress)
                self.failed_groups_ = report(
                    outcomes,
                    self.groups,
                    tolerant=self.on_error == "fallback",
                    advice=' To predict such groups by a fallback set on_error="fallback".',
                )
            fitted = {label: outcomes[label].estimator for label in known if label not in self.failed_groups_}
            self.fallback_ = self._fallback_of(outcomes, X, seed)
        everyone = [*fitted.values(), *([] if self.fallback_ is None else [self.fallback_])]
        known_classes = [self.classes_, *(estimator.classes_ for estimator in everyone)]
        self.classes_ = np.unique(np.concatenate(known_classes))  # (class,)
        if self.fallback_ is not None:
            self._check_classes(self.fallback_)
        self.estimators_ = fitted
        return self

    @available_if(_inner_keeps_rows)
    @_fit_context(prefer_skip_nested_validation=False)
    def update(self, X, y, groups=None):
        """Learn from new rows of some groups.

        Each of these groups is fitted again, as ``fit`` does it, to the new rows and to those that it was fitted to
        before, which its network keeps. The other groups, and the fallback, stay as they are. For networks of this
        package as the estimator.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            New rows only.
        y : array-like of shape (n_samples,)
            Class labels, of those in ``classes_``.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        self : PerGroupClassifier
            The classifier, with the new rows learned.

        Raises
        ------
        NotFittedError
            If nothing was fitted yet.
        ValueError, TypeError, RuntimeError
            If X, y or groups is not valid, y has a class that is not in ``classes_``, or the fit of a group fails; all
            groups then stay as they were.

        See Also
        --------
        InformedPriorBNNClassifier.from_posterior : A prior of new rows, where the old ones are not to be kept.
        """
        check_is_fitted(self)
        X, labels = self._split(X, groups, reset=False)
        self._check_same_way(labels)
        y = self._check_y(X, y)  # (row,)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has classes that fit did not see: {unknown.tolist()}; fit again with rows of them.")
        labels = [ALL_ROWS] * len(y) if labels is None else labels
        known, rows, seed = unique_labels(labels, self.groups), rows_by_label(labels), self._draw_seed()

        def task(key):
            X_new, y_new = _safe_indexing(X, rows[key]), y[rows[key]]
            if key in self.estimators_:
                X_new, y_new = _with_old_rows(self.estimators_[key], X_new, y_new)
            return Task(key, self._clone(self.estimator, seed, key), X_new, y_new, self.refit_inference)

        with fit_progress(self, "groups", len(known)) as progress:
            found = fit_all(known, task, n_jobs=self.n_jobs, keep_going=False, progress=progress)
            report(found, self.groups, tolerant=False, advice=" All groups stay as they were.")
        fitted = {**self.estimators_, **{label: found[label].estimator for label in known}}
        for label in self.estimators_.keys() & set(known):
            if hasattr(self.estimators_[label], "feature_names_in_"):  # the rows above came without them
                fitted[label].feature_names_in_ = self.estimators_[label].feature_names_in_
        self.failed_groups_ = {label: text for label, text in self.failed_groups_.items() if label not in fitted}
        if self.groups_ is not None:
            self.groups_ = labels_array(unique_labels([*fitted, *self.failed_groups_]))  # (group,)
        self.estimators_ = fitted
        return self

    def _draw_seed(self):
        return None if self.random_state is None else check_random_state(self.random_state).randint(2**31 - 1)

    def _check_parameters(self):
        if not is_classifier(self.estimator):
            raise ValueError(f"estimator must be a classifier, got a {type(self.estimator).__name__}.")
        if self.fallback == "prior" and not isinstance(self.estimator, InformedPriorBNNClassifier):
            raise ValueError(
                'fallback="prior" needs an InformedPriorBNNClassifier as the estimator, got a '
                f"{type(self.estimator).__name__}; give a classifier as the fallback."
            )
        if self.refit_inference is not None and not inference_parameters(self.estimator):
            raise ValueError(
                f"refit_inference needs an estimator with a parameter inference, and {type(self.estimator).__name__} "
                "has none."
            )
        if self.on_error == "fallback" and self.fallback is None:
            raise ValueError('on_error="fallback" needs a fallback, and fallback is None.')

    def _check_inputs(self, X, reset):
        # Their values are for the estimator to check. One row without its second axis too: its error says what to do.
        if reset or getattr(X, "ndim", 2) == 2:
            validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _check_y(self, X, y):
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        check_no_class_missing(y)
        y = column_or_1d(y, warn=True)  # (row,)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        check_consistent_length(X, y)
        return y

    def _clone(self, estimator, seed, key):
        return seeded_clone(estimator, seed, key, self.classes_)

    def _outcomes(self, X, y, labels, known, seed, progress):
        """The outcome of every group, and of a pooled fallback under the key POOLED."""
        rows = rows_by_label(labels)

        def task(key):
            if key is POOLED:
                return Task(key, self._clone(self.fallback, seed, key), X, y)
            estimator = self._clone(self.estimator, seed, key)
            return Task(key, estimator, _safe_indexing(X, rows[key]), y[rows[key]], self.refit_inference)

        keys = [*known, *([POOLED] if self._has_pooled_fallback() else [])]
        checkpoint, stored_as = self._open_checkpoint(X, y, labels, seed)
        return fit_all(
            keys,
            task,
            n_jobs=self.n_jobs,
            keep_going=checkpoint is not None or self.on_error == "fallback",
            progress=progress,
            checkpoint=checkpoint,
            stored_as=stored_as,
        )

    def _has_pooled_fallback(self):
        return self.fallback is not None and self.fallback != "prior"

    def _open_checkpoint(self, X, y, labels, seed):
        """The checkpoint or None, and the name under which it keeps a key."""
        if self.checkpoint is None:
            return None, None
        run = {
            "data": {"X": table_digest(X), "y": table_digest(y), "groups": table_digest(list(map(label_text, labels)))},
            "estimator": parameter_digests(self.estimator),
            "random_state": {"": str(seed)},
            "refit_inference": {"": str(self.refit_inference)},
        }
        # The fallback is no part of the run: another one, for groups that failed, leaves the others as they are.
        pooled = parameter_digests(self.fallback) if self._has_pooled_fallback() else {}
        name_of_pooled = ("fallback", *sorted(pooled.items()), None)  # no label has a missing part
        return Checkpoint(self.checkpoint, run), lambda key: name_of_pooled if key is POOLED else key

    def _fallback_of(self, outcomes, X, seed):
        """The fitted fallback, None where there is none."""
        if self.fallback == "prior":
            return self._clone(self.estimator, seed, POOLED)._take_prior(X)
        return outcomes[POOLED].estimator if POOLED in outcomes else None

    def _check_classes(self, fallback):
        unknown = np.setdiff1d(self.classes_, fallback.classes_)
        if len(unknown):
            raise ValueError(
                f"The fallback {type(fallback).__name__} cannot predict the class(es) {unknown.tolist()} that "
                f"groups have; use one that knows all of {self.classes_.tolist()}."
            )
