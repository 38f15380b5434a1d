"""Base of the estimators of this package: their common parameters, the path of a fit, and the fit for other tools.

It knows no task. A task, such as ``classification.py``, says what y may be and what is predicted; ``single.py`` and
``groups.py`` say which draws serve which rows; the concrete estimators say what their model is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..data.rows import GroupedData
from ..data.standardizer import Standardizer
from ..inference.methods import METHODS, OWN_PARAMETERS, infer, require_used
from ..inference.trace import Settings
from ..model.network import ACTIVATIONS, Network, hidden_sizes
from ..model.terms import Layout
from ..persistence.saving import SavableMixin
from ..posterior.arviz import to_arviz
from ..posterior.diagnostics import Diagnostics, OptimizationDiagnostics, diagnose
from ..posterior.draws import Posterior
from ..posterior.from_trace import posterior_from_trace
from ..posterior.stacking import weigh_chains
from ..support.caller import warn_caller
from ..support.floats import floats_as_usual
from ..support.libraries import import_pymc
from ..support.memory import require_memory
from ..support.progress import CallbackSupportMixin, fit_progress
from ..support.threads import N_JOBS, n_threads
from ..support.typed import Activation, ChainWeights, HiddenLayerSizes, Inference, Labels, Seed

if TYPE_CHECKING:
    import pymc


def column_names(estimator):
    """Names of the columns of X that a fitted estimator got, made up where it had none."""
    return list(getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(estimator.n_features_in_)]))


def input_names(estimator):
    """Names of the columns of the X of a fit that hold neither groups nor labels of random intercepts."""
    of_groups: list[int] = getattr(estimator, "_group_positions", list)()
    of_intercepts = getattr(estimator, "random_intercept_columns_", None) or []  # a file of an earlier release has none
    taken = {*of_groups, *of_intercepts}
    return [name for position, name in enumerate(column_names(estimator)) if position not in taken]


def check_fitted(caller, estimator, wanted, meaning=None):
    """Raise a TypeError that names the caller unless the estimator is of the type wanted; it must be fitted."""
    if not isinstance(estimator, wanted):
        got = f"a {type(estimator).__name__}"
        got += "; its last step is pipeline[-1]" if hasattr(estimator, "named_steps") else ""
        got += "; its best one is search.best_estimator_" if hasattr(estimator, "best_estimator_") else ""
        raise TypeError(f"{caller} needs a fitted {meaning or wanted.__name__}, got {got}.")
    check_is_fitted(estimator)


class BaseBNN(SavableMixin, CallbackSupportMixin, BaseEstimator, ABC):
    """Base of the estimators of Bayesian neural networks."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "fit_intercept": ["boolean"],
        "inference": [StrOptions(set(METHODS))],
        "chains": [Interval(Integral, 1, None, closed="left")],
        "tune": [Interval(Integral, 1, None, closed="left")],
        "draws": [Interval(Integral, 4, None, closed="left")],
        "tol": [None, Interval(Real, 0, None, closed="neither")],
        "chain_weights": [StrOptions({"equal", "stacking"})],
        "target_accept": [Interval(Real, 0, 1, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [None, Interval(Integral, 1, None, closed="left")],
        "sample_kwargs": [None, dict],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    __metadata_request__fit = {"sample_weight": True}  # routed by default, as groups are

    # What a fit sets.
    n_features_in_: int
    feature_names_in_: Labels
    posterior_: Posterior
    diagnostics_: Diagnostics | OptimizationDiagnostics
    n_iter_: int
    training_data_: GroupedData
    standardizer_: Standardizer

    def __init__(
        self,
        *,
        hidden_layer_sizes: HiddenLayerSizes,
        activation: Activation,
        fit_intercept: bool,
        inference: Inference,
        chains: int,
        tune: int,
        draws: int,
        tol: float | None,
        chain_weights: ChainWeights,
        target_accept: float,
        max_iter: int,
        batch_size: int | None,
        sample_kwargs: dict[str, Any] | None,
        n_jobs: int | None,
        random_state: Seed,
        verbose: int,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.fit_intercept = fit_intercept
        self.inference = inference
        self.chains = chains
        self.tune = tune
        self.draws = draws
        self.tol = tol
        self.chain_weights = chain_weights
        self.target_accept = target_accept
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.sample_kwargs = sample_kwargs
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # What the parts of an estimator say ----------------------------------------------------------------------------

    @abstractmethod
    def _likelihood(self):
        """Name of the likelihood of the targets, known once y was read."""

    def _n_classes(self):
        """Number of classes of the targets, known once y was read; None where targets are numbers."""
        return None

    @abstractmethod
    def _n_outputs(self):
        """Number of outputs of the network, known once y was read."""

    def _location(self, network, data):
        """What the weights of independent priors are around, given the rows of a fit, (weight,); None: 0."""
        return None

    @abstractmethod
    def _standardizer(self, n_inputs):
        """Standardizer of the inputs that the parameters ask for; None: the one made from the rows of the fit."""

    @abstractmethod
    def _draws_by_rows(self, labels):
        """Pairs of rows and the draws that serve them; labels holds the group label of each row, or is None."""

    # Fitting -------------------------------------------------------------------------------------------------------

    def __sklearn_is_fitted__(self):
        return hasattr(self, "posterior_")

    def _forget(self):
        """Drop an earlier fit: should the next one fail, the estimator is unfitted."""
        if hasattr(self, "posterior_"):
            del self.posterior_

    def _network(self, n_inputs, n_groups=1):
        """Network that the parameters, the numbers of inputs and groups, and the targets ask for."""
        sizes = (n_inputs, *hidden_sizes(self.hidden_layer_sizes, n_inputs, n_groups), self._n_outputs())
        return Network(sizes, self.activation, bool(self.fit_intercept))

    def _settings(self):
        """Settings of the inference from the parameters; one that the method would ignore is a ValueError."""
        require_used(self.inference, {name: getattr(self, name) for name in OWN_PARAMETERS})
        return Settings(
            inference=self.inference,
            chains=self.chains,
            tune=self.tune,
            draws=self.draws,
            target_accept=float(self.target_accept),
            cores=n_threads(self.n_jobs) if METHODS[self.inference].in_threads else effective_n_jobs(self.n_jobs),
            max_iter=self.max_iter,
            batch_size=self.batch_size,
            sample_kwargs=self.sample_kwargs or {},
        )

    def _draw_seed(self):
        """Seed of everything random in a fit, drawn from random_state."""
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _standardize_targets(self, data):
        """Rows of a fit with the targets in the unit of the model, which classes have none of."""
        return data

    @floats_as_usual
    def _fit_model(self, model, data, grouped=False):
        """The estimator itself, with the posterior of a model given the data; a warning says if it is doubtful."""
        seed = self._draw_seed()
        tol = None if self.tol is None else float(self.tol)
        layout = Layout(model, data.members)
        judgement: dict = {}  # the latest, by the number of draws: the end judges the draws of the last look again

        def judged(trace):
            n_draws = trace.x.shape[1]
            if n_draws not in judgement:
                judgement.clear()
                posterior = posterior_from_trace(layout, trace, seed)
                judgement[n_draws] = posterior, diagnose(posterior, data, trace, grouped, tol)
            return judgement[n_draws]

        settings = self._settings()
        if tol is not None:
            settings = replace(settings, enough=lambda trace: judged(trace)[1].is_precise)
        with fit_progress(self, METHODS[self.inference].unit) as progress:
            trace = infer(model, data, settings, seed, progress)
            self.n_iter_ = trace.n_tune + trace.x.shape[1] if trace.n_iter is None else trace.n_iter
            self.training_data_ = data
            posterior, self.diagnostics_ = judged(trace)
            self.posterior_ = weigh_chains(
                posterior, self.chain_weights, lambda: posterior.log_likelihood(data), data.weights
            )
        self._warn_of_doubts()
        return self

    def _take_fit(self, data, found):
        """Take on what an earlier fit to the rows of a GroupedData found, by the names of attributes."""
        self.training_data_ = data
        for name, value in found.items():
            setattr(self, name, value)
        self._warn_of_doubts()

    def _warn_of_doubts(self):
        """Warn where predictions are not to be trusted."""
        doubts = self.diagnostics_.doubts()
        if doubts:
            warn_caller(
                f"Predictions of this {type(self).__name__} are not to be trusted: {'; '.join(doubts)}.",
                ConvergenceWarning,
            )

    # Predicting ----------------------------------------------------------------------------------------------------

    @floats_as_usual
    def _over_rows(self, statistic, inputs, labels, *of_rows, axis=0):
        """A statistic of the draws that serve each row, as an array with the rows along axis in the caller's order.

        The statistic takes predictor, draws, inputs, and the part for these rows of each further array (row,).
        """
        inputs, numbers = np.split(inputs, [len(self.standardizer_.mean)], axis=1)  # (row, feature), (row, column)
        inputs, result, every = self.standardizer_.transform(inputs), None, np.arange(len(inputs))  # (row,)
        for of_group, draws in self._draws_by_rows(labels):
            for part, parameters, X in self.posterior_.with_intercepts(draws, inputs[of_group], numbers[of_group]):
                rows = every[of_group][part]  # (row of the part,)
                found = statistic(self.posterior_.predictor, parameters, X, *(array[rows] for array in of_rows))
                if result is None:
                    result = np.empty((*found.shape[:axis], len(inputs), *found.shape[axis + 1 :]))
                result[(slice(None),) * axis + (rows,)] = found
        return result

    def _chosen_draws(self, n_draws):
        """Positions of n_draws evenly spaced draws among the draws of all chains, (draw,); None: of all draws."""
        available = self.posterior_.n_draws
        if n_draws is None:
            n_draws = available
        if not isinstance(n_draws, (int, np.integer)) or not 1 <= n_draws <= available:
            raise ValueError(
                f"n_draws must be an integer from 1 to the {available} draws of the posterior, got {n_draws!r}."
            )
        return np.linspace(0, available - 1, n_draws).round().astype(int)

    def _of_draws(self, statistic, inputs, labels, n_draws, n_numbers=1):
        """A statistic (draw, row, ...) of n_draws of the posterior draws, (chosen draw, row, ...).

        n_numbers: how many it has of a row.
        """
        chosen = self._chosen_draws(n_draws)  # (chosen draw,)
        n_bytes = 2 * 8 * len(chosen) * len(inputs) * n_numbers  # of all rows, and of the rows of one group
        what = f"What is predicted of {len(inputs)} rows under {len(chosen)} draws"
        require_memory(n_bytes, what, "lower n_draws, or predict fewer rows at once")
        return self._over_rows(partial(_of_chosen, statistic, chosen), inputs, labels, axis=1)

    # The fit for other tools ---------------------------------------------------------------------------------------

    def _training_rows(self):
        """Rows of the fit; a ValueError where the estimator is a prior, the fallback of an estimator per group."""
        data = getattr(self, "training_data_", None)
        if data is None:
            raise ValueError(f"This {type(self).__name__} is a prior, and was not fitted to any rows.")
        return data

    def _input_names(self):
        """Names of the network's inputs."""
        return input_names(self)

    @floats_as_usual
    def to_pymc(self, *, fused: bool = True) -> pymc.Model:
        """The fitted model with its data as a PyMC model.

        Parameters
        ----------
        fused : bool, default=True
            Whether its log likelihood is the compiled Op with its gradient, or an ordinary PyTensor graph, which other
            backends and transformations can work on.

        Returns
        -------
        model : pymc.Model
            Its log density is the one that was sampled. Inputs are standardised as in the fit.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If it is a prior that was not fitted to any rows, the ``fallback_`` of an estimator per group.
        """
        check_is_fitted(self)
        import_pymc()  # it takes seconds
        from ..density.pymc_model import build_model

        return build_model(self.posterior_.model, self._training_rows(), self._input_names(), fused=fused)

    @floats_as_usual
    def to_arviz(self) -> Any:  # InferenceData or DataTree, as ArviZ's version is
        """The posterior as a labelled object for ArviZ.

        Returns
        -------
        data : arviz.InferenceData or xarray.DataTree
            ``InferenceData`` with ArviZ before version 1, ``DataTree`` since. Group ``posterior`` holds ``weights``
            (chain, draw, group, weight) and, for a hierarchical fit, ``group_mean`` (chain, draw, weight) and the
            learned scales ``group_scale`` (chain, draw, part); of several levels of groups the innermost has the axis
            of the groups, and each outer one such as region has ``region_weights`` (chain, draw, region, weight).
            Learned scales of the prior are ``prior_scale`` (chain, draw, prior_part), and random intercepts of a column
            C are ``random_intercept_C`` (chain, draw, C_label, output); ``sample_stats`` the statistics of the sampler;
            ``log_likelihood`` the log likelihood of each training row, in nats, (chain, draw, row); and
            ``observed_data`` the targets of ``training_data_``, rows in the order of the X given to ``fit``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If it is a prior that was not fitted to any rows, the ``fallback_`` of an estimator per group.
        """
        check_is_fitted(self)
        return to_arviz(self.posterior_, self._training_rows(), self._input_names())


def _of_chosen(statistic, chosen, predictor, draws, inputs):
    """A statistic of some of the draws, (chosen draw, row, ...)."""
    return statistic(predictor, draws[chosen], inputs)
