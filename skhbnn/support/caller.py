"""Warnings that point to the line of the user's own code, and to the page that says what to do."""

import sys
import warnings
from types import FrameType

NOT_THE_USER = ("skhbnn", "sklearn", "joblib")  # packages that stand between a method and the line that wants it
WARNINGS_PAGE = "https://example.org/skhbnn/warnings.html"  # of the documentation that pyproject.toml names


def warn_caller(text, category):
    """Warn from the innermost line of code that belongs neither to this package nor to what wraps it.

    Parameters
    ----------
    text : str
        What to say; the address of the page on warnings follows, once.
    category : type
        Class of the warning.
    """
    level = 2
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in NOT_THE_USER:
        level, frame = level + 1, frame.f_back
    warnings.warn(with_page(text), category, stacklevel=level)


def with_page(text):
    """A text with the address of the page on warnings behind it, once."""
    if WARNINGS_PAGE in text:
        return text
    end = "" if text.endswith((".", "?", "!")) else "."
    return f"{text}{end} See {WARNINGS_PAGE}"
