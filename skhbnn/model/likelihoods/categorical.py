"""Classes without an order: an output for each class; the softmax of the outputs are the probabilities."""

import math

import numpy as np
from scipy.special import log_softmax, softmax

from ...kernel import lanes
from ...kernel.options import inline
from .base import ClassLikelihood


@inline
def _find_largest(z, block, top):
    """Write the largest output of each row, (m,)."""
    m = block.m
    for r in range(m):
        top[r] = z[r]
    for k in range(1, block.n_outputs):
        zk = z[k * m : (k + 1) * m]
        for r in range(m):
            top[r] = zk[r] if zk[r] > top[r] else top[r]


@inline
def _exponentials(z, block, top, total):
    """Turn outputs into exponentials, relative to the largest of each row, and write the sum of each row, (m,)."""
    m = block.m
    for r in range(m):
        total[r] = 0.0
    for k in range(block.n_outputs):
        zk = z[k * m : (k + 1) * m]
        lanes.subtract_rows(zk, top, m)
        lanes.exp_rows(zk, m)
        lanes.add_rows(total, zk, m)


@inline
def _residuals(z, rows, block, total):
    """Turn exponentials into derivatives: the indicator of the true class less the probability; total is lost."""
    m = block.m
    for r in range(m):
        total[r] = -1.0 / total[r]
    for k in range(block.n_outputs):
        lanes.multiply_rows(z[k * m : (k + 1) * m], total, m)
    for r in range(m):
        z[np.int64(rows.y[block.first + r]) * m + r] += 1.0


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row."""
    m = block.m
    logliks, total, top = space[:m], space[m : 2 * m], space[2 * m : 3 * m]  # (m,) each
    _find_largest(z, block, top)
    for r in range(m):
        logliks[r] = z[np.int64(rows.y[block.first + r]) * m + r] - top[r]
    _exponentials(z, block, top, total)
    lanes.subtract_logs(logliks, total, m)
    _residuals(z, rows, block, total)


@inline
def information_rows(z, rows, block, out):
    """Expected information of each row."""
    m, n = block.m, block.n_outputs
    for r in range(m):
        top = z[r]
        for k in range(1, n):
            top = max(top, z[k * m + r])
        total = 0.0
        for k in range(n):
            out[k * m + r] = math.exp(z[k * m + r] - top)  # for a moment, in the first row of the matrix
            total += out[k * m + r]
        for k in range(n):
            out[k * m + r] /= total
        for j in range(n - 1, -1, -1):
            for k in range(n - 1, -1, -1):
                p = out[k * m + r]
                out[(j * n + k) * m + r] = -out[j * m + r] * p + (p if j == k else 0.0)


class Categorical(ClassLikelihood):
    """Categorical(softmax of the outputs); the mean holds the probability of every class."""

    name = "categorical"
    score_rows = staticmethod(score_rows)
    information_rows = staticmethod(information_rows)

    def n_outputs(self, n_classes):
        return n_classes

    def log_likelihood(self, outputs, y, own):
        log_proba = log_softmax(outputs, axis=-2)  # (..., class, row)
        return np.take_along_axis(log_proba, np.expand_dims(y, tuple(range(outputs.ndim - 1))), axis=-2)[..., 0, :]

    def mean(self, outputs, own):
        return softmax(outputs, axis=-2)

    def draw(self, rng, outputs, own):
        cumulated = np.cumsum(softmax(outputs, axis=-2), axis=-2)  # (..., class, row)
        u = rng.random((*outputs.shape[:-2], 1, outputs.shape[-1]))  # (..., 1, row)
        return np.sum(cumulated[..., :-1, :] < u, axis=-2)

    def information(self, outputs, own):
        p = np.swapaxes(softmax(outputs, axis=-2), -1, -2)  # (..., row, class)
        return p[..., None] * (np.eye(p.shape[-1]) - p[..., None, :])

    def identified(self, outputs, own):
        return outputs - outputs.mean(axis=-2, keepdims=True)  # a constant added to every output changes nothing

    def pymc(self, outputs, own):
        import pymc as pm

        return pm.Categorical, {"logit_p": outputs}


KIND = Categorical()
