"""The compiled log likelihood, with the gradient, as a PyTensor Op."""

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_funcify, numba_njit
from pytensor.tensor.basic import get_underlying_scalar_constant_value
from pytensor.tensor.exceptions import NotScalarConstantError

from ..kernel.network_kernel import NetworkForm
from . import compiled
from .forward import network_form


class NetworkLogLikelihood(Op):
    """Op of the log likelihood of each row under the network of the row's group.

    Parameters
    ----------
    network : Network
    likelihood_name : str

    Notes
    -----
    Inputs: weights (group, weight), own numbers of the likelihood (own number,), X (row, input), y, group and row
    weights (row,), and what is added to the outputs (row, output), or (0, output) where nothing is. Outputs: the log
    likelihoods (row,), and the gradients of the weighted sum of the log likelihoods in the weights (group, weight), in
    the own numbers (own number,) and in what is added, all from one pass over the rows.
    """

    __props__ = ("network", "likelihood_name")

    def __init__(self, network, likelihood_name):
        self.network, self.likelihood_name = network, likelihood_name

    def make_node(self, *inputs):
        """Node of the graph that applies the Op to inputs."""
        kinds = (
            *(("float64", 2), ("float64", 1), ("float64", 2)),  # weights, own numbers, X
            *(("float64", 1), ("int64", 1), ("float64", 1), ("float64", 2)),  # y, group, row weights, shift
        )
        variables = [pt.cast(pt.as_tensor_variable(v), dtype) for v, (dtype, _) in zip(inputs, kinds, strict=True)]
        for variable, (_, ndim) in zip(variables, kinds, strict=True):
            if variable.ndim != ndim:
                raise TypeError(f"{variable} has {variable.ndim} dimensions instead of {ndim}.")
        outputs = [pt.tensor(dtype="float64", shape=(None,) * ndim) for ndim in (1, 2, 1, 2)]
        return Apply(self, variables, outputs)

    def perform(self, node, inputs, outputs):
        """Write the outputs of a node, by a call of the compiled function from Python."""
        weights, own, X, y, group, row_weights, shift = map(np.ascontiguousarray, inputs)
        function, form = compiled.row_logliks(self.likelihood_name), network_form(self.network)
        for output, value in zip(outputs, function(form, weights, own, X, y, (group, row_weights), shift), strict=True):
            output[0] = value

    def infer_shape(self, *arguments):
        """Shapes of the outputs, from the inputs' shapes in the last argument (PyTensor 2 passes one argument more)."""
        shapes = arguments[-1]
        return [shapes[3], shapes[0], shapes[1], shapes[6]]

    def connection_pattern(self, node):
        """For each input, whether each output depends smoothly on the input."""
        smooth, rough = [True] * 4, [False] * 4
        return [smooth, smooth, smooth, rough, rough, [False, True, True, True], smooth]

    def pullback(self, inputs, outputs, cotangents):
        """Gradients with respect to the inputs; only weights, own numbers and shift have any."""
        weights, own, X, y, group, _, shift = inputs
        of_rows, *of_gradients = cotangents
        if not all(isinstance(cotangent.type, DisconnectedType) for cotangent in of_gradients):
            return [
                grad_not_implemented(self, i, v, "only the first derivative is known") for i, v in enumerate(inputs)
            ]
        try:  # of a plain sum, as in a model's log density, the gradients stand ready beside the log likelihoods
            factor = get_underlying_scalar_constant_value(of_rows)
            of_sum = self.make_node(weights, own, X, y, group, pt.ones_like(y, dtype="float64"), shift)
            gradients = [factor * output for output in of_sum.outputs[1:]]
        except NotScalarConstantError:
            gradients = self.make_node(weights, own, X, y, group, of_rows, shift).outputs[1:]
        *first, of_shift = gradients
        return [*first, grad_not_implemented(self, 2, X), *(DisconnectedType()() for _ in range(3)), of_shift]

    L_op = pullback  # its name before PyTensor 3


@numba_funcify.register(NetworkLogLikelihood)
def _numba_network_loglik(op, node=None, **kwargs):
    logliks = compiled.row_logliks(op.likelihood_name)
    sizes, activation, fit_intercept = op.network.sizes, network_form(op.network).activation, op.network.fit_intercept

    @numba_njit
    def network_loglik(weights, own, X, y, group, row_weights, shift):
        return logliks(
            NetworkForm(np.array(sizes), activation, fit_intercept),
            np.ascontiguousarray(weights),
            np.ascontiguousarray(own),
            np.ascontiguousarray(X),
            np.ascontiguousarray(y),
            (np.ascontiguousarray(group), np.ascontiguousarray(row_weights)),
            np.ascontiguousarray(shift),
        )

    return network_loglik
