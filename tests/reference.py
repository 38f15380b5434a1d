"""The three models once more in plain NumPy, from the formulas of their docstrings: slow, and open to complex numbers.

A complex step gives gradients without rounding errors: f(x + ih).imag / h for a tiny h.
"""

from itertools import pairwise

import numpy as np
from scipy.special import gammaln

SHAPE, SCALE = 2.0, 1.0  # of the inverse gamma prior


def family_log_density(family, w, scale):
    """Log density of weights w under a prior with that scale."""
    u = w / scale
    if family == "normal":
        return -(u**2) / 2 - np.log(scale) - np.log(2 * np.pi) / 2
    if family == "laplace":
        return -np.where(u.real < 0, -u, u) - np.log(2 * scale)
    nu = {"student_t": 4.0, "cauchy": 1.0}[family]
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - np.log(nu * np.pi) / 2 - np.log(scale)
    return constant - (nu + 1) / 2 * np.log(1 + u**2 / nu)


def from_unconstrained(family, v, scale):
    """The weight of unconstrained v, and the logarithm of its derivative."""
    if family == "normal":
        return v, 0 * v
    if family == "laplace":
        a = np.where(v.real < 0, -v, v)
        return scale * np.where(v.real < 0, -1, 1) * (a + a**2 / 2), np.log(scale * (1 + a))
    root = np.sqrt({"student_t": 4.0, "cauchy": 1.0}[family])
    return scale * root * np.sinh(v), np.log(scale * root * np.cosh(v))


def group_scale_log_density(family, sd):
    """Log density of group scales."""
    if family == "half_normal":
        return np.log(2) - np.log(2 * np.pi) / 2 - sd**2 / 2
    if family == "half_cauchy":
        return np.log(2 / np.pi) - np.log(1 + sd**2)
    return SHAPE * np.log(SCALE) - gammaln(SHAPE) - (SHAPE + 1) * np.log(sd) - SCALE / sd


def activate(name, h):
    """Activation of hidden units."""
    if name == "tanh":
        return np.tanh(h)
    if name == "logistic":
        return 1 / (1 + np.exp(-h))
    return np.where(h.real > 0, h, 0) if name == "relu" else h


def row_logits(network, w, x):
    """Logits of one row x under weights w (..., weight), (..., logit)."""
    h, at = np.broadcast_to(x, (*w.shape[:-1], len(x))), 0
    for index, (n_in, n_out) in enumerate(pairwise(network.sizes)):
        kernel = w[..., at : at + n_in * n_out].reshape(*w.shape[:-1], n_in, n_out)
        h = np.einsum("...i,...io->...o", h, kernel)
        at += n_in * n_out
        if network.fit_intercept:
            h = h + w[..., at : at + n_out]
            at += n_out
        if index < len(network.sizes) - 2:
            h = activate(network.activation, h)
    return h


def log_likelihood(network, w, x, code):
    """Log likelihood of one row's class under weights w (..., weight)."""
    logits = row_logits(network, w, x)
    if network.n_outputs == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    return logits[..., code] - np.log(np.exp(logits).sum(axis=-1))


def choices(model):
    """Pooling and prior scale of every layer, and the fixed group scale or None, read off the names of the terms."""
    pooling, scale, group_scale = [], [], None
    for index in range(len(model.network.layers)):
        by_level = {term.level: term for term in model.terms if term.name == f"coef_{index}"}
        kind = "partial" if len(by_level) == 2 else ("complete" if 0 in by_level else "none")
        pooling.append("affine" if index == 0 and model.map_rank else kind)
        scale.append(by_level[min(by_level)].scale[0])
        if kind == "partial" and not isinstance(by_level[1].scale, str):
            group_scale = by_level[1].scale[0]
    maps = [term.scale for term in model.terms if term.name == "input_map"]
    return pooling, scale, maps[0][0] if maps and not isinstance(maps[0], str) else group_scale


