"""Outputs of networks, and of tangents of networks, for rows."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ..model.network import Network


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


def network_form(network):
    """The NetworkForm of a network, which compiled code takes."""
    from ..kernel.network_kernel import ACTIVATIONS, NetworkForm  # only now: it loads Numba

    return NetworkForm(np.array(network.sizes), ACTIVATIONS.index(network.activation), bool(network.fit_intercept))


def network_outputs(network, weights, X):
    """Outputs of a network for every row under every weight vector.

    Parameters
    ----------
    network : Network
    weights : ndarray of shape (n_draws, n_weights)
    X : ndarray of shape (n_rows, n_inputs)
        Standardised inputs.

    Returns
    -------
    outputs : ndarray of shape (n_draws, n_outputs, n_rows)
    """
    from . import compiled  # only now: it loads Numba

    arrays = (np.ascontiguousarray(array, dtype=float) for array in (weights, X))  # (draw, weight), (row, input)
    return compiled.network_outputs()(*arrays, network_form(network))


def tangent_outputs(network, weights, points, X):
    """Outputs of the tangent of a network in the weights for every row, f(x; w0) + J(x; w0) (w - w0) [1]_.

    Parameters
    ----------
    network : Network
    weights, points : ndarray of shape (n_draws, n_weights)
        Weights w, and the points w0 where the tangents touch.
    X : ndarray of shape (n_rows, n_inputs)
        Standardised inputs.

    Returns
    -------
    outputs : ndarray of shape (n_draws, n_outputs, n_rows)

    References
    ----------
    .. [1] Immer, Korzepa and Bauer (2021), "Improving predictions of Bayesian neural nets via local linearization",
       AISTATS.
    """
    steps = weights - points  # (draw, weight)
    h, tangent = X.T, np.zeros_like(X.T)  # (input, row) each
    for layer in network.layers:
        kernel, step = (np.swapaxes(layer.matrix(part), 1, 2) for part in (points, steps))  # (draw, unit, input)
        tangent = kernel @ tangent + step @ h  # (draw, unit, row)
        h = kernel @ h  # (draw, unit, row)
        if network.fit_intercept:
            h += points[:, layer.intercept, None]
            tangent += steps[:, layer.intercept, None]
        if layer is not network.layers[-1]:
            h = ACTIVATIONS[network.activation](h)
            tangent *= SLOPES[network.activation](h)
    return h + tangent


@dataclass(frozen=True)
class Forward:
    """A function from parameters to outputs: a network, or tangents of a network.

    Parameters
    ----------
    network : Network
    linearized : bool
        Whether a parameter vector is weights followed by the point of the tangent.
    """

    network: Network
    linearized: bool = False

    @property
    def n_parameters(self):
        """Length of a parameter vector."""
        return (1 + self.linearized) * self.network.n_weights

    def __call__(self, parameters, X):
        """Outputs of rows X (row, input) under parameters (draw, parameter), (draw, output, row)."""
        if not self.linearized:
            return network_outputs(self.network, parameters, X)
        weights, points = np.split(parameters, 2, axis=1)  # (draw, weight) each
        return tangent_outputs(self.network, weights, points, X)
