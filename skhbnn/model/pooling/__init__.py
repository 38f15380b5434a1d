"""Kinds of pooling of a layer's weights, a module each: the terms that the parts of the layer are made of.

A kind is known by its name here, and nowhere else.
"""

from ..registry import registry

NAMES = ("complete", "partial", "none", "affine")
pooling = registry(__name__, NAMES)

# pooling="auto": a map of a group's own is for few inputs, or for groups that have rows to learn it from. Groups of one
# row do not tell how much groups differ: then hidden layers of a group's own, too, fit each to its row.
FEW_INPUTS = 3
ROWS_PER_INPUT = 2  # of a group, on average
ROWS_OF_LAYERS = 2  # of a group, on average


def layer_pooling(network, pooling, rows_per_group=(0.0,)):
    """The pooling of every layer.

    Parameters
    ----------
    network : Network
        Network of every group.
    pooling : {"auto", "affine", "partial", "complete", "none"} or sequence of them without "auto"
        One for all layers or one per layer, the output layer included. ``"affine"`` alone stands for
        ``"affine"`` in the first layer, ``"complete"`` in further hidden layers, and ``"partial"`` in the output layer;
        ``"auto"`` stands for ``"affine"``, or with more than 3 inputs and fewer than two rows per group and input
        for ``"complete"`` in the first layer and ``"partial"`` in the others, or with fewer than two rows per group
        for ``"complete"`` in all hidden layers. Of nested groups the innermost ones count for the former rule, and the
        outermost ones for the latter.
    rows_per_group : sequence of float, default=(0.0,)
        Mean number of distinct rows of the groups of each level, the outermost first.

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
        has_map = n_inputs <= FEW_INPUTS or rows_per_group[-1] >= ROWS_PER_INPUT * n_inputs
        if pooling == "affine" or (pooling == "auto" and has_map):
            names = ("affine", *("complete",) * (n_layers - 2), "partial")[-n_layers:]
        elif pooling == "auto":
            n_shared = n_layers - 1 if rows_per_group[0] < ROWS_OF_LAYERS else min(n_layers - 1, 1)
            names = ("complete",) * n_shared + ("partial",) * (n_layers - n_shared)
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
