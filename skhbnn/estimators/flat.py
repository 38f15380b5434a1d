"""One Bayesian neural network for all rows."""

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils.validation import validate_data

from ..data import group_rows
from ..model.priors import FlatModel, weight_scales
from .single import SingleNetworkClassifier


class FlatBNNClassifier(SingleNetworkClassifier):
    """A Bayesian neural network classifier: one network, all rows.

    Every weight has the prior Normal(0, ``prior_scale``²); the posterior is sampled with NUTS. Inputs are
    standardised internally, so that the prior means the same for features of any unit.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(5, 5)
        Number of units of each hidden layer; ``()`` is logistic regression.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    fit_intercept : bool, default=True
        Whether every layer has intercepts (biases).
    prior_scale : float, array-like of float or "fan_in", default=1.0
        Prior standard deviation of the weights: one for all, one per layer, or 1 / sqrt(number of inputs of the
        layer).
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
    model_ : FlatModel
        Network and prior.
    training_data_ : GroupedData
        The rows that were learned from, sorted and standardised.
    standardizer_ : Standardizer
        Shift and scale of the inputs.

    See Also
    --------
    HierarchicalBNNClassifier : A network per group, partially pooled.
    InformedPriorBNNClassifier : One network under a given multivariate normal prior.

    References
    ----------
    .. [1] Neal (1996), "Bayesian Learning for Neural Networks", Springer.

    Examples
    --------
    >>> from skhbnn import FlatBNNClassifier
    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(60, noise=0.2, random_state=0)
    >>> classifier = FlatBNNClassifier(random_state=0).fit(X, y)
    >>> classifier.predict_proba(X).shape
    (60, 2)
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Sample the posterior of the weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : FlatBNNClassifier

        Raises
        ------
        ValueError
            If X, y or a parameter is not valid, or y has one class only.

        Warns
        -----
        ConvergenceWarning
            If the chains did not converge; the fit is kept.
        """
        self._forget()
        X, y = validate_data(self, X, y, dtype=np.float64)  # (row, feature), (row,)
        y = self._encode_classes(y)  # (row,)
        data, self.standardizer_ = group_rows(X, y, np.zeros(len(y), dtype=int), ["all"])
        network = self._network(X.shape[1])
        return self._fit_model(FlatModel(network, weight_scales(network, self.prior_scale)), data)
