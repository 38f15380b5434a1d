"""A clone of any classifier per group, fitted in parallel."""

import contextlib
import os
import warnings
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import Bunch, _safe_indexing, check_random_state, column_or_1d, get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _num_samples,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ..checkpoint import Checkpoint, parameter_digests, table_digest
from ..data import (
    ALL_ROWS,
    check_no_class_missing,
    label_generator,
    label_text,
    labels_array,
    rows_by_label,
    unique_labels,
)
from ..inference.methods import METHODS
from ..parallel import Task, fit_with_refit, inference_parameters, named, run_tasks
from ..persistence.saving import SavableMixin, storable
from ..progress import CallbackSupportMixin, fit_progress
from .grouped import GroupsMixin, unseen_text
from .informed import InformedPriorBNNClassifier
from .single import SingleNetworkClassifier

POOLED = None  # the key of the fallback among the groups: no label is None


def _inner_has(method):
    """Whether the estimator has a method, for ``available_if``."""

    def check(self):
        getattr(self.estimator, method)
        return True

    return check


def _inner_has_posterior(self):
    """Whether the estimator is a network whose posterior can be a prior, for ``available_if``."""
    if not isinstance(self.estimator, SingleNetworkClassifier):
        raise AttributeError(f"A {type(self.estimator).__name__} has no posterior to go on from.")
    return True


