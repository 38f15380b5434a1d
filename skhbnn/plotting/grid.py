"""Features in the caller's units: those that a display varies, over a grid, and those that it holds at some value."""

from dataclasses import dataclass

import numpy as np

from ..data.columns import find_column
from ..estimators.base import column_names
from ..estimators.per_group.base import PerGroup
from ..inspection.relevance import by_relevance
from ..support.wording import named, shown

MARGIN = 0.05  # of the rows' range, on either side
ROUNDING = 1e-12  # share of a column's largest value
MOST_ZEROS = 3  # features held at 0 that a text names


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureGrid:
    """Grid of points over two inputs of a network.

    Parameters
    ----------
    features : tuple of int
        Positions of the two among the network's inputs.
    names : tuple of str
        Their names.
    others : dict
        Position of every other input by its name.
    xx0, xx1 : ndarray of shape (n_ticks, n_ticks)
        Values of the two features: the first changes along the columns, the second along the rows.
    """

    features: tuple
    names: tuple
    others: dict
    xx0: np.ndarray
    xx1: np.ndarray

    def points(self, values):
        """Points (tick * tick, input) in the caller's units, row of the grid by row, with others at values (input,)."""
        points = np.tile(values, (self.xx0.size, 1))  # (tick * tick, input)
        points[:, self.features] = np.stack([self.xx0.ravel(), self.xx1.ravel()], axis=1)
        return points

    def fixed(self, values):
        """Value of every input that the grid does not vary, out of values (input,), by name."""
        return {name: float(values[i]) for name, i in self.others.items()}


def training_inputs(estimator):
    """Training rows of a fit (row, input) in the caller's units, sorted by group."""
    if isinstance(estimator, PerGroup):
        return np.concatenate([training_inputs(fitted) for fitted in estimator.estimators_.values()])
    return estimator.standardizer_.inverse_transform(estimator.training_data_.X)


def feature_position(estimator, feature, argument):
    """Position of a feature among the network's inputs; the feature is a name, or the index of a column of X.

    Raises
    ------
    ValueError
        If there is no such feature, or two are meant, or the feature holds labels.
    """
    columns, inputs = column_names(estimator), estimator._input_names()
    column = find_column(feature, columns, len(columns), argument)
    if column is None:
        raise ValueError(
            f"{argument}: {shown(feature)} is not a feature of the fit, whose features are [{named(inputs)}]."
        )
    if columns[column] in inputs:
        return inputs.index(columns[column])
    of_intercepts = column in (getattr(estimator, "random_intercept_columns_", None) or [])
    held = "labels of random intercepts" if of_intercepts else "the groups"
    raise ValueError(f"{argument}: {shown(feature)} holds {held} and is no input of the network.")


def held_values(estimator, X, shown, fixed):
    """Values (input,) at which inputs are held: the lower median of rows X (row, input), or what fixed says.

    The lower median is a value of the rows, so that a column of 0 and 1 is never held at a half.

    Raises
    ------
    ValueError
        If fixed, a dict by name or index or None, holds no feature of the fit, or one that is shown.
    """
    values = np.quantile(X, 0.5, axis=0, method="inverted_cdf")  # (input,)
    largest = np.abs(training_inputs(estimator)).max(axis=0)  # (input,)
    values[np.abs(values) <= ROUNDING * largest] = 0  # what is left of 0 after standardising and back
    for feature, value in (fixed or {}).items():
        position = feature_position(estimator, feature, "fixed")
        if position in shown:
            raise ValueError(f"fixed holds {feature!r}, which the display varies.")
        values[position] = value
    return values


def ranges_of(X):
    """Range of every input over rows X (row, input), and a little more, (input, 2)."""
    low, high = X.min(axis=0), X.max(axis=0)  # (input,) each
    reach = MARGIN * np.where(high > low, high - low, 1.0)  # (input,)
    return np.stack([low - reach, high + reach], axis=1)


def values_text(fixed):
    """Text of the values at which features are held in some panels, a dict each; an empty one where none is.

    Of more than three features that are 0 in all panels, such as those of categories, it has the number.
    """
    zeros = [name for name in fixed[0] if not any(values[name] for values in fixed)]
    counted = zeros if len(zeros) > MOST_ZEROS else []
    parts, differ = [], False
    for name in fixed[0]:
        if name in counted:
            continue
        low, high = (f"{pick(values[name] for values in fixed):.4g}" for pick in (min, max))
        parts.append(f"{name} = {low}" if low == high else f"{name} = {low} to {high}")
        differ |= low != high
    if counted:
        parts.append(f"{len(counted)} {'others' if parts else 'features'} = 0")
    text = ", ".join(parts)
    return text and f"at {text}{', the median of each group' if differ else ''}"


def feature_grid(estimator, features, limits, n_ticks, relevance, panels):
    """Grid over two features of a fit.

    Parameters
    ----------
    estimator : fitted estimator
    features : pair of str or int, or None
        None: the two most relevant ones.
    limits : pair of (low, high), or None
        Range of each of the two features. None: the range of the training rows of all groups, and a little
        more.
    n_ticks : int
        Points along each side.
    relevance : callable
        Takes the standard deviations of the inputs (input,) and returns the relevance of each, (input,).
    panels : list of ndarray of shape (n_rows, n_inputs)
        The rows of each panel.

    Returns
    -------
    grid : FeatureGrid

    Raises
    ------
    ValueError
        If there are not two different features, a feature does not exist, or the limits are no ranges.
    """
    names, X = estimator._input_names(), training_inputs(estimator)
    if len(names) < 2:
        raise ValueError(f"A surface needs two features, but the fit has one: {names[0]!r}.")
    if features is None:
        pair = [0, 1] if len(names) == 2 else sorted(by_relevance(relevance(X.std(axis=0)), X, panels)[:2])
    else:
        pair = [feature_position(estimator, f, "features") for f in features]
    if len(set(pair)) != 2 or len(pair) != 2:
        raise ValueError(f"features must name two different features, got {features!r}.")
    limits = np.asarray(ranges_of(X)[pair] if limits is None else limits, dtype=float)  # (2, 2)
    if limits.shape != (2, 2) or not np.all(limits[:, 0] < limits[:, 1]):
        raise ValueError(f"limits must be ((low, high), (low, high)), of either feature, got {limits.tolist()}.")
    ticks = np.linspace(limits[:, 0], limits[:, 1], n_ticks)  # (tick, 2)
    xx0, xx1 = np.meshgrid(*ticks.T)  # (tick, tick) each
    others = {name: i for i, name in enumerate(names) if i not in pair}
    return FeatureGrid(features=tuple(pair), names=tuple(names[i] for i in pair), others=others, xx0=xx0, xx1=xx1)
