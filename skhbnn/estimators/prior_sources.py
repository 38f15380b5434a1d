"""Mean and covariance of an informative prior, from what a fit of another estimator learned."""

from functools import cache, partial

import numpy as np

from ..data.doubts import doubt_of_unknown
from ..data.labels import as_labels, encode_labels
from ..posterior.group_prior import (
    location_draws,
    moments_of_one_mode,
    moments_of_weights,
    population_moments,
)
from ..posterior.stacking import weigh_chains
from ..support.floats import floats_as_usual
from ..support.wording import named, shown


@floats_as_usual
def group_distribution(hierarchical, covariance, prior_chains, align, within=None):
    """Mean and covariance of a new group's weights under the group distribution that a hierarchical fit learned.

    Parameters
    ----------
    hierarchical : HierarchicalBNN
        Fitted.
    covariance : {"full", "layer", "diag"}
        Covariances to keep: all, the ones within each layer, or none.
    prior_chains : {"stacking", "equal"}, int or array-like of int
        Weights of the chains, or the numbers of the chains to use.
    align : bool
        Whether to align the draws over the symmetries of hidden units, and take the draws of one mode.
    within : hashable or tuple, default=None
        Label of the outermost group that the new group lies in, or labels of several levels.

    Returns
    -------
    mean : ndarray of shape (n_weights + n_own,)
        Mean of the weights and, behind them, of the likelihood's own numbers in unconstrained form.
    cov : ndarray of shape (n_weights + n_own, n_weights + n_own)
        Their covariance.

    Raises
    ------
    ValueError
        If a chain does not exist, the group distribution has no covariance, the fit is of a linearised network, or it
        does not know the outer group.
    """
    posterior, data = hierarchical.posterior_, hierarchical.training_data_
    _check_not_linearized(posterior)
    around = (0, 0) if within is None else _outer_group(hierarchical, within)
    if np.isinf(posterior.model.family.variance):
        raise ValueError(
            'With weight_prior="cauchy" the group distribution has no covariance to make a prior of; '
            'fit the hierarchical model with "student_t", "laplace" or "normal".'
        )
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
    posterior = weigh_chains(posterior, prior_chains, log_likelihood, data.weights)
    if align:
        return moments_of_one_mode(posterior, data, log_likelihood(), covariance, around)
    shared, means = location_draws(posterior), location_draws(posterior, around)  # (draw, weight + own number) each
    return population_moments(posterior.model, means, posterior.scales, covariance, around[0], shared)


def _outer_group(hierarchical, within):
    """Level and position of the outer group of a label or of a tuple of labels; a ValueError if there is none."""
    data, levels = hierarchical.training_data_, hierarchical.posterior_.model.levels
    if len(levels) < 2:
        raise ValueError(
            f"within={shown(within)} names an outer group, but this {type(hierarchical).__name__} was fitted with "
            f"{'groups of one level' if hierarchical.groups_ is not None else 'no groups'}: leave within out, or fit "
            "several levels of groups."
        )
    given = within if isinstance(within, tuple) else (within,)
    try:
        label = tuple(as_labels(given, len(given)))
    except ValueError as error:
        raise ValueError(f"within={shown(within)}: {error}") from None
    level, position = data.known_around(label)
    if not 0 < level == len(label) < len(levels):
        known = data.labels_at(min(max(len(label), 1), len(levels) - 1))
        raise ValueError(
            f"within={shown(within)} is none of the groups around others in the fit, which are [{named(known)}]; its "
            f"levels are {named(levels)}, and within is a label of the first, or a tuple of labels without the last."
        )
    return level, position


@floats_as_usual
def network_posterior(fitted, group, covariance, align):
    """Mean and covariance of the posterior of one network's weights.

    Parameters
    ----------
    fitted : BaseBNN
        Fitted.
    group : hashable or None
        Label of the group whose network is taken, of a fit with groups.
    covariance : {"full", "layer", "diag"}
        Covariances to keep: all, the ones within each layer, or none.
    align : bool
        Whether to align the draws over the symmetries of hidden units.

    Returns
    -------
    mean : ndarray of shape (n_weights + n_own,)
        Mean of the weights and, behind them, of the likelihood's own numbers in unconstrained form.
    cov : ndarray of shape (n_weights + n_own, n_weights + n_own)
        Their covariance.

    Raises
    ------
    ValueError
        If the group is missing or unknown, there are too few draws for such a covariance, or the fit is of a
        linearised network, or no fit to rows.
    """
    posterior, labels = fitted.posterior_, fitted._training_rows().group_labels
    _check_not_linearized(posterior)
    network, code = posterior.network, 0
    if getattr(fitted, "groups_", None) is not None:
        wanted = as_labels([group], 1)
        code = int(encode_labels(wanted, labels)[0])
        if code < 0:
            doubt = doubt_of_unknown(wanted, labels)
            raise ValueError(
                f"group={shown(group)} is none of the groups of the fit, which are [{named(labels)}]."
                + ("" if doubt is None else f" {doubt}")
            )
    elif group is not None:
        raise ValueError(f"group={shown(group)}, but this {type(fitted).__name__} was fitted without groups.")
    if posterior.n_draws == 1:
        raise ValueError(f'A mode has no covariance: fit the {type(fitted).__name__} with inference="nuts".')
    mean, cov = moments_of_weights(posterior, code, covariance, align)
    try:
        np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        remedy = "draw more" if covariance == "diag" else 'draw more, or set covariance="diag"'
        raise ValueError(
            f"The {posterior.n_draws} draws of the fit do not determine a positive definite covariance of "
            f"{network.n_weights} weights: {remedy}."
        ) from None
    return mean, cov


def perceptron_prior(mlp):
    """Parameters of an informed estimator whose prior is centred on a fitted perceptron, as a dict.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
        Fitted.

    Returns
    -------
    params : dict
        Shape of the network, prior mean, and what the perceptron's inputs are.
    """
    layers = zip(mlp.coefs_, mlp.intercepts_, strict=True)
    return {
        "hidden_layer_sizes": tuple(len(intercept) for intercept in mlp.intercepts_[:-1]),
        "activation": mlp.activation,
        "fit_intercept": True,
        "prior_mean": np.concatenate([part.ravel() for layer in layers for part in layer]),  # (weight,)
        "feature_mean": np.zeros(mlp.n_features_in_),  # (feature,)
        "feature_scale": np.ones(mlp.n_features_in_),  # (feature,)
        "feature_names": list(mlp.feature_names_in_) if hasattr(mlp, "feature_names_in_") else None,
    }


def _check_not_linearized(posterior):
    """Raise a ValueError if the draws are no weights of the network itself."""
    if posterior.mode_weights is not None:
        raise ValueError(
            "The fit is of a network linearised around its modes (its Pareto k is too high), whose draws are no prior "
            'for the network itself; fit with inference="nuts".'
        )