@storable
class PerGroupClassifier(SavableMixin, GroupsMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """A clone of a classifier per group, fitted in parallel.

    Groups come as ``groups=`` of every method, or as columns of X named by the constructor's ``groups``, as in
    :class:`HierarchicalBNNClassifier`. Without either, one clone is fitted to all rows. The fits go through joblib:
    they run on its processes, or on the cluster of the Dask or Ray backend that ``joblib.parallel_config`` sets.

    Parameters
    ----------
    estimator : classifier
        What is cloned for every group. If it has a parameter ``classes`` that is None, as
        :class:`InformedPriorBNNClassifier` has, the clones are given all classes there.
    groups : str, int, or list of them, default=None
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
    A class that a group's estimator does not know has probability 0 there, in its column of ``classes_``. A fit without
    groups has no use for ``n_jobs``, ``on_error``, ``fallback`` and ``checkpoint``.

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

    estimators_: dict

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"])],
        "groups": [None, str, Integral, list],
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

    # Fitting -------------------------------------------------------------------------------------------------

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
                self._report(outcomes)
            fitted = {label: outcomes[label].estimator for label in known if label not in self.failed_groups_}
            self.fallback_ = self._fallback_of(outcomes, X, seed)
        everyone = [*fitted.values(), *([] if self.fallback_ is None else [self.fallback_])]
        known_classes = [self.classes_, *(estimator.classes_ for estimator in everyone)]
        self.classes_ = np.unique(np.concatenate(known_classes))  # (class,)
        if self.fallback_ is not None:
            self._check_classes(self.fallback_)
        self.estimators_ = fitted
        return self

    @available_if(_inner_has_posterior)
    @_fit_context(prefer_skip_nested_validation=False)
    def update(self, X, y, groups=None):
        """Learn from new rows of some groups: the posterior of each group is the prior of its new rows.

        The other groups, and the fallback, stay as they are. A group that ``fit`` did not see is fitted as ``fit`` does
        it. For networks of this package as the estimator.

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
        InformedPriorBNNClassifier.from_posterior : The prior of the new rows.
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
        estimators = {label: self._for_new_rows(label, seed) for label in known}

        def task(key):
            return Task(key, estimators[key], _safe_indexing(X, rows[key]), y[rows[key]], self.refit_inference)

        found: dict = {}
        with fit_progress(self, "groups", len(known)) as progress:
            for _ in self._run(known, found, task, False, progress):
                pass  # all of them, into found
            failed = {key: outcome for key, outcome in found.items() if outcome.error is not None}
            if failed:
                self._raise(failed)
        self._pass_on_warnings({label: found[label] for label in known}, stacklevel=4)
        fitted = {**self.estimators_, **{label: found[label].estimator for label in known}}
        self.failed_groups_ = {label: text for label, text in self.failed_groups_.items() if label not in fitted}
        if self.groups_ is not None:
            self.groups_ = labels_array(unique_labels([*fitted, *self.failed_groups_]))  # (group,)
        self.estimators_ = fitted
        return self

    def _for_new_rows(self, label, seed):
        """An unfitted estimator for new rows of a group."""
        if label not in self.estimators_:
            return self._clone(self.estimator, seed, label)
        try:
            return InformedPriorBNNClassifier.from_posterior(self.estimators_[label])
        except ValueError as error:
            raise ValueError(f"The posterior of {self._group_text(label)} cannot be a prior: {error}") from error

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
        """An unfitted clone, seeded for a group."""
        copy = clone(estimator)
        if seed is not None:
            rng = label_generator(seed, key)
            names = [name for name in sorted(copy.get_params()) if name.rpartition("__")[2] == "random_state"]
            copy.set_params(**{name: int(rng.integers(2**31 - 1)) for name in names})
        if "classes" in copy.get_params(deep=False) and copy.classes is None:
            copy.set_params(classes=self.classes_)
        return copy

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
        outcomes: dict = {}
        if checkpoint is not None:
            found = {key: checkpoint.load(stored_as(key)) for key in keys}
            outcomes = {key: outcome for key, outcome in found.items() if outcome is not None}
        keep_going = checkpoint is not None or self.on_error == "fallback"
        with contextlib.closing(self._run(keys, outcomes, task, keep_going, progress)) as finished:
            for key, outcome in finished:
                if checkpoint is not None and outcome.error is None:
                    checkpoint.save(stored_as(key), outcome)
        return {key: outcomes[key] for key in keys if key in outcomes}

    def _run(self, keys, outcomes, task, keep_going, progress):
        """Add to outcomes those of the keys that are not there, and yield each with its key as it comes."""
        left = [key for key in keys if key not in outcomes]
        with contextlib.closing(run_tasks(left, task, self.n_jobs, keep_going)) as finished:
            for key, outcome in finished:
                outcomes[key] = outcome
                yield key, outcome
                if progress is not None:
                    progress(len(outcomes), len(keys))

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

    def _group_text(self, key):
        """The group of a key for a message, with the column that it comes from."""
        if key is POOLED:
            return "the fallback"
        return f"group {key!r}" + ("" if self.groups is None else f" of column(s) {self.groups!r}")

    def _raise(self, failed):
        """Raise the error of the first of some failed groups."""
        key, outcome = next(iter(failed.items()))
        others = [other for other in failed if other is not key]
        also = f" The fits of {len(others)} other(s) failed too: {named(others)}." if others else ""
        advice = "" if POOLED in failed else ' To predict such groups by a fallback set on_error="fallback".'
        text = outcome.error_text.rstrip(". ")
        error = outcome.error(f"The fit of {self._group_text(key)} failed: {text}.{also}{advice}")
        error.add_note(outcome.trace)
        raise error

    def _report(self, outcomes):
        """Raise for groups that failed, or warn of them; pass on the warnings of the others, one per category."""
        failed = {key: outcome for key, outcome in outcomes.items() if outcome.error is not None}
        if failed and (self.on_error == "raise" or POOLED in failed):
            self._raise({POOLED: failed[POOLED]} if POOLED in failed else failed)
        self.failed_groups_ = {key: outcome.error_text for key, outcome in failed.items()}
        if failed:
            first, n_groups = next(iter(failed)), len(outcomes) - (POOLED in outcomes)
            warnings.warn(
                f"The fits of {len(failed)} of {n_groups} groups failed, and the fallback serves them: "
                f"{named(list(failed))}. {self._group_text(first)} said: {self.failed_groups_[first]}",
                FitFailedWarning,
                stacklevel=4,  # past fit and the wrapper of scikit-learn, to the line that called fit
            )
        self._pass_on_warnings(outcomes, stacklevel=5)

    def _pass_on_warnings(self, outcomes, stacklevel):
        """Warn of what the fits warned of, once per category."""
        said: dict = {}  # category -> key -> text
        for key, outcome in outcomes.items():
            for category, text in outcome.warnings:
                said.setdefault(category, {}).setdefault(key, text)
        for category, texts in said.items():
            first = next(iter(texts))
            warnings.warn(
                f"{len(texts)} of {len(outcomes)} fits warned; {self._group_text(first)} said: {texts[first]}",
                category,
                stacklevel=stacklevel,
            )

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

    # Predicting ----------------------------------------------------------------------------------------------

    def _parts(self, X, groups, method, **arguments):
        """What a method of each group's estimator says of its rows: triples of rows, estimator and result."""
        check_is_fitted(self)
        X, labels = self._split(X, groups, reset=False)
        self._check_same_way(labels)
        if labels is None:
            estimator = self.estimators_[ALL_ROWS]
            return [(slice(None), estimator, getattr(estimator, method)(X, **arguments))], _num_samples(X)
        rows = rows_by_label(labels)
        unserved = [label for label in rows if label not in self.estimators_]
        served = [(rows[label], self.estimators_[label]) for label in rows if label in self.estimators_]
        if unserved:
            if self.fallback_ is None:
                raise ValueError(f"{unseen_text(unserved)} Set fallback to predict them.")
            if not hasattr(self.fallback_, method):
                raise ValueError(
                    f"The fallback {type(self.fallback_).__name__} has no {method}, and serves the group(s) "
                    f"{named(unserved)}; use a fallback that has it."
                )
            served.append((sorted(row for label in unserved for row in rows[label]), self.fallback_))
        results = [(r, e, getattr(e, method)(_safe_indexing(X, r), **arguments)) for r, e in served]
        return results, len(labels)

    def _class_columns(self, estimator):
        """The columns of the classes that an estimator knows."""
        return np.searchsorted(self.classes_, estimator.classes_)  # (known class,)

    def _by_class(self, X, groups, method):
        """A result of shape (row, class) of the estimators, 0 for classes that they do not know."""
        parts, n_rows = self._parts(X, groups, method)
        values = np.zeros((n_rows, len(self.classes_)))  # (row, class)
        for rows, estimator, part in parts:
            columns = self._class_columns(estimator)
            values[np.arange(n_rows)[rows][:, None], columns] = part
        return values

    def predict(self, X, groups=None):
        """The class that the estimator of a row's group predicts.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If groups are missing, come in both ways, or hold an unseen label and there is no fallback.
        """
        parts, n_rows = self._parts(X, groups, "predict")
        y = np.empty(n_rows, dtype=self.classes_.dtype)  # (row,)
        for rows, _, part in parts:
            y[rows] = part
        return y

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X, groups=None):
        """Class probabilities by the estimator of a row's group.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; 0 for a class that the estimator of the group does not know.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If groups are missing, come in both ways, or hold an unseen label and there is no fallback.
        """
        return self._by_class(X, groups, "predict_proba")

    @available_if(_inner_has("predict_proba"))
    def predict_log_proba(self, X, groups=None):
        """Natural logarithm of ``predict_proba``.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; -inf where the probability is 0.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, groups))

    @available_if(_inner_has("predict_std"))
    def predict_std(self, X, groups=None):
        """Posterior standard deviation of each class probability, where the estimator has it.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        std : ndarray of shape (n_samples, n_classes)
            Between 0 and 0.5; 0 for a class that the estimator of the group does not know.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``.
        """
        return self._by_class(X, groups, "predict_std")

    @available_if(_inner_has("predict_uncertainty"))
    def predict_uncertainty(self, X, groups=None):
        """Entropy of the predicted class, split into what data could and could not remove, where the estimator has it.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        uncertainty : Bunch
            ``total``, ``aleatoric`` and ``epistemic``, each an ndarray of shape (n_samples,) in nats.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``.
        """
        parts, n_rows = self._parts(X, groups, "predict_uncertainty")
        result = Bunch(**{name: np.empty(n_rows) for name in ("total", "aleatoric", "epistemic")})  # (row,) each
        for rows, _, part in parts:
            for name, values in result.items():
                values[rows] = part[name]
        return result

    @available_if(_inner_has("sample_proba"))
    def sample_proba(self, X, groups=None, n_draws=None):
        """Class probabilities under each posterior draw, where the estimator has them.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.
        n_draws : int, default=None
            So many draws, evenly spaced over those of all chains; None: all.

        Returns
        -------
        proba : ndarray of shape (n_draws, n_samples, n_classes)
            The last axis in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If n_draws is not between 1 and the number of posterior draws, or is None and the fallback has another
            number of draws than the groups.
        """
        parts, n_rows = self._parts(X, groups, "sample_proba", n_draws=n_draws)
        counts = sorted({len(part) for _, _, part in parts})
        if len(counts) > 1:
            raise ValueError(
                f"The groups and the fallback have different numbers of draws, {counts}: set n_draws to {counts[0]} "
                "or less."
            )
        proba = np.zeros((counts[0], n_rows, len(self.classes_)))  # (draw, row, class)
        for rows, estimator, part in parts:
            proba[:, np.arange(n_rows)[rows][:, None], self._class_columns(estimator)] = part
        return proba
