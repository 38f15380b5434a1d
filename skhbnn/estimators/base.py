"""What all three estimators share: parameters, the path of a fit, and the summaries of predictions."""

import warnings
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from ..data.standardizer import Standardizer
from ..inference.methods import METHODS, PROGRESS_UNITS, THROUGH_PYMC, VARIATIONAL, infer
from ..inference.trace import Settings
from ..model import families
from ..model.likelihoods import likelihood, likelihood_of_classes
from ..model.network import ACTIVATIONS, Network
from ..persistence.saving import SavableMixin
from ..posterior import prediction
from ..posterior.arviz import to_arviz
from ..posterior.diagnostics import diagnose
from ..posterior.draws import posterior_from_trace
from ..posterior.stacking import weigh_chains
from ..support.libraries import import_pymc
from ..support.memory import require_memory
from ..support.progress import CallbackSupportMixin, fit_progress

# Of the estimators that have a prior of independent weights.
INDEPENDENT_PRIOR_CONSTRAINTS: dict = {
    "standardize": ["boolean"],
    "weight_prior": [StrOptions(set(families.NAMES))],
    "prior_scale": [StrOptions({"fan_in"}), Interval(Real, 0, None, closed="neither"), "array-like"],
}


def column_names(estimator):
    """Names of the columns of X that a fitted estimator got, made up where it had none."""
    return list(getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(estimator.n_features_in_)]))


def check_fitted(caller, estimator, wanted, meaning=None):
    """Raise a TypeError that names the caller unless the estimator is of the type wanted; it must be fitted."""
    if not isinstance(estimator, wanted):
        got = f"a {type(estimator).__name__}"
        got += "; its last step is pipeline[-1]" if hasattr(estimator, "named_steps") else ""
        got += "; its best one is search.best_estimator_" if hasattr(estimator, "best_estimator_") else ""
        raise TypeError(f"{caller} needs a fitted {meaning or wanted.__name__}, got {got}.")
    check_is_fitted(estimator)


