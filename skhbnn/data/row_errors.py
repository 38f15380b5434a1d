"""Errors of scikit-learn's checks of a column, with the first row that is to blame."""

from collections.abc import Callable
from contextlib import contextmanager

import numpy as np

from .tables import masks_as_nan

# Words of scikit-learn, and which values (row,) they mean.
FAULTS: dict[str, Callable] = {"NaN": np.isnan, "infinity": np.isinf, "Negative values": lambda values: values < 0}


@contextmanager
def naming_row(values, advice):
    """Context in which a ValueError of scikit-learn that means values of a column names the first such row.

    Parameters
    ----------
    values : array-like of shape (n_rows,) or (n_rows, 1)
        The column that is checked; of anything else errors stay as they are.
    advice : str
        What to do, a sentence.
    """
    try:
        yield
    except ValueError as error:
        words = str(error).partition("\n")[0].rstrip(". ")  # behind them it advises other estimators
        is_meant = next((is_meant for word, is_meant in FAULTS.items() if word in words), None)
        if is_meant is None or not is_meant(column := _floats(values)).any():
            raise
        raise ValueError(f"{words}: the first at row {is_meant(column).argmax()}. {advice}") from None


def _floats(values):
    """The column as floats, (row,); none where it is something else."""
    try:
        with masks_as_nan():
            column = np.asarray(values, dtype=float)  # (row,) or (row, 1)
    except (TypeError, ValueError, OverflowError):
        return np.empty(0)
    return column.ravel() if column.shape[1:] in ((), (1,)) and column.shape else np.empty(0)
