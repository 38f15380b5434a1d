"""Checks of what a display is asked for, before anything is computed."""

from sklearn.utils.validation import check_is_fitted

from ..estimators.base import check_fitted
from ..support.pipelines import last_step
from .figures import import_pyplot


def last_fit(display, estimator, wanted, meaning=None):
    """The fitted estimator of the type wanted that an estimator is, or that a pipeline or search ends in.

    Raises an error unless Matplotlib is installed and there is one.
    """
    caller = f"{display.__name__}.from_estimator"
    import_pyplot(caller)
    _, fitted = last_step(estimator)
    check_fitted(caller, fitted, wanted, meaning)
    return fitted


def check_has_proba(display, estimator, of_numbers):
    """Raise an error unless Matplotlib is installed and the estimator is a fitted one that has ``predict_proba``.

    of_numbers: name of the display that a regressor has in place of this one.
    """
    caller = f"{display.__name__}.from_estimator"
    import_pyplot(caller)
    check_is_fitted(estimator)
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"{caller} needs a fitted classifier that has predict_proba (of a regressor there is {of_numbers}), got a "
            f"{type(estimator).__name__}."
        )
