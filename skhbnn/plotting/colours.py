"""Colours and markers of the displays, told apart with any kind of colour vision."""

from itertools import cycle, islice

DIVERGING = "RdBu_r"
SEQUENTIAL = "cividis"
ACCENT, MUTED, WARNING = "#3f90da", "#717581", "#bd1f01"
# Petroff (2021), "Accessible color sequences for data visualization", arXiv:2107.02270.
PALETTE = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
MARKERS = ("o", "^", "s", "D", "v", "P", "X")  # as many as share no divisor with the colours: 70 pairs


def cycled(values, n):
    """List of n values: the given ones, from the start again after the last."""
    return list(islice(cycle(values), n))
