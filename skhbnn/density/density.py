"""The compiled log density of a model on the unconstrained vector."""

import ctypes
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data.rows import GroupedData
from ..kernel.log_density import HEADER
from ..model.families import compiled as families
from ..model.scale_priors import compiled as scale_priors
from ..model.terms import Block, Layout, Model
from . import compiled
from .batches import batches_of
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
        model = self.model
        variant = (model.has_compact_map, self._batches.in_lanes, bool(model.random_intercepts))
        return compiled.logp_callback(model.likelihood_name, *variant)

    @cached_property
    def _batches(self):
        """The Batches of the groups; groups that differ in no level of the model are one, and see one network."""
        n_levels, offsets = len(self.model.levels), self.data.offsets
        if n_levels == 0:
            return batches_of(offsets[[0, -1]])
        _, first = np.unique(self.data.members[n_levels - 1], return_index=True)  # (member of the innermost level,)
        return batches_of(offsets[[*first, self.data.n_groups]])

    def _parents(self):
        """Position of what lies around it among all outer members, of outer members and of groups, (member,) each."""
        blocks, parents, start = self.layout.level_blocks, [np.array([-1])], 0  # level 0 lies in nothing
        for level in range(1, len(blocks)):
            parents.append(start + self.layout.parents(level))  # (member,)
            start += blocks[level - 1].n_members
        if len(parents) == 1:
            parents.append(np.zeros(1, dtype=int))
        return np.concatenate(parents[:-1]), parents[-1]

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
        levels, blocks = [model.coordinates(level) for level in range(len(model.levels) + 1)], self.layout.level_blocks
        if not model.levels:  # the one group has no coordinates
            levels.append(model.coordinates(1))
            blocks.append(Block(self.n_dim, 1, 0))
        entry, prior_scale, fixed, _ = map(np.concatenate, zip(*levels, strict=True))  # (coordinate,) each
        names = list(model.scale_names)
        form, n_scales = network_form(network), len(model.scale_names)
        batches, priors = self._batches, model.scale_priors
        # Runs of coordinates of one scale: its name, or "" where it is fixed, and its length.
        runs = [
            (name, len(term.entries) // max(len(term.learned), 1))
            for term in model.terms
            for name in term.learned or ("",)
        ]
        outer_parents, parents = self._parents()  # (outer member,), (group,)
        intercepts, n_outputs = model.random_intercepts, network.n_outputs
        moved = [k for coordinates in levels[1 : len(model.levels)] for k in coordinates[0].tolist()]  # by outer levels
        first_moved = min(moved, default=0)
        stops = n_outputs * np.cumsum([column.n_labels for column in intercepts], dtype=int)  # (column,)
        starts = np.concatenate([[0], stops])[:-1]  # (column,)
        numbers = {
            "n_layers": len(network.layers),
            "activation": form.activation,
            "fit_intercept": form.fit_intercept,
            "n_rows": len(batches.rows),
            "n_batches": len(batches.members),
            "n_levels": len(levels),
            "n_outer": len(outer_parents),
            "first_moved": first_moved,
            "n_moved": max(moved) + 1 - first_moved if moved else 0,
            "n_entries": model.n_entries,
            "map_rank": model.map_rank,
            "n_factor": len(model.factor),
            "n_terms": len(runs),
            "family": families.number(model.family),
            "family_shape": model.family.shape,
            "n_scales": n_scales,
            "scales_place": self.layout.blocks[1].start,
            "n_own": len(model.likelihood.own),
            "own_place": -1 if model.has_own_entries else self.layout.own_numbers.start,
            "n_columns": len(intercepts),
            "n_intercepts": stops[-1] if intercepts else 0,
            "intercepts_place": self.layout.intercepts_start,
            "constant": self._log_constant(levels, blocks),
        }
        integers = {
            "sizes": form.sizes,
            "offsets": batches.offsets,
            "members": batches.members,
            "parents": parents[batches.members],  # (batch, lane)
            "places": [block.start for block in blocks],  # (level,)
            "level_starts": np.cumsum([0, *(len(level.entry) for level in levels)]),  # (level + 1,)
            "outer_counts": [block.n_members for block in blocks[:-1]],  # (outer level,)
            "outer_parents": outer_parents,
            "level_runs": [len(level[0]) > 0 and bool(np.all(np.diff(level[0]) == 1)) for level in levels],
            "entry": entry,
            "intercept_codes": starts[:, None] + n_outputs * data.labels_of_row[batches.rows].T,  # (column, place)
            "intercept_stops": stops,
            "intercept_scales": [
                names.index(column.scale) if isinstance(column.scale, str) else -1 for column in intercepts
            ],  # (column,)
            "term_stops": np.cumsum([length for _, length in runs]),  # (run,)
            "term_scales": [names.index(name) if name else -1 for name, _ in runs],  # (run,)
            "scale_prior": [scale_priors.number(prior) for prior in priors],  # (scale,)
        }
        doubles = {
            "X": data.X.T[:, batches.rows],  # (feature, place)
            "y": data.y[batches.rows],
            "row_weights": batches.counts * data.weights[batches.rows],
            "location": model.base,
            "prior_scale": prior_scale,
            "fixed": fixed,
            "factor": model.factor,
            "fixed_scales": [1.0 if isinstance(column.scale, str) else column.scale for column in intercepts],
            "scale_parameters": [prior.parameters for prior in priors],  # (scale, 2)
        }
        arrays = {name: np.ascontiguousarray(array, dtype=np.int64) for name, array in integers.items()}
        arrays |= {name: np.ascontiguousarray(array, dtype=float) for name, array in doubles.items()}
        header = np.zeros(1, HEADER)  # (1,)
        for name, number in numbers.items():
            header[name] = number
        for name, array in arrays.items():
            header[name] = array.ctypes.data
        return header.ctypes.data, header, arrays

    def _log_constant(self, levels, blocks):
        """The sum of the normalising constants of all priors; the likelihood adds constants of its own in each row."""
        model = self.model
        constant = model.scale_prior.log_constant * len(model.group_scale_names)
        constant += model.prior_of_prior_scales.log_constant * len(model.prior_scales)
        for level, block in zip(levels, blocks, strict=True):
            constant += block.n_members * float(np.sum(model.family.log_constant(level.prior_scale)))
        n_intercepts = self.n_dim - self.layout.intercepts_start
        return constant - 0.5 * n_intercepts * np.log(2 * np.pi)
