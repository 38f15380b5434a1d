"""Curves of the marginal densities of weights before and after a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gaussian_kde, norm
from sklearn.utils._param_validation import Interval

from ..estimators.informed import InformedPriorBNN
from ..support.typed import Figure, Floats, PanelAxes, validate_params
from .checks import last_fit
from .colours import ACCENT, MUTED
from .figures import legend_below, panel_axes

DENSITY_POINTS = 200
TAILS = 4  # prior standard deviations shown on either side


@dataclass(eq=False, repr=False, kw_only=True)
class PriorPosteriorDisplay:
    """Curves of the marginal densities of weights before and after the rows of a new group were seen.

    What one learns: where both curves agree, the new group taught nothing, and its predictions there are those of the
    prior; where the posterior has left the bulk of the prior, the group is unlike those that the prior was made from.
    Make one with :meth:`from_estimator`.

    Parameters
    ----------
    weight_names : list of str
        Names of the weights shown.
    values : ndarray of shape (n_shown, n_points)
        Values of each weight at which its densities are given.
    prior_density : ndarray of shape (n_shown, n_points)
        Density of the normal prior.
    posterior_density : ndarray of shape (n_shown, n_points)
        Kernel density estimate from the draws of all chains.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_shown,)
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skhbnn import InformedPriorBNNClassifier
    >>> from skhbnn.plotting import PriorPosteriorDisplay
    >>> X, y = make_moons(60, noise=0.2, random_state=0)
    >>> classifier = InformedPriorBNNClassifier((3,), draws=100, tune=100, random_state=0).fit(X, y)
    >>> display = PriorPosteriorDisplay.from_estimator(classifier, weights=["layer 1: unit 0 -> output 0"])
    >>> display.values.shape
    (1, 200)
    """

    weight_names: list[str]
    values: Floats
    prior_density: Floats
    posterior_density: Floats

    @classmethod
    @validate_params({"weights": [None, "array-like"], "n_weights": [Interval(Integral, 1, None, closed="left")]})
    def from_estimator(
        cls,
        estimator: InformedPriorBNN,
        *,
        weights: Sequence[str | int] | NDArray[Any] | None = None,
        n_weights: int = 9,
        ax: PanelAxes = None,
    ) -> Self:
        """Compute the densities of the weights of a fitted estimator, and draw the curves.

        Parameters
        ----------
        estimator : InformedPriorBNNClassifier or InformedPriorBNNRegressor
            A fitted one, or a pipeline or search that ends in one.
        weights : array-like of str or int, default=None
            Weights to show, by the names of ``posterior_.network.weight_names`` or by position in the flat vector.
            None: the weights whose posterior mean moved farthest, in prior standard deviations.
        n_weights : int, default=9
            How many to show where ``weights`` is None.
        ax : matplotlib Axes or array-like of them, default=None
            One per weight. None: a new figure.

        Returns
        -------
        display : PriorPosteriorDisplay
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
            If a weight is unknown, or all draws are equal, as of the mode.
        """
        estimator = last_fit(cls, estimator, InformedPriorBNN, "estimator with an informed prior")
        model, draws = estimator.posterior_.model, estimator.posterior_.group_weights(0)  # (draw, weight)
        if np.ptp(draws, axis=0).max() == 0:
            raise ValueError(f"inference={estimator.inference!r} gave one point and no posterior density.")
        n = model.network.n_weights  # own numbers of the likelihood may stand behind the weights
        location = np.asarray(model.location)[:n]  # (weight,)
        prior_std = np.sqrt(np.sum(model.factor[:n] ** 2, axis=1))  # (weight,)
        names = model.network.weight_names(estimator._input_names())
        if weights is None:
            moved = np.abs(draws.mean(axis=0) - location) / prior_std  # (weight,)
            shown = np.argsort(-moved, kind="stable")[:n_weights].tolist()
        else:
            shown = [_weight_position(weight, names) for weight in weights]
        values, before, after = [], [], []
        for i in shown:
            low = min(draws[:, i].min(), location[i] - TAILS * prior_std[i])
            high = max(draws[:, i].max(), location[i] + TAILS * prior_std[i])
            values.append(np.linspace(low, high, DENSITY_POINTS))  # (point,)
            before.append(norm.pdf(values[-1], location[i], prior_std[i]))  # (point,)
            after.append(gaussian_kde(draws[:, i].astype(float))(values[-1]))  # (point,)
        return cls(
            weight_names=[names[i] for i in shown],
            values=np.array(values),
            prior_density=np.array(before),
            posterior_density=np.array(after),
        ).plot(ax)

    def plot(self, ax: PanelAxes = None) -> Self:
        """Draw the densities, a panel per weight.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            One per weight. None: a new figure.

        Returns
        -------
        display : self
            With ``axes_`` and ``figure_``.

        Raises
        ------
        ValueError
            If ``ax`` holds other than one axes per weight.
        """
        caller = f"{type(self).__name__}.plot"
        self.figure_: Figure
        self.axes_: NDArray[Any]
        self.figure_, self.axes_ = panel_axes(caller, len(self.weight_names), ax, "weight", "density")
        curves = zip(self.weight_names, self.values, self.prior_density, self.posterior_density, strict=True)
        for axes, (name, values, prior, posterior) in zip(self.axes_, curves, strict=True):
            axes.plot(values, prior, color=MUTED, linestyle="--", label="prior")
            axes.plot(values, posterior, color=ACCENT, label="posterior")
            axes.fill_between(values, posterior, color=ACCENT, alpha=0.25)
            axes.set_title(name, fontsize="small")
            axes.set(yticks=[], ylim=(0, None))
        handles = self.axes_[0].get_legend_handles_labels()[0]
        if ax is None:
            legend_below(self.figure_, handles)
        else:
            self.axes_[0].legend()
        return self


def _weight_position(weight, names):
    """Position of a weight in the flat vector; the weight is a name or such a position."""
    if isinstance(weight, (int, np.integer)) and 0 <= weight < len(names):
        return int(weight)
    if isinstance(weight, str) and weight in names:
        return names.index(weight)
    raise ValueError(
        f"weights: {weight!r} is neither a position from 0 to {len(names) - 1} nor a name, such as {names[0]!r}."
    )
