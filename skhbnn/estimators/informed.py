"""One Bayesian neural network under an informative prior, for any task."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..data.reading import read_rows
from ..data.standardizer import Standardizer
from ..data.weights import read_weights
from ..inference.trace import Trace
from ..model.build import informed_factor, informed_model
from ..model.likelihoods import likelihood
from ..model.terms import Layout
from ..posterior.from_trace import posterior_from_trace
from ..support.floats import floats_as_usual
from ..support.typed import (
    Covariance,
    Data,
    Ints,
    validate_params,
)
from ..support.wording import named
from .base import BaseBNN, check_fitted
from .hierarchical import HierarchicalBNN
from .prior_sources import group_distribution, network_posterior
from .single import SingleNetworkMixin

# Parameters that an estimator made from a fit takes over from it.
TAKEN_OVER = (
    *("activation", "fit_intercept", "inference", "chains", "tune", "draws", "target_accept", "max_iter"),
    *("tol", "chain_weights", "batch_size", "sample_kwargs", "n_jobs", "random_state"),
)


class InformedPriorBNN(SingleNetworkMixin, BaseBNN):
    """One network under a given multivariate normal prior, for any task."""

    _parameter_constraints: dict = {
        **BaseBNN._parameter_constraints,
        "prior_mean": ["array-like", None],
        "prior_cov": ["array-like", None],
        "prior_scale": [Interval(Real, 0, None, closed="neither")],
        "feature_mean": ["array-like", None],
        "feature_scale": ["array-like", None],
        "feature_names": ["array-like", None],
    }

    prior_mean: Data | None
    prior_cov: Data | None
    prior_scale: float
    feature_mean: Data | None
    feature_scale: Data | None
    feature_names: Iterable[Any] | None

    _hierarchical: type  # of the estimators that ``from_hierarchical`` takes
    _task: tuple[type, str]  # what all estimators that ``from_posterior`` takes are, and a word for it

    @classmethod
    @abstractmethod
    def _target_parameters(cls, fitted):
        """Parameters of a new estimator that hold what a fit knows of its targets, as a dict."""

    @abstractmethod
    def _take_targets_from_parameters(self):
        """Set what a fit would learn of its targets, from the parameters alone."""

    @classmethod
    def _with_prior(cls, fitted, mean, cov, params):
        """An unfitted estimator with a prior for the network, inputs and targets of a fit."""
        of_targets = cls._target_parameters(fitted)
        if params.get("likelihood", of_targets["likelihood"]) != of_targets["likelihood"]:
            n = fitted.posterior_.network.n_weights  # another likelihood has other numbers of its own
            mean, cov = mean[:n], cov[:n, :n]
        own = {
            **{name: getattr(fitted, name) for name in TAKEN_OVER},
            **of_targets,
            "hidden_layer_sizes": fitted.posterior_.network.sizes[1:-1],
            "prior_mean": mean,
            "prior_cov": cov,
            "feature_mean": fitted.standardizer_.mean,
            "feature_scale": fitted.standardizer_.scale,
            "feature_names": fitted._input_names() if hasattr(fitted, "feature_names_in_") else None,
        }
        return cls(**{**own, **params})

    @classmethod
    @validate_params(
        {
            "covariance": [StrOptions({"full", "layer", "diag"})],
            "prior_chains": [StrOptions({"stacking", "equal"}), Integral, "array-like"],
            "align": ["boolean"],
        }
    )
    def from_hierarchical(
        cls,
        hierarchical: HierarchicalBNN,
        *,
        covariance: Covariance = "full",
        prior_chains: Literal["stacking", "equal"] | Ints = "stacking",
        align: bool = True,
        within: Hashable = None,
        **params: Any,
    ) -> Self:
        """Unfitted estimator whose prior is the group distribution that a hierarchical fit learned.

        The prior has the mean and covariance of a new group's weights, w ~ Normal(mu, sd²), over posterior draws of
        (mu, sd). Draws of all modes have no common normal distribution, so one draw is chosen: the one whose
        predictions are nearest to the mean over all draws. The tenth of the draws that is nearest to it makes the
        prior. Of a fit whose first layer has affine pooling the chosen draw alone makes it, with the covariance that
        the mean of the output weights has under the hidden layers of that draw.

        Parameters
        ----------
        hierarchical : HierarchicalBNNClassifier or HierarchicalBNNRegressor
            Fitted to many groups, for the task of this class.
        covariance : {"full", "layer", "diag"}, default="full"
            Covariances that the prior keeps: all, the ones within each layer, or none.
        prior_chains : {"stacking", "equal"}, int or array-like of int, default="stacking"
            Chains of the hierarchical fit that make the prior. ``"stacking"``: all, with the weights that
            ``chain_weights="stacking"`` gives, whatever the fit itself has. ``"equal"``: all, with equal weights.
            Integers: the chains of these numbers, with equal weights.
        align : bool, default=True
            Align the draws over permutations and sign flips of hidden units, and take the draws of one mode. False: all
            draws unchanged, of modes that blur each other.
        within : hashable or tuple, default=None
            Of a fit with several levels of groups, the outer group that the new group lies in: a label of the outermost
            level, or a tuple of labels down to an inner one. None: a group that lies in none of them.
        **params
            Other constructor parameters, such as ``random_state``; by default the settings of the sampler are taken
            from ``hierarchical``.

        Returns
        -------
        estimator : InformedPriorBNNClassifier or InformedPriorBNNRegressor
            Of this class; its parameters hold the prior.

        Raises
        ------
        NotFittedError
            If ``hierarchical`` is not fitted.
        TypeError
            If ``hierarchical`` is none of these, or of the other task.
        ValueError
            If a chain does not exist, the group distribution has no covariance, the fit is of a linearised network, or
            it has no such outer group.
        """
        check_fitted("from_hierarchical", hierarchical, cls._hierarchical)
        mean, cov = group_distribution(hierarchical, covariance, prior_chains, align, within)
        return cls._with_prior(hierarchical, mean, cov, params)

    @classmethod
    @validate_params({"covariance": [StrOptions({"full", "layer", "diag"})], "align": ["boolean"]})
    def from_posterior(
        cls,
        fitted: BaseBNN,
        *,
        group: Hashable = None,
        covariance: Covariance = "full",
        align: bool = True,
        **params: Any,
    ) -> Self:
        """Unfitted estimator whose prior is the posterior of an earlier fit: it knows yesterday's rows without them.

        Parameters
        ----------
        fitted : estimator
            Fitted flat, informed or hierarchical estimator of this package, for the task of this class.
        group : hashable, default=None
            Label of the group whose posterior is taken, for a hierarchical fit with groups.
        covariance : {"full", "layer", "diag"}, default="full"
            Covariances that the prior keeps: all, the ones within each layer, or none.
        align : bool, default=True
            Align the draws over permutations and sign flips of hidden units.
        **params
            Other constructor parameters; by default the settings of the sampler are taken from ``fitted``.

        Returns
        -------
        estimator : InformedPriorBNNClassifier or InformedPriorBNNRegressor
            Of this class; its parameters hold the prior.

        Raises
        ------
        NotFittedError
            If ``fitted`` is not fitted.
        TypeError
            If ``fitted`` is none of these, or of the other task.
        ValueError
            If ``group`` is missing or unknown, there are too few draws for such a covariance, or the fit is of a
            linearised network, or no fit to rows.
        """
        check_fitted("from_posterior", fitted, *cls._task)
        mean, cov = network_posterior(fitted, group, covariance, align)
        return cls._with_prior(fitted, mean, cov, params)

    def _fit(self, X, y, sample_weight):
        """The estimator itself, fitted."""
        self._forget()
        inputs = self._read_inputs(X)  # (row, feature)
        weights = read_weights(sample_weight, X, inputs)  # (row,)
        data = self._take_rows(inputs, self._read_targets(inputs, y, weights), weights)
        data = self._standardize_targets(data)
        return self._fit_model(self._model(inputs.shape[1]), data)

    def _read_inputs(self, X):
        """Inputs (row, feature) of a fit, whose columns are the ones that the prior was made for."""
        inputs, _ = read_rows(self, X, reset=True)  # (row, feature)
        wanted, found = self.feature_names, getattr(self, "feature_names_in_", None)
        if wanted is not None and found is not None and list(wanted) != list(found):
            further = [name for name in found if name not in list(wanted)]
            only_more = [name for name in found if name not in further] == list(wanted)
            advice = (
                f"leave out {named(further)}, such as a column of groups, which is no input of the one network."
                if only_more
                else "give it those, or set feature_names=None if they mean the same."
            )
            raise ValueError(
                f"The prior was made for the columns [{named(list(wanted))}] in this order, and X has "
                f"[{named(list(found))}]; {advice}"
            )
        return inputs

    @floats_as_usual
    def _model(self, n_inputs):
        """Model that the parameters ask for."""
        network = self._network(n_inputs)
        name, n_classes = self._likelihood(), self._n_classes()
        own = likelihood(name).of_classes(n_classes).own
        mean, cholesky = informed_factor(network, self.prior_mean, self.prior_cov, own)  # (entry,), (entry, entry)
        return informed_model(network, name, mean, self.prior_scale * cholesky, n_classes)

    @floats_as_usual
    def _take_prior(self, X):
        """The estimator itself as a fit to no rows: draws from the prior; X gives names, and units if need be."""
        inputs = self._read_inputs(X)  # (row, feature)
        self._take_targets_from_parameters()
        n_inputs = inputs.shape[1]
        self.standardizer_ = self._standardizer(n_inputs) or Standardizer.of(inputs, np.ones(len(inputs)))
        model = self._model(n_inputs)
        seed = self._draw_seed()
        shape, rng, likelihood = (self.chains, self.draws), np.random.default_rng(seed), model.likelihood
        weights = rng.standard_normal((*shape, len(model.factor)))  # (chain, draw, entry)
        own = np.empty((*shape, 0))  # (chain, draw, own number)
        if not model.has_own_entries:
            own = likelihood.own_to_unconstrained(likelihood.draw_own(rng, shape))
        layout = Layout(model, np.zeros((1, 1), int))
        x = layout.join(weights, np.empty((*shape, 0)), own, [])  # (chain, draw, n_dim)
        self.posterior_ = posterior_from_trace(layout, Trace(x=x), seed)
        return self

    def _standardizer(self, n_inputs):
        given = {"feature_mean": self.feature_mean, "feature_scale": self.feature_scale}
        if all(value is None for value in given.values()):
            return None
        identity = Standardizer.identity(n_inputs)
        defaults = {"feature_mean": identity.mean, "feature_scale": identity.scale}
        arrays = {name: np.asarray(defaults[name] if v is None else v, dtype=float) for name, v in given.items()}
        for name, array in arrays.items():
            if array.shape != (n_inputs,):
                more = " A column of groups is none of them." if array.ndim == 1 and n_inputs > len(array) else ""
                raise ValueError(
                    f"The prior was made for other columns: {name} has shape {array.shape}, but X has {n_inputs} "
                    f"features; give it those that the prior was made for.{more}"
                )
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} contains NaN or infinity.")
        if not np.all(arrays["feature_scale"] > 0):
            raise ValueError("feature_scale must be positive for every feature.")
        return Standardizer(mean=arrays["feature_mean"], scale=arrays["feature_scale"])
