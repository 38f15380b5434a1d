"""Checks of what a display is asked for, before anything is computed."""

from ..estimators.base import check_fitted
from ..support.wording import named
from .figures import import_pyplot


def check_fit(display, estimator, wanted, meaning=None):
    """Raise an error unless Matplotlib is installed and the estimator is a fitted one of the type wanted."""
    caller = f"{display.__name__}.from_estimator"
    import_pyplot(caller)
    check_fitted(caller, estimator, wanted, meaning)


def class_code(classes, label):
    """Position of a class label in classes (class,).

    Raises
    ------
    ValueError
        If the label is none of the classes.
    """
    known = classes.tolist()
    if label not in known:
        raise ValueError(f"class_of_interest={label!r} is none of the classes of the fit, which are [{named(known)}].")
    return known.index(label)
