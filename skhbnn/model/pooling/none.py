"""No pooling: every innermost group has weights of its own, and learns nothing from other groups."""

from .complete import prior_term


def terms(part, scale, group_scale, levels):
    """The terms of a part of the network: weights at the innermost level; see ``complete`` for the arguments."""
    return [prior_term(part, scale, len(levels))]


KIND = terms
