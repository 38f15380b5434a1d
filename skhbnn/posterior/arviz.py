"""The posterior as ArviZ's labelled object: ``InferenceData`` before ArviZ 1, ``DataTree`` since."""

import numpy as np

from ..data.labels import label_coordinates
from ..support.libraries import labelled_data


def to_arviz(posterior, data, input_names):
    """The posterior as a labelled object, with the rows of the fit.

    Parameters
    ----------
    posterior : Posterior
    data : GroupedData
    input_names : list of str

    Returns
    -------
    data : arviz.InferenceData or xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``log_likelihood`` and ``observed_data``; rows are those of the X given
        to ``fit``, but for rows of weight 0. Of several levels of groups the weights of each outer one are a variable,
        and its name is an axis.
    """
    network, likelihood = posterior.network, posterior.model.likelihood
    arrays = {"weights": posterior.weights}  # (chain, draw, group, weight)
    if posterior.group_mean is not None:
        arrays["group_mean"] = posterior.group_mean  # (chain, draw, weight)
    if posterior.group_scale is not None:
        arrays["group_scale"] = posterior.group_scale  # (chain, draw, part)
    if posterior.prior_scale is not None:
        arrays["prior_scale"] = posterior.prior_scale  # (chain, draw, part of the prior)
    if posterior.own is not None:
        arrays |= likelihood.own_by_variable(posterior.own)  # (chain, draw), or (chain, draw, own number)
    columns = posterior.model.random_intercepts
    arrays |= {column.variable: posterior.intercepts_of(column.name) for column in columns}
    group, outer_dims, outer_coords = posterior.model.group_axis, {}, {}
    for level, name, weights in _outer_weights(posterior, data):
        arrays[f"{name}_weights"] = weights  # (chain, draw, group of the level, weight)
        outer_dims[f"{name}_weights"] = [name, "weight"]
        outer_coords[name] = label_coordinates(data.labels_at(level))
    rows = np.flatnonzero(data.places >= 0)  # (row of X,)
    places = data.places[rows]  # (row of X,)
    groups = {
        "posterior": arrays,
        "sample_stats": posterior.sample_stats,
        "log_likelihood": {"y": posterior.log_likelihood(data)[:, :, places]},
        "observed_data": {"y": data.y[places]},
    }
    coords = {
        group: label_coordinates(data.group_labels),
        **outer_coords,
        "weight": network.weight_names(input_names),
        "part": posterior.learned_parts,
        "prior_part": prior_part_labels(posterior, input_names),
        "row": rows,
    }
    dims = {"weights": [group, "weight"], "group_mean": ["weight"], "group_scale": ["part"], "y": ["row"]}
    dims |= {"prior_scale": ["prior_part"], **outer_dims}
    for column, labels in zip(columns, data.intercept_labels, strict=True):
        coords[column.dim], dims[column.variable] = label_coordinates(labels), [column.dim, "output"]
        coords["output"] = np.arange(network.n_outputs)
    for name, axis in likelihood.own_dims.items():
        if axis is not None:
            coords[axis], dims[name] = list(likelihood.own), [axis]
    return labelled_data(groups, coords, dims)


def prior_part_labels(posterior, input_names):
    """What the learned scales of the prior belong to: inputs by their names, and layers."""
    inputs = {f"input_{i}": f"input: {name}" for i, name in enumerate(input_names)}
    return [inputs.get(part, part) for part in posterior.prior_parts]


def _outer_weights(posterior, data):
    """Yield level, name and weights (chain, draw, group of the level, weight) of every level around the innermost."""
    start = 0
    for level, name in enumerate(posterior.model.levels[:-1], 1):
        stop = start + len(data.labels_at(level))
        yield level, name, posterior.outer_weights[:, :, start:stop]
        start = stop
