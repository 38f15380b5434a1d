"""Fits of many groups: seeded clones, and outcomes that a checkpoint keeps."""

import contextlib

from sklearn.base import clone

from ...data.labels import label_generator
from .parallel import run_tasks

POOLED = None  # the key of the fallback among the groups: no label is None


def seeded_clone(estimator, seed, key, shared):
    """Unfitted clone of an estimator for one group.

    Parameters
    ----------
    estimator : estimator
        What is cloned.
    seed : int or None
        With the group's label it seeds every ``random_state`` within the clone. None: they stay unchanged.
    key : hashable
        Label of the group.
    shared : dict
        Parameters of all groups: each is set where the clone has it and it is None.

    Returns
    -------
    copy : estimator
        The clone.
    """
    copy = clone(estimator)
    if seed is not None:
        rng = label_generator(seed, key)
        names = [name for name in sorted(copy.get_params()) if name.rpartition("__")[2] == "random_state"]
        copy.set_params(**{name: int(rng.integers(2**31 - 1)) for name in names})
    own = copy.get_params(deep=False)
    copy.set_params(**{name: value for name, value in shared.items() if name in own and own[name] is None})
    return copy


def fit_all(keys, task, *, n_jobs, keep_going, progress, checkpoint=None, stored_as=None):
    """Outcome of the fit of every key, in the order of the keys; up to the first that fails, unless to keep going.

    Parameters
    ----------
    keys : list of hashable
        Labels of groups, and POOLED for the fallback.
    task : callable
        Makes the Task of a key, when its turn comes.
    n_jobs : int or None
        Tasks that run at once.
    keep_going : bool
        Whether to start further tasks after one failed.
    progress : callable or None
        Told of the number of outcomes and of keys.
    checkpoint : Checkpoint, default=None
        Gives the outcomes that it has, and is given the others.
    stored_as : callable, default=None
        The name of a key in the checkpoint.

    Returns
    -------
    outcomes : dict of Outcome
        By key.
    """
    outcomes = {}
    if checkpoint is not None:
        found = {key: checkpoint.load(stored_as(key)) for key in keys}
        outcomes = {key: outcome for key, outcome in found.items() if outcome is not None}
    left = [key for key in keys if key not in outcomes]
    with contextlib.closing(run_tasks(left, task, n_jobs, keep_going)) as finished:
        for key, outcome in finished:
            if checkpoint is not None and outcome.error is None:
                checkpoint.save(stored_as(key), outcome)
            outcomes[key] = outcome
            if progress is not None:
                progress(len(outcomes), len(keys))
    return {key: outcomes[key] for key in keys if key in outcomes}
