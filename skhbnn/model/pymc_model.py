"""The three models as ``pm.Model``: the specification that the compiled density is held to."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from .priors import FlatModel, HierarchicalModel

ACTIVATIONS = {"tanh": pt.tanh, "relu": lambda x: pt.maximum(x, 0), "logistic": pt.sigmoid, "identity": lambda x: x}


def build_model(model, data, input_names=None):
    """The model given the rows of a fit.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    data : GroupedData
        Rows sorted by group, inputs standardised.
    input_names : list of str, default=None
        Names of the inputs; None: x0, x1, ...

    Returns
    -------
    pymc_model : pymc.Model
        Layer l has the weights ``coef_l`` (input, unit) and ``intercept_l`` (unit), with a leading group dimension in
        a hierarchical model, where they are deterministic: ``coef_l_mean + group_scale[l] * coef_l_z``.
    """
    network = model.network
    names = input_names or [f"x{i}" for i in range(network.sizes[0])]
    coords = {"input": names, "layer": np.arange(len(network.layers)), "group": [str(g) for g in data.group_labels]}
    coords |= {f"unit_{index}": np.arange(layer.n_out) for index, layer in enumerate(network.layers)}
    coords |= {"weight": network.weight_names(names)}
    with pm.Model(coords=coords) as pymc_model:
        X = pm.Data("X", data.X, dims=("row", "input"))
        if isinstance(model, HierarchicalModel):
            logits = _grouped_logits(network, X, *_hierarchical_layers(model, data))
        else:
            layers = _flat_layers(model) if isinstance(model, FlatModel) else _informed_layers(model)
            logits = _logits(network, X, layers)
        y = pm.Data("y_observed", data.y, dims="row")
        if network.n_logits == 1:
            pm.Bernoulli("y", logit_p=logits[:, 0], observed=y, dims="row")
        else:
            pm.Categorical("y", logit_p=logits, observed=y, dims="row")
    return pymc_model


def _parts(network):
    """Name, slice, shape and dims of every coefficient matrix and intercept vector, in the order of the weights."""
    below = "input"
    for index, layer in enumerate(network.layers):
        above = f"unit_{index}"
        yield index, f"coef_{index}", layer.kernel, (layer.n_in, layer.n_out), (below, above)
        if network.fit_intercept:
            yield index, f"intercept_{index}", layer.intercept, (layer.n_out,), (above,)
        below = above


def _flat_layers(model):
    return {
        name: pm.Normal(name, 0, model.scale[part].reshape(shape), dims=dims)
        for _, name, part, shape, dims in _parts(model.network)
    }


def _informed_layers(model):
    z = pm.Normal("z", 0, 1, dims="weight")
    weights = model.mean + pt.as_tensor_variable(model.cholesky) @ z  # (weight,)
    return {
        name: pm.Deterministic(name, weights[part].reshape(shape), dims=dims)
        for _, name, part, shape, dims in _parts(model.network)
    }


def _hierarchical_layers(model, data):
    """Weights of every group, and the group of each row."""
    group_scale = pm.HalfNormal("group_scale", model.group_scale, dims="layer")
    layers = {}
    for index, name, part, shape, dims in _parts(model.network):
        mean = pm.Normal(f"{name}_mean", 0, model.scale[part].reshape(shape), dims=dims)
        z = pm.Normal(f"{name}_z", 0, 1, dims=("group", *dims))
        layers[name] = pm.Deterministic(name, mean + group_scale[index] * z, dims=("group", *dims))
    return layers, pm.Data("group_of_row", data.group_of_row, dims="row")


def _logits(network, X, layers):
    h = X  # (row, input)
    for index, _ in enumerate(network.layers):
        h = h @ layers[f"coef_{index}"]  # (row, unit)
        if network.fit_intercept:
            h = h + layers[f"intercept_{index}"]
        if index < len(network.layers) - 1:
            h = ACTIVATIONS[network.activation](h)
    return h


def _grouped_logits(network, X, layers, group):
    h = X  # (row, input)
    for index, _ in enumerate(network.layers):
        h = (h[:, :, None] * layers[f"coef_{index}"][group]).sum(axis=1)  # (row, unit)
        if network.fit_intercept:
            h = h + layers[f"intercept_{index}"][group]
        if index < len(network.layers) - 1:
            h = ACTIVATIONS[network.activation](h)
    return h
