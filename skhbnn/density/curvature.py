"""Gauss-Newton precision of the compiled density, and normal distributions with such a precision.

Given the shared coordinates (means and group scales) the groups are independent, so the precision is an arrow of
blocks: shared by shared, and for each group shared by own and own by own. Memory and time are linear in the groups.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..model.weights import weight_tangent
from . import compiled
from .density import Density
from .forward import network_form, network_outputs

STEP = 1e-4  # of the central difference of the prior's gradient


@dataclass(frozen=True, eq=False)
class ArrowNormal:
    """A normal distribution whose precision is an arrow of blocks.

    Parameters
    ----------
    mean : ndarray of shape (n_dim,)
        The shared coordinates, then the coordinates of each group.
    shared : ndarray of shape (n_shared, n_shared)
        Precision of the shared coordinates.
    cross : ndarray of shape (n_groups, n_shared, n_own)
        Precision between the shared coordinates and the coordinates of each group.
    own : ndarray of shape (n_groups, n_own, n_own)
        Precision of the coordinates of each group.
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
        """Cholesky factor of the marginal precision of the shared coordinates, (shared, shared)."""
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
    """The normal distribution around a mode x (n_dim,) of a density, with the Gauss-Newton precision at the mode.

    The precision of the likelihood is the expected outer product of scores, which for the likelihoods here is the
    Gauss-Newton matrix [1]_: the network's second derivatives are left out, so that the matrix is positive definite.

    References
    ----------
    .. [1] Martens (2020), "New insights and perspectives on the natural gradient method", Journal of Machine Learning
       Research 21.
    """
    data, layout = density.data, density.layout
    tangent = weight_tangent(layout, x)
    n_shared, n_own_numbers = layout.n_shared, len(tangent.own)
    # Of weights and, behind them, the likelihood's own numbers.
    of_own = np.zeros((data.n_groups, n_own_numbers, n_shared + layout.n_own))  # (group, own number, shared + own)
    of_own[:, :, :n_shared] = tangent.own_jacobian
    jacobian = np.concatenate([tangent.jacobian, of_own], axis=1)  # (group, weight + own number, shared + own)
    fisher = _fisher(density, tangent.weights, tangent.own)  # (group, weight + own number, the same)
    precision = np.swapaxes(jacobian, 1, 2) @ fisher @ jacobian  # (group, shared + own, shared + own)
    prior, of_own_numbers = _prior_precision(density, x)  # (n_dim,), (own number, own number)
    shared = precision[:, :n_shared, :n_shared].sum(axis=0)  # (shared, shared)
    own = precision[:, n_shared:, n_shared:]  # (group, own, own)
    shared[np.diag_indices_from(shared)] += prior[:n_shared]
    own_numbers = layout.own_numbers.where
    shared[own_numbers, own_numbers] += of_own_numbers
    own[:, range(own.shape[1]), range(own.shape[1])] += prior[n_shared:].reshape(own.shape[:2])
    return ArrowNormal(x, shared, precision[:, :n_shared, n_shared:], own)


def _fisher(density, weights, free):
    """Fisher information of the weights of each group and, behind the weights, of the likelihood's own numbers.

    weights: (group, weight); free: own numbers, unconstrained, (own number,). Returns (group, weight + own number,
    weight + own number).
    """
    model, data = density.model, density.data
    form, own = network_form(model.network), model.likelihood.own_from_unconstrained(free)  # (own number,)
    n_weights, n = weights.shape[1], weights.shape[1] + len(own)
    fisher = np.empty((len(weights), n, n))  # (group, weight + own number, weight + own number)
    for g, (start, stop) in enumerate(zip(data.offsets, data.offsets[1:], strict=False)):
        X = data.X[start:stop]  # (row, feature)
        outputs = network_outputs(model.network, weights[g, None], X)[0]  # (output, row)
        information = model.likelihood.information(outputs, own)  # (row, output + own number, the same)
        information = information * data.weights[start:stop, None, None]
        jacobian = np.zeros((*information.shape[:2], n))  # (row, output + own number, weight + own number)
        jacobian[:, : len(outputs), :n_weights] = compiled.network_jacobian()(np.ascontiguousarray(weights[g]), X, form)
        jacobian[:, len(outputs) :, n_weights:] = np.eye(len(own))
        fisher[g] = jacobian.reshape(-1, n).T @ (information @ jacobian).reshape(-1, n)
    return fisher


def _prior_precision(density, x):
    """Negative second derivatives of the log prior at x (n_dim,).

    Those of each coordinate (n_dim,), 0 for the likelihood's own numbers, and those of the own numbers (own number, own
    number), which may depend on one another. All other coordinates are independent.
    """
    data = density.data
    none = {name: getattr(data, name)[:0] for name in ("X", "y", "weights", "places")}
    no_rows = replace(data, **none, offsets=np.zeros_like(data.offsets))
    prior = Density(density.model, no_rows)
    steps = STEP * np.eye(len(x))[density.layout.own_numbers.where]  # (own number, dim)
    others = STEP - steps.sum(axis=0)  # (dim,)

    def slopes(step):
        return (prior.logp_grad(x - step)[1] - prior.logp_grad(x + step)[1]) / (2 * STEP)  # (dim,)

    of_own_numbers = [slopes(step)[density.layout.own_numbers.where] for step in steps]  # (own number,) each
    return slopes(others), np.reshape(of_own_numbers, (len(steps), len(steps)))
