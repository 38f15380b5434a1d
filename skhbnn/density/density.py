"""The compiled log density of the three models on the unconstrained vector."""

import ctypes
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ..data.rows import GroupedData
from ..kernel import log_density
from ..model import families
from ..model.priors import (
    FlatModel,
    HierarchicalModel,
    InformedModel,
    constant_group_scales,
    entries_with_deviation,
    n_dim,
    n_map_entries,
    part_names,
    part_of_entry,
    weights_with_mean,
)
from . import compiled

WEIGHT_FAMILIES = {
    "normal": log_density.NORMAL,
    "laplace": log_density.LAPLACE,
    "student_t": log_density.STUDENT_T,
    "cauchy": log_density.STUDENT_T,
}
SCALE_FAMILIES = {
    "half_normal": (log_density.HALF_NORMAL, families.HALF_SCALE, 0.0),
    "half_cauchy": (log_density.HALF_CAUCHY, families.HALF_SCALE, 0.0),
    "inverse_gamma": (log_density.INVERSE_GAMMA, *families.INVERSE_GAMMA),
}


@cache
def _callback():
    """The C callback itself, so that both routes through nutpie see the same last digits; it takes addresses."""
    callback, _ = compiled.nutpie_callbacks()
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)(callback.address)


@dataclass(frozen=True, eq=False)
class Density:
    """Log density and gradient of a model given the rows of a fit.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    data : GroupedData
        Rows sorted by group, inputs standardised.
    """

    model: FlatModel | HierarchicalModel | InformedModel
    data: GroupedData

    @cached_property
    def n_dim(self):
        """Length of the unconstrained vector; ``priors.n_dim`` says what it holds."""
        return n_dim(self.model, self.data.n_groups)

    def logp_grad(self, x):
        """Log density, Jacobians included, and its gradient at x of shape (n_dim,)."""
        x = np.ascontiguousarray(x, dtype=float)  # (n_dim,)
        found = np.empty(self.n_dim + 1)  # (gradient and log density,)
        address = found.ctypes.data  # asking takes longer than a small group's gradient
        _callback()(self.n_dim, x.ctypes.data, address, address + found[:-1].nbytes, self._header_address)
        return found[-1], found[:-1]

    def initial_point(self, seed):
        """A start for one chain, uniform on (-0.5, 0.5).

        Near 0 all networks are alike and chains find the better modes from there: starts from the prior left one
        chain in four in a worse mode on the moons of the 2018 article.
        """
        return np.random.default_rng(seed).uniform(-0.5, 0.5, self.n_dim)  # (n_dim,)

    @cached_property
    def header(self):
        """Sizes, codes and addresses for ``log_density.logp_grad``; valid while self lives."""
        numbers, arrays = self._arguments
        return np.array(numbers + [array.ctypes.data for array in arrays], dtype=np.int64)  # (HEADER,)

    @cached_property
    def _header_address(self):
        return self.header.ctypes.data

    @cached_property
    def _arguments(self):
        """Numbers and arrays in the order of the header."""
        network, data, model = self.model.network, self.data, self.model
        means = deviations = learned = np.array([], dtype=np.int64)
        scale_of_mean = constant_scale = np.array([])
        location, cholesky = np.array([]), np.empty((0, 0))
        weight_prior, scale_prior, n_scales = "normal", "half_normal", len(model.learned_scales)
        if isinstance(model, InformedModel):
            location, cholesky = model.mean, model.cholesky  # (weight,), (weight, weight)
        else:
            layer = network.layer_of_weight  # (weight,)
            means, deviations = weights_with_mean(model), entries_with_deviation(model)  # (mean,), (deviation,)
            scale_of_mean = model.scale[layer[means]]  # (mean,)
            weight_prior = model.weight_prior
            part = part_of_entry(model)[deviations]  # (deviation,)
            rank = np.full(len(part_names(model)), -1)  # (part,)
            rank[list(model.learned_scales)] = range(n_scales)
            learned, constant_scale = rank[part], constant_group_scales(model)[part]  # (deviation,) each
        if isinstance(model, HierarchicalModel) and n_scales:
            scale_prior = str(model.group_scale_prior)
        sizes, activation, fit_intercept = network.compiled_form  # (layer + 1,)
        constant = families.log_constant(weight_prior) * (self.n_dim - n_scales)
        if weight_prior == "normal":
            constant -= np.log(scale_of_mean).sum()
        constant += families.group_scale_log_constant(scale_prior) * n_scales
        scale_family, *scale_parameters = SCALE_FAMILIES[scale_prior]
        numbers = [
            *(data.n_groups, len(data.y), len(network.layers), len(means), len(deviations), len(location)),
            *(activation, fit_intercept, n_map_entries(model)),
            *(WEIGHT_FAMILIES[weight_prior], scale_family, n_scales),
        ]
        nu = families.DEGREES_OF_FREEDOM.get(weight_prior, 0.0)
        integers = (sizes, data.offsets, means, deviations, learned)
        sizes, offsets, means, deviations, learned = (array.astype(np.int64) for array in integers)
        X, y = np.ascontiguousarray(data.X.T), data.y.astype(float)  # (feature, row), (row,)
        parameters = np.array([nu, *scale_parameters, constant])
        arrays = (
            *(sizes, offsets, X, y, means, scale_of_mean, deviations, learned, constant_scale),
            *(np.ascontiguousarray(location, dtype=float), parameters, np.ascontiguousarray(cholesky, dtype=float)),
        )
        return numbers, arrays
