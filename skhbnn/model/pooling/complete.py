"""Complete pooling: all groups have the weights of the part in common."""

import numpy as np

from ..terms import Term


def terms(part, scale, group_scale, levels):
    """The terms of a part of the network: weights at level 0.

    Parameters
    ----------
    part : Part
        Part of the network.
    scale : float, str or tuple of str
        Prior scale, or the name of a learned one; or the names of several, each of as many entries.
    group_scale : float or None
        Scale of the deviations of groups. None: a learned scale.
    levels : tuple of str
        Names of the levels of groups, the outermost first.

    Returns
    -------
    terms : list of Term
    """
    return [prior_term(part, scale, 0)]


def prior_term(part, scale, level):
    """The term of a part at a level with the prior scale."""
    fixed = np.full(len(part.entries), scale) if isinstance(scale, float) else scale  # (entry,), or names
    return Term(name=part.name, entries=part.entries, level=level, scale=fixed)


KIND = terms
