"""A clone of any classifier per group, fitted in parallel."""

import contextlib
import os
import threading
import traceback
import warnings
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import Bunch, _safe_indexing, check_random_state, column_or_1d, get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    _num_samples,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)
from threadpoolctl import threadpool_limits

from ..checkpoint import Checkpoint, parameter_digests, table_digest
from ..data import label_generator, label_text, labels_array, rows_by_label, unique_labels
from ..progress import ProgressLine
from .grouped import GroupsMixin, unseen_text
from .hierarchical import ALL_ROWS
from .informed import InformedPriorBNNClassifier

MAX_LOST_WORKERS = 3  # a group that kills its worker every time must come to an end
TASKS_PER_CALL = 50  # a worker, where joblib returns all results of a call at once, as with Ray
MAX_NAMED = 5  # groups that a message names
POOLED = None  # the key of the fallback among the groups: no label is None


class Task(NamedTuple):
    """What one fit needs. A tuple: Dask would scatter larger arguments, and lose them with the worker that has them."""

    key: Any
    estimator: Any
    X: Any
    y: np.ndarray
    crowded: bool


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one fit.

    Parameters
    ----------
    estimator : estimator or None
        The fitted one; None if the fit failed.
    error : type or None
        ValueError, TypeError or RuntimeError, whichever the fit's error was one of.
    error_text : str
        What the error said.
    trace : str
        Where it was.
    warnings : list of (type, str)
        Categories and texts of the warnings of the fit.
    """

    estimator: Any
    error: type | None = None
    error_text: str = ""
    trace: str = ""
    warnings: list = field(default_factory=list)


@contextlib.contextmanager
def _recorded_warnings():
    """The warnings of a block; in another thread than the main one they go their way: recording is not thread-safe."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    with warnings.catch_warnings(record=True) as caught:
        yield caught


def _fit_task(task):
    """Fit one group, on one thread if other groups are fitted at the same time."""
    # BLAS on one thread always: with more, the last digits of its sums depend on how many there are.
    alone = parallel_config(backend="sequential") if task.crowded else contextlib.nullcontext()
    with alone, threadpool_limits(1), _recorded_warnings() as caught:
        try:
            outcome = Outcome(task.estimator.fit(task.X, task.y))
        except Exception as error:  # a value, so that it takes no other group with it; fit raises or reports it
            kind = next((kind for kind in (ValueError, TypeError) if isinstance(error, kind)), RuntimeError)
            text = f"{type(error).__name__}: {error}" if kind is RuntimeError else str(error)
            outcome = Outcome(None, kind, text, traceback.format_exc())
    return task.key, replace(outcome, warnings=[(w.category, str(w.message)) for w in caught])


