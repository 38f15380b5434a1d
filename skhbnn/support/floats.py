"""NumPy's floating-point errors, which a caller's ``np.seterr`` may have turned into exceptions."""

import functools

import numpy as np

AS_USUAL: dict = {"divide": "warn", "over": "warn", "invalid": "warn"}  # NumPy's own defaults


def floats_as_usual(function):
    """The function, in which a number may underflow in silence, and no other floating-point error is an exception.

    Warnings that a caller turned off by ``np.seterr`` stay off.
    """

    @functools.wraps(function)
    def quiet(*args, **kwargs):
        raised = [kind for kind, reaction in np.geterr().items() if reaction not in ("ignore", "warn")]
        usual: dict = {kind: AS_USUAL[kind] for kind in raised if kind in AS_USUAL}
        with np.errstate(**usual, under="ignore"):
            return function(*args, **kwargs)

    return quiet
