"""A Bayesian neural network per group, all under one learned group distribution."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import check_array, check_X_y
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from ..data.columns import naming_text_columns
from ..data.labels import ALL_ROWS, check_no_class_missing, encode_labels, labels_array, rows_by_label, unique_labels
from ..data.rows import group_rows
from ..model import pooling, scale_priors
from ..model.build import hierarchical_model, layer_scales
from ..persistence.saving import storable
from .base import INDEPENDENT_PRIOR_CONSTRAINTS, BaseBNNClassifier
from .groups import GroupsMixin, unseen_text


@storable
class HierarchicalBNNClassifier(GroupsMixin, BaseBNNClassifier):
    """A Bayesian neural network per group, partially pooled.

    The model is that of Wiecki [1]_: every group has a network, and its weights come from a group distribution that is
    learned with them. Under ``pooling="partial"`` the weights of group g are w_g = mu + sd · z_g with z_g ~ Normal(0,
    1), where the group mean mu ~ Normal(0, ``prior_scale**2``) and the group scales sd ~ HalfNormal(1) are learned.

    By default, with at most 16 features, only the output layer is pooled like that, and the first layer up to an affine
    map of the inputs: group g sees x A_g + s_g with A_g = I + sd · z_g and s_g = sd · z_g, and the hidden layers are
    common to all groups. That takes fewer numbers per group, and predicts better from few rows: a group may shift, turn
    and stretch the features. Other families than these, and other pooling of any layer, are parameters. Every layer has
    one group scale for its matrix and one for its intercepts, and the map one for A and one for s. Inputs are
    standardised internally over all rows.

    Groups come as ``groups=`` of every method, or as columns of X named by the constructor's ``groups``; the columns
    are taken out of X before the network sees it. The column form works everywhere in scikit-learn, scorers
    included. Without either, all rows are one group.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(5, 5)
        Number of units of each hidden layer; ``()`` is logistic regression.
    groups : str, int, or list or tuple of them, default=None
        Column, or columns, of X that hold the group labels.
    unseen_groups : {"population", "error"}, default="population"
        What a group that ``fit`` did not see gets: weights drawn from the group distribution, or a ValueError.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    fit_intercept : bool, default=True
        Whether every layer has intercepts (biases).
    standardize : bool, default=True
        Whether to bring every feature to mean 0 and standard deviation 1 on the training rows. Without it the prior
        means something else for features of other units; right for features that share a unit, such as pixels.
    weight_prior : {"normal", "laplace", "student_t", "cauchy"}, default="normal"
        Family of the prior of the group mean around 0, and of the groups around it; Student's t has 4 degrees of
        freedom.
    prior_scale : float, array-like of float or "fan_in", default=(1.0, 4.0)
        Scale of the prior of the group mean, and of the weights of layers that are not pooled: one for all weights,
        two for the hidden layers and the output layer, one per layer, or 1 / sqrt(number of inputs of the layer).
    group_scale_prior : {"half_normal", "half_cauchy", "inverse_gamma"} or float, default="half_normal"
        Prior of the group scales: HalfNormal(1), HalfCauchy(1) or InverseGamma(2, 1); a float fixes them.
    pooling : {"auto", "affine", "partial", "complete", "none"} or array-like of them, default="auto"
        How the groups share the weights of a layer, one for all or one per layer, the output layer included:
        ``"partial"`` as above, ``"complete"`` all groups have the same weights, ``"none"`` each has its own. The first
        layer may be ``"affine"``, as above; for all layers that means ``"affine"`` for the first, ``"complete"`` for
        the other hidden layers and ``"partial"`` for the output. ``"auto"`` is ``"affine"``, and with more than 16
        features, of which a group's map has p² + p entries, ``"partial"``.
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
        probability at fixed training rows has a greater one, and their logits and the learned group scales have R-hat
        at most 1.01 and an effective sample size of 100 per chain. None: exactly ``draws``.
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
        Seed of the sampler and of the weights of unseen groups. The same seed gives the same draws, for any
        ``n_jobs`` and order of the rows.
    verbose : int, default=0
        1 shows a line of progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    groups_ : ndarray of shape (n_groups,) or None
        Sorted group labels; None if ``fit`` got none.
    n_features_in_ : int
        Number of columns of X, group columns included.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Their names, where X had any.
    posterior_ : Posterior
        Draws of every group's weights, of the group mean and of the group scales, with a legend of their axes.
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
    InformedPriorBNNClassifier.from_hierarchical : The learned group distribution as the prior of a new group.
    FlatBNNClassifier : One network for all rows.

    References
    ----------
    .. [1] Wiecki (2018), "Hierarchical Bayesian Neural Networks with Informative Priors",
       https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/
    .. [2] Yao, Vehtari and Gelman (2022), "Stacking for non-mixing Bayesian computations: the curse and blessing of
       multimodal posteriors", Journal of Machine Learning Research 23.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(random_state=0).fit(X, y, groups=groups)
    >>> classifier.predict_proba(X, groups=groups).shape
    (150, 2)
    """

    _parameter_constraints: dict = {
        **BaseBNNClassifier._parameter_constraints,
        **INDEPENDENT_PRIOR_CONSTRAINTS,
        "groups": [None, str, Integral, list, tuple],
        "group_scale_prior": [StrOptions(set(scale_priors.NAMES)), Interval(Real, 0, None, closed="neither")],
        "pooling": [StrOptions({"auto", *pooling.NAMES}), "array-like"],
        "unseen_groups": [StrOptions({"population", "error"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(5, 5),
        *,
        groups=None,
        unseen_groups="population",
        activation="tanh",
        fit_intercept=True,
        standardize=True,
        weight_prior="normal",
        prior_scale=(1.0, 4.0),
        group_scale_prior="half_normal",
        pooling="auto",
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
            standardize=standardize,
            weight_prior=weight_prior,
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
        self.groups = groups
        self.group_scale_prior = group_scale_prior
        self.pooling = pooling
        self.unseen_groups = unseen_groups

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, groups=None):
        """Sample the posterior of every group's weights and of the group distribution.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Class labels.
        groups : array-like of shape (n_samples,), default=None
            Group labels, of any hashable kind; not together with the constructor's ``groups``.

        Returns
        -------
        self : HierarchicalBNNClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, groups or a parameter is not valid, a group label is missing, or y has one class only.

        Warns
        -----
        ConvergenceWarning
            If the chains did not converge; the fit is kept.
        UserWarning
            If there are no groups, so that all rows are one.
        """
        self._forget()
        X, labels = self._split(X, groups, reset=True)
        check_no_class_missing(y)
        with naming_text_columns(X):
            X, y = check_X_y(X, y, dtype=np.float64, estimator=self)  # (row, feature), (row,)
        y = self._encode_classes(y)  # (row,)
        if labels is None:
            self._warn_without_groups()
            self.groups_, known, labels = None, [ALL_ROWS], [ALL_ROWS] * len(y)
        else:
            known = unique_labels(labels, self.groups)
            self.groups_ = labels_array(known)  # (group,)
        data, self.standardizer_ = group_rows(X, y, encode_labels(labels, known), known, self._standardizer(X))
        network = self._network(X.shape[1])
        model = hierarchical_model(
            network,
            self._likelihood_name(),
            layer_scales(network, self.prior_scale),
            pooling.layer_pooling(network, self.pooling),
            self.weight_prior,
            self.group_scale_prior,
        )
        return self._fit_model(model, data, grouped=self.groups_ is not None)

    def _check_inputs(self, X, reset):
        with naming_text_columns(X):
            return validate_data(self, X, reset=reset, dtype=np.float64)  # (row, feature)

    def _inputs_and_weights(self, X, groups=None):
        X, labels = self._split(X, groups, reset=False)
        with naming_text_columns(X):
            X = check_array(X, dtype=np.float64, estimator=self)  # (row, feature)
        inputs = self.standardizer_.transform(X)  # (row, feature)
        self._check_same_way(labels)
        if labels is None:
            return inputs, [(np.arange(len(X)), self.posterior_.group_parameters(0))]
        rows = rows_by_label(labels)
        codes = dict(zip(rows, encode_labels(rows, self.training_data_.group_labels), strict=True))
        unseen = [label for label, code in codes.items() if code < 0]
        if unseen and self.unseen_groups == "error":
            raise ValueError(
                f'{unseen_text(unseen)} Set unseen_groups="population" to predict them from the group distribution.'
            )
        posterior = self.posterior_
        return inputs, (
            (rows[label], posterior.population_parameters(label) if code < 0 else posterior.group_parameters(code))
            for label, code in codes.items()
        )
