"""Models, made of the parameters that a user sets."""

from dataclasses import replace
from itertools import chain
from numbers import Real

import numpy as np

from ..support.memory import require_memory
from . import scale_priors
from .pooling import pooling as pooling_kind
from .terms import Model, RandomIntercept, Term

ARD = "ard"  # automatic relevance determination: a learned prior scale for each input
FAN_IN = "fan_in"  # a prior scale of 1 / sqrt(number of inputs of the layer)


def flat_model(network, likelihood, scale, family="normal", location=None, n_classes=None, intercepts=None):
    """A model of one network for all rows, w_i ~ Family(0, scale of the layer).

    Parameters
    ----------
    network : Network
        The one network.
    likelihood : str
        Name of the likelihood.
    scale : sequence of float or str, of length n_layers
        Prior scale of the weights of each layer, or the name of the prior of learned ones; see ``layer_scales``.
    family : {"normal", "laplace", "student_t", "cauchy"}, default="normal"
        Family of the prior of the weights.
    location : ndarray of shape (n_weights,), default=None
        What the prior is around. None: 0.
    n_classes : int, default=None
        Number of classes of the target. None: the target is a number, or the likelihood does not need it.
    intercepts : dict, default=None
        Number of labels of each column of random intercepts, by the name of the column.

    Returns
    -------
    model : Model

    Notes
    -----
    A label of a column adds sd · u to the outputs, u ~ Normal(0, 1) and sd ~ HalfNormal(1) of the column.
    """
    terms = _terms(network, scale, ("complete",) * len(network.layers), None, ())
    return Model(
        network=network,
        likelihood_name=likelihood,
        terms=terms,
        family_name=family,
        **_learned(network, scale),
        location=location,
        n_classes=n_classes,
        random_intercepts=_intercepts(intercepts, None),
    )


def hierarchical_model(
    network,
    likelihood,
    scale,
    pooling,
    family="normal",
    group_scale_prior="half_normal",
    location=None,
    n_classes=None,
    intercepts=None,
    levels=("group",),
):
    """A model of a network per group.

    Parameters
    ----------
    network : Network
        Network of every group.
    likelihood : str
        Name of the likelihood.
    scale : sequence of float or str, of length n_layers
        Prior scale of the weights of each layer, or the name of the prior of learned ones; see ``layer_scales``.
    pooling : tuple of {"complete", "partial", "none", "affine"}
        One per layer.
    family : {"normal", "laplace", "student_t", "cauchy"}, default="normal"
        Family of the prior of the weights.
    group_scale_prior : {"half_normal", "half_cauchy", "inverse_gamma"} or float, default="half_normal"
        Prior of the scales of deviations, or the fixed value of all.
    location : ndarray of shape (n_weights,), default=None
        What is added to the weights of every group. None: 0.
    n_classes : int, default=None
        Number of classes of the target. None: the target is a number, or the likelihood does not need it.
    intercepts : dict, default=None
        Number of labels of each column of random intercepts, by the name of the column.
    levels : tuple of str, default=("group",)
        Names of the levels of groups, the outermost first.

    Returns
    -------
    model : Model

    Notes
    -----
    A layer's weights are, by its pooling,

    - partial: w_g = mu + sd · z_g with mu_i ~ Family(0, scale), z ~ Family(0, 1), and sd ~ group_scale_prior or fixed;
    - complete: w_g = mu with mu_i ~ Family(0, scale);
    - none: w_g = scale · z_g with z ~ Family(0, 1), of the innermost groups;
    - affine, of the first layer only: its matrix is W_g = A_g W and its intercepts are b_g = b + s_g W, with W and b
      as under complete pooling. Each group sees inputs x as x A_g + s_g, where A_g = I + sd · z_g and s_g = sd · z_g;
      networks without intercepts have no s_g.

    The matrix and the intercepts of a layer, the parts of the network, have an sd each; so do the parts A and s of the
    input map. Of several levels each adds such a deviation sd_l · z_l, with scales of its own. A label of a column
    adds sd · u to the outputs, u ~ Normal(0, 1), with an sd of the column.
    """
    is_learned = isinstance(group_scale_prior, str)
    group_scale = None if is_learned else float(group_scale_prior)
    terms, rank = _terms(network, scale, pooling, group_scale, levels), 0
    if pooling[0] == "affine":
        from .pooling import affine

        rank = affine.map_rank(network, family)
        terms += tuple(affine.map_terms(network, rank, group_scale, levels))
    return Model(
        network=network,
        likelihood_name=likelihood,
        family_name=family,
        terms=tuple(sorted(terms, key=lambda term: term.level)),
        levels=levels,
        scale_prior_name=str(group_scale_prior) if is_learned else "half_normal",
        **_learned(network, scale),
        location=location,
        map_rank=rank,
        n_classes=n_classes,
        random_intercepts=_intercepts(intercepts, group_scale),
    )


