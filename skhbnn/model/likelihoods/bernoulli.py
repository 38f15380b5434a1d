"""Two classes: one output, the log odds of the second class."""

import numpy as np
from numba import types
from numba.extending import intrinsic
from scipy.special import expit, log_expit

from ...kernel import lanes
from ...kernel.options import inline
from .base import ClassLikelihood


@intrinsic
def bernoulli_rows(typingctx, z, y, start, m, logliks):
    """Write log likelihoods (m,) of log odds z (m,) and classes y, from a start on; z becomes d log p / d z."""
    kinds = (z, y, start, m, logliks)

    def codegen(context, builder, signature, args):
        loop = lanes.Loop(context, builder, kinds, args)
        with loop.vectors(args[3]) as (r, _):
            logit, label = loop.load(0, r), loop.load(1, builder.add(args[2], r))
            e = lanes.exp(logit.magnitude() * -1.0)
            s = (e + 1.0).reciprocal()
            loop.store((label - logit.where_greater(0.0, 1.0, 0.0)) * logit - lanes.log(e + 1.0), 4, r)
            loop.store(label - logit.where_greater(0.0, s, e * s), 0, r)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row."""
    bernoulli_rows(z, rows.y, block.first, block.m, space)


@inline
def information_rows(z, rows, block, out):
    """Expected information of each row."""
    for r in range(block.m):
        out[r] = -abs(z[r])
    lanes.exp_rows(out, block.m)
    for r in range(block.m):
        out[r] /= (1.0 + out[r]) * (1.0 + out[r])


class Bernoulli(ClassLikelihood):
    """Bernoulli(p), with p the logistic function of the output; the mean is p alone."""

    name = "bernoulli"
    score_rows = staticmethod(score_rows)
    information_rows = staticmethod(information_rows)

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
