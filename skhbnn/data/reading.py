"""X and groups as callers pass them: checked once, and turned into arrays and labels."""

from collections import Counter

import numpy as np
from sklearn.utils import check_array
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from ..support.wording import short_errors, shown
from .columns import column_positions, require_names, take_group_columns, take_inputs
from .features import check_dtypes, naming_columns
from .intercepts import intercept_positions, read_intercepts
from .levels import as_one_label, read_levels
from .tables import as_table, check_names, names_of

# Parameters that may have been set after the fit.
ASKED_BY_PREDICTIONS = ("groups", "unseen_groups", "random_intercepts")


def read_rows(estimator, X, groups=None, *, reset):
    """Network inputs and group labels of the rows that a caller passes to a method of an estimator.

    Group labels come as the argument ``groups``, or stand in the columns of X that the estimator's parameter ``groups``
    names. Labels of random intercepts stand in the columns that its parameter ``random_intercepts`` names; behind the
    inputs of a row come their numbers, as ``intercepts.py`` has them. An estimator whose class has ``_checks_values =
    False`` gets the inputs in the form in which they came, for the estimators within it to check.

    Parameters
    ----------
    estimator : estimator
        Whose method is called.
    X : {array-like, dataframe} of shape (n_rows, n_columns)
        Rows, with group columns or without.
    groups : array-like of shape (n_rows,) or (n_rows, n_levels), default=None
        Group labels that are not in X.
    reset : bool
        True in a fit, which sets ``n_features_in_`` and ``feature_names_in_`` of the estimator, and with a parameter
        ``groups`` also ``group_columns_``, and with a parameter ``random_intercepts`` also
        ``random_intercept_columns_`` and ``random_intercept_labels_``. False afterwards: X must have the columns of the
        fit, and groups must come in the way in which they came in the fit.

    Returns
    -------
    inputs : ndarray of shape (n_rows, n_features + n_intercept_columns)
        Columns of X without those of labels, finite float64 numbers, and the numbers of the labels of random
        intercepts; of the type of X where values are not checked.
    labels : list of length n_rows, or None
        Group labels as plain Python objects, None for a missing one; None instead of a list where there are no groups.
        Of several columns a label is a tuple: with a None for each missing part where the estimator takes them for
        levels, else None as a whole.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted, and reset is False.
    ValueError, TypeError
        If X or groups is not valid, or they do not go with the fit.
    """
    if not reset:
        check_is_fitted(estimator)
        _check_parameters(estimator)
    columns, checks_values = getattr(estimator, "groups", None), getattr(estimator, "_checks_values", True)
    of_intercepts = getattr(estimator, "random_intercepts", None)
    X, positions, further = as_table(X, records_pass=columns is None and not checks_values), None, None
    values = names = None
    if not checks_values:
        _check_rows(estimator, X)
    if columns is None and of_intercepts is None:
        check_same_order(X, groups, "groups")
        read = _read_inputs if checks_values else _note_columns
        inputs = read(estimator, X, reset)  # (row, feature)
    elif columns is not None and groups is not None:
        raise ValueError(
            f"groups came in both ways: as the argument groups and as the column(s) {shown(columns)} of X that the "
            "constructor names; use one of them."
        )
    else:
        for parameter, wanted in {"groups": columns, "random_intercepts": of_intercepts}.items():
            require_names(X, wanted, parameter)
        check_same_order(X, groups, "groups")
        table = X
        if not hasattr(X, "columns"):  # of two axes, so that columns can be taken out
            with short_errors("X"):
                table = check_array(X, dtype=None if hasattr(X, "dtype") else object, ensure_all_finite=False)
        taken = [] if columns is None else column_positions(columns, names_of(table), table.shape[1])
        further = intercept_positions(table, of_intercepts, taken)
        if columns is None:
            inputs = take_inputs(table, further, f"random_intercepts={shown(of_intercepts)}")
        else:
            inputs, values, names, positions = take_group_columns(table, columns, further)
        _note_columns(estimator, table, reset)
        if checks_values:
            check_dtypes(inputs)
            with naming_columns(inputs):
                inputs = check_array(inputs, dtype=np.float64, estimator=estimator, input_name="X")  # (row, feature)
    if groups is not None:
        values, names = read_levels(groups, _num_samples(inputs), one_level=_tuples_are_labels(estimator, reset))
    if hasattr(estimator, "groups"):
        _note_group_columns(estimator, positions, reset)
    if hasattr(estimator, "random_intercepts"):
        _note_intercept_columns(estimator, further or None, reset)
    if further:
        numbers = read_intercepts(estimator, table, further, reset=reset)  # (row, column)
        inputs = np.concatenate([inputs, numbers], axis=1)  # (row, feature + column)
    labels = _as_labels(estimator, values, names, reset)
    if not reset:
        _check_groups_as_in_fit(estimator, labels)
    return inputs, labels


def _tuples_are_labels(estimator, reset):
    """Whether tuples are labels of one level: of an estimator without levels, or of a fit that has such labels."""
    if not getattr(estimator, "_has_levels", False):
        return True
    known = None if reset else getattr(estimator, "groups_", None)
    return known is not None and _n_levels(estimator) == 1 and any(isinstance(label, tuple) for label in known)


