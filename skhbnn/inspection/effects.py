"""Average predictions, comparisons and slopes of a fitted estimator."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from ..data.labels import labels_array
from ..support.typed import Data, Estimator, Feature, validate_params
from .columns import has_numbers, numbers_of
from .response import ExpectedResponse
from .table import EffectTable

STEP = 1e-4  # of a central difference, in standard deviations of the feature
CONSTRAINTS = {
    "fixed": [None, dict],
    "by_group": ["boolean"],
    "level": [Interval(Real, 0, 1, closed="neither")],
    "n_draws": [None, Interval(Integral, 1, None, closed="left")],
}


@validate_params(CONSTRAINTS)
def average_predictions(
    estimator: Estimator,
    X: Data,
    *,
    groups: Data | None = None,
    by_group: bool = False,
    fixed: dict[Any, Any] | None = None,
    class_of_interest: Any = None,
    level: float = 0.9,
    n_draws: int | None = None,
) -> EffectTable:
    """Average of what a fitted estimator expects over rows, with posterior intervals.

    Parameters
    ----------
    estimator : estimator
        A fitted one of this package that has ``sample_proba`` or ``sample_mean``, or a pipeline or search of
        scikit-learn's that ends in one.
    X : {array-like, dataframe} of shape (n_samples, n_features)
        Rows to average over, as ``predict`` takes them.
    groups : array-like of shape (n_samples,), default=None
        Group labels, if they are not a column of X.
    by_group : bool, default=False
        Whether to average over the rows of each group, or over all rows.
    fixed : dict, default=None
        Values to give to features in every row, by name or index, in the units of X. What it leaves out keeps the
        values of the rows.
    class_of_interest : class label, default=None
        The class whose probability is meant. None: the second of two.
    level : float, default=0.9
        Probability of the central posterior intervals.
    n_draws : int, default=None
        Number of posterior draws to use. None: all of them.

    Returns
    -------
    table : EffectTable
        In probabilities of a class, or in the unit of y; the groups in order.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it has neither ``sample_proba`` nor ``sample_mean``.
    ValueError
        If X or groups are not valid, a feature or the class is unknown, or groups are asked for and there are none.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.inspection import average_predictions
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(draws=100, tune=100, random_state=0).fit(X, y, groups=groups)
    >>> table = average_predictions(classifier, X, groups=groups, fixed={"x0": 0.0})
    >>> table.response, len(table)
    ('P(class 1)', 1)
    """
    response = ExpectedResponse("average_predictions", estimator, X, groups, class_of_interest, n_draws)
    held = response.held(fixed)
    members, member = response.members(by_group)
    draws = response.averages(lambda rows: response.draws(rows, held), member)  # (draw, member)
    return _table("prediction", response, [""], members, member, [draws], level, held)


@validate_params(CONSTRAINTS | {"values": ["array-like"]})
def average_comparisons(
    estimator: Estimator,
    X: Data,
    feature: Feature,
    values: Sequence[Any],
    *,
    groups: Data | None = None,
    by_group: bool = False,
    fixed: dict[Any, Any] | None = None,
    class_of_interest: Any = None,
    level: float = 0.9,
    n_draws: int | None = None,
) -> EffectTable:
    """Average difference of what a fitted estimator expects when a feature changes from one value to another.

    Parameters
    ----------
    estimator : estimator
        A fitted one of this package that has ``sample_proba`` or ``sample_mean``, or a pipeline or search of
        scikit-learn's that ends in one.
    X : {array-like, dataframe} of shape (n_samples, n_features)
        Rows to average over, as ``predict`` takes them. All but the feature keeps its values.
    feature : str or int
        The feature, by name or index of its column of X.
    values : pair of values
        What every row's feature changes from, and to: numbers, or categories that a pipeline encodes.
    groups : array-like of shape (n_samples,), default=None
        Group labels, if they are not a column of X.
    by_group : bool, default=False
        Whether to average over the rows of each group, or over all rows.
    fixed : dict, default=None
        Values to give to other features in every row, by name or index, in the units of X.
    class_of_interest : class label, default=None
        The class whose probability is meant. None: the second of two.
    level : float, default=0.9
        Probability of the central posterior intervals.
    n_draws : int, default=None
        Number of posterior draws to use. None: all of them.

    Returns
    -------
    table : EffectTable
        In differences of probabilities, or in the unit of y; the groups in order.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it has neither ``sample_proba`` nor ``sample_mean``.
    ValueError
        If X, groups or values are not valid, a feature or the class is unknown, the feature holds the groups, or groups
        are asked for and there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn import HierarchicalBNNRegressor
    >>> from skhbnn.inspection import average_comparisons
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.uniform(-2, 2, (60, 1)), np.repeat(["east", "west"], 30)
    >>> y = X[:, 0] * (1 + (shop == "west")) + 0.1 * rng.normal(size=60)
    >>> regressor = HierarchicalBNNRegressor((3,), draws=100, tune=100, random_state=0).fit(X, y, groups=shop)
    >>> table = average_comparisons(regressor, X, "x0", (-1, 1), groups=shop, by_group=True)
    >>> table.estimate.round()
    array([2., 4.])
    """
    if len(values) != 2:
        raise ValueError(f"values must hold two values of the feature, from and to; got {len(values)}.")
    response = ExpectedResponse("average_comparisons", estimator, X, groups, class_of_interest, n_draws)
    position = response.position(feature, "feature")
    start, stop = (response.value(position, value) for value in values)
    held = response.held(fixed, [position])
    members, member = response.members(by_group)
    draws = response.averages(
        lambda rows: response.draws(rows, {**held, position: stop}) - response.draws(rows, {**held, position: start}),
        member,
    )  # (draw, member)
    names = [str(response.names[position])]
    return _table("comparison", response, names, members, member, [draws], level, held, (start, stop))


@validate_params(CONSTRAINTS)
def average_slopes(
    estimator: Estimator,
    X: Data,
    features: Feature | Sequence[Feature] | None = None,
    *,
    groups: Data | None = None,
    by_group: bool = False,
    fixed: dict[Any, Any] | None = None,
    class_of_interest: Any = None,
    level: float = 0.9,
    n_draws: int | None = None,
) -> EffectTable:
    """Average slope of what a fitted estimator expects, per unit of each feature.

    Slopes are central differences over a ten-thousandth of the feature's standard deviation on either side of each row.

    Parameters
    ----------
    estimator : estimator
        A fitted one of this package that has ``sample_proba`` or ``sample_mean``, or a pipeline or search of
        scikit-learn's that ends in one.
    X : {array-like, dataframe} of shape (n_samples, n_features)
        Rows to average over, as ``predict`` takes them.
    features : str, int or list of them, default=None
        Features, by name or index of their columns of X. None: all columns of numbers.
    groups : array-like of shape (n_samples,), default=None
        Group labels, if they are not a column of X.
    by_group : bool, default=False
        Whether to average over the rows of each group, or over all rows.
    fixed : dict, default=None
        Values to give to other features in every row, by name or index, in the units of X.
    class_of_interest : class label, default=None
        The class whose probability is meant. None: the second of two.
    level : float, default=0.9
        Probability of the central posterior intervals.
    n_draws : int, default=None
        Number of posterior draws to use. None: all of them.

    Returns
    -------
    table : EffectTable
        In probability, or the unit of y, per unit of the feature; feature by feature, and in each the groups in order.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it has neither ``sample_proba`` nor ``sample_mean``.
    ValueError
        If X or groups are not valid, a feature or the class is unknown, a feature holds the groups or no numbers, or
        groups are asked for and there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn import FlatBNNRegressor
    >>> from skhbnn.inspection import average_slopes
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 2))
    >>> y = 3 * X[:, 0] - X[:, 1] + 0.1 * rng.normal(size=60)
    >>> regressor = FlatBNNRegressor((), draws=100, tune=100, random_state=0).fit(X, y)
    >>> average_slopes(regressor, X).estimate.round()
    array([ 3., -1.])
    """
    response = ExpectedResponse("average_slopes", estimator, X, groups, class_of_interest, n_draws)
    positions = chosen_positions(response, features)
    held = response.held(fixed, positions)
    members, member = response.members(by_group)
    draws = [response.averages(slopes_of(response, position, held), member) for position in positions]
    names = [str(response.names[position]) for position in positions]
    return _table("slope", response, names, members, member, draws, level, held)


def chosen_positions(response, features):
    """Positions of the columns that features are; None: of all columns of numbers.

    Raises
    ------
    ValueError
        If a feature is unknown, or there is none.
    """
    if features is None:
        candidates = [i for i in range(len(response.names)) if i not in response.label_positions]
        chosen = [i for i in candidates if has_numbers(response.X, i)]
    else:
        several = isinstance(features, (list, tuple)) and features not in response.names
        chosen = [response.position(feature, "features") for feature in (features if several else [features])]
    if not chosen:
        raise ValueError("There is no feature of numbers in X to take a slope of.")
    return chosen


def slopes_of(response, position, held):
    """Function of rows whose values are the slopes of the response in the feature at a position, (draw, row)."""
    values = numbers_of(response.X, position, response.names[position])  # (row,)
    step = STEP * (values.std() or abs(values[0]) or 1.0)
    above, below = values + step, values - step  # (row,) each
    width = above - below  # (row,): what floats made of twice the step

    def slopes(rows):
        upper = response.draws(rows, {**held, position: above})  # (draw, row)
        return (upper - response.draws(rows, {**held, position: below})) / width[rows]

    return slopes


def _table(quantity, response, names, members, member, draws, level, held, values=None):
    """Table of effects, feature by feature, of draws (draw, member) of each feature."""
    by_group = members != [None]
    return EffectTable(
        quantity=quantity,
        response=response.response,
        features=[name for name in names for _ in members],
        values=values,
        fixed={str(response.names[position]): value for position, value in held.items()},
        groups=labels_array(members * len(names)) if by_group else None,
        n_samples=np.tile(np.bincount(member), len(names)),
        draws=np.concatenate(draws, axis=1),
        level=level,
    )
