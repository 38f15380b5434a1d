"""The compiled log density of a model on the unconstrained vector."""

import ctypes
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data.rows import GroupedData
from ..kernel.log_density import HEADER
from ..model.families import compiled as families
from ..model.scale_priors import compiled as scale_priors
from ..model.terms import Layout, Model
from . import compiled
from .forward import network_form

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)  # takes addresses


@dataclass(frozen=True, eq=False)
class Density:
    """Log density and gradient of a model given the rows of a fit.

    Parameters
    ----------
    model : Model
    data : GroupedData
        Rows sorted by group, inputs standardised.
    """

    model: Model
    data: GroupedData

    @cached_property
    def layout(self):
        """The Layout of the unconstrained vector."""
        return Layout(self.model, self.data.members)

    @property
    def n_dim(self):
        """Length of the unconstrained vector."""
        return self.layout.n_dim

    @cached_property
    def callback(self):
        """The compiled C callback of the log density."""
        return compiled.logp_callback(self.model.likelihood, self.data.weights is not None, self.model.has_compact_map)

    @cached_property
    def _call(self):
        return CALLBACK(self.callback.address)  # so that both routes through nutpie see the same last digits

    def logp_grad(self, x):
        """Log density at x (n_dim,), Jacobians included, and the gradient (n_dim,)."""
        x = np.ascontiguousarray(x, dtype=float)  # (n_dim,)
        found = np.empty(self.n_dim + 1)  # (gradient and log density,)
        address = found.ctypes.data  # asking takes longer than a small group's gradient
        self._call(self.n_dim, x.ctypes.data, address, address + found[:-1].nbytes, self.header_address)
        return found[-1], found[:-1]

    def initial_point(self, seed):
        """Random start of one chain, (n_dim,), uniform on (-0.5, 0.5).

        Near 0 all networks are alike and chains find the better modes from there: starts from the prior left one
        chain in four in a worse mode on the moons of the 2018 article.
        """
        return np.random.default_rng(seed).uniform(-0.5, 0.5, self.n_dim)  # (n_dim,)

    @property
    def header_address(self):
        """Address of the record with the data of a call; valid while the Density lives."""
        return self._header[0]

    @cached_property
    def _header(self):
        """Address of the record that ``kernel.log_density`` reads, the record, and the arrays it refers to."""
        model, data, network = self.model, self.data, self.model.network
        levels = [model.coordinates(level) for level in range(len(model.levels) + 1)]
        entry, prior_scale, fixed, _ = map(np.concatenate, zip(*levels, strict=True))  # (coordinate,) each
        names = list(model.scale_names)
        form, n_scales = network_form(network), len(model.scale_names)
        members = np.vstack([np.zeros(data.n_groups, dtype=int), data.members[: len(model.levels)]])  # (level, group)
        # Groups that differ in no level of the model have one network, and their rows are those of one group.
        _, first = np.unique(members[-1], return_index=True)  # (member of the innermost level,)
        scale_prior = model.scale_prior
        numbers = {
            "n_layers": len(network.layers),
            "activation": form.activation,
            "fit_intercept": form.fit_intercept,
            "n_rows": len(data.y),
            "n_row_weights": 0 if data.weights is None else len(data.weights),
            "n_groups": len(first),
            "n_levels": len(levels),
            "n_entries": model.n_entries,
            "map_rank": model.map_rank,
            "n_factor": len(model.factor),
            "n_terms": len(model.terms),
            "family": families.number(model.family),
            "family_shape": model.family.shape,
            "n_scales": n_scales,
            "scales_place": self.layout.blocks[1].start,
            "n_own": len(model.likelihood.own),
            "own_place": self.layout.blocks[2].start,
            "constant": self._log_constant(levels),
        }
        integers = {
            "sizes": form.sizes,
            "offsets": data.offsets[[*first, data.n_groups]],
            "members": members[:, first],
            "places": [block.start for block in self.layout.level_blocks],  # (level,)
            "level_starts": np.cumsum([0, *(len(level.entry) for level in levels)]),  # (level + 1,)
            "entry": entry,
            "term_stops": np.cumsum([len(term.entries) for term in model.terms]),  # (term,)
            "term_scales": [
                names.index(term.scale) if isinstance(term.scale, str) else -1 for term in model.terms
            ],  # (term,)
            "scale_prior": np.full(n_scales, scale_priors.number(scale_prior)),  # (scale,)
        }
        doubles = {
            "X": data.X.T,  # (feature, row)
            "y": data.y,
            "row_weights": np.empty(0) if data.weights is None else data.weights,
            "location": model.base,
            "prior_scale": prior_scale,
            "fixed": fixed,
            "factor": model.factor,
            "scale_parameters": np.tile(scale_prior.parameters, (n_scales, 1)),  # (scale, 2)
        }
        arrays = {name: np.ascontiguousarray(array, dtype=np.int64) for name, array in integers.items()}
        arrays |= {name: np.ascontiguousarray(array, dtype=float) for name, array in doubles.items()}
        header = np.zeros(1, HEADER)  # (1,)
        for name, number in numbers.items():
            header[name] = number
        for name, array in arrays.items():
            header[name] = array.ctypes.data
        return header.ctypes.data, header, arrays

    def _log_constant(self, levels):
        """The sum of the normalising constants of all priors; the likelihood adds constants of its own in each row."""
        model = self.model
        constant = model.scale_prior.log_constant * len(model.scale_names)
        for level, block in zip(levels, self.layout.level_blocks, strict=True):
            constant += block.n_members * float(np.sum(model.family.log_constant(level.prior_scale)))
        return constant
