"""Warnings that point to the line of the user's own code."""

import sys
import warnings
from types import FrameType

NOT_THE_USER = ("skhbnn", "sklearn", "joblib")  # packages that stand between a method and the line that wants it


def warn_caller(text, category):
    """Warn from the innermost line of code that belongs neither to this package nor to what wraps it.

    Parameters
    ----------
    text : str
        What to say.
    category : type
        Class of the warning.
    """
    level = 2
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in NOT_THE_USER:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