class BaseBNNClassifier(SavableMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Base of the estimators; a subclass says what its model is and whose weights serve a row."""

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
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(5, 5),
        *,
        activation="tanh",
        fit_intercept=True,
        standardize=True,
        weight_prior="normal",
        prior_scale=2.0,
        inference="nuts",
        chains=4,
        tune=500,
        draws=500,
        tol=None,
        chain_weights="equal",
        target_accept=0.9,
        max_iter=20_000,
        batch_size=None,
        sample_kwargs=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.weight_prior = weight_prior
        self.prior_scale = prior_scale
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

    # Fitting -------------------------------------------------------------------------------------------------

    def _forget(self):
        """Drop an earlier fit: should this one fail, the estimator is unfitted."""
        if hasattr(self, "posterior_"):
            del self.posterior_

    def _encode_classes(self, y, classes=None):
        """Set classes_, to those given or those in y, and return the class codes (row,)."""
        check_classification_targets(y)
        present = np.unique(y)  # (class,)
        self.classes_ = present if classes is None else np.unique(np.asarray(classes))  # (class,)
        unknown = np.setdiff1d(present, self.classes_)
        if len(unknown):
            raise ValueError(f"y has classes that are not in classes={self.classes_.tolist()}: {unknown.tolist()}.")
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes, but the data contains only one class: "
                f"{self.classes_.tolist()[0]!r}."
            )
        return np.searchsorted(self.classes_, y)

    def _network(self, n_inputs):
        """The network that the parameters, the inputs and the classes ask for."""
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if hidden.ndim != 1 or any(
            not isinstance(size, (Integral, np.integer)) or size < 1 for size in hidden.tolist()
        ):
            raise ValueError(
                f"hidden_layer_sizes must hold one positive integer per hidden layer, got {self.hidden_layer_sizes!r}."
            )
        n_outputs = likelihood(self._likelihood_name()).n_outputs(len(self.classes_))
        sizes = (n_inputs, *(int(size) for size in hidden), n_outputs)
        return Network(sizes, self.activation, bool(self.fit_intercept))

    def _likelihood_name(self):
        """The name of the likelihood of the classes."""
        return likelihood_of_classes(len(self.classes_))

    def _standardizer(self, X):
        """The standardizer of X to use; None: that of the rows themselves."""
        return None if self.standardize else Standardizer.identity(X.shape[1])

    def _settings(self):
        """The parameters of the inference; those that its method would ignore are an error."""
        for name, users in (("batch_size", VARIATIONAL), ("sample_kwargs", THROUGH_PYMC), ("tol", ("nuts",))):
            if getattr(self, name) and self.inference not in users:
                raise ValueError(
                    f"{name} is only for inference={' or '.join(map(repr, users))}, and inference={self.inference!r} "
                    f"does not use it; set {name}=None."
                )
        return Settings(
            inference=self.inference,
            chains=self.chains,
            tune=self.tune,
            draws=self.draws,
            target_accept=float(self.target_accept),
            cores=effective_n_jobs(self.n_jobs),
            max_iter=self.max_iter,
            batch_size=self.batch_size,
            sample_kwargs=self.sample_kwargs or {},
        )

    def _draw_seed(self):
        """A seed from random_state, for everything random in a fit."""
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _fit_model(self, model, data, grouped=False):
        """Infer the model's posterior given the data, and judge it."""
        seed = self._draw_seed()
        unit = PROGRESS_UNITS.get(self.inference, "draws")
        tol = None if self.tol is None else float(self.tol)
        judgement: dict = {}  # the latest, by the number of draws: the end judges those of the last look again

        def judged(trace):
            n_draws = trace.x.shape[1]
            if n_draws not in judgement:
                judgement.clear()
                posterior = posterior_from_trace(model, data.members, trace, seed)
                judgement[n_draws] = posterior, diagnose(posterior, data, trace, grouped, tol)
            return judgement[n_draws]

        settings = self._settings()
        if tol is not None:
            settings = replace(settings, enough=lambda trace: not judged(trace)[1].mixing_problems())
        with fit_progress(self, unit) as progress:
            trace = infer(model, data, settings, seed, progress)
            self.n_iter_ = trace.n_tune + trace.x.shape[1] if trace.n_iter is None else trace.n_iter
            self.training_data_ = data
            posterior, self.diagnostics_ = judged(trace)
            self.posterior_ = weigh_chains(posterior, self.chain_weights, lambda: posterior.log_likelihood(data))
        problems = self.diagnostics_.problems()
        if problems:
            warnings.warn(
                f"{type(self).__name__} may not have converged: {'; '.join(problems)}.",
                ConvergenceWarning,
                stacklevel=4,  # past fit and the wrapper of scikit-learn, to the line that called fit
            )
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "posterior_")

    # Predicting ----------------------------------------------------------------------------------------------

    def _inputs_and_weights(self, X, groups=None):
        """Standardised inputs, and pairs of rows and the weight draws that serve them."""
        raise NotImplementedError

    def _summary(self, statistic, X, groups=None):
        """A statistic of the posterior of the class probabilities of every row."""
        check_is_fitted(self)
        inputs, parts = self._inputs_and_weights(X, groups)
        return self._gather(statistic, inputs, parts, axis=0)

    def _gather(self, statistic, inputs, parts, axis):
        """A statistic of the rows of every part, in the order of the rows along axis."""
        result = None
        for rows, weights in parts:
            piece = statistic(self.posterior_.predictor, weights, inputs[rows])
            if result is None:
                result = np.empty((*piece.shape[:axis], len(inputs), *piece.shape[axis + 1 :]))
            result[(slice(None),) * axis + (rows,)] = piece
        return result

    def _proba(self, X, groups=None):
        return self._summary(prediction.mean_proba, X, groups)

    def _labels(self, X, groups=None):
        proba = self._proba(X, groups)  # (row, class)
        return self.classes_[proba.argmax(axis=1)]

    def _std(self, X, groups=None):
        return self._summary(prediction.std_proba, X, groups)

    def _uncertainty(self, X, groups=None):
        total, aleatoric, epistemic = self._summary(prediction.entropies, X, groups).T  # (row,) each
        return Bunch(total=total, aleatoric=aleatoric, epistemic=epistemic)

    def _sample_proba(self, X, groups, n_draws):
        check_is_fitted(self)
        available = self.posterior_.n_draws
        if n_draws is None:
            n_draws = available
        if not isinstance(n_draws, (int, np.integer)) or not 1 <= n_draws <= available:
            raise ValueError(
                f"n_draws must be an integer from 1 to the {available} draws of the posterior, got {n_draws!r}."
            )
        chosen = np.linspace(0, available - 1, n_draws).round().astype(int)  # (draw,)
        inputs, parts = self._inputs_and_weights(X, groups)
        n_bytes = 2 * 8 * n_draws * len(inputs) * len(self.classes_)  # all rows, and those of one group
        what = f"The probabilities of {n_draws} draws, {len(inputs)} rows and {len(self.classes_)} classes"
        require_memory(n_bytes, what, "lower n_draws, or predict fewer rows at once")
        return self._gather(prediction.sample_proba, inputs, ((rows, w[chosen]) for rows, w in parts), axis=1)

    # The model and the draws for other tools ---------------------------------------------------------------

    def _rows(self):
        """The rows of the fit; a ValueError for the prior that a PerGroupClassifier has as its fallback."""
        data = getattr(self, "training_data_", None)
        if data is None:
            raise ValueError(f"This {type(self).__name__} is a prior, and was not fitted to any rows.")
        return data

    def _input_names(self):
        """Names of the network's inputs."""
        return column_names(self)

    def to_pymc(self, *, fused=True):
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
            If the classifier is not fitted.
        ValueError
            If it is a prior that was not fitted to any rows, the ``fallback_`` of a PerGroupClassifier.
        """
        check_is_fitted(self)
        import_pymc()  # it takes seconds
        from ..density.pymc_model import build_model

        return build_model(self.posterior_.model, self._rows(), self._input_names(), fused=fused)

    def to_arviz(self):
        """The posterior as a labelled object for ArviZ.

        Returns
        -------
        data : arviz.InferenceData or xarray.DataTree
            ``InferenceData`` with ArviZ before version 1, ``DataTree`` since. Group ``posterior`` holds ``weights``
            (chain, draw, group, weight) and, for a hierarchical fit, ``group_mean`` (chain, draw, weight) and
            ``group_scale`` (chain, draw, part) of those that are learned; ``sample_stats`` the statistics
            of the sampler; ``log_likelihood`` that of each training row, in nats, (chain, draw, row); and
            ``observed_data`` the class codes, rows in the order of the X given to ``fit``.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If it is a prior that was not fitted to any rows, the ``fallback_`` of a PerGroupClassifier.
        """
        check_is_fitted(self)
        return to_arviz(self.posterior_, self._rows(), self._input_names())
