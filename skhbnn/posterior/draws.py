"""Draws of every group's weights and of the group distribution."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..data.labels import label_generator
from ..data.rows import GroupedData
from ..density.forward import Forward
from ..model.network import Network
from ..model.terms import Model
from ..model.weights import apply_map, factors
from ..support.memory import require_memory
from ..support.psis import resampled
from ..support.typed import Floats, Ints, Singles
from .prediction import Predictor, log_likelihood

Number = TypeVar("Number", bound=np.generic)

POPULATION_DRAWS = 400  # of a mode's group distribution, or distribution of random intercepts


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior draws of the weights.

    Parameters
    ----------
    model : Model
        Network, likelihood, family and terms.
    weights : ndarray of shape (n_chains, n_draws, n_groups, n_weights)
        Weights of every group's network, float32.
    sample_stats : dict of ndarray of shape (n_chains, n_draws)
        Statistics of the sampler.
    seed : int
        Fixes the weights drawn for unseen groups.
    group_mean : ndarray of shape (n_chains, n_draws, n_weights) or None
        Mean of the group distribution, 0 in layers that are not pooled; None for a model of one network.
    group_scale : ndarray of shape (n_chains, n_draws, n_scales) or None
        Learned scales of deviations, which ``learned_parts`` names; None where there are none.
    own : ndarray of shape (n_chains, n_draws, n_own) or None
        The likelihood's own numbers; None where it has none.
    random_intercepts : ndarray of shape (n_chains, n_draws, n_labels, n_outputs) or None
        What the labels of all columns of random intercepts, one column behind the other, add to the outputs;
        ``intercepts_of`` has those of one column. None where there are none.
    prior_scale : ndarray of shape (n_chains, n_draws, n_prior_scales) or None
        Learned scales of the prior of the weights, which ``prior_parts`` names; None where they are fixed.
    outer : ndarray of shape (n_chains, n_draws, n_outer_groups, n_entries) or None
        What new groups within each outer group are drawn around, the groups of the outermost level first: weights, and
        behind them the deviations of an input map that is not applied yet, float32. None unless there are several
        levels of groups. ``outer_weights`` has the weights.
    mode_weights : ndarray of shape (n_modes, n_groups, n_weights) or None
        Where the network is linearised, float32; ``sample_stats["mode"]`` has the mode of each draw. None: it is not.
    mode_group_mean : ndarray of shape (n_modes, n_weights) or None
        Where the network of an unseen group is linearised, of a hierarchical fit, float32.
    mode_outer : ndarray of shape (n_modes, n_outer_groups, n_weights) or None
        Where the network of an unseen group within an outer group is linearised, float32.
    chain_weights : ndarray of shape (n_chains,) or None
        Share of each chain in predictions. None: equal shares.

    Attributes
    ----------
    dims : dict
        Names of the axes of each array.
    """

    model: Model
    weights: Singles
    sample_stats: dict[str, NDArray[Any]]
    seed: int
    group_mean: Singles | None = None
    group_scale: Singles | None = None
    own: Singles | None = None
    random_intercepts: Singles | None = None
    prior_scale: Singles | None = None
    outer: Singles | None = None
    mode_weights: Singles | None = None
    mode_group_mean: Singles | None = None
    mode_outer: Singles | None = None
    chain_weights: Floats | None = None

    dims: ClassVar[dict[str, tuple[str, ...]]] = {
        "weights": ("chain", "draw", "group", "weight"),
        "group_mean": ("chain", "draw", "weight"),
        "group_scale": ("chain", "draw", "scale"),
        "own": ("chain", "draw", "own"),
        "random_intercepts": ("chain", "draw", "label", "output"),
        "prior_scale": ("chain", "draw", "prior_scale"),
        "outer": ("chain", "draw", "outer", "entry"),
        "mode_weights": ("mode", "group", "weight"),
        "mode_group_mean": ("mode", "weight"),
        "mode_outer": ("mode", "outer", "weight"),
    }

    @property
    def network(self) -> Network:
        """The network of every group."""
        return self.model.network

    @property
    def predictor(self) -> Predictor:
        """The Predictor, which makes distributions of targets of ``group_parameters`` and other parameters."""
        return Predictor(Forward(self.network, self.mode_weights is not None), self.model.likelihood)

    @property
    def n_draws(self) -> int:
        """Number of draws of all chains together."""
        return self.weights.shape[0] * self.weights.shape[1]

    @property
    def is_of_modes(self) -> bool:
        """Whether it is a mode, or linearised networks around modes, where no learned scale is small."""
        return self.n_draws == 1 or self.mode_weights is not None

    @property
    def learned_parts(self) -> list[str]:
        """Names of the learned scales of deviations: parts of the network or of the input map, or random intercepts."""
        return list(self.model.group_scale_names)

    @property
    def prior_parts(self) -> list[str]:
        """Names of the learned scales of the prior: inputs of the first layer, and layers."""
        return list(self.model.prior_scales)

    @property
    def scales(self) -> Singles:
        """Learned scales of the prior and of deviations over the draws of all chains, (draw, scale)."""
        parts = [np.empty((self.n_draws, 0), np.float32)]
        parts += [self.pooled(part) for part in (self.prior_scale, self.group_scale) if part is not None]
        return np.concatenate(parts, axis=1)

    def __repr__(self) -> str:
        shapes = [
            f"{name}{dims}: {getattr(self, name).shape}"
            for name, dims in self.dims.items()
            if getattr(self, name) is not None
        ]
        columns = [f"{column.name}: {column.n_labels} labels" for column in self.model.random_intercepts]
        levels = [] if self.outer is None else [f"levels: {self.model.levels}"]
        return f"Posterior({', '.join([*shapes, *levels, *columns])})"

    def intercepts_of(self, name: str) -> Singles:
        """Random intercepts of the labels of one column.

        Parameters
        ----------
        name : str
            Name of the column.

        Returns
        -------
        intercepts : ndarray of shape (n_chains, n_draws, n_labels, n_outputs)
            In the order of the sorted labels, in the unit of the outputs.

        Raises
        ------
        ValueError
            If the column has no random intercepts.
        """
        names = [column.name for column in self.model.random_intercepts]
        if name not in names:
            raise ValueError(f"{name!r} is no column of random intercepts, which are {names}.")
        return np.asarray(self.random_intercepts)[:, :, self._labels_of(names.index(name))]

    def _labels_of(self, column):
        """Slice of the labels of a column by its number, among those of all columns."""
        ends = np.cumsum([0, *(of_column.n_labels for of_column in self.model.random_intercepts)])  # (column + 1,)
        return slice(ends[column], ends[column + 1])

    def with_intercepts(
        self, parameters: Singles, X: Floats, numbers: NDArray[Any]
    ) -> Iterator[tuple[Any, Singles, Floats]]:
        """Yield parts of rows, with the random intercepts of their labels behind the parameters.

        Parameters
        ----------
        parameters : ndarray of shape (n_draws, n_parameters)
            Of the group of the rows.
        X : ndarray of shape (n_rows, n_inputs)
            Standardised inputs.
        numbers : ndarray of shape (n_rows, n_columns)
            Number of each row's label of each column, as ``data.intercepts`` has it.

        Yields
        ------
        rows : slice or ndarray of shape (n_part,)
            Positions of the rows of the part.
        parameters : ndarray of shape (n_draws, n_parameters + n_intercepts)
            What ``predictor`` takes for these rows.
        X : ndarray of shape (n_part, n_inputs + n_columns)
            The inputs, and the position of each row's label among the intercepts.
        """
        if not numbers.shape[1]:
            yield slice(None), parameters, X
            return
        parts = [np.ones(len(X), dtype=bool)]  # (row,)
        if self.n_draws == 1:  # of a mode, whose rows with labels that the fit does not know have more draws
            is_known = np.all(numbers >= 0, axis=1)  # (row,)
            parts = [is_known, ~is_known]
        for rows in map(np.flatnonzero, parts):
            if len(rows):
                intercepts, positions = self._intercepts_of_rows(numbers[rows])
                n_draws = max(len(parameters), len(intercepts))
                both = [np.broadcast_to(array, (n_draws, array.shape[1])) for array in (parameters, intercepts)]
                yield rows, np.concatenate(both, axis=1), np.concatenate([X[rows], positions], axis=1)

    def _intercepts_of_rows(self, numbers):
        """Intercepts of the labels of rows, numbers (row, column), and each row's positions among them.

        Returns (draw, label * output) and (row, column).
        """
        values, positions, n = [], np.empty(numbers.shape), 0  # (row, column)
        for c, of_rows in enumerate(numbers.T):
            present, where = np.unique(of_rows.astype(np.int64), return_inverse=True)  # (label,), (row,)
            positions[:, c] = n + where
            values.append(self._drawn_intercepts(c, present))
            n += len(present)
        n_draws = max(map(len, values))
        values = [np.broadcast_to(value, (n_draws, *value.shape[1:])) for value in values]
        return np.concatenate(values, axis=1).reshape(n_draws, -1), positions

    def _drawn_intercepts(self, c, numbers):
        """Intercepts of labels of column c by their numbers (label,), (draw, label, output)."""
        column, n_outputs = self.model.random_intercepts[c], self.network.n_outputs
        known = numbers >= 0  # (label,)
        drawn = slice(None) if self.n_draws > 1 or known.all() else np.zeros(POPULATION_DRAWS, dtype=int)  # (draw,)
        first = self._labels_of(c).start
        of_known = self.pooled(np.asarray(self.random_intercepts)[:, :, first + numbers[known]])[drawn]
        intercepts = np.empty((len(of_known), len(numbers), n_outputs), np.float32)  # (draw, label, output)
        intercepts[:, known] = of_known
        if not known.all():
            scale = column.scale
            if isinstance(scale, str):
                of_column = np.asarray(self.group_scale)[:, :, self.model.group_scale_names.index(scale)]
                scale = self.pooled(of_column)[drawn][:, None]  # (draw, 1)
            for label in np.flatnonzero(~known):
                rng = np.random.default_rng([self.seed, -int(numbers[label]), 1 + c])
                intercepts[:, label] = scale * rng.standard_normal((len(of_known), n_outputs))
        return intercepts

    @property
    def outer_weights(self) -> Singles:
        """Weights of the outer groups, around which the groups within them lie, (chain, draw, outer group, weight)."""
        return apply_map(self.model, np.asarray(self.outer))

    def group_weights(self, code: int) -> Singles:
        """Weights of one group over the draws of all chains.

        Parameters
        ----------
        code : int
            Position of the group among the sorted labels.

        Returns
        -------
        weights : ndarray of shape (n_chains * n_draws, n_weights)
            The draws of the first chain first.
        """
        return self.pooled(self.weights[:, :, code])

    def pooled(self, values: NDArray[Number]) -> NDArray[Number]:
        """Draws of all chains in one, each chain as often as ``chain_weights`` says.

        Parameters
        ----------
        values : ndarray of shape (n_chains, n_draws, ...)
            An array of the posterior.

        Returns
        -------
        values : ndarray of shape (n_chains * n_draws, ...)
            The draws of the first chain first.
        """
        values = values.reshape(self.n_draws, *values.shape[2:])  # (draw, ...)
        if self.chain_weights is None:
            return values
        n_draws = self.weights.shape[1]  # of a chain
        return values[resampled(np.repeat(self.chain_weights / n_draws, n_draws), self.n_draws)]

    def log_likelihood(self, data: GroupedData) -> Floats:
        """Log likelihood of each training row under each draw.

        Parameters
        ----------
        data : GroupedData
            The training rows.

        Returns
        -------
        log_likelihood : ndarray of shape (n_chains, n_draws, n_rows)
            In nats, rows in the order of ``data``.

        Raises
        ------
        MemoryError
            If the result would not fit, with as much again for what is made of the result.
        """
        what = f"The log likelihood of {len(data.y)} rows under {self.n_draws} draws"
        require_memory(4 * 8 * len(data.y) * self.n_draws, what, "lower draws or chains")
        posterior = replace(self, chain_weights=None)  # every draw once
        parts = [
            log_likelihood(self.predictor, parameters, X, data.y[start:stop])
            for g, (start, stop) in enumerate(zip(data.offsets, data.offsets[1:], strict=False))
            for _, parameters, X in posterior.with_intercepts(
                posterior.group_parameters(g), data.X[start:stop], data.labels_of_row[start:stop]
            )
        ]
        return np.concatenate(parts, axis=1).reshape(*self.weights.shape[:2], -1)  # (chain, draw, row)

    def of_chains(self, chains: Ints) -> Posterior:
        """The posterior of some of the chains alone, each of equal weight.

        Parameters
        ----------
        chains : int or array-like of int
            Numbers of the chains, from 0.

        Returns
        -------
        posterior : Posterior
            With the chosen chains only.
        """
        chosen = np.atleast_1d(chains)  # (chain,)

        of_them = {
            name: getattr(self, name)[chosen]  # (chosen chain, ...)
            for name, dims in self.dims.items()
            if dims[0] == "chain" and getattr(self, name) is not None
        }
        sample_stats = {name: values[chosen] for name, values in self.sample_stats.items()}  # (chosen chain, ...) each
        return replace(self, sample_stats=sample_stats, chain_weights=None, **of_them)

    def thinned(self, n_draws: int) -> Posterior:
        """The posterior with fewer draws, evenly spaced and equally many of every chain.

        Parameters
        ----------
        n_draws : int
            Most draws of all chains together; at least one draw of each chain is kept.

        Returns
        -------
        posterior : Posterior
            With the kept draws only; the posterior itself where there are not more.
        """
        n_chains, available = self.weights.shape[:2]
        kept = max(1, n_draws // n_chains)  # draws of a chain
        if kept >= available:
            return self
        at = (2 * np.arange(kept) + 1) * available // (2 * kept)  # (kept draw,)
        of_draws = {
            name: getattr(self, name)[:, at]  # (chain, kept draw, ...)
            for name, dims in self.dims.items()
            if dims[:2] == ("chain", "draw") and getattr(self, name) is not None
        }
        sample_stats = {name: values[:, at] for name, values in self.sample_stats.items()}  # (chain, kept draw) each
        return replace(self, sample_stats=sample_stats, **of_draws)

    def group_parameters(self, code: int) -> Singles:
        """Parameters that ``predictor`` takes for a group.

        Parameters
        ----------
        code : int
            Position of the group among the sorted labels.

        Returns
        -------
        parameters : ndarray of shape (n_chains * n_draws, n_parameters)
            Weights, beside them the weights of the mode where the network is linearised, and own numbers of the
            likelihood where there are any.
        """
        return self._beside(self.group_weights(code), self.mode_weights, (slice(None), code))

    def population_parameters(self, label: Hashable, around: tuple[int, int] = (0, 0)) -> Singles:
        """Parameters that ``predictor`` takes for an unseen group.

        Parameters
        ----------
        label : hashable
            Label of the group.
        around : tuple of int, default=(0, 0)
            Level and position of the outer group that the group lies in; see ``GroupedData.known_around``.

        Returns
        -------
        parameters : ndarray of shape (n_chains * n_draws, n_parameters)
            Weights, beside them the weights of the mode where the network is linearised, and own numbers of the
            likelihood where there are any.
        """
        level, position = around
        weights = self.population_weights(label, around)  # (draw, weight)
        if level == 0:
            return self._beside(weights, self.mode_group_mean)
        return self._beside(weights, self.mode_outer, (slice(None), position))

    def mean_parameters(self) -> Singles:
        """Parameters that ``predictor`` takes for the group mean.

        Returns
        -------
        parameters : ndarray of shape (n_chains * n_draws, n_parameters)
            Weights, beside them the weights of the mode where the network is linearised, and own numbers of the
            likelihood where there are any.
        """
        return self._beside(self.pooled(np.asarray(self.group_mean)), self.mode_group_mean)

    def _beside(self, weights, modes, of_group=()):
        """Weights (draw, weight), and beside each, if any, the weights of the mode and own numbers of the likelihood.

        Draws of one mode's population all have the own numbers of the mode.
        """
        parts = [weights]
        if modes is not None:
            parts.append(modes[of_group][self.sample_stats["mode"].ravel()])
        if self.own is not None:
            own = self.pooled(self.own)  # (draw, own number)
            parts.append(np.broadcast_to(own, (len(weights), own.shape[1])))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def population_weights(self, label: Hashable, around: tuple[int, int] = (0, 0)) -> Singles:
        """Weights of an unseen group: a draw from the group distribution for each posterior draw, 400 draws of a mode.

        The label and the seed of the fit determine these weights, whatever else is predicted beside them. Unseen groups
        of one unseen outer group have its deviation in common.

        Parameters
        ----------
        label : hashable
            Label of the group.
        around : tuple of int, default=(0, 0)
            Level and position of the outer group that the group lies in; see ``GroupedData.known_around``.

        Returns
        -------
        weights : ndarray of shape (n_chains * n_draws, n_weights) or (400, n_weights)
            The draws of the first chain first.

        Raises
        ------
        ValueError
            If the posterior is of one network and has no group distribution.
        """
        model, (known, position) = self.model, around
        if self.group_mean is None:
            raise ValueError("A posterior of one network has no group distribution to draw an unseen group from.")
        drawn = slice(None) if self.n_draws > 1 else np.zeros(POPULATION_DRAWS, dtype=int)  # (draw,)
        mean = self.pooled(self.group_mean)[drawn]  # (draw, weight)
        scales = self.scales[drawn]  # (draw, scale)
        entries = np.zeros((len(mean), model.n_entries), mean.dtype)  # (draw, entry)
        if known == 0:
            entries[:, : mean.shape[1]] = mean
        else:
            entries += self.pooled(np.asarray(self.outer)[:, :, position])[drawn]
        for level in range(known + 1, len(model.levels) + 1):
            of_level = label if level == len(model.levels) else label[:level]  # type: ignore[index]
            rng, at = label_generator(self.seed, of_level), model.coordinates(level)
            entries[:, at.entry] += factors(at, scales) * model.family.draw(rng, (len(mean), len(at.entry)))
        return apply_map(model, entries)
