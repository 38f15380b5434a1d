"""No pooling: every innermost group has weights of its own, and learns nothing from the others."""

import numpy as np

from ..terms import Term


def terms(part, scale, group_scale, levels):
    """The terms of a part of the network: its weights at the innermost level; see ``complete``."""
    return [Term(name=part.name, entries=part.entries, level=len(levels), scale=np.full(len(part.entries), scale))]


KIND = terms
