"""What a fitted estimator expects of rows under each posterior draw, averaged over rows in bounded memory."""

from __future__ import annotations

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from ..data.columns import column_positions
from ..data.labels import encode_labels, unique_labels
from ..data.reading import read_rows
from ..data.tables import names_of, take_rows
from ..estimators.base import column_names
from ..support.pipelines import last_step, transformed
from ..support.wording import named, shown
from .columns import column_position, sliceable, warn_of_unknown_text, with_column

BLOCK = 2**22  # numbers that one block of rows may take: draws times rows times classes


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


def parts_of(caller, estimator):
    """Transformers of a fitted estimator or None, its last step, and the name of its method that samples the response.

    Raises
    ------
    TypeError
        If it has no such method; the text names the caller.
    """
    transformer, estimator = last_step(estimator)
    method = "sample_proba" if is_classifier(estimator) else "sample_mean"
    check_is_fitted(estimator)
    if not hasattr(estimator, method):
        raise TypeError(
            f"{caller} needs a fitted estimator of this package that has {method}, or a pipeline that ends in one, "
            f"got a {type(estimator).__name__}."
        )
    return transformer, estimator, method


class ExpectedResponse:
    """A class's probability, or the expected target, of some rows under each posterior draw.

    Parameters
    ----------
    caller : str
        Named in errors.
    estimator : estimator
        A fitted one of this package, or a pipeline or a search that ends in one.
    X : {array-like, dataframe} of shape (n_rows, n_columns)
    groups : array-like of shape (n_rows,) or None
    class_of_interest : class label or None
    n_draws : int or None
    """

    def __init__(self, caller, estimator, X, groups, class_of_interest, n_draws):
        self.transformer, self.estimator, method = parts_of(caller, estimator)
        self.sample = getattr(self.estimator, method)
        self.code, self.response = self._class_code(class_of_interest)
        self.n_draws = n_draws
        self.X = sliceable(X)
        self.labels = read_rows(self.estimator, transformed(self.transformer, self.X), groups, reset=False)[1]
        self.has_groups_argument = groups is not None
        self.names = self._names()
        self.group_positions = self._positions_of("groups")
        self.label_positions = [*self.group_positions, *self._positions_of("random_intercepts")]

    def _class_code(self, label):
        """Position of the class that is meant, and what the response is called; None and a name for numbers."""
        classes = getattr(self.estimator, "classes_", None)
        if classes is None:
            if label is not None:
                raise ValueError(f"class_of_interest was given, but a {type(self.estimator).__name__} has no classes.")
            return None, "expected y"
        if label is None:
            if len(classes) > 2:
                raise ValueError(
                    f"The fit has {len(classes)} classes, [{named(classes.tolist())}]: say which one is meant, "
                    f"class_of_interest={shown(classes.tolist()[-1])}."
                )
            label = classes.tolist()[-1]
        return class_code(classes, label), f"P(class {label})"

    def _names(self):
        """Names of the columns of X, made up where it has none."""
        names = names_of(self.X)
        if names is None and self.transformer is None:
            return column_names(self.estimator)
        return [f"x{i}" for i in range(self.X.shape[1])] if names is None else names

    def _positions_of(self, parameter):
        """Positions of the columns of X that a parameter of the estimator names as columns of labels."""
        columns = getattr(self.estimator, parameter, None)
        if columns is None:
            return []
        if self.transformer is None:
            return column_positions(columns, names_of(self.X), self.X.shape[1], parameter)
        named_columns = columns if isinstance(columns, (list, tuple)) else [columns]
        return [  # a ColumnTransformer may have put its own name before that of the column
            i for i, name in enumerate(self.names) if any(str(c).rpartition("__")[2] == name for c in named_columns)
        ]

    def position(self, feature, argument):
        """Position of the column that a feature is."""
        return column_position(self.names, feature, self.group_positions, argument)

    def held(self, fixed, varied=()):
        """Values of the features that are held, by the position of the column.

        Raises
        ------
        ValueError
            If a feature is unknown, or is one that varies.
        """
        values = {}
        for feature, value in (fixed or {}).items():
            position = self.position(feature, "fixed")
            if position in varied:
                raise ValueError(f"fixed holds {shown(feature)}, whose effect is asked for.")
            values[position] = self.value(position, value)
        return values

    def value(self, position, value):
        """A value that a column is given, with a warning where it is a text that no row has."""
        warn_of_unknown_text(self.X, position, self.names[position], value)
        return value

    def members(self, by_group):
        """Labels of the members that averages are of, and the member of each row (row,): groups, or all rows as one.

        Raises
        ------
        ValueError
            If groups are asked for, and there are none.
        """
        if not by_group:
            return [None], np.zeros(self.X.shape[0], dtype=int)
        if self.labels is None:
            raise ValueError(
                f"by_group=True needs groups, but this {type(self.estimator).__name__} was fitted without any."
            )
        known = unique_labels(self.labels)
        return known, encode_labels(self.labels, known)

    def draws(self, rows, values):
        """The response of some rows under each draw, with other values of some columns, (draw, row)."""
        X = take_rows(self.X, rows)
        for position, value in values.items():
            X = with_column(X, position, value[rows] if np.ndim(value) else value)
        groups = {"groups": [self.labels[row] for row in rows]} if self.has_groups_argument else {}
        sampled = self.sample(transformed(self.transformer, X), n_draws=self.n_draws, **groups)  # (draw, row[, class])
        return sampled if self.code is None else sampled[:, :, self.code]

    def averages(self, statistic, member):
        """Averages of a statistic over the rows of each member, under each draw, (draw, member).

        Rows go by in blocks, those of a member next to one another, so that a group's draws are looked up seldom.

        Parameters
        ----------
        statistic : callable
            Takes positions of rows, and returns (draw, row).
        member : ndarray of shape (n_rows,)
            Member of each row, from 0; each has a row.
        """
        order = np.argsort(member, kind="stable")  # (row,)
        counts = np.bincount(member)  # (member,)
        n_draws = len(statistic(order[:1]))
        width = 1 if self.code is None else len(self.estimator.classes_)
        step = max(1, BLOCK // (n_draws * width))
        sums = np.zeros((n_draws, len(counts)))  # (draw, member)
        for start in range(0, len(order), step):
            rows = order[start : start + step]
            present, first = np.unique(member[rows], return_index=True)  # (member here,) each
            part = statistic(rows)  # (draw, row)
            if len(part) != n_draws:
                raise ValueError("The groups have different numbers of draws: set n_draws to the least of them.")
            sums[:, present] += np.add.reduceat(part, first, axis=1)
        return sums / counts
