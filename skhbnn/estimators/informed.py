"""One Bayesian neural network under an informative prior."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval, StrOptions

from ..data.reading import read_rows
from ..data.standardizer import Standardizer
from ..data.weights import read_weights
from ..inference.trace import Trace
from ..model.build import informed_factor, informed_model
from ..model.likelihoods import likelihood, likelihood_of_classes
from ..model.terms import Layout
from ..persistence.saving import storable
from ..posterior.draws import posterior_from_trace
from ..support.floats import floats_as_usual
from ..support.typed import (
    Activation,
    ChainWeights,
    Covariance,
    Data,
    Inference,
    Ints,
    LikelihoodOfClasses,
    Seed,
    fit_context,
    validate_params,
)
from ..support.wording import named
from .base import BaseBNN, check_fitted
from .classification import NetworkClassifierMixin
from .classifier_methods import ClassifierMethods
from .hierarchical import HierarchicalBNN, HierarchicalBNNClassifier
from .prior_sources import group_distribution, network_posterior, perceptron_prior
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
        own = {
            **{name: getattr(fitted, name) for name in TAKEN_OVER},
            **cls._target_parameters(fitted),
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
        mean, cholesky = informed_factor(network, self.prior_mean, self.prior_cov)  # (weight,), (weight, weight)
        return informed_model(network, self._likelihood(), mean, self.prior_scale * cholesky, self._n_classes())

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
        weights = rng.standard_normal((*shape, model.network.n_weights))  # (chain, draw, weight)
        own = likelihood.own_to_unconstrained(likelihood.draw_own(rng, shape))  # (chain, draw, own number)
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


@storable
class InformedPriorBNNClassifier(ClassifierMethods, NetworkClassifierMixin, InformedPriorBNN):
    """Bayesian neural network classifier under a given multivariate normal prior.

    The weights are w = ``prior_mean`` + ``prior_scale`` · L z with L Lᵀ = ``prior_cov`` and z ~ Normal(0, 1).
    :meth:`from_hierarchical` takes mean and covariance from what a hierarchical fit learned of its groups [1]_: a new
    group of a few rows starts from the older groups.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(5, 5)
        Number of units of each hidden layer; ``()`` is logistic regression.
    prior_mean : array-like of shape (n_weights,), default=None
        Prior mean of the flat weight vector: for each layer the (input, output) matrix row by row, then the
        intercepts. None: zero.
    prior_cov : array-like of shape (n_weights, n_weights), default=None
        Prior covariance. None: the identity.
    prior_scale : float, default=1.0
        Widens (above 1) or narrows (below 1) the prior: factor of its standard deviations.
    feature_mean, feature_scale : array-like of shape (n_features,), default=None
        Shift and scale of the inputs that the prior was made for. None: taken from the training rows.
    feature_names : array-like of shape (n_features,), default=None
        Names of the inputs that the prior was made for, in order; an X whose columns have other names is refused.
    classes : array-like of shape (n_classes,), default=None
        Class labels that the prior was made for, so that rows of a new group need not show all of them; with
        ``likelihood="ordinal"`` in their order. None: the classes in y.
    likelihood : {"auto", "ordinal"}, default="auto"
        ``"auto"``: classes without an order. ``"ordinal"``: ordered classes, by a cumulative logit with learned
        cutpoints and one output of the network [3]_. The order is the one of numbers or of the alphabet, or of an
        ordered pandas categorical as y; ``ordered_classes_`` has it.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    fit_intercept : bool, default=True
        Whether every layer has intercepts (biases).
    inference : {"nuts", "laplace", "advi", "fullrank_advi", "map", "metropolis", "pymc"}, default="nuts"
        ``"nuts"`` samples the compiled density with nutpie. ``"laplace"`` takes normal distributions around its modes,
        for many small groups; ``diagnostics_.pareto_k`` says whether the approximation is good enough. ``"advi"`` and
        ``"fullrank_advi"`` fit a normal approximation with ``pm.fit``; ``"map"`` finds the mode; ``"metropolis"`` and
        ``"pymc"`` are ``pm.sample`` on the PyMC model.
    chains : int, default=4
        Number of Markov chains, or of starts for ``"laplace"`` and ``"map"``.
    tune : int, default=300
        Steps of each chain that adapt the sampler and are thrown away. Predictions need no more than the default of
        ``tune`` and ``draws``; a study of the posterior itself, of group scales or tails, asks for 1000 of each.
    draws : int, default=200
        Steps of each chain that are kept, or draws from the approximation of a variational method or of ``"laplace"``.
    tol : float, default=None
        Greatest Monte Carlo standard error of a class probability. With it NUTS stops before ``draws`` as soon as no
        probability at fixed training rows has a greater one. None: exactly ``draws``.
    chain_weights : {"equal", "stacking"}, default="equal"
        Share of each chain in predictions and in priors made from the fit. ``"stacking"`` gives chains that found
        different modes the weights with which the mixture of the chains predicts unseen rows best [2]_.
    target_accept : float, default=0.9
        Acceptance probability that the step size is adapted to; raise it against divergences.
    max_iter : int, default=20_000
        Most iterations of a variational method, and of ``"laplace"`` and ``"map"`` from each start.
    batch_size : int, default=None
        Rows of a random minibatch in each iteration of a variational method. None: all rows.
    sample_kwargs : dict, default=None
        Further arguments of ``pm.sample`` (``"pymc"``, ``"metropolis"``) or ``pm.fit`` (``"advi"``,
        ``"fullrank_advi"``).
    n_jobs : int, default=None
        Number of chains that run at once. None: of NUTS as many as there are cores (or as the environment variable
        OMP_NUM_THREADS says), in threads, and one at a time within a search or another task of joblib. It changes no
        draw.
    random_state : int, RandomState instance or None, default=None
        Seed of the sampler. Equal seeds give equal draws, for any ``n_jobs`` and order of the rows.
    verbose : int, default=0
        1 shows a line of progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    ordered_classes_ : ndarray of shape (n_classes,) or None
        Class labels in their order, the lowest first; None unless ``likelihood="ordinal"``.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Names of the columns of X, where X had any.
    posterior_ : Posterior
        Draws of the weights, with a legend of their axes.
    diagnostics_ : Diagnostics or OptimizationDiagnostics
        Convergence of the sampler, or how the optimisation ended.
    n_iter_ : int
        Iterations of the optimisation, or steps of each chain.
    training_data_ : GroupedData
        Rows of the fit, sorted and standardised.
    standardizer_ : Standardizer
        Shift and scale of the inputs.

    See Also
    --------
    HierarchicalBNNClassifier : Learns the group distribution that the prior is taken from.

    References
    ----------
    .. [1] Wiecki (2018), "Hierarchical Bayesian Neural Networks with Informative Priors",
       https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/
    .. [2] Yao, Vehtari and Gelman (2022), "Stacking for non-mixing Bayesian computations: the curse and blessing of
       multimodal posteriors", Journal of Machine Learning Research 23.
    .. [3] McCullagh (1980), "Regression models for ordinal data", Journal of the Royal Statistical Society B 42.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=4, random_state=0)
    >>> old, new = groups < 3, groups == 3
    >>> hierarchical = HierarchicalBNNClassifier(random_state=0).fit(X[old], y[old], groups=groups[old])
    >>> classifier = InformedPriorBNNClassifier.from_hierarchical(hierarchical).fit(X[new], y[new])
    >>> classifier.predict_proba(X[new]).shape
    (50, 2)
    """

    _parameter_constraints: dict = {
        **InformedPriorBNN._parameter_constraints,
        **NetworkClassifierMixin._parameter_constraints,
        "classes": ["array-like", None],
    }
    _hierarchical = HierarchicalBNNClassifier
    _task = NetworkClassifierMixin, "classifier of this package"

    def __init__(
        self,
        hidden_layer_sizes: Ints = (5, 5),
        *,
        prior_mean: Data | None = None,
        prior_cov: Data | None = None,
        prior_scale: float = 1.0,
        feature_mean: Data | None = None,
        feature_scale: Data | None = None,
        feature_names: Iterable[Any] | None = None,
        classes: Data | None = None,
        likelihood: LikelihoodOfClasses = "auto",
        activation: Activation = "tanh",
        fit_intercept: bool = True,
        inference: Inference = "nuts",
        chains: int = 4,
        tune: int = 300,
        draws: int = 200,
        tol: float | None = None,
        chain_weights: ChainWeights = "equal",
        target_accept: float = 0.9,
        max_iter: int = 20_000,
        batch_size: int | None = None,
        sample_kwargs: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        random_state: Seed = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            fit_intercept=fit_intercept,
            inference=inference,
            chains=chains,
            tune=tune,
            draws=draws,
            tol=tol,
            chain_weights=chain_weights,
            target_accept=target_accept,
            max_iter=max_iter,
            batch_size=batch_size,
            sample_kwargs=sample_kwargs,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.prior_mean = prior_mean
        self.prior_cov = prior_cov
        self.prior_scale = prior_scale
        self.feature_mean = feature_mean
        self.feature_scale = feature_scale
        self.feature_names = feature_names
        self.classes = classes
        self.likelihood = likelihood

    @classmethod
    @validate_params({"scale": [Interval(Real, 0, None, closed="neither")]})
    def from_mlp(cls, mlp: MLPClassifier, *, scale: float = 1.0, **params: Any) -> Self:
        """Unfitted classifier whose prior is centred on the weights of a fitted multilayer perceptron.

        Parameters
        ----------
        mlp : sklearn.neural_network.MLPClassifier
            Fitted perceptron, of two or more classes. The inputs are used as the perceptron sees them.
        scale : float, default=1.0
            Prior standard deviation of every weight: how far to go from the perceptron. It becomes ``prior_scale``.
        **params
            Other constructor parameters.

        Returns
        -------
        classifier : InformedPriorBNNClassifier
            Its parameters hold the prior.

        Raises
        ------
        NotFittedError
            If ``mlp`` is not fitted.
        TypeError
            If ``mlp`` is not an MLPClassifier.
        ValueError
            If ``mlp`` is multilabel.
        """
        check_fitted("from_mlp", mlp, MLPClassifier)
        n_classes = len(mlp.classes_)
        n_outputs = likelihood(likelihood_of_classes(n_classes)).n_outputs(n_classes)
        if mlp.n_outputs_ != n_outputs or mlp.out_activation_ not in ("logistic", "softmax"):
            raise ValueError("from_mlp needs an MLPClassifier of one label per row; this one is multilabel.")
        own = {**perceptron_prior(mlp), "prior_scale": scale, "classes": mlp.classes_}
        return cls(**{**own, **params})

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Data, y: Data, sample_weight: Data | None = None) -> Self:
        """Sample the posterior of the weights.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Class labels; one class is enough where ``classes`` names the others.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts: a whole weight is that row repeated, a weight of 0 a row left out. None: once.

        Returns
        -------
        self : InformedPriorBNNClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, sample_weight or a parameter is not valid, the prior does not fit the network or the names of the
            columns, y has one class only and ``classes`` is None, or y has a class that is not in ``classes``.

        Warns
        -----
        ConvergenceWarning
            If predictions are not to be trusted; the fit is kept.
        """
        return self._fit(X, y, sample_weight)

    @classmethod
    def _target_parameters(cls, fitted):
        return {"classes": fitted._classes_in_model, "likelihood": fitted.likelihood}

    def _take_targets_from_parameters(self):
        self._set_classes(np.unique(np.asarray(self.classes)))
