"""The article's models as a PyMC user writes them, with batched matrix products over groups of equal size."""

from itertools import count, pairwise

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def samplers():
    """Arguments of ``pm.sample`` by what it then is: PyMC's own sampler, and nutpie where PyMC calls it if it can."""
    found: dict = {f"pm.sample, PyMC {pm.__version__}": {"nuts_sampler": "pymc"}}
    if int(pm.__version__.split(".")[0]) >= 6:
        found["pm.sample beside nutpie"] = {}
    return found


def hierarchical(X, y, hidden=(5, 5)):
    """X: (group, row, feature), y: (group, row); one HalfNormal(1) scale per layer, non-centred, no biases."""
    sizes = (X.shape[2], *hidden, 1)
    with pm.Model() as model:
        h = pt.as_tensor_variable(X)  # (group, row, feature)
        for index, (n_in, n_out) in enumerate(pairwise(sizes)):
            mean = pm.Normal(f"mean_{index}", 0, 1, shape=(n_in, n_out))
            scale = pm.HalfNormal(f"scale_{index}", 1)
            z = pm.Normal(f"z_{index}", 0, 1, shape=(len(X), n_in, n_out))
            h = pt.matmul(h, mean + scale * z)  # (group, row, unit)
            if index < len(hidden):
                h = pt.tanh(h)
        pm.Bernoulli("y", logit_p=h[..., 0], observed=y)
    return model


def flat(X, y, hidden=(5, 5)):
    """X: (row, feature), y: (row,)."""
    sizes = (X.shape[1], *hidden, 1)
    with pm.Model() as model:
        h = pt.as_tensor_variable(X)  # (row, feature)
        for index, (n_in, n_out) in enumerate(pairwise(sizes)):
            h = h @ pm.Normal(f"w_{index}", 0, 1, shape=(n_in, n_out))  # (row, unit)
            if index < len(hidden):
                h = pt.tanh(h)
        pm.Bernoulli("y", logit_p=h[:, 0], observed=y)
    return model


def hierarchical_proba(posterior, X):
    """Probability of class 1 under each draw, (draw, group, row); X: (group, row, feature)."""
    h = X  # (group, row, feature)
    n_layers = next(n for n in count() if f"scale_{n}" not in posterior)
    for index in range(n_layers):
        mean, scale, z = (
            np.asarray(posterior[f"{name}_{index}"]) for name in ("mean", "scale", "z")
        )  # (chain, draw, ...)
        w = mean[:, :, None] + scale[:, :, None, None, None] * z  # (chain, draw, group, input, unit)
        h = h @ w.reshape(-1, *w.shape[2:])  # (draw, group, row, unit)
        if index < n_layers - 1:
            h = np.tanh(h)
    return 1 / (1 + np.exp(-h[..., 0]))