def weights(model, x, n_groups):
    """Weights of each group from x (..., n_dim), as (..., group, weight), and the log density of the prior."""
    network, log_prior = model.network, 0.0
    layers = np.concatenate([[index] * (layer.stop - layer.start) for index, layer in enumerate(network.layers)])
    pooling, scale, group_scale = choices(model)
    pooling, scale = np.array(pooling)[layers], np.array(scale)[layers]
    has_mean, differs = pooling != "none", (pooling == "partial") | (pooling == "none")
    parts = []  # 2 k of the matrix of layer k, 2 k + 1 of its intercepts
    for k, (n_in, n_out) in enumerate(pairwise(network.sizes)):
        parts += [2 * k] * n_in * n_out + [2 * k + 1] * n_out * network.fit_intercept
    parts = np.array(parts)  # (weight,)
    fixed = group_scale is not None
    learned_parts = np.unique(parts[(pooling == "partial") & (not fixed)])
    n_in, map_sizes = network.sizes[0], []  # entries of the map's matrix and of its shift
    if model.map_rank:
        map_sizes = [n_in**2, n_in][: 1 + network.fit_intercept]
    n_means, n_scales = has_mean.sum(), len(learned_parts) + (not fixed) * len(map_sizes)
    mean, log_slope = from_unconstrained(model.family_name, x[..., :n_means], scale[has_mean])
    log_prior = family_log_density(model.family_name, mean, scale[has_mean]).sum(-1) + log_slope.sum(-1)
    log_sd = x[..., n_means : n_means + n_scales]
    if n_scales:
        prior = group_scale_log_density(model.scale_prior_name, np.exp(log_sd))
        log_prior = log_prior + (prior + log_sd).sum(-1)
    w = np.zeros((*x.shape[:-1], n_groups, len(layers)), dtype=x.dtype)
    w[..., has_mean] = mean[..., None, :]
    if differs.any() or map_sizes:
        v = x[..., n_means + n_scales :].reshape(*x.shape[:-1], n_groups, differs.sum() + sum(map_sizes))
        z, log_slope = from_unconstrained(model.family_name, v, 1.0)
        log_prior = log_prior + (family_log_density(model.family_name, z, 1.0) + log_slope).sum((-1, -2))
        for k, i in enumerate(np.flatnonzero(differs)):
            learned = np.flatnonzero(learned_parts == parts[i])
            sd = np.exp(log_sd[..., learned]) if len(learned) else group_scale
            sd = scale[i] if pooling[i] == "none" else sd
            w[..., i] += sd * z[..., k]
    if map_sizes:
        sd = [group_scale] * 2 if fixed else np.moveaxis(np.exp(log_sd[..., len(learned_parts) :]), -1, 0)
        of_map = np.split(z[..., differs.sum() :], [n_in**2], axis=-1)  # (..., group, input * input), (..., input)
        matrix, *shift = (np.asarray(scale)[..., None, None] * entries for scale, entries in zip(sd, of_map))  # noqa: B905
        matrix = np.eye(n_in) + matrix.reshape(*matrix.shape[:-1], n_in, n_in)  # (..., group, input, input)
        ends = np.cumsum([0, n_in * network.sizes[1], network.fit_intercept * network.sizes[1]])
        first = w[..., : ends[1]].reshape(*w.shape[:-1], n_in, -1).copy()  # (..., group, input, unit)
        w[..., : ends[1]] = np.einsum("...ik,...ku->...iu", matrix, first).reshape(*w.shape[:-1], -1)
        if network.fit_intercept:
            w[..., ends[1] : ends[2]] += np.einsum("...k,...ku->...u", shift[0], first)
    return w, log_prior


def log_density(model, data, x):
    """Log density of flat and hierarchical models at x (..., n_dim), Jacobians included."""
    w, total = weights(model, x, data.n_groups)
    for row, (inputs, code) in enumerate(zip(data.X, data.y, strict=True)):
        group = np.searchsorted(data.offsets, row, side="right") - 1
        total = total + log_likelihood(model.network, w[..., group, :], inputs, code)
    return total


def gradient(model, data, x):
    """Gradient of the log density at x (n_dim,) by complex steps."""
    h = 1e-30
    return log_density(model, data, x + 1j * h * np.eye(len(x))).imag / h


def codes(labels, known):
    """Places of labels among those that are known, (label,)."""
    return np.array([list(known).index(label) for label in labels])
