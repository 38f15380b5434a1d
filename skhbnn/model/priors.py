"""The three models as data that the density, the PyMC model and the posterior read."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from ..support.memory import require_memory
from .network import Network

POOLING = ("complete", "partial", "none", "affine")
MOST_MAPPED_INPUTS = 16  # of pooling="auto": the entries of a map grow with their square
MAP_PARTS = ("input_map", "input_shift")  # the second in networks with intercepts


@dataclass(frozen=True, eq=False)
class FlatModel:
    """One network for all rows, w_i ~ Family(0, scale of its layer).

    Parameters
    ----------
    network : Network
        The one network.
    scale : ndarray of shape (n_layers,)
        Prior scale of the weights of each layer.
    weight_prior : {"normal", "laplace", "student_t", "cauchy"}
        Family of the prior of the weights.
    """

    network: Network
    scale: np.ndarray
    weight_prior: str = "normal"

    input_map = False

    @property
    def pooling(self):
        """Every layer is pooled completely."""
        return ("complete",) * len(self.network.layers)

    @property
    def learned_scales(self):
        """Indices of the parts whose group scale is learned: none."""
        return ()


@dataclass(frozen=True, eq=False)
class HierarchicalModel:
    """A network per group.

    A layer's weights are, by its pooling,

    - partial: w_g = mu + sd · z_g with mu_i ~ Family(0, scale), z ~ Family(0, 1), and sd ~ group_scale_prior or fixed;
    - complete: w_g = mu with mu_i ~ Family(0, scale);
    - none: w_g = scale · z_g with z ~ Family(0, 1);
    - affine, of the first layer only: its matrix is W_g = A_g W and its intercepts are b_g = b + s_g W, with W and b
      as under complete pooling. Each group sees inputs x as x A_g + s_g, where A_g = I + sd · z_g and s_g = sd · z_g;
      networks without intercepts have no s_g.

    The matrix and the intercepts of a layer, the parts of the network, have an sd each, as have the parts A and s of
    the input map.

    Parameters
    ----------
    network : Network
        Network of every group.
    scale : ndarray of shape (n_layers,)
        Prior scale of the weights of each layer.
    pooling : tuple of {"complete", "partial", "none", "affine"}
        One per layer.
    weight_prior : {"normal", "laplace", "student_t", "cauchy"}
        Family of the prior of the weights.
    group_scale_prior : {"half_normal", "half_cauchy", "inverse_gamma"} or float
        Prior of the group scales of every partially pooled layer and of the input map, or their fixed value.
    """

    network: Network
    scale: np.ndarray
    pooling: tuple
    weight_prior: str = "normal"
    group_scale_prior: str | float = "half_normal"

    @property
    def input_map(self):
        """Whether every group has an affine map of the inputs."""
        return self.pooling[0] == "affine"

    @property
    def learned_scales(self):
        """Indices of the parts whose group scale is learned."""
        if isinstance(self.group_scale_prior, Real):
            return ()
        partial = [k for k, layer in enumerate(self.network.layer_of_part) if self.pooling[layer] == "partial"]
        return (*partial, *range(len(self.network.parts), len(part_names(self))))


@dataclass(frozen=True, eq=False)
class InformedModel:
    """One network for all rows, w = mean + cholesky z with z ~ Normal(0, 1).

    Parameters
    ----------
    network : Network
        The one network.
    mean : ndarray of shape (n_weights,)
        Prior mean of the flat weight vector.
    cholesky : ndarray of shape (n_weights, n_weights)
        Lower triangular factor of the prior covariance.
    """

    network: Network
    mean: np.ndarray
    cholesky: np.ndarray
    input_map = False

    @property
    def learned_scales(self):
        """Indices of the parts whose group scale is learned: none."""
        return ()


def map_parts(model):
    """Names of the parts of a model's input map."""
    return MAP_PARTS[: 1 + model.network.fit_intercept] if model.input_map else ()


def part_names(model):
    """Names of the parts of a model: those of its network, and those of its input map."""
    return [*(name for name, _, _ in model.network.parts), *map_parts(model)]


def n_map_entries(model):
    """Entries of the input map of each group: the matrix row by row, and the shift."""
    n_in, fit_intercept = model.network.sizes[0], model.network.fit_intercept
    return n_in * (n_in + fit_intercept) if model.input_map else 0


def part_of_entry(model):
    """Index of the part that each weight, and each entry of the input map behind them, belongs to, (entry,)."""
    network, n_in = model.network, model.network.sizes[0]
    sizes = [n_in**2, n_in][: len(map_parts(model))]
    of_map = np.repeat(len(network.parts) + np.arange(len(sizes)), sizes)  # (entry of the map,)
    return np.concatenate([network.part_of_weight, of_map])


def learned_parts(model):
    """Names of the parts of a model whose group scale is learned."""
    return [part_names(model)[k] for k in model.learned_scales]


def constant_group_scales(model):
    """Group scale of each part of a flat or hierarchical model, NaN where it is learned, (part,)."""
    fixed = getattr(model, "group_scale_prior", None)
    fixed = float(fixed) if isinstance(fixed, Real) else np.nan
    layer = model.network.layer_of_part  # (part of the network,)
    pooling = np.array(model.pooling)[layer]  # (part of the network,)
    scales = np.full(len(part_names(model)), fixed)  # (part,)
    cases = [np.isin(pooling, ("complete", "affine")), pooling == "none"]  # (part of the network,) each
    scales[: len(layer)] = np.select(cases, [0.0, model.scale[layer]], fixed)
    return scales


