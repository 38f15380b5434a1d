"""Groups that are fitted by themselves under the group distribution that others taught: of a fit, and after a fit."""

from __future__ import annotations

import os
from collections.abc import Sized
from itertools import compress
from typing import Any, Self, cast

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from ..data.doubts import unseen_text, warn_of_unseen
from ..data.labels import ALL_ROWS, encode_labels, label_text, labels_array, unique_labels
from ..data.levels import as_one_label, read_levels
from ..data.reading import read_rows
from ..data.rows import GroupedData
from ..data.standardizer import Standardizer
from ..data.subsets import of_groups, require_weights, some_groups, with_rows
from ..data.weights import read_weights
from ..posterior.draws import Posterior
from ..posterior.of_groups import with_groups, without_groups
from ..posterior.stacking import without_worse_chains
from ..support.caller import warn_caller
from ..support.floats import floats_as_usual
from ..support.progress import ProgressLine
from ..support.typed import Columns, Data, Floats, Inference, Labels, fit_context
from ..support.wording import named, shown
from .checkpoint import Checkpoint, parameter_digests, table_digest

KEPT_DRAWS = 200  # of all chains together, where some groups are fitted by themselves
LEARNING = "group distribution"  # the name of what NUTS found, in a checkpoint
FOUND = ("n_iter_", "posterior_", "diagnostics_")
OF_CHOICE = 1  # beside the seed of a fit: what the groups to learn from are drawn by