def informed_model(network, likelihood, mean, cholesky, n_classes=None):
    """A model of one network for all rows, w = mean + cholesky z with z ~ Normal(0, 1).

    Parameters
    ----------
    network : Network
        The one network.
    likelihood : str
        Name of the likelihood.
    mean : ndarray of shape (n_weights,) or (n_weights + n_own,)
        Prior mean of the flat weight vector and, behind it, of the likelihood's own numbers in unconstrained form.
        Own numbers that are not in it have the prior of the likelihood.
    cholesky : ndarray of shape (n_weights, n_weights) or (n_weights + n_own, n_weights + n_own)
        Lower triangular factor of the prior covariance.
    n_classes : int, default=None
        Number of classes of the target. None: the target is a number, or the likelihood does not need it.

    Returns
    -------
    model : Model
    """
    term = Term(name="weights", entries=np.arange(len(mean)), level=0, scale=cholesky)
    return Model(network=network, likelihood_name=likelihood, terms=(term,), location=mean, n_classes=n_classes)


def output_offset(network, offset):
    """Location of the weights that adds an offset to every output, (weight,); None for a network without intercepts."""
    if not network.fit_intercept:
        return None
    location = np.zeros(network.n_weights)  # (weight,)
    location[network.layers[-1].intercept] = offset
    return location


def _terms(network, scale, pooling, group_scale, levels):
    """The terms of every part of a network."""
    kinds = [pooling_kind(name) for name in pooling]
    return tuple(
        term
        for part in network.parts
        for term in kinds[part.layer](part, _part_scale(network, part, scale), group_scale, levels)
    )


def _intercepts(n_labels, scale):
    """Random intercepts of columns, by the number of labels of each, with a fixed scale or None for learned ones."""
    columns = [RandomIntercept(name=name, n_labels=n, scale=1.0) for name, n in (n_labels or {}).items()]
    return tuple(replace(column, scale=column.variable if scale is None else scale) for column in columns)


def _part_scale(network, part, scale):
    """Prior scale of a part: fixed, or the name of a learned one, or the names of those of the rows of a matrix."""
    of_layer = scale[part.layer]
    if not isinstance(of_layer, str):
        return float(of_layer)
    if of_layer == ARD and part.start == 0:
        return tuple(f"input_{i}" for i in range(network.sizes[0]))
    return f"layer_{part.layer}"


def _learned(network, scale):
    """Fields of a model that say which scales of the prior are learned, and under which prior, as a dict."""
    priors = _learned_priors(scale)
    if not priors:
        return {}
    learned = [of_part for part in network.parts if not isinstance(of_part := _part_scale(network, part, scale), float)]
    names = chain(*((of_part,) if isinstance(of_part, str) else of_part for of_part in learned))
    return {"prior_scales": tuple(dict.fromkeys(names)), "prior_scale_name": priors.pop()}


def _learned_priors(scale):
    """Names of the priors of the scales of layers that are learned, a set."""
    return {"half_normal" if of_layer == ARD else str(of_layer) for of_layer in scale if isinstance(of_layer, str)}


