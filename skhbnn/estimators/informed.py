"""One Bayesian neural network under an informative prior."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import check_is_fitted, validate_data

from ..alignment import population_moments
from ..data import Standardizer, group_rows
from ..model.priors import InformedModel, informed_factor
from .hierarchical import HierarchicalBNNClassifier
from .single import SingleNetworkClassifier


class InformedPriorBNNClassifier(SingleNetworkClassifier):
    """A Bayesian neural network classifier under a given multivariate normal prior.

    The weights are w = ``prior_mean`` + ``prior_scale`` · L z with L Lᵀ = ``prior_cov`` and z ~ Normal(0, 1).
    :meth:`from_hierarchical` takes mean and covariance from what a hierarchical fit learned of its groups [1]_, so
    that a new group of a few rows starts from there.

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
        Shift and scale of the inputs that the prior was made for. None: those of the training rows.
    classes : array-like of shape (n_classes,), default=None
        Sorted class labels that the prior was made for, so that rows of a new group need not show all of them. None:
        those in y.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    fit_intercept : bool, default=True
        Whether every layer has intercepts (biases).
    chains : int, default=4
        Number of Markov chains.
    tune : int, default=500
        Steps of each chain that adapt the sampler and are thrown away.
    draws : int, default=500
        Steps of each chain that are kept.
    target_accept : float, default=0.9
        Acceptance probability that the step size is adapted to; raise it against divergences.
    n_jobs : int, default=None
        Chains that run at once. It changes no draw.
    random_state : int, RandomState instance or None, default=None
        Seed of the sampler. The same seed gives the same draws, for any ``n_jobs`` and order of the rows.
    verbose : int, default=0
        1 shows a line of progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X had any.
    posterior_ : Posterior
        Draws of the weights, with a legend of their axes.
    diagnostics_ : Diagnostics
        Convergence of the sampler.
    model_ : InformedModel
        Network and prior.
    training_data_ : GroupedData
        The rows that were learned from, sorted and standardised.
    standardizer_ : Standardizer
        Shift and scale of the inputs.

    See Also
    --------
    HierarchicalBNNClassifier : Learns the group distribution that the prior is taken from.

    References
    ----------
    .. [1] Wiecki (2018), "Hierarchical Bayesian Neural Networks with Informative Priors",
       https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/

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
        **SingleNetworkClassifier._parameter_constraints,
        "prior_mean": ["array-like", None],
        "prior_cov": ["array-like", None],
        "prior_scale": [Interval(Real, 0, None, closed="neither")],
        "feature_mean": ["array-like", None],
        "feature_scale": ["array-like", None],
        "classes": ["array-like", None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(5, 5),
        *,
        prior_mean=None,
        prior_cov=None,
        prior_scale=1.0,
        feature_mean=None,
        feature_scale=None,
        classes=None,
        activation="tanh",
        fit_intercept=True,
        chains=4,
        tune=500,
        draws=500,
        target_accept=0.9,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            hidden_layer_sizes,
            activation=activation,
            fit_intercept=fit_intercept,
            prior_scale=prior_scale,
            chains=chains,
            tune=tune,
            draws=draws,
            target_accept=target_accept,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.prior_mean = prior_mean
        self.prior_cov = prior_cov
        self.feature_mean = feature_mean
        self.feature_scale = feature_scale
        self.classes = classes

    @classmethod
    @validate_params(
        {
            "covariance": [StrOptions({"full", "layer", "diag"})],
            "prior_chains": [None, Integral, "array-like"],
            "align": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
    def from_hierarchical(cls, hierarchical, *, covariance="full", prior_chains=None, align=True, **params):
        """An unfitted classifier whose prior is the group distribution that a hierarchical fit learned.

        Mean and covariance are those of a new group's weights, w ~ Normal(mu, sd²), over the posterior of (mu, sd).

        Parameters
        ----------
        hierarchical : HierarchicalBNNClassifier
            A fitted one.
        covariance : {"full", "layer", "diag"}, default="full"
            Keep all covariances, those within each layer, or none.
        prior_chains : int or array-like of int, default=None
            Take the prior from these chains of the hierarchical fit only. None: all.
        align : bool, default=True
            Align the draws over permutations and sign flips of hidden units, without which chains in equivalent
            modes blur each other.
        **params
            Other constructor parameters, such as ``random_state``; by default the sampler's settings are those of
            ``hierarchical``.

        Returns
        -------
        classifier : InformedPriorBNNClassifier

        Raises
        ------
        NotFittedError
            If ``hierarchical`` is not fitted.
        TypeError
            If it is not a HierarchicalBNNClassifier.
        ValueError
            If a chain does not exist.
        """
        if not isinstance(hierarchical, HierarchicalBNNClassifier):
            raise TypeError(
                f"from_hierarchical needs a HierarchicalBNNClassifier, got a {type(hierarchical).__name__}."
            )
        check_is_fitted(hierarchical)
        posterior = hierarchical.posterior_
        network, n_chains = posterior.network, len(posterior.weights)
        chosen = np.arange(n_chains) if prior_chains is None else np.atleast_1d(prior_chains)  # (chain,)
        if chosen.ndim != 1 or chosen.size == 0 or not np.isin(chosen, range(n_chains)).all():
            raise ValueError(f"prior_chains={prior_chains!r}, but the fit has the chains 0 to {n_chains - 1}.")
        mean, cov = population_moments(
            network,
            posterior.group_mean[chosen].reshape(-1, network.n_weights),
            posterior.group_scale[chosen].reshape(-1, len(network.layers)),
            covariance,
            align,
        )
        shared = ("activation", "fit_intercept", "chains", "tune", "draws", "target_accept", "n_jobs", "random_state")
        settings = {name: getattr(hierarchical, name) for name in shared}
        return cls(
            **{
                **settings,
                "hidden_layer_sizes": network.sizes[1:-1],
                "prior_mean": mean,
                "prior_cov": cov,
                "feature_mean": hierarchical.standardizer_.mean,
                "feature_scale": hierarchical.standardizer_.scale,
                "classes": hierarchical.classes_,
                **params,
            }
        )

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Sample the posterior of the weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Class labels; one class is enough where ``classes`` names the others.

        Returns
        -------
        self : InformedPriorBNNClassifier

        Raises
        ------
        ValueError
            If X, y or a parameter is not valid, the prior does not fit the network, y has one class only and
            ``classes`` is None, or y has a class that is not in ``classes``.

        Warns
        -----
        ConvergenceWarning
            If the chains did not converge; the fit is kept.
        """
        self._forget()
        X, y = validate_data(self, X, y, dtype=np.float64)  # (row, feature), (row,)
        y = self._encode_classes(y, self.classes)  # (row,)
        network = self._network(X.shape[1])
        mean, cholesky = informed_factor(network, self.prior_mean, self.prior_cov)  # (weight,), (weight, weight)
        data, self.standardizer_ = group_rows(X, y, np.zeros(len(y), dtype=int), ["all"], self._given_standardizer())
        return self._fit_model(InformedModel(network, mean, self.prior_scale * cholesky), data)

    def _given_standardizer(self):
        given = {"feature_mean": self.feature_mean, "feature_scale": self.feature_scale}
        if all(value is None for value in given.values()):
            return None
        defaults = {"feature_mean": np.zeros(self.n_features_in_), "feature_scale": np.ones(self.n_features_in_)}
        arrays = {name: np.asarray(defaults[name] if v is None else v, dtype=float) for name, v in given.items()}
        for name, array in arrays.items():
            if array.shape != (self.n_features_in_,):
                raise ValueError(f"{name} has shape {array.shape}, but X has {self.n_features_in_} features.")
        if not np.all(arrays["feature_scale"] > 0):
            raise ValueError("feature_scale must be positive for every feature.")
        return Standardizer(arrays["feature_mean"], arrays["feature_scale"])
