"""The posterior of the weights, made of draws of the unconstrained vector."""

import numpy as np

from ..model.weights import GroupWeights, apply_map, group_weights, weight_tangent
from .draws import Posterior

DRAWS_AT_ONCE = 64  # of a chain, while they become weights


def posterior_from_trace(layout, trace, seed):
    """The posterior of the weights, made of draws of the unconstrained vector.

    Parameters
    ----------
    layout : Layout
        What the vector of the model holds.
    trace : Trace
    seed : int

    Returns
    -------
    posterior : Posterior
    """
    if trace.modes is not None:
        return _linearized(layout, trace, seed)
    # Draws in single precision from the start, and some at a time: of many groups they are large.
    x = trace.x.astype(np.float32, copy=False)  # (chain, draw, n_dim)
    arrays = _empty(layout, x.shape[:2])
    for chain, first in np.ndindex(x.shape[0], -(-x.shape[1] // DRAWS_AT_ONCE)):
        some = chain, slice(first * DRAWS_AT_ONCE, (first + 1) * DRAWS_AT_ONCE)
        _keep(arrays, some, group_weights(layout, x[some]))
    return Posterior(model=layout.model, sample_stats=trace.statistics, seed=seed, **arrays)


def _empty(layout, shape):
    """Empty arrays of a posterior by name, with leading axes of the shape given; None for what the model has not."""
    model, n_groups = layout.model, layout.members.shape[1]
    n_weights = model.network.n_weights
    sizes = {
        "weights": (n_groups, n_weights),
        "group_mean": (n_weights,) if model.levels else None,
        "group_scale": (len(model.group_scale_names),) if model.group_scale_names else None,
        "prior_scale": (len(model.prior_scales),) if model.prior_scales else None,
        "own": (len(model.likelihood.own),) if model.likelihood.own else None,
        "random_intercepts": (layout.n_labels, model.network.n_outputs) if model.random_intercepts else None,
        "outer": (layout.n_outer, model.n_entries) if layout.n_outer else None,
    }
    return {name: None if size is None else np.empty((*shape, *size), np.float32) for name, size in sizes.items()}


def _keep(arrays, some, made):
    """Put what was made of some draws into the arrays."""
    n_of_prior = 0 if arrays["prior_scale"] is None else arrays["prior_scale"].shape[-1]
    of_prior, of_groups = np.split(made.scales, [n_of_prior], axis=-1)  # (..., scale) each
    values = {"weights": made.weights, "group_mean": made.mean, "group_scale": of_groups, "own": made.own}
    values |= {"prior_scale": of_prior, "outer": made.outer, "random_intercepts": made.intercepts}
    for name, array in arrays.items():
        if array is not None:
            array[some] = values[name]


def _linearized(layout, trace, seed):
    """The posterior of a linearised network: weights to first order around the mode of each draw."""
    model = layout.model
    x, modes, mode = trace.x[0], trace.modes, trace.statistics["mode"][0]
    tangents = [weight_tangent(layout, point) for point in modes]
    arrays = _empty(layout, (1, len(x)))
    for m, tangent in enumerate(tangents):
        at_mode, steps = (0, mode == m), x[mode == m] - modes[m]  # (draw, n_dim)
        _, log_scales, _, _ = layout.split(x[mode == m])
        own = model.likelihood.own_from_unconstrained(tangent.own_along(steps))  # (draw, own number)
        none = np.empty((len(steps), 0, model.network.n_outputs))  # (draw, label, output)
        outer = tangent.outer_along(steps)  # (draw, outer group, entry)
        made = GroupWeights(tangent.mean_along(steps), np.exp(log_scales), own, outer, tangent.along(steps), none)
        _keep(arrays, at_mode, made)
    return Posterior(
        model=model,
        sample_stats=trace.statistics,
        seed=seed,
        mode_weights=np.array([tangent.weights for tangent in tangents], np.float32),  # (mode, group, weight)
        mode_group_mean=np.array([tangent.mean for tangent in tangents], np.float32) if model.levels else None,
        mode_outer=None if arrays["outer"] is None else _mode_outer(model, tangents),
        **arrays,
    )


def _mode_outer(model, tangents):
    """Weights of the outer groups at every mode, (mode, outer group, weight)."""
    return np.array([apply_map(model, tangent.outer) for tangent in tangents], np.float32)
