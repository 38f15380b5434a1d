"""The compiled log density of the three models on the unconstrained vector, and back from it to weights."""

import ctypes
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data import GroupedData
from . import kernels
from .priors import FlatModel, HierarchicalModel, InformedModel

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class Density:
    """Log density and gradient of a model given the rows of a fit.

    The unconstrained vector holds, for a flat model, the weights (weight); for an informed one z (weight); for a
    hierarchical one mu (weight), the logarithms of the group scales (layer) and z (group * weight).

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    data : GroupedData
        Rows sorted by group, inputs standardised.
    """

    model: FlatModel | HierarchicalModel | InformedModel
    data: GroupedData

    @property
    def n_dim(self):
        """Length of the unconstrained vector."""
        network = self.model.network
        if isinstance(self.model, HierarchicalModel):
            return network.n_weights * (1 + self.data.n_groups) + len(network.layers)
        return network.n_weights

    def logp_grad(self, x):
        """Log density, Jacobians included, and its gradient at x of shape (n_dim,)."""
        # Through the C callback itself, so that both routes through nutpie see the same last digits.
        callback, _ = kernels.nutpie_callbacks()
        x = np.ascontiguousarray(x, dtype=float)  # (n_dim,)
        grad, logp = np.empty(self.n_dim), np.empty(1)  # (n_dim,), (1,)
        double = ctypes.POINTER(ctypes.c_double)
        pointers = [array.ctypes.data_as(double) for array in (x, grad, logp)]
        callback.ctypes(self.n_dim, *pointers, self.header.ctypes.data)
        return logp[0], grad

    def initial_point(self, seed):
        """A start for one chain, uniform on (-0.5, 0.5).

        Near 0 all networks are alike and chains find the better modes from there: starts from the prior left one
        chain in four in a worse mode on the moons of the 2018 article.
        """
        return np.random.default_rng(seed).uniform(-0.5, 0.5, self.n_dim)  # (n_dim,)

    @cached_property
    def header(self):
        """Sizes and addresses for the C callback, read by ``kernels._nutpie_logp``; valid while self lives."""
        code, sizes, activation, fit_intercept, *arrays = self._arguments
        n_weights = self.model.network.n_weights
        head = [code, self.data.n_groups, len(self.data.y), sizes.size - 1, n_weights, activation, fit_intercept]
        return np.array(head + [a.ctypes.data for a in (sizes, *arrays)] + [0], dtype=np.int64)  # (16,)

    @cached_property
    def _arguments(self):
        """Arguments of ``kernels.log_density_grad`` after x and grad."""
        network, data = self.model.network, self.data
        location = np.zeros(network.n_weights)  # (weight,)
        half_normal = getattr(self.model, "group_scale", 1.0)
        constant = -0.5 * self.n_dim * LOG_2PI
        if isinstance(self.model, InformedModel):
            location, scale = self.model.mean, self.model.cholesky.ravel()  # (weight,), (weight * weight,)
        else:
            scale = self.model.scale  # (weight,)
            constant -= np.log(scale).sum()
        if isinstance(self.model, HierarchicalModel):
            # The half-normal density is twice the normal one on half the line.
            constant += len(network.layers) * (math.log(2) - math.log(half_normal))
        codes = {FlatModel: kernels.FLAT, HierarchicalModel: kernels.HIERARCHICAL, InformedModel: kernels.INFORMED}
        return (
            codes[type(self.model)],
            np.array(network.sizes, dtype=np.int64),
            kernels.ACTIVATIONS.index(network.activation),
            network.fit_intercept,
            data.offsets,
            np.ascontiguousarray(data.X.T),  # (feature, row)
            data.y.astype(float),  # (row,)
            np.array(location, dtype=float),
            np.array(scale, dtype=float),
            network.layer_of_weight.astype(np.int64),
            np.array([constant, half_normal]),
        )