def _n_levels(estimator):
    """Number of levels of the groups of a fit."""
    return len(getattr(estimator, "group_levels_", None) or [""])


def _as_labels(estimator, values, names, reset):
    """One label a row, of the labels of each level; of nested groups a tuple, None where a part is missing.

    Notes the names of the levels in a fit; afterwards a ValueError if there are more of them now, or fewer.
    """
    has_levels = getattr(estimator, "_has_levels", False)
    if reset and has_levels:
        estimator.group_levels_ = names
    if values is None:
        return None
    if not has_levels:
        return as_one_label(values)
    if not reset and _n_levels(estimator) != len(values) and getattr(estimator, "groups_", None) is not None:
        fitted, now = estimator.group_levels_, len(values)
        wanted = (
            "one label a row, without levels"
            if len(fitted) == 1
            else f"a label of each of the levels {shown(fitted)} in every row, the outermost first, None for an "
            "unknown one: columns of an array or a table, or tuples"
        )
        raise ValueError(
            f"groups has {'one label' if now == 1 else f'labels of {now} levels'} a row, and fit had groups of "
            f"{len(fitted)} level(s): pass {wanted}."
        )
    return values[0] if len(values) == 1 else list(zip(*values, strict=True))


def _check_parameters(estimator):
    """Raise an error if a parameter that predictions ask for is not valid."""
    rules = estimator._parameter_constraints
    asked = [name for name in ASKED_BY_PREDICTIONS if name in rules]
    values = {name: getattr(estimator, name) for name in asked}
    validate_parameter_constraints({name: rules[name] for name in asked}, values, type(estimator).__name__)


def _check_rows(estimator, X):
    """Raise scikit-learn's ValueError where there are no rows: an estimator of no groups would not notice."""
    if _num_samples(X) == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={getattr(X, 'shape', (0,))}) while a minimum of 1 is required "
            f"by {type(estimator).__name__}."
        )


def check_same_order(X, values, name):
    """Raise a ValueError where values, by their index, are of the rows of X in another order; name: what they are."""
    if not (hasattr(X, "iloc") and hasattr(values, "iloc")) or len(X) != len(values) or X.index.equals(values.index):
        return
    if Counter(X.index) == Counter(values.index):
        raise ValueError(
            f"{name} is a {type(values).__name__} whose index holds the rows of X in another order: pass "
            f"{name}.loc[X.index], or {name}.to_numpy() if its values are in the order of X."
        )


def _read_inputs(estimator, X, reset):
    """X as finite numbers (row, feature), with the number and names of columns noted in a fit, compared afterwards."""
    check_names(X)
    check_dtypes(X)
    with naming_columns(X):
        return validate_data(estimator, X, reset=reset, dtype=np.float64)  # (row, feature)


def _note_columns(estimator, X, reset):
    """X unchanged; the number and names of its columns are noted in a fit, and compared with the fit's afterwards."""
    check_names(X)
    if reset or getattr(X, "ndim", 2) == 2:  # of a single row without its second axis a later error says what to do
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    return X


def _note_group_columns(estimator, positions, reset):
    """Note the columns of X that hold the groups in a fit; afterwards a ValueError if they are others now."""
    if reset:
        estimator.group_columns_ = positions
    elif getattr(estimator, "group_columns_", positions) != positions:  # a file of an earlier release does not tell
        fitted = estimator.group_columns_
        before = "not from a column of X" if fitted is None else f"from the column(s) of X at {fitted}"
        now = "" if positions is None else f", whose column(s) of this X are at {positions}"
        raise ValueError(
            f"fit took the groups {before}, and the parameter groups is {shown(estimator.groups)} now{now}. Set it "
            "back, or give X the columns of the fit in their order, or fit again."
        )


def _note_intercept_columns(estimator, positions, reset):
    """Note the columns of X with random intercepts in a fit; afterwards a ValueError if they are others now."""
    if reset:
        estimator.random_intercept_columns_, estimator.random_intercept_labels_ = positions, None
    elif getattr(estimator, "random_intercept_columns_", None) != positions:
        fitted = estimator.random_intercept_columns_
        before = "no column" if fitted is None else f"the column(s) of X at {fitted}"
        now = "names none now" if positions is None else f"names those at {positions} now"
        raise ValueError(
            f"fit had random intercepts of {before}, and random_intercepts={shown(estimator.random_intercepts)} {now}. "
            "Set it back, or give X the columns of the fit in their order, or fit again."
        )


def _check_groups_as_in_fit(estimator, labels):
    """Raise a ValueError where a prediction has groups and the fit had none, or the other way round."""
    fitted_with_groups = getattr(estimator, "groups_", None) is not None
    name = type(estimator).__name__
    if labels is not None and not fitted_with_groups:
        raise ValueError(
            f"groups were given, but this {name} was fitted without any: pass groups to fit, "
            "or name their column in the constructor."
        )
    if labels is None and fitted_with_groups:
        raise ValueError(
            f"This {name} was fitted with groups and needs them here too: pass groups= to this "
            f"method, or name their column of X in the constructor, {name}(groups='column'). "
            "The column is the way for scikit-learn's scorers and cross_val_predict, which pass on no groups."
        )
