"""Base of the estimators per group: parameters, and the fits of all groups and of a fallback, for any task."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import has_fit_parameter

from ...data.labels import ALL_ROWS, label_text, rows_by_label, unique_labels
from ...data.reading import read_rows
from ...data.tables import take_rows
from ...data.weights import counted_rows, read_weights
from ...inference.methods import METHODS
from ...persistence.saving import SavableMixin
from ...support.progress import CallbackSupportMixin, fit_progress
from ...support.threads import N_JOBS
from ...support.typed import Columns, Inference, Labels, Seed
from ..checkpoint import Checkpoint, parameter_digests, table_digest
from ..groups import COLUMNS, GroupsMixin
from .fits import POOLED, fit_all, seeded_clone
from .parallel import Task, fit_task, inference_parameters
from .reports import report
from .serving import ServingMixin
from .updates import UpdateMixin


class PerGroup(SavableMixin, UpdateMixin, ServingMixin, GroupsMixin, CallbackSupportMixin, BaseEstimator, ABC):
    """A clone of an estimator per group."""

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"])],
        "groups": COLUMNS,
        "n_jobs": N_JOBS,
        "on_error": [StrOptions({"raise", "fallback"})],
        "refit_inference": [None, StrOptions(set(METHODS))],
        "fallback": [None, StrOptions({"prior"}), HasMethods(["fit", "predict"])],
        "checkpoint": [None, str, os.PathLike],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    __metadata_request__fit = {"sample_weight": True}  # routed by default, as groups are

    # What a fit sets.
    n_features_in_: int
    feature_names_in_: Labels
    estimators_: dict[Any, Any]
    fallback_: Any
    failed_groups_: dict[Any, str]

    _checks_values = False  # of X: the estimators within do
    _informed: Any  # class of the estimators that can be a fallback without a fit

    def __init__(
        self,
        *,
        estimator: Any,
        groups: Columns | None,
        n_jobs: int | None,
        on_error: Literal["raise", "fallback"],
        refit_inference: Inference | None,
        fallback: Any,
        checkpoint: str | os.PathLike[str] | None,
        random_state: Seed,
        verbose: int,
    ) -> None:
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
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimators_")

    # What the task says --------------------------------------------------------------------------------------------

    @abstractmethod
    def _check_task(self):
        """Raise a ValueError if the estimator is not of the task."""

    @abstractmethod
    def _shared_parameters(self):
        """Parameters that every clone is given where it has them and they are None, as a dict."""

    @abstractmethod
    def _targets_for(self, clone, y):
        """Targets (row,) as the fit of a clone is to be given them."""

    @abstractmethod
    def _take_targets(self, fitted, fallback):
        """Take over what the fitted estimators and the fallback know of the targets; a ValueError if they disagree."""

    # Fitting -------------------------------------------------------------------------------------------------------

    def _fit(self, X, y, groups, sample_weight):
        """The estimator per group itself, fitted."""
        self._start_fit()
        inputs, labels = read_rows(self, X, groups, reset=True)  # unchecked values (row, feature), labels of the rows
        weights = self._read_weights(sample_weight, X, inputs)  # (row,) or None
        return self._fit_clones(inputs, self._read_targets(inputs, y, weights), labels, weights)

    def _start_fit(self):
        """Forget an earlier fit, and check the parameters that scikit-learn's rules cannot."""
        if hasattr(self, "estimators_"):
            del self.estimators_  # should this fit fail, the estimator is unfitted
        self._check_task()
        if self.fallback == "prior" and not isinstance(self.estimator, self._informed):
            raise ValueError(
                f'fallback="prior" needs an {self._informed.__name__} as the estimator, got a '
                f"{type(self.estimator).__name__}; give a {self.__sklearn_tags__().estimator_type} as the fallback."
            )
        if self.refit_inference is not None and not inference_parameters(self.estimator):
            raise ValueError(
                f"refit_inference needs an estimator with a parameter inference, and {type(self.estimator).__name__} "
                "has none."
            )
        if self.on_error == "fallback" and self.fallback is None:
            raise ValueError('on_error="fallback" needs a fallback, and fallback is None.')

    def _read_weights(self, sample_weight, X, inputs):
        """How often each row of a fit counts, (row,); None where nothing was said, or an error if a clone cannot."""
        if sample_weight is None:
            return None
        weights = read_weights(sample_weight, X, inputs)  # (row,)
        inner = [self.estimator, *([self.fallback] if self._has_pooled_fallback() else [])]
        for estimator in inner:
            if not has_fit_parameter(estimator, "sample_weight"):
                raise ValueError(
                    f"fit got sample_weight, and {type(estimator).__name__}.fit takes none: use an estimator that does."
                )
        return weights

    def _fit_clones(self, X, y, labels, weights):
        """The estimator per group itself, with a fitted clone for each group and the fallback.

        weights: how often each row counts, (row,), or None.
        """
        known, labels = self._take_groups(labels, np.ones(len(y)) if weights is None else weights)
        X, y, labels, weights = counted_rows(X, y, labels, weights)
        seed = self._draw_seed()
        self.failed_groups_: dict = {}
        if self.groups_ is None:
            fitted, self.fallback_ = {ALL_ROWS: self._fit_one(X, y, weights, seed)}, None
        else:
            with fit_progress(self, "groups", len(known) + self._has_pooled_fallback()) as progress:
                outcomes = self._fit_groups(X, y, labels, weights, seed, progress)
                self.failed_groups_ = report(
                    outcomes,
                    self.groups,
                    tolerant=self.on_error == "fallback",
                    advice=' To predict such groups by a fallback set on_error="fallback".',
                )
            fitted = {label: outcomes[label].estimator for label in known if label not in self.failed_groups_}
            self.fallback_ = self._fallback_of(outcomes, X, seed)
        self._take_targets(fitted.values(), self.fallback_)
        self.estimators_ = fitted
        return self

    def _draw_seed(self):
        """Seed of the clones' random states; None: the clones keep their own."""
        return None if self.random_state is None else check_random_state(self.random_state).randint(2**31 - 1)

    def _clone(self, estimator, seed, key):
        """Unfitted clone for a group, or for the fallback."""
        return seeded_clone(estimator, seed, key, self._shared_parameters())

    def _task(self, seed, key, X, y, weights):
        """Task to fit a clone of the estimator, or of the fallback under POOLED, to rows; weights: (row,) or None."""
        is_pooled = key is POOLED
        copy = self._clone(self.fallback if is_pooled else self.estimator, seed, key)
        return Task(key, copy, X, self._targets_for(copy, y), weights, None if is_pooled else self.refit_inference)

    def _fit_one(self, X, y, weights, seed):
        """Clone fitted to all rows."""
        with fit_progress(self, "fits", 1) as progress:
            fitted = fit_task(self._task(seed, ALL_ROWS, X, y, weights))
            if progress is not None:
                progress(1, 1)
        return fitted

    def _fit_groups(self, X, y, labels, weights, seed, progress):
        """Outcome of the fit of each group, and of a pooled fallback under the key POOLED, as a dict."""
        rows = rows_by_label(labels)

        def task(key):
            if key is POOLED:
                return self._task(seed, key, X, y, weights)
            own = rows[key]  # (row of the group,)
            of_rows = None if weights is None else weights[own]  # (row of the group,)
            return self._task(seed, key, take_rows(X, own), y[own], of_rows)

        keys = [*unique_labels(labels), *([POOLED] if self._has_pooled_fallback() else [])]
        checkpoint, stored_as = self._open_checkpoint(X, y, labels, weights, seed)
        return fit_all(
            keys,
            task,
            n_jobs=self.n_jobs,
            keep_going=checkpoint is not None or self.on_error == "fallback",
            progress=progress,
            checkpoint=checkpoint,
            stored_as=stored_as,
        )

    def _open_checkpoint(self, X, y, labels, weights, seed):
        """Checkpoint of the run, None where there is none, and the name under which it keeps a key."""
        if self.checkpoint is None:
            return None, None
        data = {"X": X, "y": y, "groups": list(map(label_text, labels)), "sample_weight": weights}
        run = {
            "data": {name: table_digest(table) for name, table in data.items() if table is not None},
            "targets": {name: table_digest(value) for name, value in self._shared_parameters().items()},
            "estimator": parameter_digests(self.estimator),
            "random_state": {"": str(seed)},
            "refit_inference": {"": str(self.refit_inference)},
        }
        # The fallback is no part of the run: another one, for groups that failed, leaves the others unchanged.
        pooled = parameter_digests(self.fallback) if self._has_pooled_fallback() else {}
        name_of_pooled = ("fallback", *sorted(pooled.items()), None)  # no label has a missing part
        return Checkpoint(self.checkpoint, run), lambda key: name_of_pooled if key is POOLED else key

    def _has_pooled_fallback(self):
        """Whether the fallback is an estimator that is fitted to the rows of all groups."""
        return self.fallback is not None and self.fallback != "prior"

    def _fallback_of(self, outcomes, X, seed):
        """Fitted fallback, None where there is none."""
        if self.fallback == "prior":
            return self._clone(self.estimator, seed, POOLED)._take_prior(X)
        return outcomes[POOLED].estimator if POOLED in outcomes else None
