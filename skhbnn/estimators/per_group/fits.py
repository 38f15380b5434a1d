"""Fits of many groups: seeded clones, outcomes that a checkpoint keeps, and what is said of failures and warnings."""

import contextlib
import warnings

from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

from ...data.labels import label_generator
from .parallel import named, run_tasks

POOLED = None  # the key of the fallback among the groups: no label is None


def seeded_clone(estimator, seed, key, classes):
    """An unfitted clone, seeded for a group unless seed is None, and told of the classes where it takes them."""
    copy = clone(estimator)
    if seed is not None:
        rng = label_generator(seed, key)
        names = [name for name in sorted(copy.get_params()) if name.rpartition("__")[2] == "random_state"]
        copy.set_params(**{name: int(rng.integers(2**31 - 1)) for name in names})
    if "classes" in copy.get_params(deep=False) and copy.classes is None:
        copy.set_params(classes=classes)
    return copy


def fit_all(keys, task, *, n_jobs, keep_going, progress, checkpoint=None, stored_as=None):
    """The outcome of every key, in their order; up to the first that fails, unless to keep going.

    Parameters
    ----------
    keys : list of hashable
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


def group_text(key, column):
    """The group of a key for a message, with the column of X that it comes from; None: it comes from none."""
    if key is POOLED:
        return "the fallback"
    return f"group {key!r}" + ("" if column is None else f" of column(s) {column!r}")


def report(outcomes, column, *, tolerant, advice):
    """Raise for fits that failed, or warn of them if tolerant; pass on the warnings of the others, one per category.

    Called by a method that scikit-learn wraps, so that the warnings point to the line that called that.

    Parameters
    ----------
    outcomes : dict of Outcome
        By group, and that of the fallback under POOLED; a failure of the fallback is never tolerated.
    column : str, int, list or None
        The parameter ``groups``.
    tolerant : bool
    advice : str
        What to do about a group that failed, for the error.

    Returns
    -------
    failed : dict of str
        What the error said of each group that failed.
    """
    failed = {key: outcome for key, outcome in outcomes.items() if outcome.error is not None}
    if POOLED in failed:
        _raise({POOLED: failed[POOLED]}, column, "")
    if failed and not tolerant:
        _raise(failed, column, advice)
    texts = {key: outcome.error_text for key, outcome in failed.items()}
    if failed:
        first, n_groups = next(iter(failed)), len(outcomes) - (POOLED in outcomes)
        warnings.warn(
            f"The fits of {len(failed)} of {n_groups} groups failed, and the fallback serves them: "
            f"{named(list(failed))}. {group_text(first, column)} said: {texts[first]}",
            FitFailedWarning,
            stacklevel=4,  # past fit and the wrapper of scikit-learn, to the line that called fit
        )
    said: dict = {}  # category -> key -> text
    for key, outcome in outcomes.items():
        for category, text in outcome.warnings:
            said.setdefault(category, {}).setdefault(key, text)
    for category, warned in said.items():
        first = next(iter(warned))
        text = f"{len(warned)} of {len(outcomes)} fits warned; {group_text(first, column)} said: {warned[first]}"
        warnings.warn(text, category, stacklevel=4)
    return texts


def _raise(failed, column, advice):
    """Raise the error of the first of some failed fits."""
    key, outcome = next(iter(failed.items()))
    others = [other for other in failed if other is not key]
    also = f" The fits of {len(others)} other(s) failed too: {named(others)}." if others else ""
    text = outcome.error_text.rstrip(". ")
    error = outcome.error(f"The fit of {group_text(key, column)} failed: {text}.{also}{advice}")
    error.add_note(outcome.trace)
    raise error
