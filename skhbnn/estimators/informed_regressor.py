"""One Bayesian neural network under an informative prior, of targets that are numbers."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.neural_network import MLPRegressor
from sklearn.utils._param_validation import Interval

from ..data.standardizer import Standardizer
from ..persistence.saving import storable
from ..support.typed import (
    Activation,
    ChainWeights,
    Data,
    Inference,
    Ints,
    LikelihoodOfNumbers,
    Seed,
    fit_context,
    validate_params,
)
from .base import check_fitted
from .hierarchical_regressor import HierarchicalBNNRegressor
from .informed import InformedPriorBNN
from .prior_sources import perceptron_prior
from .regression import NetworkRegressorMixin
from .regressor_methods import RegressorMethods


@storable
class InformedPriorBNNRegressor(RegressorMethods, NetworkRegressorMixin, InformedPriorBNN):
    """Bayesian neural network regressor under a given multivariate normal prior.

    The weights are w = ``prior_mean`` + ``prior_scale`` · L z with L Lᵀ = ``prior_cov`` and z ~ Normal(0, 1).
    :meth:`from_hierarchical` takes mean and covariance from what a hierarchical fit learned of its groups [1]_: a new
    group of a few rows starts from the older groups, and from the scale of their noise.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(5, 5)
        Number of units of each hidden layer; ``()`` is a linear model.
    prior_mean : array-like of shape (n_weights,) or (n_weights + n_own,), default=None
        Prior mean of the flat weight vector: for each layer the (input, output) matrix row by row, then the
        intercepts. Behind the weights may stand the numbers that the likelihood itself learns, as
        logarithms: of the scale of the noise, the degrees of freedom less 2, or the overdispersion. Of ``"ordinal"``
        they are the first cutpoint, and the logarithms of the distances between neighbours. None: zero.
    prior_cov : array-like of shape (n_weights, n_weights) or (n_weights + n_own, n_weights + n_own), default=None
        Prior covariance. None: the identity.
    prior_scale : float, default=1.0
        Widens (above 1) or narrows (below 1) the prior: factor of its standard deviations.
    feature_mean, feature_scale : array-like of shape (n_features,), default=None
        Shift and scale of the inputs that the prior was made for. None: taken from the training rows.
    feature_names : array-like of shape (n_features,), default=None
        Names of the inputs that the prior was made for, in order; an X whose columns have other names is refused.
    target_mean, target_scale : float, default=None
        Shift and scale of the targets that the prior was made for. None: taken from the training rows. Counts have
        none, and no other offset than the one in ``prior_mean``.
    likelihood : {"normal", "student_t", "poisson", "negative_binomial"}, default="normal"
        Distribution of y around its mean. ``"normal"`` and ``"student_t"``, for data with outliers, learn the scale of
        the noise, HalfNormal(1) in standard deviations of y. ``"poisson"``, and ``"negative_binomial"`` with a learned
        dispersion, are for counts: the output of the network is the logarithm of the mean.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    fit_intercept : bool, default=True
        Whether every layer has intercepts (biases).
    inference : {"nuts", "laplace", "advi", "fullrank_advi", "map", "metropolis", "pymc"}, default="nuts"
        ``"nuts"`` samples the compiled density with nutpie. ``"laplace"`` takes normal distributions around its modes,
        for many small groups; ``diagnostics_.pareto_k`` says whether the approximation is good enough. ``"advi"`` and
        ``"fullrank_advi"`` fit a normal approximation with ``pm.fit``; ``"map"`` finds the mode; ``"metropolis"`` and
        ``"pymc"`` are ``pm.sample`` on the PyMC model.
    chains : int, default=8
        Number of Markov chains, or of starts for ``"laplace"`` and ``"map"``.
    tune : int, default=100
        Steps of each chain that adapt the sampler and are thrown away. Predictions need no more than the default of
        ``tune`` and ``draws``; a study of the posterior itself, of group scales or tails, asks for 1000 of each.
        With more than 200 a trajectory of NUTS has up to 1023 gradients instead of 255.
    draws : int, default=50
        Steps of each chain that are kept, or draws from the approximation of a variational method or of ``"laplace"``.
    tol : float, default=None
        Greatest Monte Carlo standard error of an expected target, in standard deviations of y. With it NUTS stops
        before ``draws`` as soon as no mean at fixed training rows has a greater one. None: exactly ``draws``.
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
    target_standardizer_ : Standardizer
        Shift and scale of y, of arrays of shape (1,); 0 and 1 for counts.

    See Also
    --------
    HierarchicalBNNRegressor : Learns the group distribution that the prior is taken from.

    References
    ----------
    .. [1] Wiecki (2018), "Hierarchical Bayesian Neural Networks with Informative Priors",
       https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/
    .. [2] Yao, Vehtari and Gelman (2022), "Stacking for non-mixing Bayesian computations: the curse and blessing of
       multimodal posteriors", Journal of Machine Learning Research 23.

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn import HierarchicalBNNRegressor, InformedPriorBNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, groups = rng.uniform(-3, 3, (120, 1)), np.repeat([0, 1, 2, 3], 30)
    >>> y = np.sin(X[:, 0]) + groups + 0.1 * rng.normal(size=120)
    >>> old, new = groups < 3, groups == 3
    >>> hierarchical = HierarchicalBNNRegressor(random_state=0).fit(X[old], y[old], groups=groups[old])
    >>> regressor = InformedPriorBNNRegressor.from_hierarchical(hierarchical).fit(X[new], y[new])
    >>> regressor.predict(X[new]).shape
    (30,)
    """

    _parameter_constraints: dict = {
        **InformedPriorBNN._parameter_constraints,
        **NetworkRegressorMixin._parameter_constraints,
        "target_mean": [Interval(Real, None, None, closed="neither"), None],
        "target_scale": [Interval(Real, 0, None, closed="neither"), None],
    }
    _hierarchical = HierarchicalBNNRegressor
    _task = NetworkRegressorMixin, "regressor of this package"

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
        target_mean: float | None = None,
        target_scale: float | None = None,
        likelihood: LikelihoodOfNumbers = "normal",
        activation: Activation = "tanh",
        fit_intercept: bool = True,
        inference: Inference = "nuts",
        chains: int = 8,
        tune: int = 100,
        draws: int = 50,
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
        self.target_mean = target_mean
        self.target_scale = target_scale
        self.likelihood = likelihood

    @classmethod
    @validate_params({"scale": [Interval(Real, 0, None, closed="neither")]})
    def from_mlp(cls, mlp: MLPRegressor, *, scale: float = 1.0, **params: Any) -> Self:
        """Unfitted regressor whose prior is centred on the weights of a fitted multilayer perceptron.

        Parameters
        ----------
        mlp : sklearn.neural_network.MLPRegressor
            Fitted perceptron of one target. Inputs and targets are used as the perceptron sees them, so that the scale
            of the noise is HalfNormal(1) in the unit of the y that it was fitted to: give it a y of standard deviation
            1.
        scale : float, default=1.0
            Prior standard deviation of every weight: how far to go from the perceptron. It becomes ``prior_scale``.
        **params
            Other constructor parameters.

        Returns
        -------
        regressor : InformedPriorBNNRegressor
            Its parameters hold the prior.

        Raises
        ------
        NotFittedError
            If ``mlp`` is not fitted.
        TypeError
            If ``mlp`` is not an MLPRegressor.
        ValueError
            If ``mlp`` has several targets.
        """
        check_fitted("from_mlp", mlp, MLPRegressor)
        if mlp.n_outputs_ != 1:
            raise ValueError(f"from_mlp needs an MLPRegressor of one target; this one has {mlp.n_outputs_}.")
        is_log = mlp.out_activation_ == "exp"  # of loss="poisson"
        unit = {"likelihood": "poisson"} if is_log else {"target_mean": 0.0, "target_scale": 1.0}
        return cls(**{**perceptron_prior(mlp), **unit, "prior_scale": scale, **params})

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Data, y: Data, sample_weight: Data | None = None) -> Self:
        """Sample the posterior of the weights.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts: a whole weight is that row repeated, a weight of 0 a row left out. None: once.

        Returns
        -------
        self : InformedPriorBNNRegressor
            The fitted regressor.

        Raises
        ------
        ValueError
            If X, y, sample_weight or a parameter is not valid, or the prior does not fit the network or the names of
            the columns.

        Warns
        -----
        ConvergenceWarning
            If predictions are not to be trusted; the fit is kept.
        """
        return self._fit(X, y, sample_weight)

    @classmethod
    def _target_parameters(cls, fitted):
        likelihood, unit = fitted.posterior_.model.likelihood, {}
        if not likelihood.is_count:
            standardizer = fitted.target_standardizer_
            unit = {"target_mean": float(standardizer.mean[0]), "target_scale": float(standardizer.scale[0])}
        return {"likelihood": likelihood.name, **unit}

    def _take_targets_from_parameters(self):
        self.target_standardizer_ = self._unit_of_prior()

    def _unit_of_prior(self):
        """Standardizer of the targets of a prior without rows; a ValueError where the parameters do not say it."""
        standardizer = self._target_standardizer()
        if standardizer is None:
            raise ValueError(
                "A prior without rows does not know the unit of y: set target_mean and target_scale to those that it "
                "was made for."
            )
        return standardizer

    def _target_standardizer(self):
        given = {"target_mean": self.target_mean, "target_scale": self.target_scale}
        for_counts = super()._target_standardizer()
        if all(value is None for value in given.values()):
            return for_counts
        if for_counts is not None:
            name = next(name for name, value in given.items() if value is not None)
            raise ValueError(
                f"{name} is given, and counts of likelihood={self.likelihood!r} have no other unit: set it to None."
            )
        mean = 0.0 if self.target_mean is None else float(self.target_mean)
        scale = 1.0 if self.target_scale is None else float(self.target_scale)
        return Standardizer(mean=np.array([mean]), scale=np.array([scale]))  # (1,) each