class ManyGroupsMixin:
    """Fits of some groups under the group distribution of a hierarchical fit."""

    max_groups: int | None
    checkpoint: str | os.PathLike[str] | None
    learning_groups_: Labels | None
    group_pareto_k_: Floats
    groups_: Labels | None
    standardizer_: Standardizer
    posterior_: Posterior
    training_data_: GroupedData
    groups: Columns | None
    inference: Inference
    n_jobs: int | None
    verbose: int
    _draw_seed: Any
    _fit_model: Any
    _take_fit: Any
    _forget: Any
    _read_targets_again: Any

    def _fit_groups(self, model, data):
        """The estimator itself, with the posterior of a model of groups, learned jointly from max_groups at the most.

        Sets learning_groups_ and group_pareto_k_.
        """
        checkpoint = None if self.checkpoint is None else Checkpoint(self.checkpoint, self._run_digests(data))
        kept = None if checkpoint is None else checkpoint.load(LEARNING)
        chosen = self._chosen_groups(model, data) if kept is None else kept["chosen"]  # (chosen group,)
        learned, grouped = data if chosen is None else of_groups(data, chosen), self.groups_ is not None
        self.learning_groups_ = labels_array(learned.group_labels) if grouped else None  # (learning group,)
        try:
            if kept is not None:
                self._take_fit(learned, {name: kept[name] for name in FOUND})
            else:
                self._fit_model(model, learned, grouped=grouped)
                if checkpoint is not None:
                    checkpoint.save(LEARNING, {"chosen": chosen, **{name: getattr(self, name) for name in FOUND}})
            self.group_pareto_k_ = np.full(learned.n_groups, np.nan)  # (learning group,)
            if chosen is not None:
                self.posterior_ = self.posterior_.thinned(KEPT_DRAWS)
                others = np.setdiff1d(np.arange(data.n_groups), chosen)  # (other group,)
                log_evidence = self._fit_by_themselves(data, others, checkpoint)
                n_rows = data.group_sizes[others]  # (other group,)
                self.posterior_ = without_worse_chains(self.posterior_, log_evidence, n_rows)
        except BaseException:  # a warning that is an error, or an interrupt, must not leave a fit of some of the groups
            if chosen is not None:
                self._forget()
            raise
        return self

    def _run_digests(self, data):
        """Digests of all that a fit to rows depends on, as a checkpoint takes them."""
        labels = [list(map(label_text, of_column)) for of_column in (data.group_labels, *data.intercept_labels)]
        digests = {
            "X": data.X,
            "y": data.y,
            "sample_weight": data.weights,
            "order of rows": data.places,
            "groups": np.array(labels[0]),
            "sizes of groups": data.offsets,
            "random intercepts": data.labels_of_row,
            **{f"labels of random intercept {i}": np.array(of_column) for i, of_column in enumerate(labels[1:])},
        }
        return {
            "data": {name: table_digest(array) for name, array in digests.items()},
            "estimator": parameter_digests(self),
        }

    def _chosen_groups(self, model, data):
        """Positions of the groups to learn the group distribution from, (chosen group,); None: from all."""
        is_small = self.max_groups is None or data.n_groups <= self.max_groups
        if is_small or self.inference != "nuts" or len(model.levels) != 1 or model.random_intercepts:
            return None
        return some_groups(data, self.max_groups, np.random.default_rng([self._draw_seed(), OF_CHOICE]))

    @floats_as_usual
    def _fit_by_themselves(self, data, codes, checkpoint=None):
        """Fit the groups at positions codes (fitted group,) of rows by themselves, and take on these rows.

        Returns the log evidence (fitted group, chain, draw).
        """
        before, line = self.training_data_, ProgressLine(type(self).__name__, "groups") if self.verbose else None
        try:
            posterior, found, log_evidence = with_groups(
                self.posterior_,
                before.group_labels,
                data,
                codes,
                n_jobs=self.n_jobs,
                progress=line,
                checkpoint=checkpoint,
            )
        finally:
            if line is not None:
                line.close()
        pareto_k, known = np.full(data.n_groups, np.nan), encode_labels(before.group_labels, data.group_labels)
        pareto_k[known], pareto_k[codes] = self.group_pareto_k_, found  # (group,)
        self._take_on(posterior, data, pareto_k)
        unusable = [data.group_labels[code] for code in codes[np.isposinf(found)]]  # -inf: exactly normal
        if unusable:
            warn_caller(
                f"The density of {len(unusable)} group(s) is not finite around the mode, so that their draws are "
                f"no better than guesses: {named(unusable)}. Look for extreme values in their rows.",
                ConvergenceWarning,
            )
        return log_evidence

    def _take_on(self, posterior, data, pareto_k):
        """Set a posterior, rows, and the Pareto k of the groups of the rows."""
        self.posterior_, self.training_data_, self.group_pareto_k_ = posterior, data, pareto_k
        if self.groups_ is not None:
            self.groups_ = labels_array(data.group_labels)  # (group,)

    def _require_group_distribution(self):
        """Raise a ValueError where there are no draws of a group distribution of one level of groups."""
        posterior, name = self.posterior_, type(self).__name__
        if posterior.is_of_modes:
            raise ValueError(
                f"The posterior of this {name} is a mode, or normal distributions around modes, under which update "
                'cannot fit a group: fit with inference="nuts".'
            )
        if posterior.model.random_intercepts:
            raise ValueError(
                f"update fits groups by themselves, and the random intercepts of this {name} have rows of many groups: "
                "fit all rows again."
            )
        if len(posterior.model.levels) != 1:
            raise ValueError(
                f"update fits groups of one level, and this {name} has the levels {list(posterior.model.levels)}: fit "
                "all rows again."
            )

    @fit_context(prefer_skip_nested_validation=True)
    def update(self, X: Data, y: Data, groups: Data | None = None, sample_weight: Data | None = None) -> Self:
        """Learn new rows of known groups and new groups, without a fit of the others.

        Each group with new rows is fitted by itself to its old and new rows, under the draws of the group distribution
        that ``fit`` learned. The group distribution, the networks of all other groups and the scale of the inputs stay
        as they are, to the last bit.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            New rows, with the columns that ``fit`` saw.
        y : array-like of shape (n_samples,)
            Targets; of a classifier classes that ``fit`` saw.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, where rows of ``fit`` have other weights than 1. None: once.

        Returns
        -------
        self : estimator
            The estimator with the new rows learned. ``training_data_`` has them behind the rows of ``fit``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X, y, groups or sample_weight is not valid or does not go with the fit, or the fit has no draws of a
            group distribution of one level. The fit stays as it was.

        Warns
        -----
        ConvergenceWarning
            If the density of a group is not finite around its mode.
        UserWarning
            If ``fit`` saw none of the labels, and their types or texts say why.

        Notes
        -----
        What the new rows would tell of the group distribution is left out: fit again once they are many beside the
        rows of ``fit``.
        """
        check_is_fitted(self)
        self._require_group_distribution()
        inputs, labels = read_rows(self, X, groups, reset=False)  # (row, feature), labels of the rows
        weights = read_weights(sample_weight, X, inputs)  # (row,)
        data = self.training_data_
        if sample_weight is not None:
            require_weights(self, [data])
        targets = self._read_targets_again(inputs, y)  # (row,)
        labels = [ALL_ROWS] * len(targets) if labels is None else labels
        counted = unique_labels(list(compress(labels, weights > 0)), self.groups)
        if not set(counted) & set(data.group_labels):
            warn_of_unseen(counted, data.group_labels)
        data = with_rows(data, self.standardizer_.transform(inputs), targets, labels, weights)
        self._fit_by_themselves(data, np.sort(encode_labels(counted, data.group_labels)))
        return self

    def drop_groups(self, labels: Data) -> Self:
        """Forget some groups: their rows, and the draws of their networks.

        What they taught of the group distribution stays.

        Parameters
        ----------
        labels : array-like of shape (n_labels,) or (n_labels, n_levels)
            Labels of the groups; of nested groups tuples, or a column of each level.

        Returns
        -------
        self : estimator
            The estimator without these groups, which are from then on unseen.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If labels is a single label, one is none of a group of the fit, or no group would be left.
        """
        check_is_fitted(self)
        if self.groups_ is None:
            raise ValueError(f"This {type(self).__name__} was fitted without groups, and has none to drop.")
        data = self.training_data_
        known = set(data.group_labels)
        is_one = isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__")
        if is_one or (isinstance(labels, tuple) and labels in known):
            raise ValueError(f"labels must be a list of labels of groups, as in drop_groups([{shown(labels)}]).")
        one_level = len(self.posterior_.model.levels) == 1
        dropped = dict.fromkeys(as_one_label(read_levels(labels, len(cast(Sized, labels)), one_level=one_level)[0]))
        unknown = [label for label in dropped if label not in known]
        if unknown:
            raise ValueError(f"{unseen_text(unknown, data.group_labels)} No group was dropped.")
        kept = np.array([code for code, label in enumerate(data.group_labels) if label not in dropped])  # (group,)
        if len(kept) == 0:
            raise ValueError(f"labels has all {data.n_groups} groups of the fit; leave one at least.")
        posterior = without_groups(self.posterior_, data.members, kept)
        self._take_on(posterior, of_groups(data, kept), self.group_pareto_k_[kept])
        return self
