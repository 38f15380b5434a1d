"""Gauss-Newton curvature of the compiled density, and normal distributions with that precision.

Given the shared coordinates (means and group scales) the groups are independent, so the precision is an arrow of
blocks: shared by shared, and for each group shared by own and own by own. Memory and time are linear in the groups.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..model.weights import weight_tangent
from . import compiled
from .density import Density

STEP = 1e-4  # of the central difference of the prior's gradient


@dataclass(frozen=True, eq=False)
class ArrowNormal:
    """A normal distribution whose precision is an arrow of blocks.

    Parameters
    ----------
    mean : ndarray of shape (n_dim,)
        The shared coordinates, then those of each group.
    shared : ndarray of shape (n_shared, n_shared)
        Precision of the shared coordinates.
    cross : ndarray of shape (n_groups, n_shared, n_own)
    own : ndarray of shape (n_groups, n_own, n_own)
    """

    mean: np.ndarray
    shared: np.ndarray
    cross: np.ndarray
    own: np.ndarray

    @cached_property
    def _own_factor(self):
        return np.linalg.cholesky(self.own)  # (group, own, own)

    @cached_property
    def _slopes(self):
        """Minus the slopes of each group's conditional mean in the shared coordinates, (group, own, shared)."""
        return np.linalg.solve(self.own, np.swapaxes(self.cross, 1, 2))

    @cached_property
    def _shared_factor(self):
        """Cholesky factor of the precision of the shared coordinates by themselves, (shared, shared)."""
        return np.linalg.cholesky(self.shared - np.einsum("gsz,gzt->st", self.cross, self._slopes))

    @cached_property
    def log_det(self):
        """Logarithm of the determinant of the precision."""
        diagonals = [np.diagonal(factor, axis1=-2, axis2=-1) for factor in (self._own_factor, self._shared_factor)]
        return 2 * sum(np.log(diagonal).sum() for diagonal in diagonals)

    def _split(self, x):
        """Shared (..., shared) and own (..., group, own) coordinates of x (..., n_dim)."""
        n_shared = len(self.shared)
        return x[..., :n_shared], x[..., n_shared:].reshape(*x.shape[:-1], *self.own.shape[:2])

    def draw(self, rng, n_draws):
        """Independent draws, (draw, n_dim)."""
        shared, own = self._split(rng.standard_normal((n_draws, len(self.mean))))
        shared = np.linalg.solve(self._shared_factor.T, shared.T).T  # (draw, shared)
        own = np.linalg.solve(np.swapaxes(self._own_factor, 1, 2), own.transpose(1, 2, 0))  # (group, own, draw)
        own = own.transpose(2, 0, 1) - np.einsum("gzs,ds->dgz", self._slopes, shared)  # (draw, group, own)
        return self.mean + np.concatenate([shared, own.reshape(n_draws, len(self.mean) - len(self.shared))], axis=1)

    def log_density(self, x):
        """Log density of x (draw, n_dim), (draw,)."""
        shared, own = self._split(x - self.mean)
        form = np.einsum("ds,st,dt->d", shared, self.shared, shared, optimize=True)  # (draw,)
        form += 2 * np.einsum("ds,gsz,dgz->d", shared, self.cross, own, optimize=True)
        form += np.einsum("dgy,gyz,dgz->d", own, self.own, own, optimize=True)
        return 0.5 * (self.log_det - form - len(self.mean) * np.log(2 * np.pi))


def laplace_approximation(density, x):
    """The normal distribution around a mode x (n_dim,) with the Gauss-Newton precision of the density there.

    The precision of the likelihood is its expected outer product of scores, which for these likelihoods is the
    Gauss-Newton matrix [1]_: the network's second derivatives are left out, so that it is positive definite.

    References
    ----------
    .. [1] Martens (2020), "New insights and perspectives on the natural gradient method", Journal of Machine Learning
       Research 21.
    """
    tangent = weight_tangent(density.model, density.data.n_groups, x)
    jacobian, n_shared = tangent.jacobian, tangent.n_shared
    fisher = _fisher(density, tangent.weights)  # (group, weight, weight)
    precision = np.swapaxes(jacobian, 1, 2) @ fisher @ jacobian  # (group, shared + own, shared + own)
    prior = _prior_precision(density, x)  # (n_dim,)
    shared = precision[:, :n_shared, :n_shared].sum(axis=0)  # (shared, shared)
    own = precision[:, n_shared:, n_shared:]  # (group, own, own)
    shared[np.diag_indices_from(shared)] += prior[:n_shared]
    own[:, range(own.shape[1]), range(own.shape[1])] += prior[n_shared:].reshape(own.shape[:2])
    return ArrowNormal(x, shared, precision[:, :n_shared, n_shared:], own)


def _fisher(density, weights):
    """Fisher information of the weights (group, weight) of every group's network, (group, weight, weight)."""
    network, data = density.model.network, density.data
    group_of_row, n_rows = data.group_of_row, len(data.y)  # (row,)
    of_row = np.ascontiguousarray(weights[group_of_row])  # (row, weight): to the kernel every row is a group
    fisher = np.zeros((*weights.shape, weights.shape[1]))  # (group, weight, weight)
    for label in range(max(2, network.n_logits)):
        y = np.full(n_rows, label)  # (row,)
        logliks, scores = compiled.network_loglik()(
            of_row, data.X, y, np.arange(n_rows), np.ones(n_rows), *network.compiled_form
        )  # (row,), (row, weight)
        scores *= np.exp(0.5 * logliks)[:, None]
        for g, (start, stop) in enumerate(zip(data.offsets, data.offsets[1:], strict=False)):
            fisher[g] += scores[start:stop].T @ scores[start:stop]
    return fisher


def _prior_precision(density, x):
    """Negative second derivatives of the log prior, whose unconstrained coordinates are independent, (n_dim,)."""
    data = density.data
    no_rows = replace(data, X=data.X[:0], y=data.y[:0], offsets=np.zeros_like(data.offsets), order=data.order[:0])
    prior = Density(density.model, no_rows)
    return (prior.logp_grad(x - STEP)[1] - prior.logp_grad(x + STEP)[1]) / (2 * STEP)
