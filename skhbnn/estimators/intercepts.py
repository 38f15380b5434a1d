"""Columns of X whose labels have random intercepts, for the estimators whose weights have independent priors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.columns import column_source
from ..data.doubts import doubt_of_labels
from ..data.labels import labels_array, require_labels
from ..inference.methods import METHODS, require_random_intercepts
from ..persistence.saving import warn_if_not_saved
from ..support.caller import warn_caller
from ..support.typed import Columns, Labels
from .base import column_names
from .groups import COLUMNS

OF_INTERCEPTS = "The intercept of a label that few rows have says little of other rows: leave such a column out of X."


class RandomInterceptsMixin:
    """The parameter ``random_intercepts``, and the labels of a fit."""

    _parameter_constraints: dict = {"random_intercepts": COLUMNS}

    random_intercepts: Columns | None
    random_intercept_columns_: list[int] | None
    random_intercept_labels_: list[Labels] | None
    inference: Any

    def _take_intercepts(self, inputs, weights):
        """Inputs (row, feature) without the numbers behind them, and the labels of rows as ``group_rows`` takes them.

        Sets random_intercept_labels_ to the labels of rows that count, by their weights (row,).
        """
        positions = self.random_intercept_columns_
        if positions is None:
            return inputs, {}
        require_random_intercepts(self.inference)
        inputs, codes = np.split(inputs, [inputs.shape[1] - len(positions)], axis=1)  # (row, feature), (row, column)
        codes, labels, names = codes.astype(np.int64), [], self._intercept_names()
        for c, (name, known) in enumerate(zip(names, self.random_intercept_labels_ or [], strict=True)):
            source = column_source(name, "random_intercepts")
            require_labels(source, np.flatnonzero((codes[:, c] < 0) & (weights > 0)))
            present, code = np.unique(codes[weights > 0, c], return_inverse=True)  # (label,), (counted row,)
            codes[:, c] = 0
            codes[weights > 0, c] = code
            labels.append([known[k] for k in present])
            doubt = doubt_of_labels([labels[c][k] for k in code], len(code))
            if doubt is not None:
                warn_caller(f"{source} {doubt} {OF_INTERCEPTS}", UserWarning)
            warn_if_not_saved(self, labels[c])
        self.random_intercept_labels_ = [labels_array(of_column) for of_column in labels]
        return inputs, {"intercept_labels": labels, "intercept_codes": codes}

    def _warn_of_mode(self):
        """Warn of a method that climbs to a mode in which learned scales of intercepts are."""
        if METHODS[self.inference].of_learned_scales and self.random_intercept_columns_:
            warn_caller(
                f"inference={self.inference!r} climbs to the joint mode of the network, the random intercepts and "
                'their scales, which shrinks the intercepts too little; inference="nuts" does not.',
                UserWarning,
            )

    def _intercept_names(self):
        """Names of the columns of random intercepts."""
        return [str(column_names(self)[position]) for position in self.random_intercept_columns_ or []]

    def _intercepts(self, data):
        """Number of labels of each column of random intercepts, by its name."""
        return dict(zip(self._intercept_names(), map(len, data.intercept_labels), strict=True))
