"""One Bayesian neural network under an informative prior."""

from functools import cache, partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import validate_data

from ..data.labels import as_labels, encode_labels
from ..data.standardizer import Standardizer
from ..inference.trace import Trace
from ..model.build import informed_factor, informed_model
from ..persistence.saving import storable
from ..posterior.alignment import weight_moments
from ..posterior.draws import posterior_from_trace
from ..posterior.group_prior import moments_of_one_mode, population_moments, scale_draws
from ..posterior.stacking import weigh_chains
from .base import BaseBNNClassifier, check_fitted
from .hierarchical import HierarchicalBNNClassifier
from .single import SingleNetworkClassifier


@storable
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
    feature_names : array-like of shape (n_features,), default=None
        Names of the inputs that the prior was made for, in order; an X whose columns have other names is refused.
    classes : array-like of shape (n_classes,), default=None
        Sorted class labels that the prior was made for, so that rows of a new group need not show all of them. None:
        those in y.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    fit_intercept : bool, default=True
        Whether every layer has intercepts (biases).
    inference : {"nuts", "laplace", "advi", "fullrank_advi", "map", "metropolis", "pymc"}, default="nuts"
        ``"nuts"`` samples the compiled density with nutpie. ``"laplace"`` takes normal distributions around its
        modes, and says by ``diagnostics_.pareto_k`` whether that was enough: for many small groups. ``"advi"`` and
        ``"fullrank_advi"`` fit a normal approximation with ``pm.fit``; ``"map"`` finds the mode; ``"metropolis"`` and
        ``"pymc"`` are ``pm.sample`` on the PyMC model.
    chains : int, default=4
        Number of Markov chains; of starts for ``"laplace"`` and ``"map"``.
    tune : int, default=500
        Steps of each chain that adapt the sampler and are thrown away.
    draws : int, default=500
        Steps of each chain that are kept; draws from the approximation of a variational method or of ``"laplace"``.
    tol : float, default=None
        Greatest Monte Carlo standard error of a class probability. With it NUTS stops before ``draws`` as soon as no
        probability at fixed training rows has a greater one, and their logits have R-hat at most 1.01 and an effective
        sample size of 100 per chain. None: exactly ``draws``.
    chain_weights : {"equal", "stacking"}, default="equal"
        Share of each chain in predictions and in priors made from the fit. ``"stacking"`` gives chains that found
        different modes the weights with which their mixture predicts best what it has not seen [2]_.
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
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Their names, where X had any.
    posterior_ : Posterior
        Draws of the weights, with a legend of their axes.
    diagnostics_ : Diagnostics or OptimizationDiagnostics
        Convergence of the sampler, or how the optimisation ended.
    n_iter_ : int
        Iterations of the optimisation, or steps of each chain.
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
    .. [2] Yao, Vehtari and Gelman (2022), "Stacking for non-mixing Bayesian computations: the curse and blessing of
       multimodal posteriors", Journal of Machine Learning Research 23.

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
        "feature_names": ["array-like", None],
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
        feature_names=None,
        classes=None,
        activation="tanh",
        fit_intercept=True,
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
        super().__init__(
            hidden_layer_sizes,
            activation=activation,
            fit_intercept=fit_intercept,
            prior_scale=prior_scale,
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
        self.feature_mean = feature_mean
        self.feature_scale = feature_scale
        self.feature_names = feature_names
        self.classes = classes

    @classmethod
    @validate_params(
        {
            "covariance": [StrOptions({"full", "layer", "diag"})],
            "prior_chains": [StrOptions({"stacking", "equal"}), Integral, "array-like"],
            "align": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
    def from_hierarchical(cls, hierarchical, *, covariance="full", prior_chains="stacking", align=True, **params):
        """An unfitted classifier whose prior is the group distribution that a hierarchical fit learned.

        Mean and covariance are those of a new group's weights, w ~ Normal(mu, sd²), over posterior draws of (mu, sd).
        Draws of all modes have no common normal distribution, so these are the tenth of the draws around the one whose
        predictions are nearest to the mean over all; of a fit whose first layer has affine pooling, that one alone,
        with the covariance that the mean of the output weights has under its hidden layers.

        Parameters
        ----------
        hierarchical : HierarchicalBNNClassifier
            A fitted one.
        covariance : {"full", "layer", "diag"}, default="full"
            Keep all covariances, those within each layer, or none.
        prior_chains : {"stacking", "equal"}, int or array-like of int, default="stacking"
            Chains of the hierarchical fit that make the prior: all, with the weights of ``chain_weights="stacking"``
            whatever the fit itself has, or with equal ones; or those of these numbers, with equal ones.
        align : bool, default=True
            Align the draws over permutations and sign flips of hidden units and take those of one mode. False: all
            draws as they are, of modes that blur each other.
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
            If a chain does not exist, the group distribution has no covariance, or the fit is of a linearised network.
        """
        check_fitted("from_hierarchical", hierarchical, HierarchicalBNNClassifier)
        _check_network(hierarchical.posterior_)
        if np.isinf(hierarchical.posterior_.model.family.variance):
            raise ValueError(
                'With weight_prior="cauchy" the group distribution has no covariance to make a prior of; '
                'fit the hierarchical model with "student_t", "laplace" or "normal".'
            )
        posterior, data = hierarchical.posterior_, hierarchical.training_data_
        if not isinstance(prior_chains, str):
            n_chains, chosen = len(posterior.weights), np.atleast_1d(prior_chains)  # (chain,)
            valid = chosen.ndim == 1 and chosen.dtype.kind in "iu" and np.isin(chosen, range(n_chains)).all()
            if not valid or not 0 < len(chosen) == len(np.unique(chosen)):
                raise ValueError(
                    f"prior_chains={prior_chains!r}, but the fit has the chains 0 to {n_chains - 1}; name some of "
                    "them, each once."
                )
            posterior, prior_chains = posterior.of_chains(chosen), "equal"
        log_likelihood = cache(partial(posterior.log_likelihood, data))
        posterior = weigh_chains(posterior, prior_chains, log_likelihood)
        if align:
            mean, cov = moments_of_one_mode(posterior, data, log_likelihood(), covariance)
        else:
            means = posterior.pooled(posterior.group_mean)  # (draw, weight)
            mean, cov = population_moments(posterior.model, means, scale_draws(posterior), covariance)
        return cls._with_prior(hierarchical, mean, cov, params)

    @classmethod
    @validate_params(
        {"covariance": [StrOptions({"full", "layer", "diag"})], "align": ["boolean"]},
        prefer_skip_nested_validation=True,
    )
    def from_posterior(cls, fitted, *, group=None, covariance="full", align=True, **params):
        """An unfitted classifier whose prior is the posterior of an earlier fit: yesterday's rows, without them.

        Parameters
        ----------
        fitted : FlatBNNClassifier, InformedPriorBNNClassifier or HierarchicalBNNClassifier
            A fitted one.
        group : hashable, default=None
            Label of the group whose posterior is taken, for a hierarchical fit with groups.
        covariance : {"full", "layer", "diag"}, default="full"
            Keep all covariances, those within each layer, or none.
        align : bool, default=True
            Align the draws over permutations and sign flips of hidden units.
        **params
            Other constructor parameters; by default the sampler's settings are those of ``fitted``.

        Returns
        -------
        classifier : InformedPriorBNNClassifier

        Raises
        ------
        NotFittedError
            If ``fitted`` is not fitted.
        TypeError
            If it is none of the three estimators.
        ValueError
            If ``group`` is missing or unknown, there are too few draws for such a covariance, or the fit is of a
            linearised network, or no fit to rows.
        """
        check_fitted("from_posterior", fitted, BaseBNNClassifier, "classifier of this package")
        posterior, labels = fitted.posterior_, fitted._rows().group_labels
        _check_network(posterior)
        network, code = posterior.network, 0
        if getattr(fitted, "groups_", None) is not None:
            code = int(encode_labels(as_labels([group], 1), labels)[0])
            if code < 0:
                raise ValueError(f"group={group!r} is none of the groups of the fit, which are {labels}.")
        elif group is not None:
            raise ValueError(f"group={group!r}, but this {type(fitted).__name__} was fitted without groups.")
        if posterior.n_draws == 1:
            raise ValueError(f'A mode has no covariance: fit the {type(fitted).__name__} with inference="nuts".')
        mean, cov = weight_moments(network, posterior.group_weights(code), covariance, align)
        try:
            np.linalg.cholesky(cov)
        except np.linalg.LinAlgError:
            remedy = "draw more" if covariance == "diag" else 'draw more, or set covariance="diag"'
            raise ValueError(
                f"The {posterior.n_draws} draws of the fit do not determine a positive definite covariance of "
                f"{network.n_weights} weights: {remedy}."
            ) from None
        return cls._with_prior(fitted, mean, cov, params)

    @classmethod
    @validate_params({"scale": [Interval(Real, 0, None, closed="neither")]}, prefer_skip_nested_validation=True)
    def from_mlp(cls, mlp, *, scale=1.0, **params):
        """An unfitted classifier whose prior is centred on the weights of a fitted multilayer perceptron.

        Parameters
        ----------
        mlp : sklearn.neural_network.MLPClassifier
            A fitted one, of two or more classes. The inputs are used as the perceptron sees them.
        scale : float, default=1.0
            Prior standard deviation of every weight: how far to go from the perceptron. It becomes ``prior_scale``.
        **params
            Other constructor parameters.

        Returns
        -------
        classifier : InformedPriorBNNClassifier

        Raises
        ------
        NotFittedError
            If ``mlp`` is not fitted.
        TypeError
            If it is not an MLPClassifier.
        ValueError
            If it is multilabel.
        """
        check_fitted("from_mlp", mlp, MLPClassifier)
        n_classes = len(mlp.classes_)
        if mlp.n_outputs_ != (1 if n_classes == 2 else n_classes) or mlp.out_activation_ not in ("logistic", "softmax"):
            raise ValueError("from_mlp needs an MLPClassifier of one label per row; this one is multilabel.")
        layers = zip(mlp.coefs_, mlp.intercepts_, strict=True)
        own = {
            "hidden_layer_sizes": tuple(len(intercept) for intercept in mlp.intercepts_[:-1]),
            "activation": mlp.activation,
            "fit_intercept": True,
            "prior_mean": np.concatenate([part.ravel() for layer in layers for part in layer]),  # (weight,)
            "prior_scale": scale,
            "feature_mean": np.zeros(mlp.n_features_in_),
            "feature_scale": np.ones(mlp.n_features_in_),
            "feature_names": list(mlp.feature_names_in_) if hasattr(mlp, "feature_names_in_") else None,
            "classes": mlp.classes_,
        }
        return cls(**{**own, **params})

    @classmethod
    def _with_prior(cls, fitted, mean, cov, params):
        """A classifier with a prior for the network, inputs and classes of a fit."""
        shared = [
            *("activation", "fit_intercept", "inference", "chains", "tune", "draws", "target_accept", "max_iter"),
            *("tol", "chain_weights", "batch_size", "sample_kwargs", "n_jobs", "random_state"),
        ]
        own = {
            **{name: getattr(fitted, name) for name in shared},
            "hidden_layer_sizes": fitted.posterior_.network.sizes[1:-1],
            "prior_mean": mean,
            "prior_cov": cov,
            "feature_mean": fitted.standardizer_.mean,
            "feature_scale": fitted.standardizer_.scale,
            "feature_names": fitted._input_names() if hasattr(fitted, "feature_names_in_") else None,
            "classes": fitted.classes_,
        }
        return cls(**{**own, **params})

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
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y or a parameter is not valid, the prior does not fit the network or the names of the columns, y has
            one class only and ``classes`` is None, or y has a class that is not in ``classes``.

        Warns
        -----
        ConvergenceWarning
            If the chains did not converge; the fit is kept.
        """
        data = self._take_rows(X, y, self.classes)
        self._check_feature_names()
        return self._fit_model(self._model(data.X.shape[1]), data)

    def _model(self, n_inputs):
        network = self._network(n_inputs)
        mean, cholesky = informed_factor(network, self.prior_mean, self.prior_cov)  # (weight,), (weight, weight)
        return informed_model(network, self._likelihood_name(), mean, self.prior_scale * cholesky)

    def _take_prior(self, X):
        """Become what a fit to no rows is: draws from the prior; X gives names, and units where the prior has none."""
        X = validate_data(self, X, dtype=np.float64)  # (row, feature)
        self._check_feature_names()
        self._encode_classes(np.asarray(self.classes), self.classes)
        self.standardizer_ = self._standardizer(X) or Standardizer.of(X)
        model = self._model(X.shape[1])
        seed = self._draw_seed()
        shape = (self.chains, self.draws, model.network.n_weights)
        x = np.random.default_rng(seed).standard_normal(shape)  # (chain, draw, weight)
        self.posterior_ = posterior_from_trace(model, np.zeros((1, 1), int), Trace(x, {}), seed)
        return self

    def _check_feature_names(self):
        wanted, found = self.feature_names, getattr(self, "feature_names_in_", None)
        if wanted is not None and found is not None and list(wanted) != list(found):
            raise ValueError(
                f"The prior was made for the columns {list(wanted)} in this order, and X has {list(found)}; give it "
                "those, or set feature_names=None if they mean the same."
            )

    def _standardizer(self, X):
        given = {"feature_mean": self.feature_mean, "feature_scale": self.feature_scale}
        if all(value is None for value in given.values()):
            return None
        identity = Standardizer.identity(self.n_features_in_)
        defaults = {"feature_mean": identity.mean, "feature_scale": identity.scale}
        arrays = {name: np.asarray(defaults[name] if v is None else v, dtype=float) for name, v in given.items()}
        for name, array in arrays.items():
            if array.shape != (self.n_features_in_,):
                raise ValueError(
                    f"{name} has shape {array.shape}, but X has {self.n_features_in_} features; give it those that the "
                    "prior was made for."
                )
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} contains NaN or infinity.")
        if not np.all(arrays["feature_scale"] > 0):
            raise ValueError("feature_scale must be positive for every feature.")
        return Standardizer(arrays["feature_mean"], arrays["feature_scale"])


def _check_network(posterior):
    """Raise a ValueError if the draws are no weights of the network itself."""
    if posterior.mode_weights is not None:
        raise ValueError(
            "The fit is of a network linearised around its modes (its Pareto k is too high), whose draws are no prior "
            'for the network itself; fit with inference="nuts".'
        )
