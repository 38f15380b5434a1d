"""Two classes: one output, the log odds of the second class."""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from scipy.special import expit, log_expit

from ...kernel import lanes
from ...kernel.arrays import part
from ...kernel.options import inline
from .base import ClassLikelihood


@intrinsic
def bernoulli_rows(typingctx, z, y, m):
    """Log likelihood of log odds z and classes y; z becomes d log p / d z."""

    def codegen(context, builder, signature, args):
        loop = lanes.Loop(context, builder, (z, y, m), args)
        linear, product = loop.variable(0.0), loop.variable(1.0)
        with loop.vectors(args[2]) as (r, _):
            logit, label = loop.load(0, r), loop.load(1, r)
            e = lanes.exp(logit.magnitude() * -1.0)
            s = (e + 1.0).reciprocal()
            loop.set(linear, (label - logit.where_greater(0.0, 1.0, 0.0)) * logit + loop.get(linear))
            loop.set(product, (e + 1.0) * loop.get(product))  # each factor at most 2: one logarithm a block
            loop.store(label - logit.where_greater(0.0, s, e * s), 0, r)
        log = builder.module.declare_intrinsic("llvm.log", [ir.DoubleType()])
        return builder.fsub(loop.get(linear).reduce("fadd"), builder.call(log, [loop.get(product).reduce("fmul")]))

    return types.float64(z, y, m), codegen


@inline
def add_rows(z, rows, block, space):
    """Log likelihood of a block whose rows count once."""
    labels = part(space, 0, block.m)  # (m,)
    for r in range(block.n):
        labels[r] = rows.y[block.first + r]
    for r in range(block.n, block.m):  # padding that adds less than rounding does; smaller would be subnormal, and slow
        labels[r] = 0.0
        z[r] = -100.0
    return bernoulli_rows(z, labels, block.m)


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row."""
    for r in range(block.m):
        space[r] = -abs(z[r])
    lanes.exp_rows(space, block.m)
    for r in range(block.n):
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
