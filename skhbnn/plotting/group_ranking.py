"""Groups in the order of a feature's effect, or of what is predicted in them, with posterior intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..inspection import EffectTable, average_comparisons, average_predictions, average_slopes
from ..inspection.response import parts_of
from ..support.typed import Axes, Data, Estimator, Floats, Integers, Labels
from .colours import ACCENT, MUTED, WARNING
from .figures import OneAxesDisplay, import_pyplot, legend_above
from .ordered import height_of_groups, label_groups


@dataclass(eq=False, repr=False, kw_only=True)
class GroupRankingDisplay(OneAxesDisplay):
    """Posterior intervals of an effect in every group, ordered by the posterior mean, beside the effect over all rows.

    Groups whose interval does not hold the effect over all rows stand out: of these the posterior says that they
    differ. An order of groups whose intervals overlap is no order to rely on. All groups have their labels, or of more
    than 40 the five at either end. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    estimate : ndarray of shape (n_groups,)
        Posterior mean of each group's effect, ascending.
    lower, upper : ndarray of shape (n_groups,)
        Central posterior interval of each.
    overall : float
        Posterior mean of the effect over all rows.
    groups : ndarray of shape (n_groups,)
        Group labels.
    n_samples : ndarray of shape (n_groups,)
        Rows of each group.
    quantity : str
        What the effect is, in words.
    level : float
        Probability of the intervals.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    EffectDisplay : The curve of a feature, in all values of it.
    GroupResidualDisplay : Groups that a model misses.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.plotting import GroupRankingDisplay
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(draws=100, tune=100, random_state=0).fit(X, y, groups=groups)
    >>> display = GroupRankingDisplay.from_estimator(classifier, X, groups=groups, feature="x0")
    >>> display.quantity
    'Average slope of P(class 1) per unit of x0'
    """

    estimate: Floats
    lower: Floats
    upper: Floats
    overall: float
    groups: Labels
    n_samples: Integers
    quantity: str
    level: float

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Data,
        *,
        feature: str | int | None = None,
        values: Sequence[Any] | None = None,
        groups: Data | None = None,
        fixed: dict[Any, Any] | None = None,
        class_of_interest: Any = None,
        level: float = 0.9,
        ax: Axes | None = None,
    ) -> Self:
        """Compute the effects of the groups of some rows under a fitted estimator, and draw them.

        Parameters
        ----------
        estimator : estimator
            A fitted one of this package with groups, or a pipeline or search that ends in one.
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to average over.
        feature : str or int, default=None
            Feature whose effect orders the groups, by name or index of its column. None: they are ordered by the
            average prediction.
        values : pair of values, default=None
            What the feature changes from, and to. None: its average slope.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.
        fixed : dict, default=None
            Values to give to other features in every row, by name or index. With all of them, groups are compared as if
            their rows were alike.
        class_of_interest : class label, default=None
            The class whose probability is meant. None: the second of two.
        level : float, default=0.9
            Probability of the intervals.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : GroupRankingDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is not of this package.
        ValueError
            As of :func:`~skhbnn.inspection.average_comparisons`; or if there are values and no feature.
        """
        caller = f"{cls.__name__}.from_estimator"
        import_pyplot(caller)
        parts_of(caller, estimator)
        if feature is None and values is not None:
            raise ValueError("values were given without the feature that they are of: pass feature=.")
        common = {"groups": groups, "fixed": fixed, "class_of_interest": class_of_interest, "level": level}

        def table(by_group: bool) -> EffectTable:
            """Effects of the groups, or of all rows."""
            if feature is None:
                return average_predictions(estimator, X, by_group=by_group, **common)
            if values is None:
                return average_slopes(estimator, X, feature, by_group=by_group, **common)
            return average_comparisons(estimator, X, feature, values, by_group=by_group, **common)

        found = table(True)
        order = np.argsort(found.estimate, kind="stable")  # (group,)
        assert found.groups is not None  # as by_group=True says
        return cls(
            estimate=found.estimate[order],
            lower=found.lower[order],
            upper=found.upper[order],
            overall=float(table(False).estimate[0]),
            groups=found.groups[order],
            n_samples=found.n_samples[order],
            quantity=_in_words(found),
            level=level,
        ).plot(ax)

    def _figure_size(self):
        return 7, height_of_groups(len(self.groups)) + 0.3

    def _draw(self, axes):
        places = np.arange(len(self.groups))  # (group,)
        holds = (self.lower <= self.overall) & (self.overall <= self.upper)  # (group,)
        for chosen, colour, marker, label in (
            (holds, ACCENT, "o", f"group, {100 * self.level:g} % interval"),
            (~holds, WARNING, "D", "interval without the average"),
        ):
            if not chosen.any():
                continue
            axes.hlines(places[chosen], self.lower[chosen], self.upper[chosen], color=colour, linewidth=1.2)
            axes.plot(self.estimate[chosen], places[chosen], marker, color=colour, markersize=4, label=label)
        axes.axvline(self.overall, color="black", linestyle=":", linewidth=1, label="average over all rows")
        if self.lower.min() < 0 < self.upper.max():
            axes.axvline(0, color=MUTED, linewidth=0.6)
        axes.set(xlabel=self.quantity)
        label_groups(axes, self.groups, self.lower, self.upper)
        legend_above(axes, 3)


def _in_words(table):
    """What a table's effects are, for the label of an axis."""
    if table.quantity == "prediction":
        text = f"Average {table.response}"
    elif table.quantity == "slope":
        text = f"Average slope of {table.response} per unit of {table.features[0]}"
    else:
        text = f"Difference of {table.response}, {table.features[0]} from {table.values[0]} to {table.values[1]}"
    return text + "".join(f", {name} = {value}" for name, value in table.fixed.items())
