"""A model as data: a network, a likelihood, a family of priors, and the terms that the weights are sums of.

``Layout`` is the one place that says what the unconstrained vector of a model holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..support.typed import Floats, Integers
from .families import family
from .likelihoods import likelihood
from .network import Network
from .scale_priors import scale_prior


@dataclass(frozen=True, eq=False, kw_only=True)
class Term:
    """A term of the weights: scale · z, which each member of a level adds to some entries, z of the model's family.

    Parameters
    ----------
    name : str
        Name of the part of the network, or of the input map, that the entries make up.
    entries : ndarray of shape (n_entries,)
        Positions in the flat weights, or behind them in the input map or in the likelihood's own numbers.
    level : int
        0: one member for all rows; 1: the outermost groups; 2: the groups within them.
    scale : ndarray of shape (n_entries,) or (n_entries, n_entries), str, or tuple of str
        Fixed, or the lower Cholesky factor of a covariance, of all entries at level 0 only; or the name of a
        learned scale, or the names of several, each of as many entries, one behind the other.
    """

    name: str
    entries: Integers
    level: int
    scale: Floats | str | tuple[str, ...]

    @property
    def learned(self) -> tuple[str, ...]:
        """Names of the learned scales; empty where the scale is fixed."""
        if isinstance(self.scale, str):
            return (self.scale,)
        return self.scale if isinstance(self.scale, tuple) else ()

    @property
    def is_learned(self) -> bool:
        """Whether the scale is learned."""
        return isinstance(self.scale, (str, tuple))

    @property
    def is_factor(self) -> bool:
        """Whether the scale is a Cholesky factor."""
        return not isinstance(self.scale, (str, tuple)) and self.scale.ndim == 2


@dataclass(frozen=True, eq=False, kw_only=True)
class RandomIntercept:
    """What each label of a column adds to the outputs: scale · u, with u ~ Normal(0, 1) for each output.

    Parameters
    ----------
    name : str
        Name of the column.
    n_labels : int
        Number of labels.
    scale : float or str
        Fixed, or the name of a learned scale.
    """

    name: str
    n_labels: int
    scale: float | str

    @property
    def variable(self) -> str:
        """Name of the variable in PyMC and ArviZ, and of the scale."""
        return f"random_intercept_{self.name}"

    @property
    def dim(self) -> str:
        """Name of the axis of the labels in PyMC and ArviZ."""
        return f"{self.name}_label"


class Coordinates(NamedTuple):
    """The unconstrained coordinates of one member of a level, and where and how each adds to the entries."""

    entry: Integers
    prior_scale: Floats  # within the family: a fixed scale at level 0 is there, and everywhere else 1
    fixed: Floats  # factor of the value; 1 where the scale is learned, 0 where a Cholesky factor has it
    learned: Integers  # position of the learned scale, -1 where there is none


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A model of the weights: a network per innermost group, whose weights are sums of terms.

    Parameters
    ----------
    network : Network
        The network of every group.
    likelihood_name : str
        Name of the likelihood of the target given the outputs.
    terms : tuple of Term
        By level, and within a level in the order of the entries.
    family_name : str
        Name of the family of the terms.
    levels : tuple of str
        Names of the levels of groups, the outermost first; empty for one network.
    scale_prior_name : str
        Name of the prior of the learned scales of deviations.
    prior_scales : tuple of str
        Names of the learned scales that belong to the prior of the weights, and not to deviations of groups.
    prior_scale_name : str
        Name of the prior of these scales.
    location : ndarray of shape (n_weights,) or (n_entries,), or None
        What the terms are added to. None: 0.
    map_rank : int
        Rows of the matrix that the deviations of the input map combine; 0 without a map. ``pooling.affine`` has the
        forms of the map.
    n_classes : int or None
        Number of classes of the target, which some likelihoods need. None: the target is a number, or the likelihood
        does not need it.
    random_intercepts : tuple of RandomIntercept
        In the order of the columns.
    """

    network: Network
    likelihood_name: str
    terms: tuple[Term, ...]
    family_name: str = "normal"
    levels: tuple[str, ...] = ()
    scale_prior_name: str = "half_normal"
    prior_scales: tuple[str, ...] = ()
    prior_scale_name: str = "half_normal"
    location: Floats | None = None
    map_rank: int = 0
    n_classes: int | None = None
    random_intercepts: tuple[RandomIntercept, ...] = ()

    @property
    def likelihood(self) -> Any:
        """The likelihood of the target given the outputs."""
        return likelihood(self.likelihood_name).of_classes(self.n_classes)

    @property
    def family(self) -> Any:
        """The family of the terms."""
        return family(self.family_name)

    @property
    def scale_prior(self) -> Any:
        """The prior of the learned scales of deviations."""
        return scale_prior(self.scale_prior_name)

    @property
    def prior_of_prior_scales(self) -> Any:
        """The prior of the learned scales of the prior of the weights."""
        return scale_prior(self.prior_scale_name)

    @property
    def group_axis(self) -> str:
        """Name of the axis of the innermost groups: that of their level, or "group" for one network."""
        return self.levels[-1] if self.levels else "group"

    @property
    def n_entries(self) -> int:
        """Number of entries: of the weights, and of the input map or own numbers behind the weights."""
        first, n_own = self.network.layers[0], len(self.likelihood.own) if self.has_own_entries else 0
        return self.network.n_weights + (first.n_in + first.fit_intercept) * self.map_rank + n_own

    @property
    def has_own_entries(self) -> bool:
        """Whether the likelihood's own numbers, unconstrained, are entries: under an informed prior of them."""
        return len(self.factor) > self.network.n_weights

    @property
    def has_compact_map(self) -> bool:
        """Whether the input map combines fewer rows than there are inputs."""
        return 0 < self.map_rank < self.network.sizes[0]

    @cached_property
    def scale_names(self) -> tuple[str, ...]:
        """Names of the learned scales: ``prior_scales``, and those of the terms and the columns in their order."""
        of_terms = [name for term in self.terms for name in term.learned]
        of_columns = [column.scale for column in self.random_intercepts if isinstance(column.scale, str)]
        return tuple(dict.fromkeys([*self.prior_scales, *of_terms, *of_columns]))

    @property
    def group_scale_names(self) -> tuple[str, ...]:
        """Names of the learned scales of deviations."""
        return self.scale_names[len(self.prior_scales) :]

    @property
    def scale_priors(self) -> list[Any]:
        """The prior of each learned scale."""
        n_of_groups = len(self.group_scale_names)
        return [self.prior_of_prior_scales] * len(self.prior_scales) + [self.scale_prior] * n_of_groups

    def terms_of(self, level: int) -> list[Term]:
        """Terms of one level.

        Parameters
        ----------
        level : int
            0: one member for all rows; 1 and more: groups.

        Returns
        -------
        terms : list of Term
            In the order of the entries.
        """
        return [term for term in self.terms if term.level == level]

    @cached_property
    def shares_all_weights(self) -> bool:
        """Whether every weight has a term that all rows share."""
        shared = [term.entries for term in self.terms_of(0)]
        return len(np.unique(np.concatenate([np.arange(0), *shared]))) >= self.network.n_weights

    def coordinates(self, level: int) -> Coordinates:
        """Coordinates of one level: the terms of the level, one behind the other.

        Parameters
        ----------
        level : int
            0: one member for all rows; 1 and more: groups.

        Returns
        -------
        coordinates : Coordinates
            Entry, prior scale, fixed factor and learned scale of each coordinate, arrays of shape (n_coordinates,).
        """
        parts = [Coordinates(*(np.empty(0, dtype) for dtype in (np.int64, float, float, np.int64)))]
        for term in self.terms_of(level):
            n = len(term.entries)
            prior_scale, fixed, learned = np.ones(n), np.ones(n), np.full(n, -1)  # (entry,) each
            if term.is_learned:
                learned[:] = np.repeat(list(map(self.scale_names.index, term.learned)), n // len(term.learned))
            elif term.is_factor:
                fixed[:] = 0
            elif level == 0:
                prior_scale = np.asarray(term.scale)  # (entry,)
            else:
                fixed = np.asarray(term.scale)
            parts.append(Coordinates(term.entries, prior_scale, fixed, learned))
        return Coordinates(*map(np.concatenate, zip(*parts, strict=True)))  # (coordinate,) each

    @property
    def factor(self) -> Floats:
        """The Cholesky factor of the entries, (entry, entry); empty where no term has such a factor."""
        factors = [np.asarray(term.scale) for term in self.terms if term.is_factor]
        return factors[0] if factors else np.empty((0, 0))

    @property
    def base(self) -> Floats:
        """What the terms are added to, the entries of the input map included, (entry,)."""
        base = np.zeros(self.n_entries)  # (entry,)
        if self.location is not None:
            base[: len(self.location)] = self.location
        return base


class Block(NamedTuple):
    """A run of the unconstrained vector: the coordinates of a level, learned scales, or own numbers."""

    start: int
    n_members: int
    n_coordinates: int  # of each member

    @property
    def where(self) -> slice:
        """Slice of the block in the vector."""
        return slice(self.start, self.start + self.n_members * self.n_coordinates)


class Layout:
    """Layout of the unconstrained vector of a model: which numbers stand where.

    First the coordinates of level 0, the logarithms of the learned scales, and the likelihood's own numbers, unless
    they are entries; then level by level, the outermost first, the coordinates of member after member. Behind them are
    the random intercepts in units of their scales, column by column and label by label, a number for each output.

    Parameters
    ----------
    model : Model
        Network, likelihood, family and terms.
    members : ndarray of shape (n_levels, n_groups)
        The member of each level of groups that every innermost group lies in.

    Attributes
    ----------
    blocks : list of Block
        In the order of the vector, without the random intercepts.
    intercepts_start : int
        Where the random intercepts begin.
    n_labels : int
        Number of labels of all columns of random intercepts.
    n_dim : int
        Length of the vector.
    n_shared : int
        Coordinates before the innermost level of groups.
    n_of_group : int
        Coordinates of each innermost group.
    """

    def __init__(self, model: Model, members: Integers) -> None:
        self.model, self.members = model, members
        sizes = [sum(len(term.entries) for term in model.terms_of(level)) for level in range(len(model.levels) + 1)]
        counts = [1, 1, 1, *(members.max(axis=1) + 1).tolist()[: len(model.levels)]]
        sizes[1:1] = [len(model.scale_names), 0 if model.has_own_entries else len(model.likelihood.own)]
        self.blocks, start = [], 0
        for count, size in zip(counts, sizes, strict=True):
            self.blocks.append(Block(start, count, size))
            start = self.blocks[-1].where.stop
        self.intercepts_start = start
        self.n_labels = sum(column.n_labels for column in model.random_intercepts)
        self.n_dim = start + self.n_labels * model.network.n_outputs
        has_groups = len(self.blocks) > 3
        self.n_shared = self.blocks[-1].start if has_groups else start
        self.n_of_group = self.blocks[-1].n_coordinates if has_groups else 0

    @property
    def own_numbers(self) -> Block:
        """The block of the likelihood's own numbers, empty where these are entries."""
        return self.blocks[2]

    @property
    def n_outer(self) -> int:
        """Number of outer groups, those of all levels of groups but the innermost."""
        return sum(block.n_members for block in self.blocks[3:-1])

    @property
    def level_blocks(self) -> list[Block]:
        """The blocks of the coordinates of the levels, level 0 included."""
        return [self.blocks[0], *self.blocks[3:]]

    def parents(self, level: int) -> Integers:
        """The member of the level before that each member of a level of groups lies in.

        Parameters
        ----------
        level : int
            From 1, the outermost groups, whose members all lie in the one member of level 0.

        Returns
        -------
        parents : ndarray of shape (n_members,)
            Position of the member that lies around each.
        """
        if level == 1:
            return np.zeros(self.members[0].max() + 1, dtype=int)
        _, first_group = np.unique(self.members[level - 1], return_index=True)  # (member,)
        return self.members[level - 2, first_group]

    def split(self, x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[NDArray[Any]]]:
        """Parts of unconstrained vectors.

        Parameters
        ----------
        x : ndarray of shape (..., n_dim)
            Unconstrained vectors.

        Returns
        -------
        first : ndarray of shape (..., n_coordinates)
            Coordinates of level 0.
        log_scales : ndarray of shape (..., n_scales)
            Logarithms of the learned scales.
        own : ndarray of shape (..., n_own_numbers)
            Own numbers of the likelihood, unconstrained.
        levels : list of ndarray of shape (..., n_members, n_coordinates)
            Coordinates of each level of groups.
        """
        first, log_scales, own, *levels = (x[..., block.where] for block in self.blocks)
        members = zip(levels, self.blocks[3:], strict=True)
        return first, log_scales, own, [part.reshape(*x.shape[:-1], *block[1:]) for part, block in members]

    def intercepts(self, x: NDArray[Any]) -> NDArray[Any]:
        """Random intercepts of unconstrained vectors, in units of their scales.

        Parameters
        ----------
        x : ndarray of shape (..., n_dim)
            Unconstrained vectors.

        Returns
        -------
        intercepts : ndarray of shape (..., n_labels, n_outputs)
            Labels of all columns, one column behind the other.
        """
        return x[..., self.intercepts_start :].reshape(*x.shape[:-1], self.n_labels, self.model.network.n_outputs)

    def join(
        self,
        first: NDArray[Any],
        log_scales: NDArray[Any],
        own: NDArray[Any],
        levels: list[NDArray[Any]],
        intercepts: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Unconstrained vectors of their parts, the inverse of ``split`` and ``intercepts``.

        Parameters
        ----------
        first : ndarray of shape (..., n_coordinates)
            Coordinates of level 0.
        log_scales : ndarray of shape (..., n_scales)
            Logarithms of the learned scales.
        own : ndarray of shape (..., n_own_numbers)
            Own numbers of the likelihood, unconstrained.
        levels : list of ndarray of shape (..., n_members, n_coordinates)
            Coordinates of each level of groups.
        intercepts : ndarray of shape (..., n_labels, n_outputs), default=None
            Random intercepts in units of their scales. None: there are none.

        Returns
        -------
        x : ndarray of shape (..., n_dim)
            Unconstrained vectors.
        """
        levels = [level.reshape(*level.shape[:-2], prod(level.shape[-2:])) for level in levels]
        last = [] if intercepts is None else [intercepts.reshape(*intercepts.shape[:-2], prod(intercepts.shape[-2:]))]
        return np.concatenate([first, log_scales, own, *levels, *last], axis=-1)
