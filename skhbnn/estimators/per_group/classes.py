"""What an estimator per group knows of classes: the classes of all groups, and probabilities in their columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples

from ...data.targets import class_order, in_order, read_classes, read_known_classes, with_order
from ...posterior.prediction import logarithm
from ...support.typed import Labels
from ...support.wording import named
from ..informed_classifier import InformedPriorBNNClassifier


class GroupClassesMixin(ClassifierMixin):
    """Classes as the task of an estimator per group.

    Methods of prediction take what ``read_rows`` returns, inputs (row, feature) and group labels.
    """

    _informed = InformedPriorBNNClassifier

    estimator: Any
    classes_: Labels
    ordered_classes_: Labels | None
    _answers: Any
    _sampled_answers: Any

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
        return tags

    # Fitting -------------------------------------------------------------------------------------------------------

    def _check_task(self):
        if not is_classifier(self.estimator):
            raise ValueError(f"estimator must be a classifier, got a {type(self.estimator).__name__}.")

    def _read_targets(self, X, y, weights):
        """Class labels (row,) of the y of a fit; sets classes_ to the classes of rows whose weight (row,) is not 0."""
        labels = read_classes(self, X, y)  # (row,)
        self.classes_ = np.unique(labels if weights is None else labels[weights > 0])  # (class,)
        order = class_order(y)
        self.ordered_classes_ = None if order is None else in_order(self.classes_, order)
        return labels

    def _read_new_targets(self, X, y):
        """Class labels (row,) of new rows, all of classes that the fit knows."""
        return read_known_classes(self, X, y)

    def _shared_parameters(self):
        return {"classes": self.classes_ if self.ordered_classes_ is None else self.ordered_classes_}

    def _targets_for(self, clone, y):
        """Class labels (row,), with the order that the y of the fit brought where a clone reads it from y alone."""
        params = clone.get_params()
        is_ordinal = any(
            name.rpartition("__")[2] == "likelihood" and value == "ordinal" for name, value in params.items()
        )
        if self.ordered_classes_ is None or not is_ordinal or params.get("classes") is not None:
            return y
        return with_order(y, self.ordered_classes_.tolist())

    def _take_targets(self, fitted, fallback):
        """Add to classes_ what the fitted estimators know; a ValueError if the fallback does not know all of it."""
        everyone = [*fitted, *([] if fallback is None else [fallback])]
        known = [self.classes_, *(estimator.classes_ for estimator in everyone)]
        n_of_rows, self.classes_ = len(self.classes_), np.unique(np.concatenate(known))  # (class,)
        if len(self.classes_) > n_of_rows:  # the order of more classes is that of an estimator that knows them all
            orders = [getattr(estimator, "ordered_classes_", None) for estimator in everyone]
            whole = (order for order in orders if order is not None and len(order) == len(self.classes_))
            self.ordered_classes_ = next(whole, None)
        if fallback is None:
            return
        unknown = np.setdiff1d(self.classes_, fallback.classes_)  # (unknown class,)
        if len(unknown):
            raise ValueError(
                f"The fallback {type(fallback).__name__} cannot predict the class(es) [{named(unknown.tolist())}] that "
                f"groups have; use one that knows all of [{named(self.classes_.tolist())}]."
            )

    # Predicting ----------------------------------------------------------------------------------------------------

    def _columns(self, estimator):
        """Columns of classes_ that an estimator knows, (known class,)."""
        return np.searchsorted(self.classes_, estimator.classes_)

    def _by_class(self, method, inputs, labels):
        """What a method says of each class, (row, class); 0 for classes that a row's estimator does not know."""
        values = np.zeros((_num_samples(inputs), len(self.classes_)))  # (row, class)
        positions = np.arange(len(values))[:, None]  # (row, 1)
        for rows, estimator, part in self._answers(method, inputs, labels):
            values[positions[rows], self._columns(estimator)] = part
        return values

    def _proba(self, inputs, labels):
        """Class probabilities, (row, class)."""
        return self._by_class("predict_proba", inputs, labels)

    def _std(self, inputs, labels):
        """Posterior standard deviation of the class probabilities, (row, class)."""
        return self._by_class("predict_std", inputs, labels)

    def _log_density(self, inputs, labels, codes):
        """Logarithm of the predictive probability of classes by their codes (row,), in nats, (row,)."""
        return logarithm(self._proba(inputs, labels)[np.arange(len(codes)), codes])

    def _likeliest(self, inputs, labels):
        """Predicted class label, (row,)."""
        y = np.empty(_num_samples(inputs), dtype=self.classes_.dtype)  # (row,)
        for rows, _, part in self._answers("predict", inputs, labels):
            y[rows] = part
        return y

    def _sampled_proba(self, inputs, labels, n_draws):
        """Class probabilities under n_draws of the posterior draws, (draw, row, class)."""
        answers = self._sampled_answers("sample_proba", inputs, labels, n_draws=n_draws)
        proba = np.zeros((len(answers[0].value), _num_samples(inputs), len(self.classes_)))  # (draw, row, class)
        positions = np.arange(proba.shape[1])[:, None]  # (row, 1)
        for rows, estimator, part in answers:
            proba[:, positions[rows], self._columns(estimator)] = part
        return proba
