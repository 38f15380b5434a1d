"""Gauss-Newton precision of the compiled density, and normal distributions with such a precision.

Given the shared coordinates (means and group scales) the groups are independent, so the precision is an arrow of
blocks: the shared coordinates by themselves, and for each group its coordinates with the shared ones and by themselves.
Memory and time are linear in the groups.
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
    cross : ndarray of shape (n_groups, n_shared, n_of_group)
        Precision between the shared coordinates and the coordinates of each group.
    of_groups : ndarray of shape (n_groups, n_of_group, n_of_group)
        Precision of the coordinates of each group.
    """

    mean: np.ndarray
    shared: np.ndarray
    cross: np.ndarray
    of_groups: np.ndarray

    @cached_property
    def _factor_of_groups(self):
        return np.linalg.cholesky(self.of_groups)  # (group, coordinate, coordinate)

    @cached_property
    def _slopes(self):
        """Minus the slopes of each group's conditional mean in the shared coordinates, (group, coordinate, shared)."""
        return np.linalg.solve(self.of_groups, np.swapaxes(self.cross, 1, 2))

    @cached_property
    def _shared_factor(self):
        """Cholesky factor of the marginal precision of the shared coordinates, (shared, shared)."""
        return np.linalg.cholesky(self.shared - np.einsum("gsz,gzt->st", self.cross, self._slopes))

    @cached_property
    def log_det(self):
        """Logarithm of the determinant of the precision."""
        diagonals = [
            np.diagonal(factor, axis1=-2, axis2=-1) for factor in (self._factor_of_groups, self._shared_factor)
        ]
        return 2 * sum(np.log(diagonal).sum() for diagonal in diagonals)

    def _split(self, x):
        """Coordinates of x (..., n_dim): shared ones (..., shared), and those of groups (..., group, coordinate)."""
        n_shared = len(self.shared)
        return x[..., :n_shared], x[..., n_shared:].reshape(*x.shape[:-1], *self.of_groups.shape[:2])

    def draw(self, rng, n_draws):
        """Independent draws, (draw, n_dim)."""
        shared, of_groups = self._split(rng.standard_normal((n_draws, len(self.mean))))
        shared = np.linalg.solve(self._shared_factor.T, shared.T).T  # (draw, shared)
        upper = np.swapaxes(self._factor_of_groups, 1, 2)  # (group, coordinate, coordinate)
        of_groups = np.linalg.solve(upper, of_groups.transpose(1, 2, 0)).transpose(2, 0, 1)  # (draw, group, coordinate)
        of_groups = of_groups - np.einsum("gzs,ds->dgz", self._slopes, shared)
        flat = of_groups.reshape(n_draws, len(self.mean) - len(self.shared))  # (draw, group * coordinate)
        return self.mean + np.concatenate([shared, flat], axis=1)

    def log_density(self, x):
        """Log density of x (draw, n_dim), (draw,)."""
        shared, of_groups = self._split(x - self.mean)
        form = np.einsum("ds,st,dt->d", shared, self.shared, shared, optimize=True)  # (draw,)
        form += 2 * np.einsum("ds,gsz,dgz->d", shared, self.cross, of_groups, optimize=True)
        form += np.einsum("dgy,gyz,dgz->d", of_groups, self.of_groups, of_groups, optimize=True)
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
    of_own = np.zeros((data.n_groups, n_own_numbers, n_shared + layout.n_of_group))  # (group, own number, coordinate)
    of_own[:, :, :n_shared] = tangent.own_jacobian
    jacobian = np.concatenate([tangent.jacobian, of_own], axis=1)  # (group, weight + own number, coordinate)
    fisher = _fisher(density, tangent.weights, tangent.own)  # (group, weight + own number, weight + own number)
    precision = np.swapaxes(jacobian, 1, 2) @ fisher @ jacobian  # (group, coordinate, coordinate)
    prior, of_own_numbers = _prior_precision(density, x)  # (n_dim,), (own number, own number)
    shared = precision[:, :n_shared, :n_shared].sum(axis=0)  # (shared, shared)
    of_groups = precision[:, n_shared:, n_shared:]  # (group, coordinate, coordinate)
    shared[np.diag_indices_from(shared)] += prior[:n_shared]
    own_numbers = layout.own_numbers.where
    shared[own_numbers, own_numbers] += of_own_numbers
    diagonal = range(layout.n_of_group)
    of_groups[:, diagonal, diagonal] += prior[n_shared:].reshape(of_groups.shape[:2])
    return ArrowNormal(x, shared, precision[:, :n_shared, n_shared:], of_groups)


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
        information = model.likelihood.information(outputs, own)  # (row, output + own number, output + own number)
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
    start, _, n = density.layout.own_numbers
    steps = STEP * np.eye(n, len(x), start)  # (own number, dim)

    def slopes(step):
        return (prior.logp_grad(x - step)[1] - prior.logp_grad(x + step)[1]) / (2 * STEP)  # (dim,)

    of_own_numbers = [slopes(step)[start : start + n] for step in steps]  # (own number,) each
    return slopes(STEP - steps.sum(axis=0)), np.reshape(of_own_numbers, (n, n))
