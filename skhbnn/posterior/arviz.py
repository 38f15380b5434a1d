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
        Groups ``posterior``, ``sample_stats``, ``log_likelihood`` and ``observed_data``; rows are in the order of the
        X given to ``fit``.
    """
    network, likelihood = posterior.network, posterior.model.likelihood
    arrays = {"weights": posterior.weights}  # (chain, draw, group, weight)
    if posterior.group_mean is not None:
        arrays["group_mean"] = posterior.group_mean  # (chain, draw, weight)
    if posterior.group_scale is not None:
        arrays["group_scale"] = posterior.group_scale  # (chain, draw, part)
    if posterior.own is not None:
        arrays |= likelihood.own_by_variable(posterior.own)  # (chain, draw), or (chain, draw, own number)
    groups = {
        "posterior": arrays,
        "sample_stats": posterior.sample_stats,
        "log_likelihood": {"y": _in_order_of_fit(posterior.log_likelihood(data), data)},
        "observed_data": {"y": _in_order_of_fit(data.y, data)},
    }
    coords = {
        "group": label_coordinates(data.group_labels),
        "weight": network.weight_names(input_names),
        "part": posterior.learned_parts,
        "row": np.arange(len(data.y)),
    }
    dims = {"weights": ["group", "weight"], "group_mean": ["weight"], "group_scale": ["part"], "y": ["row"]}
    for name, axis in likelihood.own_dims.items():
        if axis is not None:
            coords[axis], dims[name] = list(likelihood.own), [axis]
    return labelled_data(groups, coords, dims)


def _in_order_of_fit(values, data):
    """Values (..., row) in the order of the rows given to fit."""
    return values[..., np.argsort(data.order)]
