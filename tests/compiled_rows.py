"""The compiled functions of likelihoods, called from Python on blocks of rows."""

from functools import cache

import numpy as np
from numba import njit

from skhbnn.kernel.network_kernel import BLOCK, Block, Rows, weighted
from skhbnn.model.likelihoods import likelihood


@cache
def compiled_rows(name, kind):
    """A compiled function of a likelihood, for callers in Python."""
    of = likelihood(name)
    rows_function = {"score": of.score_rows, "weighted": weighted(of.score_rows)}[kind]
    return njit(lambda z, rows, block, space: rows_function(z, rows, block, space))


def run(name, kind, outputs, own, y, weights=None, first=3):
    """Run a compiled function on a block of rows.

    Returns what it returns, what it leaves in place of the outputs (output, m), the space (1 + own number, m), and what
    it adds to the gradient in the own numbers.
    """
    n_outputs, n = outputs.shape
    m = -(-n // 8) * 8
    z = np.full((n_outputs, m), 0.3)  # (output, m)
    z[:, :n] = outputs
    space = np.full((3 + len(own), m), 7.0)  # (number, m): as much as the kernel has
    own_grad = np.full(len(own), 5.0)  # (own number,)
    targets, given = np.zeros(first + m), np.zeros(first + m)  # (row,): those before belong to another block
    targets[first : first + n] = y
    given[first : first + n] = 1.0 if weights is None else weights
    rows = Rows(np.empty((0, 0)), targets, given, np.empty(0), own, own_grad, None)
    flat, block = z.reshape(-1), Block(first, m, n_outputs)
    result = compiled_rows(name, kind)(flat, rows, block, space.reshape(-1))
    return result, z, space[: 1 + len(own)], own_grad - 5.0


def scores(name, outputs, own, y):
    """Log likelihoods (row,), and their derivatives in the outputs (output, row) and own numbers (own number, row)."""
    parts = []
    for at in range(0, len(y), BLOCK):
        here = slice(at, at + BLOCK)
        _, z, space, _ = run(name, "score", outputs[:, here], own, y[here])
        parts.append(np.concatenate([space[:1], z, space[1:]])[:, : len(y[here])])
    found = np.concatenate(parts, axis=1)  # (1 + output + own number, row)
    return found[0], found[1 : 1 + len(outputs)], found[1 + len(outputs) :]
