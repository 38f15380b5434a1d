"""Calls under watch: what may be raised and warned of, and what must be left behind."""

import datetime
import io
import re
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

import skhbnn

MOST_LETTERS = 2000  # of a message
# Words that name what is wrong, at least one of which stands in every message.
SUBJECT = re.compile(
    r"\b(X|y|groups|features?|samples?|class(es)?|arrays?|labels?|data|target|columns?|matrix|files?"
    r"|cannot be saved|sample_weight|Sample weights)\b"
)
# Words of Python and NumPy, which know nothing of X, y and groups.
INTERNAL = re.compile(
    r"has no attribute|has no len|is not (iterable|subscriptable|callable)|unsupported operand|not supported between"
    r"|ufunc|unhashable type|truth value|cannot be interpreted|invalid literal|codec can't|out of bounds"
    r"|argument must be|unexpected keyword|positional argument|could not be broadcast|iteration over a|cannot unpack"
)
# Beginnings of the package's own messages, which may go on with the words of others.
OURS = re.compile(r"(^|failed: )(X (has|is)|groups|y |sample_weight |The column|The BytesIO is not a whole file)")
# Beginnings of the package's and scikit-learn's own warnings.
OWN = re.compile(
    r"groups (holds no label|has )|The column\(s\)? .* of X that groups|This .* was fitted without groups"
    r"|The column .* of X that groups|The method save will not take|\d+ of \d+ fits warned"
    r"|likelihood=\"ordinal\" takes the classes|X (has feature names|does not have valid feature names)"
)


class Escape(AssertionError):
    """What must never happen."""


class Outcome(NamedTuple):
    """What a call returned or raised, and the texts of its warnings."""

    value: Any
    error: Exception | None
    said: list


def outcome(call, *args, **kwargs):
    """Outcome of a call; an Escape if it raised or warned of what nobody documents."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value, error = None, None
        try:
            value = call(*args, **kwargs)
        except Exception as raised:
            error = raised
    for warning in caught:
        _check_warning(warning)
    if error is not None and "LogisticRegression" not in repr(
        getattr(call, "__self__", None)
    ):  # it has words of its own
        _check_error(error)
    return Outcome(value, error, [str(warning.message) for warning in caught])


def _check_error(error):
    text, kind = str(error), type(error)
    if kind not in (ValueError, TypeError, NotFittedError):
        raise Escape(f"{kind.__name__}: {text[:300]}") from error
    if len(text) > MOST_LETTERS:
        raise Escape(f"a message of {len(text)} letters: {text[:300]}") from error
    if not SUBJECT.search(text) or (INTERNAL.search(text) and not OURS.search(text)):
        raise Escape(f"a message that names nothing: {text[:300]}") from error


def _check_warning(warning):
    text, kind = str(warning.message), warning.category
    if len(text) > MOST_LETTERS:
        raise Escape(f"a warning of {len(text)} letters: {text[:300]}")
    if kind not in (ConvergenceWarning, DataConversionWarning) and not (kind is UserWarning and OWN.match(text)):
        raise Escape(f"{kind.__name__}: {text[:300]} ({warning.filename}:{warning.lineno})")


def failed(estimator, fit):
    """Whether a fit failed; an Escape if the estimator then says that it is fitted."""
    if fit.error is None:
        return False
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return True
    raise Escape(f"fitted, although fit raised {fit.error!r}")


def same_values(found, expected, what):
    """An Escape unless two arrays of labels have equal values in one order, or are both None."""
    if (found is None) != (expected is None):
        raise Escape(f"{what} is {found!r} instead of {expected!r}")
    if found is not None and list(map(moment, found.tolist())) != list(map(moment, expected.tolist())):
        raise Escape(f"{what} is {found.tolist()!r:.200} instead of {expected.tolist()!r:.200}")


def moment(value):
    """A date or a time without a zone as NumPy has it, also in a tuple; other values unchanged."""
    if isinstance(value, tuple):
        return tuple(map(moment, value))
    naive = isinstance(value, datetime.date) and getattr(value, "tzinfo", None) is None
    if hasattr(value, "asm8"):  # of pandas, to the nanosecond
        return value.asm8 if naive or isinstance(value, datetime.timedelta) else value
    return np.datetime64(value) if naive else value


def same_numbers(found, expected, what):
    """An Escape unless two arrays of numbers are equal to the last bit."""
    if not np.array_equal(found, expected, equal_nan=True):
        raise Escape(f"{what} differs by {np.max(np.abs(found - expected))} from that of plain data")


def saved_and_loaded(estimator):
    """A fitted estimator, saved and loaded."""
    buffer = io.BytesIO()
    estimator.save(buffer)
    buffer.seek(0)
    return skhbnn.load(buffer)
