"""A model as data: a network, a likelihood, a family of priors, and the terms that the weights are sums of.

``Layout`` is the one place that says what the unconstrained vector of a model holds.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np

from .families import family
from .likelihoods import likelihood
from .network import Network
from .scale_priors import scale_prior


@dataclass(frozen=True, eq=False, kw_only=True)
class Term:
    """What each member of a level adds to some entries of its network: scale · z, where z has the family of the model.

    Parameters
    ----------
    name : str
        Name of the part of the network, or of the input map, that the entries make up.
    entries : ndarray of shape (n_entries,)
        Positions in the flat weights, or behind them in the input map.
    level : int
        0: one member for all rows; 1: the outermost groups; 2: the groups within them.
    scale : ndarray of shape (n_entries,) or (n_entries, n_entries), or str
        Fixed, or the lower Cholesky factor of a covariance, of the first weights at level 0 only; or the name of a
        learned scale.
    """

    name: str
    entries: np.ndarray
    level: int
    scale: np.ndarray | str

    @property
    def is_learned(self):
        """Whether the scale is learned."""
        return isinstance(self.scale, str)

    @property
    def is_factor(self):
        """Whether the scale is a Cholesky factor."""
        return not isinstance(self.scale, str) and self.scale.ndim == 2


class Coordinates(NamedTuple):
    """What the unconstrained coordinates of one member of a level add to its entries, (coordinate,) each."""

    entry: np.ndarray
    prior_scale: np.ndarray  # within the family: a fixed scale at level 0 is there, and everywhere else 1
    fixed: np.ndarray  # factor of the value; 1 where the scale is learned, 0 where a Cholesky factor has it
    learned: np.ndarray  # position of the learned scale, -1 where there is none


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A network per innermost group, whose weights are sums of terms.

    Parameters
    ----------
    network : Network
        The network of every group.
    likelihood_name : str
        Name of the likelihood of the target given the outputs.
    family_name : str
        Name of the family of the terms.
    terms : tuple of Term
        By level, and within a level in the order of their entries.
    levels : tuple of str
        Names of the levels of groups, the outermost first; empty for one network.
    scale_prior_name : str
        Name of the prior of the learned scales.
    location : ndarray of shape (n_weights,) or None
        What the terms are added to. None: 0.
    map_rank : int
        Rows of the matrix that the deviations of the input map combine; 0 without a map. ``pooling.affine`` has the
        forms of the map.
    """

    network: Network
    likelihood_name: str
    terms: tuple
    family_name: str = "normal"
    levels: tuple = ()
    scale_prior_name: str = "half_normal"
    location: np.ndarray | None = None
    map_rank: int = 0

    @property
    def likelihood(self):
        """The likelihood."""
        return likelihood(self.likelihood_name)

    @property
    def family(self):
        """The family of the terms."""
        return family(self.family_name)

    @property
    def scale_prior(self):
        """The prior of the learned scales."""
        return scale_prior(self.scale_prior_name)

    @property
    def n_entries(self):
        """Number of weights, and of the entries of the input map behind them."""
        first = self.network.layers[0]
        return self.network.n_weights + (first.n_in + first.fit_intercept) * self.map_rank

    @property
    def has_compact_map(self):
        """Whether the input map combines fewer rows than there are inputs."""
        return 0 < self.map_rank < self.network.sizes[0]

    @cached_property
    def scale_names(self):
        """Names of the learned scales, in the order of their first terms, those of level 0 first."""
        return tuple(dict.fromkeys(term.scale for term in self.terms if term.is_learned))

    def terms_of(self, level):
        """The terms of a level."""
        return [term for term in self.terms if term.level == level]

    @cached_property
    def shares_all_weights(self):
        """Whether every weight has a part that all rows share."""
        shared = [term.entries for term in self.terms_of(0)]
        return len(np.unique(np.concatenate([np.arange(0), *shared]))) == self.network.n_weights

    def coordinates(self, level):
        """The Coordinates of a level: those of its terms, one term behind the other."""
        parts = [Coordinates(*(np.empty(0, dtype) for dtype in (np.int64, float, float, np.int64)))]
        for term in self.terms_of(level):
            n = len(term.entries)
            prior_scale, fixed, learned = np.ones(n), np.ones(n), np.full(n, -1)  # (entry,) each
            if term.is_learned:
                learned[:] = self.scale_names.index(term.scale)
            elif term.is_factor:
                fixed[:] = 0
            elif level == 0:
                prior_scale = term.scale
            else:
                fixed = term.scale
            parts.append(Coordinates(term.entries, prior_scale, fixed, learned))
        return Coordinates(*map(np.concatenate, zip(*parts, strict=True)))  # (coordinate,) each

    @property
    def factor(self):
        """The Cholesky factor of the first weights, (weight, weight); empty where no term has one."""
        factors = [term.scale for term in self.terms if term.is_factor]
        return factors[0] if factors else np.empty((0, 0))

    @property
    def base(self):
        """What the terms are added to, the entries of the input map included, (entry,)."""
        base = np.zeros(self.n_entries)  # (entry,)
        if self.location is not None:
            base[: self.network.n_weights] = self.location
        return base


class Block(NamedTuple):
    """Neighbours in the unconstrained vector."""

    start: int
    n_members: int
    n_coordinates: int  # of each member

    @property
    def where(self):
        """The slice of the vector."""
        return slice(self.start, self.start + self.n_members * self.n_coordinates)


class Layout:
    """What the unconstrained vector of a model holds.

    First the coordinates of level 0, the logarithms of the learned scales, and the likelihood's own numbers; then level
    by level, the outermost first, the coordinates of member after member.

    Parameters
    ----------
    model : Model
    members : ndarray of shape (n_levels, n_groups)
        The member of each level of groups that every innermost group lies in.

    Attributes
    ----------
    blocks : list of Block
        In the order of the vector.
    n_dim : int
        Length of the vector.
    n_shared : int
        Coordinates before the innermost level of groups.
    n_own : int
        Coordinates of each innermost group.
    """

    def __init__(self, model, members):
        self.model, self.members = model, members
        sizes = [sum(len(term.entries) for term in model.terms_of(level)) for level in range(len(model.levels) + 1)]
        counts = [1, 1, 1, *(members.max(axis=1) + 1)[: len(model.levels)]]
        sizes[1:1] = [len(model.scale_names), len(model.likelihood.own)]
        self.blocks, start = [], 0
        for count, size in zip(counts, sizes, strict=True):
            self.blocks.append(Block(start, count, size))
            start = self.blocks[-1].where.stop
        self.n_dim = start
        has_groups = len(self.blocks) > 3
        self.n_shared = self.blocks[-1].start if has_groups else start
        self.n_own = self.blocks[-1].n_coordinates if has_groups else 0

    @property
    def level_blocks(self):
        """The blocks of the coordinates of the levels, level 0 included."""
        return [self.blocks[0], *self.blocks[3:]]

    def split(self, x):
        """The parts of x (..., n_dim): level 0, logarithms of scales and own numbers (..., coordinate), and of levels.

        Each level of groups is (..., member, coordinate).
        """
        first, log_scales, own, *levels = (x[..., block.where] for block in self.blocks)
        members = zip(levels, self.blocks[3:], strict=True)
        return first, log_scales, own, [part.reshape(*x.shape[:-1], *block[1:]) for part, block in members]

    def join(self, first, log_scales, own, levels):
        """The vector (..., n_dim) whose parts ``split`` gives."""
        levels = [level.reshape(*level.shape[:-2], prod(level.shape[-2:])) for level in levels]
        return np.concatenate([first, log_scales, own, *levels], axis=-1)
