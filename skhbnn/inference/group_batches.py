"""Groups that are fitted by themselves, batch by batch: in threads here, or by the workers that joblib was given."""

import contextlib
from typing import Any, NamedTuple

from ..data.rows import GroupedData
from ..data.subsets import rows_of_groups
from ..support.memory import require_memory
from ..support.parallel import has_other_workers, results
from ..support.threads import n_threads
from .conditional import conditional_weights

MOST_GROUPS = 250  # of a batch: some seconds of work of one core at the most where groups are small
MOST_BYTES = 32_000_000  # of the draws of a batch


class Batch(NamedTuple):
    """What a worker needs to fit some groups, and all that it needs.

    A tuple: Dask would scatter larger arguments, and lose them with the worker that has them.
    """

    model: Any
    data: GroupedData
    shared: tuple
    seed: int


def fit_batches(model, data, codes, shared, seed, n_jobs=None, progress=None, checkpoint=None):
    """Yield positions of groups, and what is drawn for them given draws of what groups share: by batches in any order.

    What is found for a group depends on neither the batches nor the workers.

    Parameters
    ----------
    model, shared, seed
        As ``conditional_weights`` takes them.
    data : GroupedData
        Rows of the groups and maybe of others.
    codes : ndarray of shape (n_fitted,)
        Positions in data of the groups to fit, rising.
    n_jobs : int or None, default=None
        Batches that workers of joblib's active backend fit at once, if it is none of joblib's own and there are several
        batches; else threads.
    progress : callable, default=None
        Told of the number of groups fitted, and of all that are to be.
    checkpoint : Checkpoint, default=None
        Gives the batches that it has, and is given the others.

    Yields
    ------
    positions : slice
        Of the groups of the batch among codes.
    found : GroupDraws
        Of these groups.

    Raises
    ------
    RuntimeError
        If the workers are lost.
    """
    n_draws, n_weights = shared[0].shape
    size = min(max(MOST_BYTES // (4 * n_draws * n_weights), 1), MOST_GROUPS)
    parts = {
        ("batch from group", data.group_labels[codes[start]]): slice(start, start + size)
        for start in range(0, len(codes), size)
    }
    n_fitted, left = 0, []

    def told(n_done):
        if progress is not None:
            progress(n_done, len(codes))

    def batch(key):
        return Batch(model, rows_of_groups(data, codes[parts[key]]), shared, seed)

    for key, part in parts.items():
        found = None if checkpoint is None else checkpoint.load(key)
        if found is None:
            left.append(key)
            continue
        n_fitted += len(found.pareto_k)
        told(n_fitted)
        yield part, found
    if len(left) > 1 and has_other_workers(n_jobs):
        by_key = results(left, fit_batch, batch, n_jobs, unit="batches of groups", ends=lambda found: False)
    else:
        cores = n_threads(n_jobs)
        by_key = ((key, fit_batch(batch(key), cores, lambda n_done, _: told(n_fitted + n_done))) for key in left)
    with contextlib.closing(by_key):
        for key, found in by_key:
            if checkpoint is not None:
                checkpoint.save(key, found)
            n_fitted += len(found.pareto_k)
            told(n_fitted)
            yield parts[key], found


def fit_batch(batch, n_threads=1, progress=None):
    """What ``conditional_weights`` finds for a Batch."""
    what = f"The draws of the weights of a batch of {batch.data.n_groups} groups"
    n_bytes = 4 * len(batch.shared[0]) * batch.model.network.n_weights * batch.data.n_groups
    require_memory(n_bytes, what, "give the workers more memory, or lower draws, chains or hidden_layer_sizes")
    return conditional_weights(batch.model, batch.data, batch.shared, batch.seed, n_threads, progress)
