"""A model as ``pm.Model``: the specification that the compiled density is held to."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..data.labels import label_coordinates
from ..data.rows import GroupedData
from ..model.pooling import affine
from ..model.terms import Model
from .loglik_op import NetworkLogLikelihood

ACTIVATIONS = {"tanh": pt.tanh, "relu": lambda x: pt.maximum(x, 0), "logistic": pt.sigmoid, "identity": lambda x: x}
ONE = np.float64(1)  # of a float or an integer PyTensor would take a rough logarithm


def build_model(
    model: Model,
    data: GroupedData,
    input_names: list[str] | None = None,
    fused: bool = True,
    batch_size: int | None = None,
) -> pm.Model:
    """A model, given the rows of a fit, as a PyMC model.

    Parameters
    ----------
    model : Model
        Network, likelihood, family and terms.
    data : GroupedData
        Rows sorted by group, inputs standardised.
    input_names : list of str, default=None
        Names of the inputs; None: x0, x1, ...
    fused : bool, default=True
        Whether the log likelihood is the compiled Op with its gradient, or an ordinary PyTensor graph.
    batch_size : int, default=None
        Rows of a random minibatch, for variational inference. None: all rows.

    Returns
    -------
    pymc_model : pymc.Model
        Layer l has the weights ``coef_l`` (input, unit) and ``intercept_l`` (unit). In a hierarchical model they have
        a leading group dimension unless the layer is pooled completely; ``coef_l_mean``, ``coef_l_z``,
        ``group_scale``, ``input_map`` and ``input_shift`` are what the weights are made of, with the location of the
        model added. Of several levels of groups each has a dimension of its name and deviations ``coef_l_NAME_z``.
        Learned scales of the prior are ``prior_scale``, and ``coef_l_unscaled`` what they are factors of. ``X``,
        ``y_observed``, ``group_of_row`` and, unless all are 1, ``row_weights`` are ``pm.Data``, the rows in the order
        of ``data``. The log likelihood of a row counts as often as its weight says. What the labels of a column C add
        to the outputs is ``random_intercept_C`` (C_label, unit), of ``z_random_intercept_C`` and a scale among
        ``group_scale``; ``intercept_codes`` is ``pm.Data``, the position of each row's label.

    Raises
    ------
    ValueError
        If targets of a likelihood of counts are fractions, which only the Op of the compiled likelihood takes, and
        fused is False.
    """
    network, likelihood = model.network, model.likelihood
    has_fractions = likelihood.dtype == "int64" and not np.array_equal(data.y, np.floor(data.y))
    if has_fractions and not fused:
        raise ValueError(
            f"Fractions as targets of {likelihood.name} need fused=True and batch_size=None: PyMC's own distribution "
            "is of whole numbers, to which PyMC would cut the fractions down."
        )
    dtype = "float64" if has_fractions else likelihood.dtype
    names = input_names or [f"x{i}" for i in range(network.sizes[0])]
    coords = {"input": names, model.group_axis: label_coordinates(data.group_labels)}
    coords |= {name: label_coordinates(data.labels_at(k)) for k, name in enumerate(model.levels[:-1], 1)}
    coords |= {f"unit_{index}": np.arange(layer.n_out) for index, layer in enumerate(network.layers)}
    coords |= {"learned_part": list(model.group_scale_names), "learned_prior": list(model.prior_scales)}
    coords |= {"weight": network.weight_names(names) + (list(likelihood.own) if model.has_own_entries else [])}
    coords |= {"mapped_input": names} if model.map_rank else {}
    coords |= {axis: list(likelihood.own) for axis in likelihood.own_dims.values() if axis is not None}
    columns = model.random_intercepts
    for column, labels in zip(columns, data.intercept_labels, strict=True):
        coords |= {column.dim: label_coordinates(labels)}
    coords |= {"random_intercept": [column.name for column in columns]} if columns else {}
    with pm.Model(coords=coords) as pymc_model:
        X = pm.Data("X", data.X, dims=("row", "input"))
        y = pm.Data("y_observed", data.y.astype(dtype), dims="row")
        group = pm.Data("group_of_row", data.group_of_row, dims="row")
        is_weighted = bool(np.any(data.weights != 1))
        row_weights = [pm.Data("row_weights", data.weights, dims="row")] if is_weighted else []
        dims = ("row", "random_intercept")
        codes = [pm.Data("intercept_codes", data.intercept_codes, dims=dims)] if columns else []
        observed = {"observed": y, "dims": "row"}
        if batch_size is not None:
            X, y, group, *rest = pm.Minibatch(X, y, group, *row_weights, *codes, batch_size=batch_size)
            row_weights, codes = rest[: len(row_weights)], rest[len(row_weights) :]
            observed = {"observed": y, "total_size": len(data.y)}
        maker = _Weights(model, data)
        weights = maker.all_weights()  # (group, weight)
        shifts = [maker.shift(of_row) for of_row in codes]  # (row, output), if there are random intercepts
        own = maker.own_numbers()  # (own number,)

        def distribution_of(weights, X, group, own, shift):
            outputs = _outputs(network, weights, X, group, data.n_groups)  # (row, output)
            return likelihood.pymc(sum(shift, outputs), own)

        if not (fused or is_weighted):
            distribution, parameters = distribution_of(weights, X, group, own, shifts)
            distribution("y", **parameters, **observed)
            return pymc_model

        def outcome(weights, X, group, own, *rest):
            # One outcome a row is the core of this distribution, so that size, the last argument, has no part in it.
            distribution, parameters = distribution_of(weights, X, group, own, rest[: len(shifts)])
            return pt.cast(distribution.dist(**parameters), dtype)

        def log_likelihood(value, weights, X, group, own, *rest):
            shift, row_weights = rest[: len(shifts)], rest[len(shifts) :]
            if fused:
                equal = pt.ones_like(value, dtype="float64")  # (row,)
                op = NetworkLogLikelihood(network, model.likelihood_name)
                added = shift[0] if shift else np.empty((0, network.n_outputs))  # (row, output)
                logliks = op.make_node(weights, own, X, value, group, equal, added).outputs[0]  # (row,)
            else:
                distribution, parameters = distribution_of(weights, X, group, own, shift)
                logliks = pm.logp(distribution.dist(**parameters), value)  # (row,)
            return row_weights[0] * logliks if is_weighted else logliks

        signature = f"(g,w),(n,i),(n),(k){',(n,o)' if columns else ''}{',(n)' if is_weighted else ''}->(n)"
        forms = {"dist": outcome, "logp": log_likelihood, "signature": signature, "dtype": dtype}
        pm.CustomDist("y", weights, X, group, own, *shifts, *row_weights, **forms, **observed)
    return pymc_model


def unconstrained(layout, draws):
    """Draws of the unconstrained vector, made of named draws of the PyMC model's free variables.

    Parameters
    ----------
    layout : Layout
        What the vector of the model holds.
    draws : mapping of str to ndarray of shape (n_chains, n_draws, ...)
        Values of the free variables, group scales included, under their names in the PyMC model.

    Returns
    -------
    x : ndarray of shape (n_chains, n_draws, n_dim)
    """
    model = layout.model

    def coordinates(level, block):
        """Unconstrained coordinates of a level, (chain, draw, member, coordinate)."""
        parts = []
        for term in model.terms_of(level):
            values = np.asarray(draws[variable_name(model, term)])  # (chain, draw, [member,] *part)
            values = values.reshape(*values.shape[:2], block.n_members, -1)  # (chain, draw, member, entry)
            scale = term.scale if level == 0 and not (term.is_learned or term.is_factor) else 1.0
            parts.append(model.family.to_unconstrained(values, scale))
        if not parts:
            return np.empty((*np.asarray(next(iter(draws.values()))).shape[:2], block.n_members, 0))
        return np.concatenate(parts, axis=3)

    first, *levels = (coordinates(level, b) for level, b in enumerate(layout.level_blocks))
    shape = first.shape[:2]
    kinds = {"prior_scale": model.prior_scales, "group_scale": model.group_scale_names}
    scales = [np.asarray(draws[name]) for name, of_kind in kinds.items() if of_kind]  # (chain, draw, scale) each
    log_scales = np.log(np.concatenate([np.empty((*shape, 0)), *scales], axis=2))  # (chain, draw, scale)
    own = np.empty((*shape, 0))  # (chain, draw, own number)
    if model.likelihood.own and not model.has_own_entries:
        variables = [np.asarray(draws[name]).reshape(*shape, -1) for name in model.likelihood.own_dims]
        own = model.likelihood.own_to_unconstrained(np.concatenate(variables, axis=2))
    of_columns = [np.asarray(draws[f"z_{column.variable}"]) for column in model.random_intercepts]
    none = np.empty((*shape, 0, model.network.n_outputs))  # (chain, draw, label, output)
    return layout.join(first[:, :, 0], log_scales, own, levels, np.concatenate([none, *of_columns], axis=2))


def variable_name(model, term):
    """The name of the PyMC variable of a term."""
    if term.is_factor:
        return "z"
    if term.level > 0:
        return f"{term.name}_z" if len(model.levels) == 1 else f"{term.name}_{model.levels[term.level - 1]}_z"
    return f"{_shared_name(model, term)}_unscaled" if term.is_learned else _shared_name(model, term)


def _shared_name(model, term):
    """Name of what all groups share of a part: the name of the part where nothing is added to it, else with "_mean"."""
    is_mapped = model.map_rank > 0 and term.entries[0] < model.network.layers[0].stop
    is_whole = _stands_alone(model, term) and not is_mapped and not model.base[term.entries].any()
    return term.name if is_whole else f"{term.name}_mean"


def _stands_alone(model, term):
    return sum(other.name == term.name for other in model.terms) == 1


class _Weights:
    """Maker of the PyMC variables of all terms, in the model of the context, and of the weights of all groups."""

    def __init__(self, model, data):
        self.model, self.data, self.network = model, data, model.network
        self.scales: dict = {}
        for variable, names, prior, axis in (
            ("prior_scale", model.prior_scales, model.prior_of_prior_scales, "learned_prior"),
            ("group_scale", model.group_scale_names, model.scale_prior, "learned_part"),
        ):
            if names:
                scales = prior.pymc(variable, axis)
                self.scales |= {name: scales[i] for i, name in enumerate(names)}

    def all_weights(self):
        """All weights of every group, (group, weight)."""
        n_groups = self.data.n_groups
        parts = list(self._factor_parts() if len(self.model.factor) else self._parts())
        columns = [
            part.reshape((n_groups, -1)) if grouped else pt.repeat(part.reshape((1, -1)), n_groups, axis=0)
            for part, grouped in parts
        ]  # (group, weight of the part) each
        return pt.concatenate(columns, axis=1)  # (group, weight)

    def own_numbers(self):
        """The likelihood's own numbers, (own number,), after the weights."""
        likelihood = self.model.likelihood
        if not self.model.has_own_entries:
            variables = [pt.atleast_1d(variable) for variable in likelihood.own_pymc()]
            return pt.concatenate(variables) if variables else pt.zeros(0)
        own = likelihood.own_from_unconstrained(self.own_entries, pt)  # (own number,)
        for position, (name, axis) in enumerate(likelihood.own_dims.items()):
            pm.Deterministic(name, own[position] if axis is None else own, dims=axis)
        return own

    def shift(self, codes):
        """What the random intercepts of the labels of rows, codes (row, column), add to the outputs, (row, output)."""
        dim = f"unit_{len(self.network.layers) - 1}"
        parts = []
        for c, column in enumerate(self.model.random_intercepts):
            z = pm.Normal(f"z_{column.variable}", ONE * 0, ONE, dims=(column.dim, dim))
            scale = self.scales[column.scale] if isinstance(column.scale, str) else np.float64(column.scale)
            parts.append(pm.Deterministic(column.variable, scale * z, dims=(column.dim, dim))[codes[:, c]])
        return sum(parts)

    def _terms(self, name, levels):
        return [term for term in self.model.terms if term.name == name and term.level in levels]

    def _variable(self, term, dims, shape):
        """The variable of a term, times the scale unless the family has the scale within, (..., *part)."""
        name = variable_name(self.model, term)
        if term.level == 0 and not term.is_learned:
            return self.model.family.pymc(name, _scale(term, shape), dims)
        level = self.model.levels[term.level - 1] if term.level else None
        # Before its scale: seeded draws depend on the order of the variables.
        z = self.model.family.pymc(name, ONE, dims if level is None else (level, *dims))
        scaled = (self._learned_scale(term, shape) if term.is_learned else _scale(term, shape)) * z
        if level is None:
            return pm.Deterministic(_shared_name(self.model, term), scaled, dims=dims)
        members = self.data.members[term.level - 1] if 0 < term.level < len(self.model.levels) else slice(None)
        return scaled[members]

    def _learned_scale(self, term, shape):
        """The learned scale of a term, or those of equal shares of the part, in the form of the part."""
        if len(term.learned) == 1:
            return self.scales[term.learned[0]]
        scales = pt.stack([self.scales[name] for name in term.learned])  # (share,)
        return pt.repeat(scales, len(term.entries) // len(term.learned)).reshape(shape)  # (*part)

    def _deviation(self, name, dims, shape):
        """What the groups add to a part, (group, *part); None where no group adds anything."""
        terms = self._terms(name, range(1, len(self.model.levels) + 1))
        return sum(self._variable(term, dims, shape) for term in terms) if terms else None

    def _parts(self):
        """Yield the weights of every part, in the order of the flat vector, and whether each has a group dimension."""
        network, rank = self.network, self.model.map_rank
        matrix = None  # of the first layer, which all groups share
        for part in network.parts:
            layer, dims = network.layers[part.layer], _dims(network, part)
            shape = (layer.n_in, layer.n_out)[-len(dims) :]
            deviation = self._deviation(part.name, dims, shape)
            shared = [self._variable(term, dims, shape) for term in self._terms(part.name, [0])]
            location = self.model.base[part.start : part.stop].reshape(shape)  # (*part)
            shared = [location, *shared] if location.any() else shared
            if part.layer == 0 and rank:
                is_matrix = part.start == 0
                matrix = sum(shared[1:], shared[0]) if is_matrix else matrix
                deviation = self._map_deviation(affine.PARTS[not is_matrix], matrix).reshape((-1, *shape))
            if deviation is None:
                yield shared[0] if len(shared) == 1 else pm.Deterministic(part.name, sum(shared), dims=dims), False
                continue
            weights = sum(shared, deviation)  # (group, *part)
            yield pm.Deterministic(part.name, weights, dims=(self.model.group_axis, *dims)), True

    def _map_deviation(self, name, matrix):
        """What a part of the input map adds to rows of the first layer, (group, row, unit)."""
        first, rank = self.network.layers[0], self.model.map_rank
        is_matrix, is_full = name == affine.PARTS[0], rank == first.n_in
        axes = ("input", "mapped_input" if is_full else "unit_0")[-(1 + is_matrix) :]
        deviation = self._deviation(name, axes, (first.n_in, rank)[-len(axes) :])  # (group, [input,] row of the basis)
        if is_full:
            of_group = pt.eye(first.n_in) + deviation if is_matrix else deviation
            pm.Deterministic(name, of_group, dims=(self.model.group_axis, *axes))
        rows = deviation.reshape((self.data.n_groups, -1, rank))  # (group, row, row of the basis)
        return affine.apply_map_pymc(first, rank, matrix, rows)

    def _factor_parts(self):
        """Yield the weights of every part under a Cholesky factor, and False: none has a group dimension."""
        z = self.model.family.pymc("z", ONE, "weight")
        weights = self.model.base + pt.as_tensor_variable(self.model.factor) @ z  # (weight and own number,)
        self.own_entries = weights[self.network.n_weights :]  # (own number,)
        for part in self.network.parts:
            layer, dims = self.network.layers[part.layer], _dims(self.network, part)
            shape = (layer.n_in, layer.n_out)[-len(dims) :]
            yield pm.Deterministic(part.name, weights[part.start : part.stop].reshape(shape), dims=dims), False


def _scale(term, shape):
    """The fixed scale of a term: a number that all entries have, else (*part)."""
    first = term.scale[0]  # a NumPy double, for the same reason as ONE
    return first if np.all(term.scale == first) else term.scale.reshape(shape)


def _dims(network, part):
    """Names of the axes of a part."""
    below, above = f"unit_{part.layer - 1}" if part.layer else "input", f"unit_{part.layer}"
    return (below, above) if part.start == network.layers[part.layer].start else (above,)


def _outputs(network, weights, X, group, n_groups):
    """Outputs of each row under the weights (group, weight) of the row's group, (row, output)."""
    h = X  # (row, input)
    for layer in network.layers:
        kernel = weights[:, layer.kernel].reshape((n_groups, layer.n_in, layer.n_out))  # (group, input, unit)
        h = h @ kernel[0] if n_groups == 1 else (h[:, :, None] * kernel[group]).sum(axis=1)  # (row, unit)
        if network.fit_intercept:
            h = h + weights[:, layer.intercept][0 if n_groups == 1 else group]
        if layer is not network.layers[-1]:
            h = ACTIVATIONS[network.activation](h)
    return h
