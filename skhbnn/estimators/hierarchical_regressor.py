"""A Bayesian neural network per group, all under one learned group distribution, of targets that are numbers."""

from __future__ import annotations

import os
from typing import Any, Self

from ..persistence.saving import storable
from ..support.typed import (
    Activation,
    ChainWeights,
    Columns,
    Data,
    GroupScalePrior,
    HiddenLayerSizes,
    Inference,
    LikelihoodOfNumbers,
    Pooling,
    PriorScale,
    Seed,
    UnseenGroups,
    WeightPrior,
    fit_context,
)
from .grouped_regressor_methods import GroupedRegressorMethods
from .hierarchical import HierarchicalBNN
from .regression import NetworkRegressorMixin


@storable
class HierarchicalBNNRegressor(GroupedRegressorMethods, NetworkRegressorMixin, HierarchicalBNN):
    """Regressor with a Bayesian neural network per group, partially pooled.

    This is the model of Wiecki [1]_: every group has a network, and the weights of all networks come from a group
    distribution that is learned with them. Under ``pooling="partial"`` the weights of group g are w_g = mu + sd · z_g
    with z_g ~ Normal(0, 1), where the group mean mu ~ Normal(0, ``prior_scale**2``) and the group scales sd ~
    HalfNormal(1) are learned.

    By default, with few features, only the output layer is pooled like that, and the first layer up to an affine map of
    the inputs: group g sees x A_g + s_g with A_g = I + sd · z_g and s_g = sd · z_g, and the hidden layers are common to
    all groups. This takes fewer numbers per group, and predicts better from few rows: a group may shift, turn and
    stretch the features. With many features, all groups share the first layer, and the others are pooled partially.
    Other families of priors, and other pooling of any layer, are parameters. Every layer has
    one group scale for its matrix and one for its intercepts, and the map has one for A and one for s. Inputs are
    standardised internally over all rows, and so are targets that are no counts; predictions are in the unit of y. The
    scale of the noise is common to all groups. Counts have an offset: the output is the logarithm of the mean count,
    log(mean of y) plus what the weights make, where ``fit_intercept`` is True.

    Groups come as ``groups=`` of every method, or as columns of X named by the constructor's ``groups``; the columns
    are taken out of X before the network sees it. The column form works with the scorers, searches and
    pipelines of scikit-learn; estimators that make arrays of dataframes need numbers as labels. Without groups, all
    rows are one group.

    Groups may lie in groups: of shops in regions, a shop's weights deviate from those of its region, and those of a
    region from the group mean, under scales of each level. A shop that ``fit`` did not see is drawn around its region,
    if that is known.

    Parameters
    ----------
    hidden_layer_sizes : "auto", int or array-like of int, default=(5, 5)
        Number of units of each hidden layer; ``()`` is a linear model. ``"auto"`` stands for ``(5, 5)``, or with
        10 features and more, of up to 600 groups, for ``(10, 5)``.
    groups : str, int, or list or tuple of them, default=None
        Column of X that holds the group labels. Several columns are levels of nested groups, the outermost first, such
        as ``["region", "shop"]``; estimators per group have no levels, and take the tuple of the labels for one label.
    random_intercepts : str, int, or list or tuple of them, default=None
        Column, or columns, of X whose labels each add a learned constant to the outputs of the network, such as the
        items that all persons answer. The columns are no inputs. The constants of a column are Normal(0, sd²), with
        an sd whose prior is ``group_scale_prior``; ``unseen_groups`` says what a label that ``fit`` did not see gets.
    unseen_groups : {"population", "error"}, default="population"
        What a group that ``fit`` did not see gets: weights drawn from the group distribution, or a ValueError.
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
        Family of the prior of the group mean around 0, and of the groups around it; Student's t has 4 degrees of
        freedom.
    prior_scale : float, array-like of float or str, default=(1.0, 2.0)
        Scale of the prior of the group mean, and of the weights of layers that are not pooled: one for all weights,
        two for the hidden layers and the output layer, or one per layer. A name in place of a number says that the
        scale of a layer is learned: ``"half_normal"`` under HalfNormal(1), ``"half_cauchy"`` under HalfCauchy(1),
        ``"inverse_gamma"`` under InverseGamma(2, 1), ``"ard"`` under HalfNormal(1), and one more for each input of the
        first layer. ``"fan_in"``: 1 / sqrt(number of inputs of the layer), of all layers.
    group_scale_prior : {"half_normal", "half_cauchy", "inverse_gamma"} or float, default="half_normal"
        Prior of the group scales: HalfNormal(1), HalfCauchy(1) or InverseGamma(2, 1); a float fixes them.
    pooling : {"auto", "affine", "partial", "complete", "none"} or array-like of them, default="auto"
        How the groups share the weights of a layer, one for all or one per layer, the output layer included:
        ``"partial"`` as above, ``"complete"`` one set of weights for all groups, ``"none"`` one for each. The first
        layer may be ``"affine"``, as above; given for all layers, ``"affine"`` means ``"affine"`` for the first,
        ``"complete"`` for the other hidden layers and ``"partial"`` for the output. ``"auto"`` is ``"affine"`` with at
        most three features, or where groups have on average two rows for each feature, from which to learn a map; else
        it is ``"complete"`` for the first layer and ``"partial"`` for the others, or with fewer than two rows per group
        (of nested ones, per outermost group) ``"complete"`` for all hidden layers. Equal rows of a group count as one.
    max_groups : int, default=600
        Most groups that NUTS learns the group distribution from, 5 at least. Of more groups it takes so many, drawn by
        ``random_state`` in strata of size, and every other group is fitted by itself under the draws of the group
        distribution, some 200 of which are kept: in milliseconds a group, on ``n_jobs`` threads, or in batches by the
        workers of a cluster where ``joblib.parallel_config`` names one. Chains that foretell these other groups worse
        than the best chain, by more than 0.015 nats a row, then have no share in predictions. Other methods of
        ``inference`` take all groups, and so do fits of several levels of groups or with ``random_intercepts``. None:
        all groups.
    checkpoint : path-like, default=None
        A folder that keeps what is finished, the group distribution and then batches of the groups that are fitted by
        themselves, so that a later ``fit`` with equal data and parameters goes on from it. Its files are pickles: name
        only a folder that you trust.
    inference : {"nuts", "laplace", "advi", "fullrank_advi", "map", "metropolis", "pymc"}, default="nuts"
        ``"nuts"`` samples the compiled density with nutpie. ``"laplace"`` takes normal distributions around its modes,
        and ``"map"`` the mode; with learned group scales both are far too sure of noisy targets, and warn.
        ``"advi"`` and ``"fullrank_advi"`` fit a normal approximation with ``pm.fit``, whose predictions are far behind
        those of NUTS on grouped data, and warn, too; ``"metropolis"`` and ``"pymc"`` are ``pm.sample`` on the PyMC
        model.
    chains : int, default=8
        Number of Markov chains, or of starts for ``"laplace"`` and ``"map"``.
    tune : int, default=100
        Steps of each chain that adapt the sampler and are thrown away. Predictions need no more than the default of
        ``tune`` and ``draws``; a study of the posterior itself, of group scales or tails, asks for 1000 of each.
        With more than 200 a trajectory of NUTS has up to 1023 gradients instead of 255, or of more where there are
        more than 200 groups.
        Of 600 groups and more NUTS makes 0.6 times as many steps on 200 of the groups, starts on all of them where
        these ended, and makes 0.2 times as many there.
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
        Seed of the sampler and of the weights of unseen groups. Equal seeds give equal draws, for any ``n_jobs``
        and order of the rows.
    verbose : int, default=0
        1 shows a line of progress.

    Attributes
    ----------
    groups_ : ndarray of shape (n_groups,) or None
        Sorted group labels, of several columns tuples; None if ``fit`` got none.
    group_columns_ : list of int or None
        Positions of the columns of X that hold the group labels; None if these were an argument, or there were none.
    random_intercept_columns_ : list of int or None
        Positions of the columns of X that ``random_intercepts`` names; None where it names none.
    random_intercept_labels_ : list of ndarray or None
        Sorted labels of each of these columns.
    group_levels_ : list of str or None
        Names of the levels of groups, the outermost first: those of the columns, or ``"level_1"`` and so on, with
        ``"_level"`` behind a name that another axis of the posterior has. A single level is ``"group"``; None if there
        were no groups.
    learning_groups_ : ndarray of shape (n_learning_groups,) or None
        Sorted labels of the groups that the group distribution was learned from; None if ``fit`` got no groups.
    group_pareto_k_ : ndarray of shape (n_groups,)
        Pareto k of the normal approximations of each group that was fitted by itself, in the order of ``groups_``; NaN
        of a group that NUTS sampled. Above 0.7 the posterior of the group is far from normal.
    n_features_in_ : int
        Number of columns of X, group columns included.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Names of the columns of X, where X had any.
    posterior_ : Posterior
        Draws of every group's weights, of the group mean and of the group scales, with a legend of their axes.
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
    InformedPriorBNNRegressor.from_hierarchical : The learned group distribution as the prior of a new group.
    FlatBNNRegressor : One network for all rows.

    References
    ----------
    .. [1] Wiecki (2018), "Hierarchical Bayesian Neural Networks with Informative Priors",
       https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/
    .. [2] Yao, Vehtari and Gelman (2022), "Stacking for non-mixing Bayesian computations: the curse and blessing of
       multimodal posteriors", Journal of Machine Learning Research 23.

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn import HierarchicalBNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, groups = rng.uniform(-3, 3, (90, 1)), np.repeat(["a", "b", "c"], 30)
    >>> y = np.sin(X[:, 0]) + (groups == "b") + 0.1 * rng.normal(size=90)
    >>> regressor = HierarchicalBNNRegressor(random_state=0).fit(X, y, groups=groups)
    >>> regressor.predict(X, groups=groups).shape
    (90,)
    """

    _parameter_constraints: dict = {
        **HierarchicalBNN._parameter_constraints,
        **NetworkRegressorMixin._parameter_constraints,
    }

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayerSizes = (5, 5),
        *,
        groups: Columns | None = None,
        random_intercepts: Columns | None = None,
        unseen_groups: UnseenGroups = "population",
        likelihood: LikelihoodOfNumbers = "normal",
        activation: Activation = "tanh",
        fit_intercept: bool = True,
        standardize: bool = True,
        weight_prior: WeightPrior = "normal",
        prior_scale: PriorScale = (1.0, 2.0),
        group_scale_prior: GroupScalePrior = "half_normal",
        pooling: Pooling = "auto",
        max_groups: int | None = 600,
        checkpoint: str | os.PathLike[str] | None = None,
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
        self.groups = groups
        self.random_intercepts = random_intercepts
        self.unseen_groups = unseen_groups
        self.likelihood = likelihood
        self.standardize = standardize
        self.weight_prior = weight_prior
        self.prior_scale = prior_scale
        self.group_scale_prior = group_scale_prior
        self.pooling = pooling
        self.max_groups = max_groups
        self.checkpoint = checkpoint

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Data, y: Data, groups: Data | None = None, sample_weight: Data | None = None) -> Self:
        """Sample the posterior of every group's weights and of the group distribution.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Targets.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, of any hashable kind; not together with the constructor's ``groups``.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts: a whole weight is that row repeated, a weight of 0 a row left out. None: once.

        Returns
        -------
        self : HierarchicalBNNRegressor
            The fitted regressor.

        Raises
        ------
        ValueError
            If X, y, groups, sample_weight or a parameter is not valid, a group label is missing, or the
            checkpoint is corrupt or of another run.
        RuntimeError
            If the workers of joblib's backend are lost, which then fit the groups beyond ``max_groups``.
        MemoryError
            If the draws of all groups, or of a batch of them, would not fit.
        OSError
            If the checkpoint cannot be read or written.

        Warns
        -----
        ConvergenceWarning
            If predictions are not to be trusted; the fit is kept.
        UserWarning
            If there are no groups, so that all rows are one group, the labels look like something else than groups, or
            ``inference`` is a method that predicts far worse than NUTS.
        """
        return self._fit(X, y, groups, sample_weight)
