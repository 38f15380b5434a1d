"""What is said of the fits of many groups: errors and warnings that name the group."""

from sklearn.exceptions import FitFailedWarning

from ...support.caller import warn_caller
from ...support.wording import named, shown
from .fits import POOLED


def group_text(key, column):
    """Text of a key for a message: the group, with the column of X that holds its label, if one does."""
    if key is POOLED:
        return "the fallback"
    return f"group {shown(key)}" + ("" if column is None else f" of column(s) {shown(column)}")


def report(outcomes, column, *, tolerant, advice):
    """Texts of the errors of failed fits, by group, after warnings of all that went wrong, or an error.

    Fits that warned are summed up in one warning per category.

    Parameters
    ----------
    outcomes : dict of Outcome
        Outcome of each group by its label, and of the fallback under POOLED.
    column : str, int, list or None
        The parameter ``groups``.
    tolerant : bool
        Whether failed fits of groups get a warning instead of an error. A failure of the fallback is always an error.
    advice : str
        What to do about a group that failed, for the error.

    Returns
    -------
    failed : dict of str
        What the error said of each group that failed.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        As the first failed fit did, if failures are not tolerated.
    """
    failed = {key: outcome for key, outcome in outcomes.items() if outcome.error is not None}
    if POOLED in failed:
        _raise({POOLED: failed[POOLED]}, column, "")
    if failed and not tolerant:
        _raise(failed, column, advice)
    texts = {key: outcome.error_text for key, outcome in failed.items()}
    if failed:
        first, n_groups = next(iter(failed)), len(outcomes) - (POOLED in outcomes)
        warn_caller(
            f"The fits of {len(failed)} of {n_groups} groups failed, and the fallback serves them: "
            f"{named(list(failed))}. {group_text(first, column)} said: {texts[first]}",
            FitFailedWarning,
        )
    said: dict = {}  # category -> key -> text
    for key, outcome in outcomes.items():
        for category, text in outcome.warnings:
            said.setdefault(category, {}).setdefault(key, text)
    for category, warned in said.items():
        first = next(iter(warned))
        text = f"{len(warned)} of {len(outcomes)} fits warned; {group_text(first, column)} said: {warned[first]}"
        warn_caller(text, category)
    return texts


def _raise(failed, column, advice):
    """Raise the error of the first failed fit, and name the other failed ones."""
    key, outcome = next(iter(failed.items()))
    others = [other for other in failed if other is not key]
    also = f" The fits of {len(others)} other(s) failed too: {named(others)}." if others else ""
    text = outcome.error_text.rstrip(". ")
    error = outcome.error(f"The fit of {group_text(key, column)} failed: {text}.{also}{advice}")
    error.add_note(outcome.trace)
    raise error
