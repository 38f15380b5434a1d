"""Kinds of pooling of a layer's weights, a module each: the terms that the parts of the layer are made of.

A kind is known by its name here, and nowhere else.
"""

from ..registry import registry

NAMES = ("complete", "partial", "none", "affine")
pooling = registry(__name__, NAMES)

# pooling="auto": a map of a group's own is for few inputs, or for groups that have rows to learn it from.
FEW_INPUTS = 3
ROWS_PER_INPUT = 2  # of a group, on average


def layer_pooling(network, pooling, rows_per_group=0):
    """The pooling of every layer.

    Parameters
    ----------
    network : Network
        Network of every group.
    pooling : {"auto", "affine", "partial", "complete", "none"} or sequence of them without "auto"
        One for all layers or one per layer, the output layer included. ``"affine"`` alone stands for
        ``"affine"`` in the first layer, ``"complete"`` in further hidden layers, and ``"partial"`` in the output layer;
        ``"auto"`` stands for ``"affine"``, or with more than 3 inputs and fewer than two rows per group and input
        for ``"complete"`` in the first layer and ``"partial"`` in the others.
    rows_per_group : float, default=0
        Mean number of rows of a group.

    Returns
    -------
    pooling : tuple of str

    Raises
    ------
    ValueError
        If the sequence has another length than the network has layers, a name is unknown, or a layer other than the
        first is ``"affine"``.
    """
    n_layers = len(network.layers)
    if isinstance(pooling, str):
        n_inputs = network.sizes[0]
        has_map = n_inputs <= FEW_INPUTS or rows_per_group >= ROWS_PER_INPUT * n_inputs
        if pooling == "affine" or (pooling == "auto" and has_map):
            names = ("affine", *("complete",) * (n_layers - 2), "partial")[-n_layers:]
        elif pooling == "auto":
            names = ("complete", *("partial",) * (n_layers - 1)) if n_layers > 1 else ("partial",)
        else:
            names = (pooling,) * n_layers
    else:
        names = tuple(pooling)
    if len(names) != n_layers:
        raise ValueError(
            f"pooling has {len(names)} entries, but the network has {n_layers} layers of weights "
            f"({n_layers - 1} hidden and the output); give one per layer, or one for all."
        )
    unknown = [name for name in names if not isinstance(name, str) or name not in NAMES]
    if unknown:
        raise ValueError(f"pooling of a layer must be one of {', '.join(map(repr, NAMES))}, got {unknown[0]!r}.")
    if "affine" in names[1:]:
        raise ValueError(
            f"pooling of layer {names.index('affine', 1)} is 'affine', which only the first layer, 0, can have."
        )
    return tuple(map(str, names))
