"""A Bayesian neural network classifier under an informative prior."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval

from ..model.likelihoods import likelihood, likelihood_of_classes
from ..persistence.saving import storable
from ..support.typed import (
    Activation,
    ChainWeights,
    Data,
    Inference,
    Ints,
    LikelihoodOfClasses,
    Seed,
    fit_context,
    validate_params,
)
from .base import check_fitted
from .classification import NetworkClassifierMixin
from .classifier_methods import ClassifierMethods
from .hierarchical import HierarchicalBNNClassifier
from .informed import InformedPriorBNN
from .prior_sources import perceptron_prior


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
    chains : int, default=8
        Number of Markov chains, or of starts for ``"laplace"`` and ``"map"``.
    tune : int, default=100
        Steps of each chain that adapt the sampler and are thrown away. Predictions need no more than the default of
        ``tune`` and ``draws``; a study of the posterior itself, of group scales or tails, asks for 1000 of each.
        With more than 200 a trajectory of NUTS has up to 1023 gradients instead of 255.
    draws : int, default=50
        Steps of each chain that are kept, or draws from the approximation of a variational method or of ``"laplace"``.
    tol : float, default=None
        Greatest Monte Carlo standard error of a class probability. With it NUTS stops before ``draws`` as soon as no
        probability at fixed training rows has a greater one. None: exactly ``draws``.
    chain_weights : {"equal", "stacking"}, default="equal"
        Share of each chain in predictions and in priors made from the fit. ``"stacking"`` gives chains that found
        different modes the weights with which the mixture of the chains predicts unseen rows best [2]_.
    target_accept : float, default=0.8
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
        chains: int = 8,
        tune: int = 100,
        draws: int = 50,
        tol: float | None = None,
        chain_weights: ChainWeights = "equal",
        target_accept: float = 0.8,
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
