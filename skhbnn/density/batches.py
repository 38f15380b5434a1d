"""Groups in batches, and rows in the order of the compiled kernel: whole vectors for every batch."""

from typing import NamedTuple

import numpy as np

from ..kernel.lanes import LANES

# Costs in vectors of rows, fitted to times of gradients; the more groups share a gradient's fixed cost, the better.
GROUP, BATCH = 1.2, 2.0  # of a group by itself, of LANES groups at once
IN_LANES = 1.1  # of a vector whose lanes have weights of their own


class Batches(NamedTuple):
    """Groups, one or LANES in a batch, and the rows of all batches in their places."""

    in_lanes: bool  # whether each lane of a vector holds the rows of a group of its own
    members: np.ndarray  # (batch, lane): the group, or -1
    offsets: np.ndarray  # (batch + 1,): the first place of each
    rows: np.ndarray  # (place,): the row that stands there
    counts: np.ndarray  # (place,): whether the row counts there; 0 fills up a vector


def _cheaper_in_lanes(sizes):
    """Whether a gradient of groups costs less where each lane of a vector holds the rows of a group of its own.

    sizes: numbers of rows, (group,).
    """
    largest = np.sort(sizes)[::-1][::LANES]  # (batch,): rows of the largest group of each
    return bool(np.sum(IN_LANES * largest + BATCH) < np.sum(-(-sizes // LANES) + GROUP))


def batches_of(offsets):
    """Batches of groups.

    Parameters
    ----------
    offsets : ndarray of shape (n_groups + 1,)
        Group g owns the rows offsets[g]:offsets[g + 1].

    Returns
    -------
    batches : Batches
    """
    sizes = np.diff(offsets)  # (group,)
    in_lanes = _cheaper_in_lanes(sizes)
    if in_lanes:  # groups of like size together, so that few places are filled up
        members = np.full((-(-len(sizes) // LANES), LANES), -1)  # (batch, lane)
        members.flat[: len(sizes)] = np.argsort(-sizes, kind="stable")
        n_vectors = sizes[members[:, 0]]  # (batch,)
    else:
        members = np.arange(len(sizes))[:, None]  # (batch, 1)
        n_vectors = -(-sizes // LANES)  # (batch,)
    ends = np.cumsum(n_vectors)  # (batch,)
    batch = np.repeat(np.arange(len(members)), n_vectors)  # (vector,)
    within = np.arange(len(batch)) - (ends - n_vectors)[batch]  # (vector,)
    within = within[:, None]  # (vector, 1)
    row = within if in_lanes else within * LANES + np.arange(LANES)  # (vector, 1 or lane): of those of the group
    size = np.where(members < 0, 0, sizes[members])[batch]  # (vector, lane or 1)
    counts = row < size  # (vector, lane)
    # What fills up is a row of the lane's group, or at least of the batch: no further out than those that count.
    group = np.where(size > 0, members[batch], members[batch, :1])  # (vector, lane or 1)
    source = offsets[group] + np.minimum(row, np.maximum(size, 1) - 1)  # (vector, lane)
    return Batches(in_lanes, members, np.concatenate([[0], ends]) * LANES, source.ravel(), counts.ravel())
