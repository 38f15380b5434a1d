"""The compiled log likelihood as a PyTensor Op with its gradient."""

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_funcify, numba_njit
from pytensor.tensor.basic import get_underlying_scalar_constant_value
from pytensor.tensor.exceptions import NotScalarConstantError

from ..kernel import network_kernel
from . import compiled


class NetworkLogLikelihood(Op):
    """Log likelihood of each row under its group's network.

    Parameters
    ----------
    sizes : tuple of int
    activation : str
    fit_intercept : bool
        Those of the network.

    Notes
    -----
    Inputs: weights (group, weight), X (row, input), y, group and row weights (row,). Outputs: the log likelihoods
    (row,), and the gradient of their weighted sum (group, weight), both from one pass over the rows.
    """

    __props__ = ("sizes", "activation", "fit_intercept")

    def __init__(self, network):
        self.sizes, self.activation, self.fit_intercept = network.sizes, network.activation, network.fit_intercept

    def make_node(self, *inputs):
        """Node of the graph."""
        kinds = (("float64", 2), ("float64", 2), ("int64", 1), ("int64", 1), ("float64", 1))
        variables = [pt.cast(pt.as_tensor_variable(v), dtype) for v, (dtype, _) in zip(inputs, kinds, strict=True)]
        for variable, (_, ndim) in zip(variables, kinds, strict=True):
            if variable.ndim != ndim:
                raise TypeError(f"{variable} has {variable.ndim} dimensions instead of {ndim}.")
        return Apply(self, variables, [pt.vector(dtype="float64"), pt.matrix(dtype="float64")])

    def perform(self, node, inputs, outputs):
        """Run the compiled function from Python."""
        weights, X, y, group, row_weights = map(np.ascontiguousarray, inputs)
        activation = network_kernel.ACTIVATIONS.index(self.activation)
        outputs[0][0], outputs[1][0] = compiled.network_loglik()(
            weights, X, y, group, row_weights, np.array(self.sizes), activation, self.fit_intercept
        )

    def infer_shape(self, *arguments):
        """Shapes of the outputs; the last argument has those of the inputs (PyTensor 2 passes one argument more)."""
        shapes = arguments[-1]
        return [shapes[2], shapes[0]]

    def connection_pattern(self, node):
        """Which outputs depend smoothly on which inputs."""
        return [[True, True], [True, True], [False, False], [False, False], [False, True]]

    def pullback(self, inputs, outputs, cotangents):
        """Gradient with respect to the weights."""
        weights, X, y, group, _ = inputs
        of_rows, of_gradient = cotangents
        if not isinstance(of_gradient.type, DisconnectedType):
            return [
                grad_not_implemented(self, i, v, "only the first derivative is known") for i, v in enumerate(inputs)
            ]
        try:  # of a plain sum, as in a model's log density, the gradient stands ready beside the log likelihoods
            factor = get_underlying_scalar_constant_value(of_rows)
            of_sum = self.make_node(weights, X, y, group, pt.ones_like(y, dtype="float64"))
            gradient = factor * of_sum.outputs[1]
        except NotScalarConstantError:
            gradient = self.make_node(weights, X, y, group, of_rows).outputs[1]
        return [gradient, grad_not_implemented(self, 1, X), *(DisconnectedType()() for _ in range(3))]

    L_op = pullback  # its name before PyTensor 3


@numba_funcify.register(NetworkLogLikelihood)
def _numba_network_loglik(op, node=None, **kwargs):
    loglik = compiled.network_loglik()
    sizes, activation = op.sizes, network_kernel.ACTIVATIONS.index(op.activation)
    fit_intercept = op.fit_intercept

    @numba_njit
    def network_loglik(weights, X, y, group, row_weights):
        return loglik(
            np.ascontiguousarray(weights),
            np.ascontiguousarray(X),
            np.ascontiguousarray(y),
            np.ascontiguousarray(group),
            np.ascontiguousarray(row_weights),
            np.array(sizes),
            activation,
            fit_intercept,
        )

    return network_loglik
