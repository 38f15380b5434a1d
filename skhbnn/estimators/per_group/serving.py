"""Which estimator serves which rows, and what each says of them."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import _num_samples

from ...data.doubts import unseen_text, warn_of_unseen
from ...data.labels import ALL_ROWS, rows_by_label
from ...data.tables import take_rows
from ...support.typed import Uncertainties
from ...support.wording import named


class Answer(NamedTuple):
    """What one method of one estimator says of the rows that the estimator serves.

    Parameters
    ----------
    rows : slice or list of int
        Positions of the rows.
    estimator : estimator
        Of the rows' group, or the fallback.
    value : object
        What the method returned for these rows.
    """

    rows: Any
    estimator: Any
    value: Any


class ServingMixin:
    """Estimators of groups, and a fallback, that predict the rows of a table."""

    estimator: Any
    estimators_: dict
    fallback_: Any
    failed_groups_: dict

    def _offers(self, method):
        getattr(self.estimator, method)  # its AttributeError says more
        return True

    def _answers(self, method, inputs, labels, *of_rows, **arguments):
        """Answers of all estimators that serve rows of the inputs, as a list.

        The method takes inputs, and the part for these rows of each further array (row,).
        """
        served = [(slice(None), self.estimators_[ALL_ROWS])] if labels is None else self._served(method, labels)
        answers = []
        for rows, estimator in served:
            parts = inputs if labels is None else take_rows(inputs, rows), *(array[rows] for array in of_rows)
            value = getattr(estimator, method)(*parts, **arguments)
            answers.append(Answer(rows=rows, estimator=estimator, value=value))
        return answers

    def _sampled_answers(self, method, inputs, labels, **arguments):
        """Answers with draws along their first axis; a ValueError if estimators have different numbers of draws."""
        answers = self._answers(method, inputs, labels, **arguments)
        counts = sorted({len(answer.value) for answer in answers})
        if len(counts) > 1:
            raise ValueError(
                f"The groups and the fallback have different numbers of draws, {counts}: set n_draws to {counts[0]} "
                "or less."
            )
        return answers

    def _uncertainty(self, inputs, labels):
        """Bunch of total, aleatoric and epistemic uncertainty of what is predicted, each (row,)."""
        n_rows, names = _num_samples(inputs), ("total", "aleatoric", "epistemic")
        result = Uncertainties(**{name: np.empty(n_rows) for name in names})  # (row,) each
        for rows, _, part in self._answers("predict_uncertainty", inputs, labels):
            for name, values in result.items():
                values[rows] = part[name]
        return result

    def _served(self, method, labels):
        """Pairs of rows and the estimator that serves them; a ValueError where none has the method."""
        rows = rows_by_label(labels)
        unserved = [label for label in rows if label not in self.estimators_]
        served = [(rows[label], self.estimators_[label]) for label in rows if label in self.estimators_]
        if not unserved:
            return served
        known = self.estimators_ if len(unserved) == len(rows) and not self.failed_groups_ else ()
        if self.fallback_ is None:
            raise ValueError(f"{unseen_text(unserved, known)} Set fallback to predict them.")
        warn_of_unseen(unserved, known)
        if not hasattr(self.fallback_, method):
            raise ValueError(
                f"The fallback {type(self.fallback_).__name__} has no {method}, and serves the group(s) "
                f"{named(unserved)}; use a fallback that has it."
            )
        return [*served, (sorted(row for label in unserved for row in rows[label]), self.fallback_)]