def weights_with_mean(model):
    """Positions of the weights of a flat or hierarchical model that have a mean which the groups share, (mean,)."""
    return np.flatnonzero((np.array(model.pooling) != "none")[model.network.layer_of_weight])


def entries_with_deviation(model):
    """Positions of the weights of a flat or hierarchical model that differ between groups, (deviation,).

    The entries of the input map, all of which do, have the positions behind the weights.
    """
    weights = np.flatnonzero(np.isin(model.pooling, ("partial", "none"))[model.network.layer_of_weight])
    return np.concatenate([weights, model.network.n_weights + np.arange(n_map_entries(model))])


def n_coordinates(model):
    """Unconstrained coordinates that the groups of a model share, and those of each group.

    An informed model has z; the others share the means of weights and the logarithms of the learned group scales, and
    each group has its deviations z.
    """
    if isinstance(model, InformedModel):
        return model.network.n_weights, 0
    return len(weights_with_mean(model)) + len(model.learned_scales), len(entries_with_deviation(model))


def n_dim(model, n_groups):
    """Length of the unconstrained vector of a model: the shared coordinates, then those of group after group."""
    n_shared, n_own = n_coordinates(model)
    return n_shared + n_groups * n_own


def layer_pooling(network, pooling):
    """Pooling of every layer.

    Parameters
    ----------
    network : Network
        Network of every group.
    pooling : {"auto", "affine", "partial", "complete", "none"} or sequence of them without "auto"
        One for all layers or one per layer, the output layer included. ``"affine"`` alone stands for that of the first
        layer, ``"complete"`` of the other hidden ones, and ``"partial"`` of the output layer; ``"auto"`` for
        ``"affine"``, or with more than 16 inputs for ``"partial"``.

    Returns
    -------
    pooling : tuple of str

    Raises
    ------
    ValueError
        If the sequence has another length than the network has layers, a name is unknown, or a layer other than the
        first is ``"affine"``.
    """
    n_layers = len(network.layers)
    if isinstance(pooling, str):
        if pooling == "auto":
            pooling = "affine" if network.sizes[0] <= MOST_MAPPED_INPUTS else "partial"
        mapped = ("affine", *("complete",) * (n_layers - 2), "partial")[-n_layers:]
        names = mapped if pooling == "affine" else (pooling,) * n_layers
    else:
        names = tuple(pooling)
    if len(names) != n_layers:
        raise ValueError(
            f"pooling has {len(names)} entries, but the network has {n_layers} layers of weights "
            f"({n_layers - 1} hidden and the output); give one per layer, or one for all."
        )
    unknown = [name for name in names if not isinstance(name, str) or name not in POOLING]
    if unknown:
        raise ValueError(f"pooling of a layer must be one of {', '.join(map(repr, POOLING))}, got {unknown[0]!r}.")
    if "affine" in names[1:]:
        raise ValueError(
            f"pooling of layer {names.index('affine', 1)} is 'affine', which only the first layer, 0, can have."
        )
    return tuple(map(str, names))


def layer_scales(network, prior_scale):
    """Prior scale of the weights of every layer.

    Parameters
    ----------
    network : Network
        Network of every group.
    prior_scale : float, sequence of float or "fan_in"
        One for all layers, two for the hidden ones and the output layer, one per layer, or 1 / sqrt(number of inputs of
        the layer).

    Returns
    -------
    scales : ndarray of shape (n_layers,)

    Raises
    ------
    ValueError
        If the sequence has neither two entries nor one per layer, or an entry is not positive.
    """
    if isinstance(prior_scale, str):
        return np.array([1 / np.sqrt(layer.n_in) for layer in network.layers])  # (layer,)
    scales, n_layers = np.asarray(prior_scale, dtype=float), len(network.layers)
    if scales.ndim == 0:
        scales = np.full(n_layers, scales)  # (layer,)
    if scales.shape == (2,):
        scales = np.repeat(scales, [n_layers - 1, 1])  # (layer,)
    if scales.shape != (n_layers,):
        raise ValueError(
            f"prior_scale has {scales.size} entries, but the network has {n_layers} layers of weights "
            f"({n_layers - 1} hidden and the output); give one scale per layer, two for the hidden layers and the "
            "output, or one float for all."
        )
    if not np.all(np.isfinite(scales) & (scales > 0)):
        raise ValueError(f"prior_scale must be positive and finite in every layer, got {prior_scale!r}.")
    return scales  # (layer,)


def informed_factor(network, prior_mean, prior_cov):
    """Mean and lower Cholesky factor of an informed prior; None stands for zero and for the identity.

    Returns
    -------
    mean : ndarray of shape (n_weights,)
        Prior mean of the flat weight vector.
    cholesky : ndarray of shape (n_weights, n_weights)

    Raises
    ------
    ValueError
        If a shape does not fit the network, or the covariance is not symmetric positive definite.
    MemoryError
        If the covariance would not fit.
    """
    n = network.n_weights
    what = f"The covariance of {n} weights under an informed prior, and its factor,"
    require_memory(3 * 8 * n**2, what, "lower hidden_layer_sizes, or give FlatBNNClassifier a prior_scale")
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
