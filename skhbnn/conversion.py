"""The posterior as ArviZ's labelled object: ``InferenceData`` before ArviZ 1, ``DataTree`` since."""

from dataclasses import replace

import numpy as np

from .imports import import_arviz
from .prediction import log_likelihood


def to_arviz(posterior, data, input_names):
    """The posterior with the rows it was learned from.

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
    arviz = import_arviz()
    network = posterior.network
    arrays = {"weights": posterior.weights}  # (chain, draw, group, weight)
    if posterior.group_mean is not None:
        arrays["group_mean"] = posterior.group_mean  # (chain, draw, weight)
    if posterior.learned_group_scale is not None:
        arrays["group_scale"] = posterior.learned_group_scale  # (chain, draw, part)
    groups = {
        "posterior": arrays,
        "sample_stats": posterior.sample_stats,
        "log_likelihood": {"y": _in_order_of_fit(log_likelihood_of_rows(posterior, data), data)},
        "observed_data": {"y": _in_order_of_fit(data.y, data)},
    }
    coords = {
        "group": [str(label) for label in data.group_labels],
        "weight": network.weight_names(input_names),
        "part": posterior.learned_parts,
        "row": np.arange(len(data.y)),
    }
    dims = {"weights": ["group", "weight"], "group_mean": ["weight"], "group_scale": ["part"], "y": ["row"]}
    if int(arviz.__version__.split(".")[0]) >= 1:
        return arviz.from_dict(groups, coords=coords, dims=dims)
    return arviz.from_dict(**groups, coords=coords, dims=dims)


def log_likelihood_of_rows(posterior, data):
    """Log likelihood of each training row under each draw.

    Parameters
    ----------
    posterior : Posterior
    data : GroupedData

    Returns
    -------
    log_likelihood : ndarray of shape (n_chains, n_draws, n_rows)
        In nats, rows in the order of ``data``.
    """
    posterior = replace(posterior, chain_weights=None)  # every draw once
    parts = [
        log_likelihood(posterior.predictor, posterior.group_parameters(g), data.X[start:stop], data.y[start:stop])
        for g, (start, stop) in enumerate(zip(data.offsets, data.offsets[1:], strict=False))
    ]
    return np.concatenate(parts, axis=1).reshape(*posterior.weights.shape[:2], -1)  # (chain, draw, row)


def _in_order_of_fit(values, data):
    """Values (..., row) in the order of the rows given to fit."""
    return values[..., np.argsort(data.order)]
