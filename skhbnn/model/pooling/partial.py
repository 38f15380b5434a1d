"""Partial pooling: a part that all groups share, and deviations whose scale is learned or fixed."""

import numpy as np

from ..terms import Term
from .complete import KIND as complete


def terms(part, scale, group_scale, levels):
    """The terms of a part of the network: a mean at level 0, and deviations of the groups; see ``complete``."""
    return [*complete(part, scale, group_scale, levels), *deviations(part, group_scale, levels)]


def deviations(part, group_scale, levels):
    """The terms of the deviations of a part, one at every level of groups, each with a scale of its own."""
    names = [part.name if len(levels) == 1 else f"{part.name}_{name}" for name in levels]
    return [
        Term(
            name=part.name,
            entries=part.entries,
            level=level + 1,
            scale=name if group_scale is None else np.full(len(part.entries), group_scale),
        )
        for level, name in enumerate(names)
    ]


KIND = terms
