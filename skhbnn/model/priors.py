"""The priors of the three models, as data that the density and the PyMC model both read."""

from dataclasses import dataclass

import numpy as np

from .network import Network


@dataclass(frozen=True, eq=False)
class FlatModel:
    """One network for all rows, w_i ~ Normal(0, scale_i²).

    Parameters
    ----------
    network : Network
    scale : ndarray of shape (n_weights,)
        Prior standard deviation of each weight.
    """

    network: Network
    scale: np.ndarray


@dataclass(frozen=True, eq=False)
class HierarchicalModel:
    """A network per group, w_g = mu + sd · z_g with mu_i ~ Normal(0, scale_i²), z ~ Normal(0, 1).

    Every layer has one group scale sd ~ HalfNormal(group_scale).

    Parameters
    ----------
    network : Network
    scale : ndarray of shape (n_weights,)
        Prior standard deviation of each weight of the group mean.
    group_scale : float
        Scale of the half-normal prior of the group scales.
    """

    network: Network
    scale: np.ndarray
    group_scale: float = 1.0


@dataclass(frozen=True, eq=False)
class InformedModel:
    """One network for all rows, w = mean + cholesky z with z ~ Normal(0, 1).

    Parameters
    ----------
    network : Network
    mean : ndarray of shape (n_weights,)
    cholesky : ndarray of shape (n_weights, n_weights)
        Lower triangular factor of the prior covariance.
    """

    network: Network
    mean: np.ndarray
    cholesky: np.ndarray


def weight_scales(network, prior_scale):
    """Prior standard deviation of every weight.

    Parameters
    ----------
    network : Network
    prior_scale : float, sequence of float or "fan_in"
        One for all weights, one per layer, or 1 / sqrt(number of inputs of the layer).

    Returns
    -------
    scales : ndarray of shape (n_weights,)

    Raises
    ------
    ValueError
        If the sequence has another length than the network has layers, or an entry is not positive.
    """
    if isinstance(prior_scale, str):
        return 1 / np.sqrt(network.fan_in_of_weight)  # (weight,)
    scales = np.asarray(prior_scale, dtype=float)
    if scales.ndim == 0:
        scales = np.full(len(network.layers), scales)  # (layer,)
    if scales.shape != (len(network.layers),):
        raise ValueError(
            f"prior_scale has {scales.size} entries, but the network has {len(network.layers)} layers of weights "
            f"({len(network.layers) - 1} hidden and the output); give one scale per layer, or one float for all."
        )
    if not np.all(np.isfinite(scales) & (scales > 0)):
        raise ValueError(f"prior_scale must be positive and finite in every layer, got {prior_scale!r}.")
    return scales[network.layer_of_weight]  # (weight,)


def informed_factor(network, prior_mean, prior_cov):
    """Mean and lower Cholesky factor of an informed prior; None stands for zero and for the identity.

    Returns
    -------
    mean : ndarray of shape (n_weights,)
    cholesky : ndarray of shape (n_weights, n_weights)

    Raises
    ------
    ValueError
        If a shape does not fit the network, or the covariance is not symmetric positive definite.
    """
    n = network.n_weights
    mean = np.zeros(n) if prior_mean is None else np.asarray(prior_mean, dtype=float)  # (weight,)
    cov = np.eye(n) if prior_cov is None else np.asarray(prior_cov, dtype=float)  # (weight, weight)
    layers = "-".join(map(str, network.sizes))
    for name, array, shape in (("prior_mean", mean, (n,)), ("prior_cov", cov, (n, n))):
        if array.shape != shape:
            raise ValueError(
                f"{name} has shape {array.shape}, but the {layers} network "
                f"{'with' if network.fit_intercept else 'without'} intercepts has {n} weights: give shape {shape}. "
                "hidden_layer_sizes, fit_intercept and the numbers of features and classes must be those "
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