def _named(labels):
    """Some labels for a message."""
    more = len(labels) - MAX_NAMED
    return ", ".join(map(repr, labels[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")


def _inner_has(method):
    """Whether the estimator has a method, for ``available_if``."""

    def check(self):
        getattr(self.estimator, method)
        return True

    return check


class PerGroupClassifier(GroupsMixin, ClassifierMixin, BaseEstimator):
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
    feature_names_in_ : ndarray of shape (n_features_in_,)
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
        fallback=None,
        checkpoint=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.groups = groups
        self.n_jobs = n_jobs
        self.on_error = on_error
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
        seed = None if self.random_state is None else check_random_state(self.random_state).randint(2**31 - 1)
        self.failed_groups_: dict = {}
        if labels is None:
            self.groups_, self.fallback_ = None, None
            fitted = {ALL_ROWS: self._clone(self.estimator, seed, ALL_ROWS).fit(X, y)}
        else:
            known = unique_labels(labels, self.groups)
            self.groups_ = labels_array(known)  # (group,)
            outcomes = self._outcomes(X, y, labels, known, seed)
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

    def _check_parameters(self):
        if not is_classifier(self.estimator):
            raise ValueError(f"estimator must be a classifier, got a {type(self.estimator).__name__}.")
        if self.fallback == "prior" and not isinstance(self.estimator, InformedPriorBNNClassifier):
            raise ValueError(
                'fallback="prior" needs an InformedPriorBNNClassifier as the estimator, got a '
                f"{type(self.estimator).__name__}; give a classifier as the fallback."
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

    def _outcomes(self, X, y, labels, known, seed):
        """The outcome of every group, and of a pooled fallback under the key POOLED."""
        crowded = effective_n_jobs(self.n_jobs) > 1
        rows = rows_by_label(labels)

        def task(key):
            if key is POOLED:
                return Task(key, self._clone(self.fallback, seed, key), X, y, crowded)
            estimator = self._clone(self.estimator, seed, key)
            return Task(key, estimator, _safe_indexing(X, rows[key]), y[rows[key]], crowded)

        keys = [*known, *([POOLED] if self._has_pooled_fallback() else [])]
        checkpoint, stored_as = self._open_checkpoint(X, y, labels, seed)
        outcomes: dict = {}
        if checkpoint is not None:
            found = {key: checkpoint.load(stored_as(key)) for key in keys}
            outcomes = {key: outcome for key, outcome in found.items() if outcome is not None}
        progress = ProgressLine(type(self).__name__, "groups") if self.verbose else None
        keep_going = checkpoint is not None or self.on_error == "fallback"
        with contextlib.closing(self._run([key for key in keys if key not in outcomes], task, keep_going)) as finished:
            for key, outcome in finished:
                if checkpoint is not None and outcome.error is None:
                    checkpoint.save(stored_as(key), outcome)
                outcomes[key] = outcome
                if progress is not None:
                    progress(len(outcomes), len(keys))
        return {key: outcomes[key] for key in keys if key in outcomes}

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
        }
        # The fallback is no part of the run: another one, for groups that failed, leaves the others as they are.
        pooled = parameter_digests(self.fallback) if self._has_pooled_fallback() else {}
        name_of_pooled = ("fallback", *sorted(pooled.items()), None)  # no label has a missing part
        return Checkpoint(self.checkpoint, run), lambda key: name_of_pooled if key is POOLED else key

    def _run(self, keys, task, keep_going):
        """Yield the key and outcome of every task, as they finish; unless keep_going, start none after one failed."""
        left, lost_workers, stopping = dict.fromkeys(keys), 0, False
        streams = get_active_backend()[0].supports_return_generator
        n_tasks = len(left) if streams else TASKS_PER_CALL * effective_n_jobs(self.n_jobs)
        while left and not stopping:
            parallel = Parallel(n_jobs=self.n_jobs, return_as="generator_unordered" if streams else "list")
            finished = parallel(delayed(_fit_task)(task(key)) for key in list(left)[:n_tasks] if not stopping)
            try:
                for key, outcome in finished:
                    del left[key]
                    stopping = stopping or not (keep_going or outcome.error is None)
                    yield key, outcome
            except BrokenProcessPool as error:
                lost_workers += 1
                if lost_workers > MAX_LOST_WORKERS:
                    advice = "" if self.checkpoint else " Name a folder as checkpoint to keep the groups that are done."
                    raise RuntimeError(
                        f"Processes that fit groups were killed {lost_workers} times, maybe for want of memory; "
                        f"{len(left)} are not fitted, of them {_named(list(left))}. Set n_jobs to fewer.{advice}"
                    ) from error
            finally:
                if streams:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", UserWarning)  # joblib's, of tasks that an error cuts off
                        finished.close()

    def _group_text(self, key):
        """The group of a key for a message, with the column that it comes from."""
        if key is POOLED:
            return "the fallback"
        return f"group {key!r}" + ("" if self.groups is None else f" of column(s) {self.groups!r}")

    def _raise(self, failed):
        """Raise the error of the first of some failed groups."""
        key, outcome = next(iter(failed.items()))
        others = [other for other in failed if other is not key]
        also = f" The fits of {len(others)} other(s) failed too: {_named(others)}." if others else ""
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
                f"{_named(list(failed))}. {self._group_text(first)} said: {self.failed_groups_[first]}",
                FitFailedWarning,
                stacklevel=4,  # past fit and the wrapper of scikit-learn, to the line that called fit
            )
        said: dict = {}  # category -> key -> text
        for key, outcome in outcomes.items():
            for category, text in outcome.warnings:
                said.setdefault(category, {}).setdefault(key, text)
        for category, texts in said.items():
            first = next(iter(texts))
            warnings.warn(
                f"{len(texts)} of {len(outcomes)} fits warned; {self._group_text(first)} said: {texts[first]}",
                category,
                stacklevel=4,
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
                    f"{_named(unserved)}; use a fallback that has it."
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
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        y : ndarray of shape (n_samples,)

        Raises
        ------
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
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; 0 for a class that the estimator of the group does not know.

        Raises
        ------
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
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, groups))

    @available_if(_inner_has("predict_std"))
    def predict_std(self, X, groups=None):
        """Posterior standard deviation of each class probability, where the estimator has it.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        std : ndarray of shape (n_samples, n_classes)
        """
        return self._by_class(X, groups, "predict_std")

    @available_if(_inner_has("predict_uncertainty"))
    def predict_uncertainty(self, X, groups=None):
        """Entropy of the predicted class, split into what data could and could not remove, where the estimator has it.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

        Returns
        -------
        uncertainty : Bunch
            ``total``, ``aleatoric`` and ``epistemic``, each an ndarray of shape (n_samples,) in nats.
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
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.
        n_draws : int, default=None
            So many draws, evenly spaced over those of all chains; None: all.

        Returns
        -------
        proba : ndarray of shape (n_draws, n_samples, n_classes)

        Raises
        ------
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
