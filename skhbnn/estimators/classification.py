"""What the networks' classifiers know of classes: y as class codes, and statistics of the class probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions

from ..data.targets import class_codes, class_order, in_order, read_classes
from ..model.likelihoods import likelihood, likelihood_of_classes
from ..posterior import prediction
from ..posterior.draws import Posterior
from ..support.caller import warn_caller
from ..support.typed import Labels, LikelihoodOfClasses, Uncertainties
from ..support.wording import named, shown


class NetworkClassifierMixin(ClassifierMixin):
    """Classes as the task of an estimator of networks.

    Methods of prediction take what ``read_rows`` returns, inputs (row, feature) and group labels.
    """

    _parameter_constraints: dict = {"likelihood": [StrOptions({"auto", "ordinal"})]}

    likelihood: LikelihoodOfClasses
    classes_: Labels
    ordered_classes_: Labels | None
    posterior_: Posterior
    _over_rows: Any
    _chosen_draws: Any

    # Fitting -------------------------------------------------------------------------------------------------------

    def _read_targets(self, X, y, weights):
        """Class codes (row,) of the y of a fit; sets classes_ to the classes of rows whose weight (row,) is not 0."""
        labels = read_classes(self, X, y)  # (row,)
        self._set_classes(np.unique(labels[weights > 0]), class_order(y))
        return self._codes_in_model(np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1))

    def _read_targets_again(self, X, y):
        """The model's class codes (row,) of the y of rows that a fit is to learn as well."""
        return self._codes_in_model(class_codes(self, X, y))

    def _targets_in_callers_form(self, targets):
        """Class labels of the model's class codes (row,)."""
        return self._classes_in_model[targets]

    @property
    def _classes_in_model(self):
        """Class labels in the order of the model's codes, (class,)."""
        return self.classes_ if self.ordered_classes_ is None else self.ordered_classes_

    @property
    def _columns(self):
        """The model's codes in the order of classes_, (class,); a slice, which copies nothing, where they are that."""
        return slice(None) if self.ordered_classes_ is None else np.argsort(self.ordered_classes_)

    def _codes_in_model(self, codes):
        """The model's codes of positions in classes_ (row,)."""
        return np.arange(len(self.classes_))[self._columns][codes]

    def _set_classes(self, present, order=None):
        """Set classes_ and ordered_classes_ by the parameter ``classes``, or if it is None by those in y (class,).

        order: all classes in the order that y brings with it, as a list; None where it brings none.
        """
        given = getattr(self, "classes", None)
        self.classes_ = present if given is None else np.unique(np.asarray(given))  # (class,)
        self.ordered_classes_ = None
        if self.likelihood == "ordinal":
            self.ordered_classes_ = self._ordered(order if given is None else np.asarray(given).tolist())
        unknown = np.setdiff1d(present, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has classes that are not in classes=[{named(self.classes_.tolist())}]: [{named(unknown.tolist())}]."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes, but the data contains only one class: "
                f"{shown(self.classes_.tolist()[0])}."
            )

    def _ordered(self, order):
        """classes_ in an order (class,); a warning where nothing but the alphabet says what the order is."""
        if order is None:
            labels = self.classes_.tolist()
            if len(labels) > 2 and all(isinstance(label, str) for label in labels):
                warn_caller(
                    f'likelihood="ordinal" takes the classes in the order of the alphabet, [{named(labels)}]: pass y '
                    "as an ordered pandas categorical, or as integers, for another order, or to say so.",
                    UserWarning,
                )
            return self.classes_
        return in_order(self.classes_, order)

    def _likelihood(self):
        """Name of the likelihood of the classes."""
        return likelihood_of_classes(len(self.classes_)) if self.likelihood == "auto" else self.likelihood

    def _n_classes(self):
        """Number of classes."""
        return len(self.classes_)

    def _n_outputs(self):
        """Number of outputs of a network."""
        return likelihood(self._likelihood()).n_outputs(len(self.classes_))

    # Predicting ----------------------------------------------------------------------------------------------------

    def _proba(self, inputs, labels):
        """Posterior mean of the class probabilities, (row, class)."""
        return self._over_rows(prediction.mean_proba, inputs, labels)[:, self._columns]

    def _likeliest(self, inputs, labels):
        """Class label of the largest posterior mean probability, (row,)."""
        return self.classes_[self._proba(inputs, labels).argmax(axis=1)]

    def _std(self, inputs, labels):
        """Posterior standard deviation of the class probabilities, (row, class)."""
        return self._over_rows(prediction.std_proba, inputs, labels)[:, self._columns]

    def _uncertainty(self, inputs, labels):
        """Bunch of total, aleatoric and epistemic entropy of the predicted class, in nats, each (row,)."""
        total, aleatoric, epistemic = self._over_rows(prediction.entropies, inputs, labels).T  # (row,) each
        return Uncertainties(total=total, aleatoric=aleatoric, epistemic=epistemic)

    def _sampled_proba(self, inputs, labels, n_draws):
        """Class probabilities under n_draws of the posterior draws, (draw, row, class)."""
        proba = self._of_draws(prediction.sample_proba, inputs, labels, n_draws, len(self.classes_))
        return proba[:, :, self._columns]

    def _log_density(self, inputs, labels, codes):
        """Logarithm of the predictive probability of classes by their positions in classes_ (row,), in nats, (row,)."""
        return self._over_rows(prediction.log_predictive_density, inputs, labels, self._codes_in_model(codes))
