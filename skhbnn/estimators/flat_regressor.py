"""One Bayesian neural network for all rows, of targets that are numbers."""

from __future__ import annotations

from typing import Any, Self

from ..persistence.saving import storable
from ..support.typed import (
    Activation,
    ChainWeights,
    Columns,
    Data,
    Inference,
    Ints,
    LikelihoodOfNumbers,
    PriorScale,
    Seed,
    WeightPrior,
    fit_context,
)
from .flat import FlatBNN
from .regression import NetworkRegressorMixin
from .regressor_methods import RegressorMethods


@storable
class FlatBNNRegressor(RegressorMethods, NetworkRegressorMixin, FlatBNN):
    """Bayesian neural network regressor with one network for all rows [1]_.

    Every weight has an independent prior of the family ``weight_prior`` around 0, by default Normal(0,
    ``prior_scale**2``). Inputs are standardised internally, and so are targets that are no counts, so that the prior
    does not depend on the units of the features and of y. Predictions are in the unit of y. Counts have an offset: the
    output is the logarithm of the mean count, log(mean of y) plus what the weights make, where ``fit_intercept`` is
    True.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(5, 5)
        Number of units of each hidden layer; ``()`` is a linear model.
    random_intercepts : str, int, or list or tuple of them, default=None
        Column, or columns, of X whose labels each add a learned constant to the outputs of the network, such as the
        items that all persons answer. The columns are no inputs. The constants of a column are Normal(0, sd²), with
        sd ~ HalfNormal(1) learned; a label that ``fit`` did not see gets a draw of this distribution.
    likelihood : {"normal", "student_t", "poisson", "negative_binomial"}, default="normal"
        Distribution of y around its mean. ``"normal"`` and ``"student_t"``, for data with outliers, learn the scale of
        the noise, HalfNormal(1) in standard deviations of y. ``"poisson"``, and ``"negative_binomial"`` with a learned
        dispersion, are for counts: the output of the network is the logarithm of the mean.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    fit_intercept : bool, default=True
        Whether every layer has intercepts (biases).
    standardize : bool, default=True
        Whether to bring every feature to mean 0 and standard deviation 1 on the training rows. Without it the prior
        means something else for features of other units; right for features that share a unit, such as pixels.
    weight_prior : {"normal", "laplace", "student_t", "cauchy"}, default="normal"
        Family of the prior of the weights, around 0; Student's t has 4 degrees of freedom.
    prior_scale : float, array-like of float or str, default=(1.0, 2.0)
        Scale of the prior of the weights: one for all, two for the hidden layers and the output layer, or one per
        layer. A name in place of a number says that the scale of a layer is learned: ``"half_normal"`` under
        HalfNormal(1), ``"half_cauchy"`` under HalfCauchy(1), ``"inverse_gamma"`` under InverseGamma(2, 1), ``"ard"``
        under HalfNormal(1), and one more for each input of the first layer. ``"fan_in"``: 1 / sqrt(number of inputs of
        the layer), of all layers.
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
    random_intercept_columns_ : list of int or None
        Positions of the columns of X that ``random_intercepts`` names; None where it names none.
    random_intercept_labels_ : list of ndarray or None
        Sorted labels of each of these columns.
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
    HierarchicalBNNRegressor : A network per group, partially pooled.
    InformedPriorBNNRegressor : One network under a given multivariate normal prior.

    References
    ----------
    .. [1] Neal (1996), "Bayesian Learning for Neural Networks", Springer.
    .. [2] Yao, Vehtari and Gelman (2022), "Stacking for non-mixing Bayesian computations: the curse and blessing of
       multimodal posteriors", Journal of Machine Learning Research 23.

    Examples
    --------
    >>> from skhbnn import FlatBNNRegressor
    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(60, noise=0.5, random_state=0)
    >>> regressor = FlatBNNRegressor(random_state=0).fit(X, y)
    >>> regressor.predict_interval(X, coverage=0.9).shape
    (60, 2)
    """

    _parameter_constraints: dict = {
        **FlatBNN._parameter_constraints,
        **NetworkRegressorMixin._parameter_constraints,
    }

    def __init__(
        self,
        hidden_layer_sizes: Ints = (5, 5),
        *,
        random_intercepts: Columns | None = None,
        likelihood: LikelihoodOfNumbers = "normal",
        activation: Activation = "tanh",
        fit_intercept: bool = True,
        standardize: bool = True,
        weight_prior: WeightPrior = "normal",
        prior_scale: PriorScale = (1.0, 2.0),
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
        self.likelihood = likelihood
        self.random_intercepts = random_intercepts
        self.standardize = standardize
        self.weight_prior = weight_prior
        self.prior_scale = prior_scale

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
        self : FlatBNNRegressor
            The fitted regressor.

        Raises
        ------
        ValueError
            If X, y, sample_weight or a parameter is not valid.

        Warns
        -----
        ConvergenceWarning
            If predictions are not to be trusted; the fit is kept.
        """
        return self._fit(X, y, sample_weight)
