"""The three models as ``pm.Model``: the specification that the compiled density is held to."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from ..data.labels import label_coordinates
from ..model import families
from ..model.priors import InformedModel, learned_parts, map_parts
from .loglik_op import NetworkLogLikelihood

ACTIVATIONS = {"tanh": pt.tanh, "relu": lambda x: pt.maximum(x, 0), "logistic": pt.sigmoid, "identity": lambda x: x}


def build_model(model, data, input_names=None, fused=True, batch_size=None):
    """The model given the rows of a fit.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
        Network and priors.
    data : GroupedData
        Rows sorted by group, inputs standardised.
    input_names : list of str, default=None
        Names of the inputs; None: x0, x1, ...
    fused : bool, default=True
        Whether the log likelihood is the compiled Op with its gradient, or an ordinary PyTensor graph.
    batch_size : int, default=None
        Rows of a random minibatch, for variational inference. None: all rows.

    Returns
    -------
    pymc_model : pymc.Model
        Layer l has the weights ``coef_l`` (input, unit) and ``intercept_l`` (unit). In a hierarchical model they have
        a leading group dimension unless the layer is pooled completely; ``coef_l_mean``, ``coef_l_z``,
        ``group_scale``, ``input_map`` and ``input_shift`` are what they are made of. ``X``, ``y_observed`` and
        ``group_of_row`` are ``pm.Data``, the rows in the order of ``data``.
    """
    network = model.network
    names = input_names or [f"x{i}" for i in range(network.sizes[0])]
    coords = {"input": names, "group": label_coordinates(data.group_labels)}
    coords |= {f"unit_{index}": np.arange(layer.n_out) for index, layer in enumerate(network.layers)}
    coords |= {"learned_part": learned_parts(model)}
    coords |= {"weight": network.weight_names(names)}
    coords |= {"mapped_input": names} if model.input_map else {}
    with pm.Model(coords=coords) as pymc_model:
        X = pm.Data("X", data.X, dims=("row", "input"))
        y = pm.Data("y_observed", data.y, dims="row")
        group = pm.Data("group_of_row", data.group_of_row, dims="row")
        likelihood = {"observed": y, "dims": "row"}
        if batch_size is not None:
            X, y, group = pm.Minibatch(X, y, group, batch_size=batch_size)
            likelihood = {"observed": y, "total_size": len(data.y)}
        parts = _informed(model) if isinstance(model, InformedModel) else _families(model)
        weights = _matrix(parts, data.n_groups)  # (group, weight)

        if not fused:
            logits = _logits(network, weights, X, group, data.n_groups)  # (row, logit)
            if network.n_logits == 1:
                pm.Bernoulli("y", logit_p=logits[:, 0], **likelihood)
            else:
                pm.Categorical("y", logit_p=logits, **likelihood)
            return pymc_model

        def outcome(weights, X, group, size):
            # One outcome a row is the core of this distribution, so that size has no part in it.
            logits = _logits(network, weights, X, group, data.n_groups)  # (row, logit)
            if network.n_logits == 1:
                return pm.Bernoulli.dist(logit_p=logits[:, 0])
            return pm.Categorical.dist(logit_p=logits)

        def log_likelihood(value, weights, X, group):
            equal = pt.ones_like(value, dtype="float64")  # (row,)
            return NetworkLogLikelihood(network).make_node(weights, X, value, group, equal).outputs[0]

        forms = {"dist": outcome, "logp": log_likelihood, "signature": "(g,w),(n,i),(n)->(n)", "dtype": "int64"}
        pm.CustomDist("y", weights, X, group, **forms, **likelihood)
    return pymc_model


def unconstrained(model, draws):
    """Named draws of the model's free variables as draws of the unconstrained vector.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    draws : mapping of str to ndarray of shape (n_chains, n_draws, ...)
        Values of the free variables, group scales included, under their names in the PyMC model.

    Returns
    -------
    x : ndarray of shape (n_chains, n_draws, n_dim)
    """
    if isinstance(model, InformedModel):
        return np.asarray(draws["z"])  # (chain, draw, weight)

    def flat(name, scale, n_leading):
        values = np.asarray(draws[name])  # (chain, draw, [group,] *part)
        values = values.reshape(*values.shape[:n_leading], -1)  # (chain, draw, [group,] weight of the part)
        return families.to_unconstrained(model.weight_prior, scale, values)

    means, deviations = [], []
    for layer, name, _, _, _ in _parts(model.network):
        pooling, scale = model.pooling[layer], model.scale[layer]
        if pooling != "none":
            means.append(flat(name if pooling == "complete" else f"{name}_mean", scale, 2))
        if pooling in ("partial", "none"):
            deviations.append(flat(f"{name}_z", 1, 3))
    deviations += [flat(f"{name}_z", 1, 3) for name in map_parts(model)]
    blocks = means
    if len(model.learned_scales):
        blocks.append(np.log(np.asarray(draws["group_scale"])))  # (chain, draw, learned scale)
    if deviations:
        z = np.concatenate(deviations, axis=3)  # (chain, draw, group, deviation)
        blocks.append(z.reshape(*z.shape[:2], -1))
    return np.concatenate(blocks, axis=2)  # (chain, draw, n_dim)


def _parts(network):
    """Layer, name, slice, shape and dims of every matrix and intercept vector, in the order of the weights."""
    for name, index, part in network.parts:
        layer, below, above = network.layers[index], f"unit_{index - 1}" if index else "input", f"unit_{index}"
        if part == layer.kernel:
            yield index, name, part, (layer.n_in, layer.n_out), (below, above)
        else:
            yield index, name, part, (layer.n_out,), (above,)


class _Unconstrained(Transform):
    """The unconstrained form of a family, as ``families.py`` defines it."""

    name = "unconstrained"

    def __init__(self, family, scale):
        self.family, self.scale = family, scale

    def forward(self, value, *inputs):
        if self.family == "laplace":
            return pt.sign(value) * (pt.sqrt(1 + 2 * pt.abs(value) / self.scale) - 1)
        return pt.arcsinh(value / (self.scale * np.sqrt(families.DEGREES_OF_FREEDOM[self.family])))

    def backward(self, value, *inputs):
        if self.family == "laplace":
            return self.scale * pt.sign(value) * (pt.abs(value) + 0.5 * value**2)
        return self.scale * np.sqrt(families.DEGREES_OF_FREEDOM[self.family]) * pt.sinh(value)

    def log_jac_det(self, value, *inputs):
        if self.family == "laplace":
            return pt.log(self.scale) + pt.log1p(pt.abs(value))
        return pt.log(self.scale * np.sqrt(families.DEGREES_OF_FREEDOM[self.family])) + pt.log(pt.cosh(value))


def _weight_prior(family, name, scale, dims):
    """A variable with a weight prior around 0."""
    if family == "normal":
        return pm.Normal(name, 0, scale, dims=dims)
    settings = {"dims": dims, "default_transform": _Unconstrained(family, scale)}
    if family == "laplace":
        return pm.Laplace(name, 0, scale, **settings)
    if family == "student_t":
        return pm.StudentT(name, nu=families.DEGREES_OF_FREEDOM[family], mu=0, sigma=scale, **settings)
    return pm.Cauchy(name, 0, scale, **settings)


def _group_scale(model):
    """The variable of the learned group scales."""
    if model.group_scale_prior == "half_normal":
        return pm.HalfNormal("group_scale", families.HALF_SCALE, dims="learned_part")
    if model.group_scale_prior == "half_cauchy":
        return pm.HalfCauchy("group_scale", families.HALF_SCALE, dims="learned_part")
    alpha, beta = families.INVERSE_GAMMA
    return pm.InverseGamma("group_scale", alpha=alpha, beta=beta, dims="learned_part")


def _families(model):
    """Coefficients and intercepts of a flat or hierarchical model, in the order of the weights; whether grouped."""
    learned = learned_parts(model)
    group_scale = _group_scale(model) if learned else {}

    def deviation(name, dims):
        """What each group adds to its part of that name."""
        z = _weight_prior(model.weight_prior, f"{name}_z", 1.0, ("group", *dims))  # 1 would be an int8: a rough log
        return (group_scale[learned.index(name)] if learned else model.group_scale_prior) * z

    for layer, name, part, _, dims in _parts(model.network):
        pooling, scale = model.pooling[layer], model.scale[layer]
        if pooling == "complete":
            yield _weight_prior(model.weight_prior, name, scale, dims), False
            continue
        if pooling == "none":
            weights = scale * _weight_prior(model.weight_prior, f"{name}_z", 1.0, ("group", *dims))
        else:
            # Before the mean: seeded draws depend on the order of the variables.
            added = deviation(name, dims) if pooling == "partial" else 0.0
            mean = _weight_prior(model.weight_prior, f"{name}_mean", scale, dims)
            weights = mean + added
        if pooling == "affine" and part == model.network.layers[0].kernel:
            matrix, axes = mean, ("input", "mapped_input")
            of_map = pt.eye(model.network.sizes[0]) + deviation("input_map", axes)  # (group, input, input)
            weights = pm.Deterministic("input_map", of_map, dims=("group", *axes)) @ matrix  # (group, input, unit)
        elif pooling == "affine":
            shift = deviation("input_shift", ("mapped_input",))  # (group, input)
            shift = pm.Deterministic("input_shift", shift, dims=("group", "mapped_input"))
            weights = mean + shift @ matrix  # (group, unit)
        yield pm.Deterministic(name, weights, dims=("group", *dims)), True


def _informed(model):
    """Coefficients and intercepts of an informed model, in the order of the weights; not grouped."""
    z = pm.Normal("z", 0, 1, dims="weight")
    weights = model.mean + pt.as_tensor_variable(model.cholesky) @ z  # (weight,)
    for _, name, part, shape, dims in _parts(model.network):
        yield pm.Deterministic(name, weights[part].reshape(shape), dims=dims), False


def _matrix(parts, n_groups):
    """All weights of every group, (group, weight)."""
    columns = [
        part.reshape((n_groups, -1)) if grouped else pt.repeat(part.reshape((1, -1)), n_groups, axis=0)
        for part, grouped in parts
    ]  # (group, weight of the part) each
    return pt.concatenate(columns, axis=1)  # (group, weight)


def _logits(network, weights, X, group, n_groups):
    """Logits of each row under its group's weights (group, weight), (row, logit)."""
    h = X  # (row, input)
    for layer in network.layers:
        kernel = weights[:, layer.kernel].reshape((n_groups, layer.n_in, layer.n_out))  # (group, input, unit)
        h = h @ kernel[0] if n_groups == 1 else (h[:, :, None] * kernel[group]).sum(axis=1)  # (row, unit)
        if network.fit_intercept:
            h = h + weights[:, layer.intercept][0 if n_groups == 1 else group]
        if layer is not network.layers[-1]:
            h = ACTIVATIONS[network.activation](h)
    return h
