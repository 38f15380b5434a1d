"""Ordered classes: one output, the location of a logistic variable that learned cutpoints cut into the classes."""

import math
from functools import cache

import numpy as np
from scipy.special import expit, exprel, log_expit

from ...kernel import lanes
from ...kernel.log_density import OwnNumbers
from ...kernel.options import inline
from .base import ClassLikelihood

SD = 3.0  # of each cutpoint in the prior, before they are put in order
LOG_CONSTANT = -math.log(SD) - 0.5 * math.log(2 * math.pi)


@inline
def _constrain(free, own, grad):
    """Make the cutpoints of the first one and the logarithms of the distances between neighbours."""
    logp = 0.0
    for k in range(own.size):
        own[k] = free[0] if k == 0 else own[k - 1] + math.exp(free[k])
        logp += LOG_CONSTANT - 0.5 * (own[k] / SD) * (own[k] / SD) + (free[k] if k > 0 else 0.0)
    of_later = 0.0
    for k in range(own.size - 1, -1, -1):
        of_later -= own[k] / (SD * SD)
        grad[k] += of_later if k == 0 else 1.0 + math.exp(free[k]) * of_later
    return logp


@inline
def _pull_back(free, own, grad_own, grad):
    of_later = 0.0
    for k in range(own.size - 1, -1, -1):
        of_later += grad_own[k]
        grad[k] += of_later if k == 0 else math.exp(free[k]) * of_later


