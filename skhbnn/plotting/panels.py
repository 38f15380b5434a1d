"""Panels of a figure: how many there may be, and the networks of groups that they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.labels import ALL_ROWS, as_labels, encode_labels
from ..estimators.classification import NetworkClassifierMixin
from ..estimators.per_group.classifier import PerGroupClassifier
from ..posterior import prediction
from ..support.wording import named
from .grid import training_inputs

MAX_PANELS = 36  # beyond, panels are too small to read: the groups must be chosen
MARKER_SIZE = 30  # of a row, in points squared
OF_ROWS = "The rows are of {} groups", f"pass the rows of {MAX_PANELS} groups at most"  # what is said of too many
CROWD = 100  # rows of a panel, beyond which the markers shrink
BY_CLASS = (prediction.mean_proba, prediction.std_proba)  # a column per class that the network knows


def check_number_of_panels(n_panels, what, advice):
    """Raise a ValueError if there are more panels than can be read; what: a sentence with a place for their number."""
    if n_panels > MAX_PANELS:
        raise ValueError(f"{what.format(n_panels)}, too many for one figure: {advice}.")


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """Network that a panel shows, and the rows that are drawn with it.

    Parameters
    ----------
    label : group label or None
    fitted : NetworkClassifierMixin
        The fit that the network comes from.
    parameters : ndarray of shape (n_draws, n_parameters)
        What the posterior's ``predictor`` takes.
    rows : slice
        Training rows of the fit that are drawn.
    """

    label: Any
    fitted: NetworkClassifierMixin
    parameters: np.ndarray
    rows: slice

    def own_rows(self):
        """Training rows (row, input) of the network in the caller's units; of a group mean those of all groups."""
        X = training_inputs(self.fitted)  # (row, input)
        own = X[self.rows]
        return own if len(own) else X

    def on_points(self, statistic, points, classes):
        """A statistic at points in the caller's units, (point, value); 0 for a class that the network does not know."""
        fitted = self.fitted
        values = statistic(fitted.posterior_.predictor, self.parameters, fitted.standardizer_.transform(points))
        if statistic not in BY_CLASS:
            return values
        by_class = np.zeros((len(points), len(classes)))  # (point, class)
        by_class[:, np.searchsorted(classes, fitted._classes_in_model)] = values
        return by_class


def group_panels(estimator, groups):
    """Panels of the chosen groups of a fit; None: of all groups.

    Raises
    ------
    TypeError
        If the classifiers of a PerGroupClassifier are not networks, or have groups of their own.
    ValueError
        If a group has no network, the fit has no groups, or it has too many for a figure and none are chosen.
    """
    fits = estimator.estimators_ if isinstance(estimator, PerGroupClassifier) else None
    for fitted in (fits or {}).values():
        if not isinstance(fitted, NetworkClassifierMixin) or getattr(fitted, "groups_", None) is not None:
            raise TypeError(
                "A PerGroupClassifier has surfaces if its estimator is a FlatBNNClassifier or an "
                f"InformedPriorBNNClassifier; this one's is a {type(fitted).__name__}."
            )
    if getattr(estimator, "groups_", None) is None:
        if groups is not None:
            raise ValueError(f"groups were chosen, but this {type(estimator).__name__} was fitted without any.")
        fitted = estimator if fits is None else fits[ALL_ROWS]
        return [_whole_panel(None, fitted)]
    known = estimator.training_data_.group_labels if fits is None else list(fits)
    if not known:
        raise ValueError("The fits of all groups failed: there is no network to show.")
    labels = known if groups is None else as_labels(groups, len(groups))
    codes = encode_labels(labels, known)  # (panel,)
    if np.any(codes < 0):
        strangers = [label for label, code in zip(labels, codes, strict=True) if code < 0]
        raise ValueError(
            f"groups holds [{named(strangers)}], for which the fit has no network; its groups are {named(known)}."
        )
    if groups is None:
        check_number_of_panels(len(labels), "The fit has {} groups", "choose some with groups=[...]")
    if fits is not None:
        return [_whole_panel(label, fits[label]) for label in labels]
    posterior, offsets = estimator.posterior_, estimator.training_data_.offsets
    return [
        Panel(
            label=label,
            fitted=estimator,
            parameters=posterior.group_parameters(code),
            rows=slice(offsets[code], offsets[code + 1]),
        )
        for label, code in zip(labels, codes, strict=True)
    ]


def _whole_panel(label, fitted):
    """Panel of a fit without groups, with all its rows."""
    return Panel(label=label, fitted=fitted, parameters=fitted.posterior_.group_parameters(0), rows=slice(None))
