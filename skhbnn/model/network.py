"""One group's network: its layers, the flat layout of its weights, and its forward pass."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.special import expit


def _tanh(x):
    return np.tanh(x, out=x)


def _relu(x):
    return np.maximum(x, 0, out=x)


def _identity(x):
    return x


def _logistic(x):
    return expit(x, out=x)


ACTIVATIONS = {"tanh": _tanh, "relu": _relu, "logistic": _logistic, "identity": _identity}
SLOPES: dict = {  # derivatives of the activations, in their own outputs
    "tanh": lambda h: 1 - h**2,
    "relu": lambda h: h > 0,
    "logistic": lambda h: h * (1 - h),
    "identity": np.ones_like,
}


@dataclass(frozen=True)
class Layer:
    """Where one layer's weights stand in the flat vector: the matrix row by row, then the intercepts."""

    n_in: int
    n_out: int
    start: int
    fit_intercept: bool

    @property
    def kernel(self):
        """Slice of the (n_in, n_out) weight matrix."""
        return slice(self.start, self.start + self.n_in * self.n_out)

    @property
    def intercept(self):
        """Slice of the n_out intercepts; empty without them."""
        return slice(self.kernel.stop, self.stop)

    @property
    def stop(self):
        """End of the layer in the flat vector."""
        return self.kernel.stop + self.n_out * self.fit_intercept

    def matrix(self, weights):
        """The kernel of flat weights (..., weight) as (..., n_in, n_out)."""
        return weights[..., self.kernel].reshape(*weights.shape[:-1], self.n_in, self.n_out)


@dataclass(frozen=True)
class Network:
    """A fully connected network with one logit for two classes and one per class for more.

    Parameters
    ----------
    sizes : tuple of int
        Number of inputs, of units of each hidden layer, and of logits.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation of the hidden layers.
    fit_intercept : bool
        Whether every layer has intercepts.
    """

    sizes: tuple
    activation: str
    fit_intercept: bool

    @cached_property
    def layers(self):
        """The layers in the order of the data, each knowing its place in the flat vector."""
        layers, start = [], 0
        for n_in, n_out in pairwise(self.sizes):
            layers.append(Layer(n_in, n_out, start, self.fit_intercept))
            start = layers[-1].stop
        return tuple(layers)

    @property
    def n_weights(self):
        """Length P of the flat weight vector."""
        return self.layers[-1].stop

    @property
    def n_logits(self):
        """1 for two classes, else the number of classes."""
        return self.sizes[-1]

    @property
    def compiled_form(self):
        """The network as compiled code takes it: sizes (layer + 1,), code of the activation, ``fit_intercept``."""
        from ..kernel.network_kernel import ACTIVATIONS  # only now: it loads Numba

        return np.array(self.sizes), ACTIVATIONS.index(self.activation), self.fit_intercept

    @cached_property
    def layer_of_weight(self):
        """Index of the layer that each weight belongs to, (weight,)."""
        return np.repeat(np.arange(len(self.layers)), [layer.stop - layer.start for layer in self.layers])

    @cached_property
    def parts(self):
        """The matrix and the intercepts of every layer, in the order of the weights: name, layer and slice of each."""
        parts = []
        for index, layer in enumerate(self.layers):
            parts.append((f"coef_{index}", index, layer.kernel))
            if self.fit_intercept:
                parts.append((f"intercept_{index}", index, layer.intercept))
        return tuple(parts)

    @cached_property
    def layer_of_part(self):
        """Index of the layer that each part belongs to, (part,)."""
        return np.array([layer for _, layer, _ in self.parts])

    @cached_property
    def part_of_weight(self):
        """Index of the part that each weight belongs to, (weight,)."""
        return np.repeat(np.arange(len(self.parts)), [part.stop - part.start for _, _, part in self.parts])

    def weight_names(self, feature_names):
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
            outputs = [f"{'logit' if last else 'unit'} {j}" for j in range(layer.n_out)]
            sources = [*inputs, *(["intercept"] if self.fit_intercept else [])]
            names += [f"layer {index}: {source} -> {target}" for source in sources for target in outputs]
            inputs = outputs
        return names

    def logits(self, weights, X):
        """Logits of every row under every weight vector.

        Parameters
        ----------
        weights : ndarray of shape (n_draws, n_weights)
            Weight vectors.
        X : ndarray of shape (n_rows, n_inputs)
            Standardised inputs.

        Returns
        -------
        logits : ndarray of shape (n_draws, n_logits, n_rows)
            Log odds of the second of two classes, or one logit per class.
        """
        from ..density import compiled  # only now: it loads Numba

        arrays = (np.ascontiguousarray(array, dtype=float) for array in (weights, X))  # (draw, weight), (row, input)
        return compiled.network_logits()(*arrays, *self.compiled_form)


class LinearizedNetwork(Network):
    """The tangent of a network in its weights, f(x; w0) + J(x; w0) (w - w0) [1]_.

    Every draw brings its own point of tangency: a parameter vector is w followed by w0.

    References
    ----------
    .. [1] Immer, Korzepa and Bauer (2021), "Improving predictions of Bayesian neural nets via local linearization",
       AISTATS.
    """

    def logits(self, parameters, X):
        """Logits of every row under every parameter vector.

        Parameters
        ----------
        parameters : ndarray of shape (n_draws, 2 * n_weights)
        X : ndarray of shape (n_rows, n_inputs)

        Returns
        -------
        logits : ndarray of shape (n_draws, n_logits, n_rows)
        """
        weights, points = np.split(parameters, 2, axis=1)  # (draw, weight) each
        steps = weights - points  # (draw, weight)
        h, tangent = X.T, np.zeros_like(X.T)  # (input, row) each
        for layer in self.layers:
            kernel, step = (np.swapaxes(layer.matrix(part), 1, 2) for part in (points, steps))  # (draw, unit, input)
            tangent = kernel @ tangent + step @ h  # (draw, unit, row)
            h = kernel @ h  # (draw, unit, row)
            if self.fit_intercept:
                h += points[:, layer.intercept, None]
                tangent += steps[:, layer.intercept, None]
            if layer is not self.layers[-1]:
                h = ACTIVATIONS[self.activation](h)
                tangent *= SLOPES[self.activation](h)
        return h + tangent