# A class lies between two cutpoints, a and b beyond the output. With s the logistic function its probability is
# s(a) - s(b) = s(a) s(-b) (1 - exp(b - a)), a product in which nothing cancels. The first class has no b, the last
# no a.


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row, and the derivatives in the cutpoints."""
    m, own = block.m, rows.own
    n = own.size
    shares, of_own = space[:m], space[m : (1 + n) * m]  # (m,), (own number * m,)
    upper, lower = space[(1 + n) * m : (2 + n) * m], space[(2 + n) * m : (3 + n) * m]  # (m,) each
    for k in range(1, n):
        of_own[k] = -math.expm1(own[k - 1] - own[k])  # for a moment, by class
    for r in range(m):
        c = np.int64(rows.y[block.first + r])
        shares[r] = of_own[c] if 0 < c < n else 1.0
        upper[r] = -abs(own[c] - z[r]) if c < n else -math.inf
        lower[r] = -abs(own[c - 1] - z[r]) if c > 0 else -math.inf
    lanes.exp_rows(upper, m)
    lanes.exp_rows(lower, m)
    for i in range(n * m):
        of_own[i] = 0.0
    for r in range(m):
        c = np.int64(rows.y[block.first + r])
        above, below, loglik = 0.0, 0.0, 0.0  # s(-a), s(b)
        of_share = (1.0 - shares[r]) / shares[r]
        if c < n:
            a = own[c] - z[r]
            s = 1.0 / (1.0 + upper[r])
            above = upper[r] * s if a > 0.0 else s
            loglik += min(a, 0.0)
            of_own[c * m + r] = above + of_share
        if c > 0:
            b = own[c - 1] - z[r]
            s = 1.0 / (1.0 + lower[r])
            below = s if b > 0.0 else lower[r] * s
            loglik -= max(b, 0.0)
            of_own[(c - 1) * m + r] = -below - of_share
        space[r] = loglik + math.log(shares[r] / ((1.0 + upper[r]) * (1.0 + lower[r])))
        z[r] = below - above


class Ordinal(ClassLikelihood):
    """Cumulative logit: the probability of class k at most is the logistic function of cutpoint k + 1 less the output.

    The mean holds the probability of every class. The prior of the cutpoints is Normal(0, 3) of each, restricted to
    cutpoints that increase.

    Parameters
    ----------
    n_classes : int or None
        Number of classes; None where it is not known yet, and neither are the cutpoints.
    """

    name = "ordinal"
    score_rows = staticmethod(score_rows)
    own_numbers = OwnNumbers(_constrain, _pull_back)

    def __init__(self, n_classes=None):
        self._n_classes = n_classes
        self.own = tuple(f"cutpoint_{k}" for k in range(1, n_classes or 1))

    def of_classes(self, n_classes):
        if n_classes is None or n_classes < 2:
            raise ValueError(
                f"ordinal needs the number of its classes, 2 at least, to have cutpoints; got {n_classes}."
            )
        return _of_classes(n_classes)

    def n_classes(self, n_outputs):
        return self._n_classes

    def n_responses(self, n_outputs):
        return self._n_classes

    def check(self, y):
        super().check(y)
        if self._n_classes is not None and np.max(y, initial=0) >= self._n_classes:
            raise ValueError(f"ordinal needs class codes below {self._n_classes}, and y has {np.max(y)}.")

    def log_likelihood(self, outputs, y, own):
        output, (lower, upper) = outputs[..., 0, :], _ends(own)  # (..., row), (..., class) each
        with np.errstate(divide="ignore"):  # a class whose cutpoints are equal, which has no rows
            log_share = np.log(-np.expm1(lower - upper))  # (..., class)
        return log_expit(upper[..., y] - output) + log_expit(output - lower[..., y]) + log_share[..., y]

    def mean(self, outputs, own):
        lower, upper = (end[..., None] for end in _ends(own))  # (..., class, 1) each
        return expit(upper - outputs) * expit(outputs - lower) * -np.expm1(lower - upper)

    def draw(self, rng, outputs, own):
        latent = outputs + rng.logistic(size=outputs.shape)  # (..., 1, row)
        return np.sum(latent > own[..., None], axis=-2)

    def information(self, outputs, own):
        """The sum over the classes of their probability times the outer product of the score with itself."""
        lower, upper = (end[..., None] for end in _ends(own))  # (..., class, 1) each
        above, below = expit(outputs - upper), expit(lower - outputs)  # (..., class, row) each
        n, gap = own.shape[-1], np.diff(own)  # (..., inner class)
        score = np.zeros((*above.shape, n + 1))  # (..., class, row, output + own number)
        score[..., 0] = below - above
        score[..., 1] = -score[..., 0]  # all cutpoints move
        for k in range(1, n):  # those above class k move
            width = gap[..., k - 1, None]  # (..., 1)
            score[..., k, :, k + 1] = width * above[..., k, :] + 1 / exprel(width)
            score[..., k + 1 :, :, k + 1] = -width[..., None] * score[..., k + 1 :, :, 0]
        return np.einsum("...kr,...kri,...krj->...rij", self.mean(outputs, own), score, score)

    def identified(self, outputs, own):
        return outputs - own[..., :1, None]  # a constant added to output and cutpoints changes nothing

    @property
    def own_dims(self):
        return {"cutpoints": "cutpoint"}

    def own_by_variable(self, own):
        return {"cutpoints": own}

    def own_from_unconstrained(self, v, xp=np):
        return xp.cumsum(xp.concatenate([v[..., :1], xp.exp(v[..., 1:])], axis=-1), axis=-1)

    def own_to_unconstrained(self, own):
        return np.concatenate([own[..., :1], np.log(np.diff(own))], axis=-1)

    def draw_own(self, rng, shape):
        return np.sort(SD * rng.standard_normal((*shape, len(self.own))), axis=-1)

    def own_pymc(self):
        import pymc as pm

        sd = np.full(len(self.own), SD)  # (own number,)
        return [
            pm.CustomDist(
                "cutpoints",
                sd,
                dist=_sorted_normals,
                logp=_log_density_of_normals,
                signature="(k)->(k)",
                dims="cutpoint",
                transform=pm.distributions.transforms.ordered,
                initval=np.linspace(-1, 1, len(sd)),
            )
        ]

    def pymc(self, outputs, own):
        import pymc as pm

        return pm.Categorical, {"p": pm.OrderedLogistic.compute_p(outputs[:, 0], own)}


@cache
def _of_classes(n_classes):
    """The one likelihood of so many ordered classes."""
    return Ordinal(n_classes)


def _sorted_normals(sd, size):
    """PyMC's distribution of the cutpoints: of ``pymc.Normal`` itself random draws would not increase."""
    import pymc as pm
    import pytensor.tensor as pt

    return pt.sort(pm.Normal.dist(0, sd))


def _log_density_of_normals(value, sd):
    """That of ``pymc.Normal``, not normalised to cutpoints that increase."""
    import pymc as pm

    return pm.logp(pm.Normal.dist(0, sd), value).sum()


def _ends(own):
    """The cutpoints below and above each class, (..., class) each."""
    edge = np.full((*own.shape[:-1], 1), np.inf, own.dtype)  # (..., 1)
    return np.concatenate([-edge, own], axis=-1), np.concatenate([own, edge], axis=-1)


KIND = Ordinal()
