"""No pooling: every innermost group has weights of its own, and learns nothing from other groups."""

import numpy as np

from ..terms import Term


def terms(part, scale, group_scale, levels):
    """The terms of a part of the network: weights at the innermost level; see ``complete`` for the arguments."""
    return [Term(name=part.name, entries=part.entries, level=len(levels), scale=np.full(len(part.entries), scale))]


KIND = terms
