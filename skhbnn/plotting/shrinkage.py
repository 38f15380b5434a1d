"""Distance of each group from what the groups have in common, against its number of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..data.labels import labels_array
from ..estimators.hierarchical import HierarchicalBNN, HierarchicalBNNClassifier
from ..posterior import prediction, prediction_of_numbers
from ..support.typed import Axes, Floats, Labels, validate_params
from .checks import last_fit
from .colours import ACCENT, MUTED
from .figures import OneAxesDisplay, legend_above
from .ordered import EXTREMES, MOST_NAMED

Kind: TypeAlias = Literal["total variation", "mean absolute", "Euclidean"]

MAX_POINTS = 100  # training rows at which predictions are compared
MOST_TICKS = 8  # group sizes that each get a tick
PLACES = ((5, 3, "left"), (-5, 3, "right"), (5, -9, "left"), (-5, -9, "right"))  # of a label beside its point
TIE_WIDTH = 0.03  # between groups of equal size, in logarithms of the size


@dataclass(eq=False, repr=False, kw_only=True)
class ShrinkageDisplay(OneAxesDisplay):
    """Distance of each group from the group mean, against its number of rows.

    A group of few rows is pulled towards the group mean, and one of many goes its own way. Chains can sit in modes that
    differ in how weights and predictions are shared out between mean and groups: each has its own point, and a line
    joins them. The title says how far half of the groups go, and names the five that go farthest; these have labels,
    and of up to 40 groups all for which there is room. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    distances : ndarray of shape (n_chains, n_groups)
        Of weights, the Euclidean norm of the posterior mean of w_g - mu. Of predictions, averaged over training rows:
        the total variation distance of the posterior mean class probabilities, between 0 and 1, or the absolute
        difference of the expected targets, in the unit of y.
    n_rows : ndarray of shape (n_groups,)
        Training rows of each group, each as often as its weight says.
    groups : ndarray of shape (n_groups,)
        Group labels.
    quantity : {"predictions", "weights"}
        What the distance is of.
    kind : {"total variation", "mean absolute", "Euclidean"}
        Name of the distance.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.plotting import ShrinkageDisplay
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(random_state=0).fit(X, y, groups=groups)
    >>> ShrinkageDisplay.from_estimator(classifier).distances.shape
    (8, 3)
    """

    distances: Floats
    n_rows: Floats
    groups: Labels
    quantity: Literal["predictions", "weights"]
    kind: Kind

    @classmethod
    @validate_params({"quantity": [StrOptions({"predictions", "weights"})]})
    def from_estimator(
        cls,
        estimator: HierarchicalBNN,
        *,
        quantity: Literal["predictions", "weights"] = "predictions",
        ax: Axes | None = None,
    ) -> Self:
        """Compute the distances of the groups of a fitted estimator, and draw them.

        Parameters
        ----------
        estimator : HierarchicalBNNClassifier or HierarchicalBNNRegressor
            One fitted with groups, or a pipeline or search that ends in one.
        quantity : {"predictions", "weights"}, default="predictions"
            Compare class probabilities, or expected targets, at 100 training rows, evenly spaced over the rows of all
            groups (at all rows, where there are fewer), or weights.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : ShrinkageDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is none of these.
        ValueError
            If it was fitted without groups, or a layer has no group mean, as with ``pooling="none"``.
        """
        estimator = last_fit(cls, estimator, HierarchicalBNN, "hierarchical estimator")
        posterior, data = estimator.posterior_, estimator.training_data_
        if estimator.groups_ is None:
            name = type(estimator).__name__
            raise ValueError(f"This {name} was fitted without groups: there is no group to compare.")
        if not posterior.model.shares_all_weights:
            raise ValueError(f"pooling={estimator.pooling!r} leaves a layer without a group mean to compare with.")
        if quantity == "weights":
            deviations = (
                posterior.weights - np.asarray(posterior.group_mean)[:, :, None]
            )  # (chain, draw, group, weight)
            distances = np.linalg.norm(deviations.mean(axis=1, dtype=float), axis=-1)  # (chain, group)
            kind: Kind = "Euclidean"
        elif isinstance(estimator, HierarchicalBNNClassifier):
            distances, kind = 0.5 * _distances(prediction.mean_proba, posterior, data), "total variation"
        else:
            of_model = _distances(_mean_numbers, posterior, data)  # (chain, group), in the unit of the model
            distances, kind = estimator.target_standardizer_.scale[0] * of_model, "mean absolute"
        return cls(
            distances=distances,
            n_rows=data.group_sizes,
            groups=labels_array(data.group_labels),
            quantity=quantity,
            kind=kind,
        ).plot(ax)

    def _figure_size(self):
        return 8, 5

    def _draw(self, axes):
        from matplotlib.ticker import LogLocator

        x, mean = _spread_ties(self.n_rows), self.distances.mean(axis=0)  # (group,) each
        n_chains = len(self.distances)
        if n_chains > 1:
            axes.vlines(x, self.distances.min(axis=0), self.distances.max(axis=0), color=MUTED, linewidth=1)
            axes.plot(np.tile(x, n_chains), self.distances.ravel(), ".", color=MUTED, label="one chain")
        axes.plot(x, mean, "o", color=ACCENT, markeredgecolor="white", label="mean of the chains")
        farthest = np.argsort(-mean, kind="stable")  # (group,)
        in_unit = ", in the unit of y" if self.kind == "mean absolute" else ""
        axes.set(
            xscale="log",
            xlabel="training rows of the group",
            ylabel=f"{self.kind} distance of {self.quantity}\nfrom those of the group mean{in_unit}",
            ylim=(0, None),
        )
        sizes = np.unique(self.n_rows)  # (size,)
        if len(sizes) <= MOST_TICKS:
            axes.set_xticks(sizes)
        else:
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xticks([], minor=True)
        legend_above(axes)
        self._label(axes, x, mean, farthest if len(x) <= MOST_NAMED else farthest[:EXTREMES])
        names, half = ", ".join(str(self.groups[i]) for i in farthest[:EXTREMES]), np.median(mean)
        axes.set_title(
            f"Half of the {len(x)} groups lie within {half:.2g} of the group mean;\nfarthest: {names}",
            pad=26,  # above the legend
            fontsize="medium",
        )

    def _label(self, axes, x, y, groups):
        """Write the labels of some groups beside their points (group,), in turn, each where nothing else stands."""
        points = axes.transData.transform(np.column_stack([x, y]))  # (group, 2), in pixels
        taken: list[Any] = []
        for i in groups:
            for right, up, side in PLACES:
                style = {"textcoords": "offset points", "ha": side, "fontsize": "small", "zorder": 4}
                label = axes.annotate(str(self.groups[i]), (x[i], y[i]), (right, up), **style)
                box = label.get_window_extent().expanded(1.0, 1.2)  # the layout of the figure is still to come
                if not (box.count_contains(points) or any(map(box.overlaps, taken))):
                    taken.append(box)
                    break
                label.remove()


def _distances(statistic, posterior, data):
    """Distance of each group from the group mean in each chain, (chain, group).

    It is the sum of absolute differences of a statistic (row, response), averaged over training rows.
    """
    posterior = replace(posterior, chain_weights=None)  # chains apart
    chosen = np.unique(np.linspace(0, len(data.X) - 1, MAX_POINTS).round().astype(int))  # (point,)
    X = data.X[chosen]

    def by_chain(parameters):
        """The statistic of each chain, (chain, point, response)."""
        chains = np.split(parameters, len(posterior.weights))  # (draw, parameter) each
        return np.array([statistic(posterior.predictor, chain, X) for chain in chains])

    common = by_chain(posterior.mean_parameters())  # (chain, point, response)
    own = [by_chain(posterior.group_parameters(g)) for g in range(data.n_groups)]  # (chain, point, response) each
    return np.stack([np.abs(response - common).sum(axis=2).mean(axis=1) for response in own], axis=1)


def _mean_numbers(predictor, parameters, X):
    """Posterior mean of the expected number, (row, 1)."""
    return prediction_of_numbers.mean_number(predictor, parameters, X)[:, None]


def _spread_ties(sizes):
    """Places of the groups (group,) on a logarithmic axis: their sizes, equal sizes a little apart to show each."""
    x = sizes.astype(float)  # (group,)
    for size in np.unique(sizes):
        tied = np.flatnonzero(sizes == size)  # (tied,)
        x[tied] *= np.exp(TIE_WIDTH * (np.arange(len(tied)) - (len(tied) - 1) / 2))
    return x
