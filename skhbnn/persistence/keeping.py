"""Which draws of a fit go into a file, and in how many bytes."""

import copy
from dataclasses import replace
from numbers import Integral

import numpy as np

from .deviations import GroupDeviations

EXACT_BYTES = 8_000_000  # of draws, up to which all are kept as they are
MOST_BYTES = 18_500_000  # of draws in a file, unless more are asked for
FEWEST_DRAWS = 100  # kept of a fit, however many groups it has
MEASURED_DRAWS = 200  # from which the bytes of a draw are told


def with_kept_draws(estimator, keep_draws):
    """A fitted estimator with the draws that a file is to hold.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    keep_draws : {"auto", "all"} or int
        As ``save`` takes it.

    Returns
    -------
    estimator : estimator
        The estimator itself, or a copy with fewer draws, in which the weights may be ``GroupDeviations``.

    Raises
    ------
    ValueError
        If keep_draws is not valid.
    """
    if isinstance(keep_draws, Integral) and not isinstance(keep_draws, bool) and int(keep_draws) > 0:
        return _changed(estimator, lambda posterior: posterior.thinned(int(keep_draws)))
    if not isinstance(keep_draws, str) or keep_draws not in ("auto", "all"):
        raise ValueError(f'keep_draws must be "auto", "all" or a positive number of draws, got {keep_draws!r}.')
    posteriors = list(_posteriors(estimator))
    if keep_draws == "all" or sum(map(_n_bytes, posteriors)) <= EXACT_BYTES:
        return estimator
    most = max(int(MOST_BYTES / sum(map(_bytes_of_draw, posteriors))), FEWEST_DRAWS)
    return _changed(estimator, lambda posterior: _coded(posterior.thinned(most)))


def _members(estimator):
    """Fitted estimators within an estimator per group, by the label of the group, and its fallback, if any."""
    return getattr(estimator, "estimators_", {}), getattr(estimator, "fallback_", None)


def _posteriors(estimator):
    """Yield the posterior of an estimator and of the estimators within."""
    if hasattr(estimator, "posterior_"):
        yield estimator.posterior_
    of_groups, fallback = _members(estimator)
    for member in (*of_groups.values(), *([] if fallback is None else [fallback])):
        yield from _posteriors(member)


def _changed(estimator, change):
    """A copy of an estimator whose posterior, and those of the estimators within, are changed by a function."""
    changed = copy.copy(estimator)
    if hasattr(estimator, "posterior_"):
        changed.posterior_ = change(estimator.posterior_)
    of_groups, fallback = _members(estimator)
    if of_groups:
        changed.estimators_ = {label: _changed(member, change) for label, member in of_groups.items()}
    if fallback is not None:
        changed.fallback_ = _changed(fallback, change)
    return changed


def _n_bytes(posterior):
    """Bytes that the weights and random intercepts of a posterior take in a file."""
    weights, beside = posterior.weights, (posterior.group_mean, posterior.outer, posterior.random_intercepts)
    n_bytes = sum(array.nbytes for array in beside if array is not None)
    return n_bytes + (weights.codes.nbytes if isinstance(weights, GroupDeviations) else weights.nbytes)


def _bytes_of_draw(posterior):
    """Bytes that the weights and random intercepts of a draw take in a file, where weights are coded."""
    some = posterior.thinned(MEASURED_DRAWS)
    return _n_bytes(_coded(some)) / some.n_draws


def _coded(posterior):
    """A posterior whose weights of groups, if it has any, are distances from the group mean."""
    if posterior.group_mean is None or not np.isfinite(posterior.weights).all():  # of which an error is to tell
        return posterior
    return replace(posterior, weights=GroupDeviations.of(posterior.weights, posterior.group_mean))
