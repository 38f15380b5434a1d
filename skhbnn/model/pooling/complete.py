"""Complete pooling: all groups have the weights of the part in common."""

import numpy as np

from ..terms import Term


def terms(part, scale, group_scale, levels):
    """The terms of a part of the network: weights at level 0.

    Parameters
    ----------
    part : Part
        Part of the network.
    scale : float
        Prior scale.
    group_scale : float or None
        Scale of the deviations of groups. None: a learned scale.
    levels : tuple of str
        Names of the levels of groups, the outermost first.

    Returns
    -------
    terms : list of Term
    """
    return [Term(name=part.name, entries=part.entries, level=0, scale=np.full(len(part.entries), scale))]


KIND = terms
