"""The network of one group: layers, and the flat layout of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..support.typed import Integers

ACTIVATIONS = ("tanh", "relu", "logistic", "identity")

# hidden_layer_sizes="auto": the first layer finds the features for all groups, of which many inputs need more. Of many
# groups a fit takes long enough, and gains nothing by it.
MANY_INPUTS = 10
MANY_GROUPS = 600
OF_MANY_INPUTS = (10, 5)
OTHERWISE = (5, 5)


def hidden_sizes(hidden_layer_sizes, n_inputs, n_groups):
    """Numbers of units of the hidden layers, (hidden layer,), of a network of so many inputs and groups, as ints.

    hidden_layer_sizes: ``"auto"``, an int, or one per layer; anything else is a ValueError.
    """
    if isinstance(hidden_layer_sizes, str):
        return OF_MANY_INPUTS if n_inputs >= MANY_INPUTS and n_groups <= MANY_GROUPS else OTHERWISE
    hidden = np.atleast_1d(np.asarray(hidden_layer_sizes))  # (hidden layer,)
    if hidden.ndim != 1 or any(not isinstance(size, (Integral, np.integer)) or size < 1 for size in hidden.tolist()):
        raise ValueError(
            f"hidden_layer_sizes must hold one positive integer per hidden layer, got {hidden_layer_sizes!r}."
        )
    return tuple(int(size) for size in hidden)


@dataclass(frozen=True)
class Layer:
    """Place of one layer's weights in the flat vector: the matrix row by row, then the intercepts."""

    n_in: int
    n_out: int
    start: int
    fit_intercept: bool

    @property
    def kernel(self) -> slice:
        """Slice of the (n_in, n_out) weight matrix."""
        return slice(self.start, self.start + self.n_in * self.n_out)

    @property
    def intercept(self) -> slice:
        """Slice of the n_out intercepts; empty in a network without intercepts."""
        return slice(self.kernel.stop, self.stop)

    @property
    def stop(self) -> int:
        """End of the layer in the flat vector."""
        return self.kernel.stop + self.n_out * self.fit_intercept

    def matrix(self, weights: NDArray[Any]) -> NDArray[Any]:
        """The weight matrix of the layer in flat weights (..., weight), (..., n_in, n_out)."""
        return weights[..., self.kernel].reshape(*weights.shape[:-1], self.n_in, self.n_out)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A run of the flat weights under one name, such as the matrix of a layer."""

    name: str
    layer: int
    start: int
    stop: int

    @property
    def entries(self) -> Integers:
        """Positions of the weights, (weight of the part,)."""
        return np.arange(self.start, self.stop)


@dataclass(frozen=True)
class Network:
    """A fully connected network, whose outputs are what a likelihood takes.

    Parameters
    ----------
    sizes : tuple of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation of the hidden layers.
    fit_intercept : bool
        Whether every layer has intercepts.
    """

    sizes: tuple[int, ...]
    activation: str
    fit_intercept: bool

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of the data, each knowing its place in the flat vector."""
        layers, start = [], 0
        for n_in, n_out in pairwise(self.sizes):
            layers.append(Layer(n_in, n_out, start, self.fit_intercept))
            start = layers[-1].stop
        return tuple(layers)

    @property
    def n_weights(self) -> int:
        """Length P of the flat weight vector."""
        return self.layers[-1].stop

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.sizes[-1]

    @cached_property
    def layer_of_weight(self) -> Integers:
        """Index of the layer that each weight belongs to, (weight,)."""
        return np.repeat(np.arange(len(self.layers)), [layer.stop - layer.start for layer in self.layers])

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The matrix ``coef_l`` and the ``intercept_l`` of every layer l, in the order of the weights."""
        parts = []
        for index, layer in enumerate(self.layers):
            kernel, intercept = layer.kernel, layer.intercept
            parts.append(Part(name=f"coef_{index}", layer=index, start=kernel.start, stop=kernel.stop))
            if self.fit_intercept:
                parts.append(Part(name=f"intercept_{index}", layer=index, start=intercept.start, stop=intercept.stop))
        return tuple(parts)

    def weight_names(self, feature_names: Iterable[str]) -> list[str]:
        """Name each weight, such as ``"layer 0: age -> unit 2"``.

        Parameters
        ----------
        feature_names : list of str
            Names of the inputs.

        Returns
        -------
        names : list of str
            In the order of the flat weight vector.
        """
        names, inputs = [], list(feature_names)
        for index, layer in enumerate(self.layers):
            last = layer is self.layers[-1]
            outputs = [f"{'output' if last else 'unit'} {j}" for j in range(layer.n_out)]
            sources = [*inputs, *(["intercept"] if self.fit_intercept else [])]
            names += [f"layer {index}: {source} -> {target}" for source in sources for target in outputs]
            inputs = outputs
        return names