def layer_scales(network, prior_scale):
    """Prior scale of the weights of every layer.

    Parameters
    ----------
    network : Network
        Network of every group.
    prior_scale : float, str, or sequence of float or str
        One for all layers, two for the hidden ones and the output layer, or one per layer. A name is that of the
        prior of a learned scale of the weights of the layer; ``"ard"`` is HalfNormal(1), and one is learned for the
        weights of each input of the first layer. With ``"fan_in"`` for all layers: 1 / sqrt(number of inputs of the
        layer).

    Returns
    -------
    scales : tuple of float or str, of length n_layers
        Learned ones have a name only.

    Raises
    ------
    ValueError
        If the sequence has neither two entries nor one per layer, or an entry is not positive, or the names are those
        of several priors or of none.
    """
    if isinstance(prior_scale, str) and prior_scale == FAN_IN:
        return tuple(1 / np.sqrt(layer.n_in) for layer in network.layers)
    n_layers = len(network.layers)
    given = [prior_scale] * n_layers if np.ndim(prior_scale) == 0 else list(prior_scale)
    if len(given) == 2:
        given = [given[0]] * (n_layers - 1) + [given[1]]
    if len(given) != n_layers or np.ndim(prior_scale) > 1:
        raise ValueError(
            f"prior_scale has {len(given)} entries, but the network has {n_layers} layers of weights "
            f"({n_layers - 1} hidden and the output); give one scale per layer, two for the hidden layers and the "
            "output, or one float for all."
        )
    names = (ARD, *scale_priors.NAMES)
    for scale in given:
        is_positive = isinstance(scale, Real) and 0 < float(scale) < np.inf
        if not (scale in names if isinstance(scale, str) else is_positive):
            raise ValueError(
                f"prior_scale must be positive and finite in every layer, or one of {', '.join(map(repr, names))}, got "
                f"{prior_scale!r}."
            )
    if len(_learned_priors(given)) > 1:
        raise ValueError(
            f"prior_scale has learned scales of several priors, {prior_scale!r}; give those of all layers one name "
            "('ard' is 'half_normal')."
        )
    return tuple(scale if isinstance(scale, str) else float(scale) for scale in given)


def informed_factor(network, prior_mean, prior_cov, own=()):
    """Mean and lower Cholesky factor of an informed prior; None stands for zero and for the identity.

    own: names of the likelihood's own numbers, which the prior may hold behind the weights.

    Returns
    -------
    mean : ndarray of shape (n_weights,) or (n_weights + n_own,)
        Prior mean of the flat weight vector, and of the own numbers.
    cholesky : ndarray of shape (n_weights, n_weights) or (n_weights + n_own, n_weights + n_own)

    Raises
    ------
    ValueError
        If a shape does not fit the network, or the covariance is not symmetric positive definite.
    MemoryError
        If the covariance would not fit.
    """
    n_weights, given = network.n_weights, [prior for prior in (prior_mean, prior_cov) if prior is not None]
    n = n_weights + len(own) if given and len(given[0]) == n_weights + len(own) else n_weights
    what = f"The covariance of {n} weights under an informed prior, and its factor,"
    require_memory(3 * 8 * n**2, what, "lower hidden_layer_sizes, or give a flat estimator a prior_scale")
    mean = np.zeros(n) if prior_mean is None else np.asarray(prior_mean, dtype=float)  # (weight,)
    cov = np.eye(n) if prior_cov is None else np.asarray(prior_cov, dtype=float)  # (weight, weight)
    layers = "-".join(map(str, network.sizes))
    for name, array, shape in (("prior_mean", mean, (n,)), ("prior_cov", cov, (n, n))):
        if array.shape != shape:
            raise ValueError(
                f"{name} has shape {array.shape}, but the {layers} network "
                f"{'with' if network.fit_intercept else 'without'} intercepts has {n_weights} weights"
                + (f", behind which {', '.join(own)} may stand" if own else "")
                + f": give shape {shape}. "
                "hidden_layer_sizes, fit_intercept and the numbers of features and outputs must be those "
                "that the prior was made for."
            )
        if not np.all(np.isfinite(array)):
            raise ValueError(f"{name} contains NaN or infinity.")
    if not np.allclose(cov, cov.T, rtol=1e-8, atol=1e-10 * np.abs(cov).max()):
        raise ValueError("prior_cov is not symmetric.")
    try:
        return mean, np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(cov)[0]
        raise ValueError(
            f"prior_cov is not positive definite (smallest eigenvalue {smallest:.3g}); "
            "add a small positive number to its diagonal."
        ) from None
