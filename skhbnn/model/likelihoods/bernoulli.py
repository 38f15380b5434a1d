"""Two classes: one output, the log odds of the second class."""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from scipy.special import expit, log_expit

from ...kernel import lanes
from ...kernel.options import inline
from .base import ClassLikelihood


@intrinsic
def bernoulli_rows(typingctx, z, y, weights, start, m):
    """Log likelihood of log odds z (m,) and classes y, from a start on, weighted by 0 or 1; z becomes d log p / d z."""
    kinds = (z, y, weights, start, m)

    def codegen(context, builder, signature, args):
        loop = lanes.Loop(context, builder, kinds, args)
        linear, product = loop.variable(0.0), loop.variable(1.0)
        with loop.vectors(args[4]) as (r, _):
            at = builder.add(args[3], r)
            logit, label, weight = loop.load(0, r), loop.load(1, at), loop.load(2, at)
            e = lanes.exp(logit.magnitude() * -1.0)
            s = (e + 1.0).reciprocal()
            loop.set(linear, (label - logit.where_greater(0.0, 1.0, 0.0)) * (logit * weight) + loop.get(linear))
            loop.set(product, (e * weight + 1.0) * loop.get(product))  # each factor at most 2: one logarithm a block
            loop.store((label - logit.where_greater(0.0, s, e * s)) * weight, 0, r)
        log = builder.module.declare_intrinsic("llvm.log", [ir.DoubleType()])
        return builder.fsub(loop.get(linear).reduce("fadd"), builder.call(log, [loop.get(product).reduce("fmul")]))

    return types.float64(*kinds), codegen


@inline
def add_rows(z, rows, block, space):
    """Log likelihood of a block whose rows are weighted by 0 or 1."""
    return bernoulli_rows(z, rows.y, rows.weights, block.first, block.m)


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row."""
    for r in range(block.m):
        space[r] = -abs(z[r])
    lanes.exp_rows(space, block.m)
    for r in range(block.m):
        e, logit, label = space[r], z[r], rows.y[block.first + r]
        s = 1.0 / (1.0 + e)
        space[r] = (label - (1.0 if logit > 0.0 else 0.0)) * logit - math.log(1.0 + e)
        z[r] = label - (s if logit > 0.0 else e * s)


class Bernoulli(ClassLikelihood):
    """Bernoulli(p), with p the logistic function of the output; the mean is p alone."""

    name = "bernoulli"
    score_rows = staticmethod(score_rows)
    add_rows = staticmethod(add_rows)

    def n_classes(self, n_outputs):
        return 2

    def check(self, y):
        super().check(y)
        if np.max(y, initial=0) > 1:
            raise ValueError(f"bernoulli needs the class codes 0 and 1, and y has {np.max(y)}.")

    def log_likelihood(self, outputs, y, own):
        logit = outputs[..., 0, :]  # (..., row)
        return log_expit(np.where(y == 1, logit, -logit))

    def mean(self, outputs, own):
        return expit(outputs, out=outputs)

    def class_probabilities(self, mean, axis=-1):
        return np.concatenate([1 - mean, mean], axis=axis)

    def draw(self, rng, outputs, own):
        p = expit(outputs[..., 0, :])  # (..., row)
        return (rng.random(p.shape) < p).astype(np.int64)

    def information(self, outputs, own):
        p = expit(outputs[..., 0, :])  # (..., row)
        return (p * (1 - p))[..., None, None]  # (..., row, 1, 1)

    def pymc(self, outputs, own):
        import pymc as pm

        return pm.Bernoulli, {"logit_p": outputs[:, 0]}


KIND = Bernoulli()
