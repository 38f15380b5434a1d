"""Kinds of pooling of a layer's weights, a module each: the terms that the parts of the layer are made of.

A kind is known by its name here, and nowhere else.
"""

from ..registry import registry

NAMES = ("complete", "partial", "none", "affine")
pooling = registry(__name__, NAMES)

MOST_MAPPED_INPUTS = 16  # of pooling="auto": the entries of a map grow with their number


def layer_pooling(network, pooling):
    """The pooling of every layer.

    Parameters
    ----------
    network : Network
        Network of every group.
    pooling : {"auto", "affine", "partial", "complete", "none"} or sequence of them without "auto"
        One for all layers or one per layer, the output layer included. ``"affine"`` alone stands for
        ``"affine"`` in the first layer, ``"complete"`` in further hidden layers, and ``"partial"`` in the output layer;
        ``"auto"`` stands for ``"affine"``, or with more than 16 inputs for ``"partial"``.

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
        if pooling == "auto":
            pooling = "affine" if network.sizes[0] <= MOST_MAPPED_INPUTS else "partial"
        mapped = ("affine", *("complete",) * (n_layers - 2), "partial")[-n_layers:]
        names = mapped if pooling == "affine" else (pooling,) * n_layers
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
