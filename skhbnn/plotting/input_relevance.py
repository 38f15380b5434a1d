"""Intervals of the learned prior scale of every input, the most relevant input first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..estimators.base import BaseBNN
from ..support.typed import Axes, Singles
from .checks import last_fit
from .colours import ACCENT
from .figures import OneAxesDisplay, legend_above
from .group_scale import INTERVAL


@dataclass(eq=False, repr=False, kw_only=True)
class InputRelevanceDisplay(OneAxesDisplay):
    """Intervals of the learned prior scale of every input, the most relevant input first.

    Under ``prior_scale="ard"``, automatic relevance determination [1]_, the weights of every input of the first layer
    have a scale of their own, as they have by default in the hierarchical classifier. An input that tells nothing of y
    gets a small one: its weights are near 0. A dot is the median, and a line the interval that holds 90 % of the
    posterior. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    scales : ndarray of shape (n_draws, n_inputs)
        Draws of all chains, inputs in the order of the columns of X.
    input_names : list of str
        Their names.

    Attributes
    ----------
    order : ndarray of shape (n_inputs,)
        Positions of the inputs, the greatest median of the scale first.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    .. [1] Neal (1996), "Bayesian Learning for Neural Networks", Springer.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skhbnn import FlatBNNClassifier
    >>> from skhbnn.plotting import InputRelevanceDisplay
    >>> X, y = make_moons(60, noise=0.2, random_state=0)
    >>> classifier = FlatBNNClassifier((3,), prior_scale="ard", random_state=0).fit(X, y)
    >>> InputRelevanceDisplay.from_estimator(classifier).scales.shape
    (400, 2)
    """

    scales: Singles
    input_names: list[str]

    @classmethod
    def from_estimator(cls, estimator: BaseBNN, *, ax: Axes | None = None) -> Self:
        """Take the scales of the inputs of a fitted estimator, and draw them.

        Parameters
        ----------
        estimator : FlatBNNClassifier, FlatBNNRegressor, HierarchicalBNNClassifier or HierarchicalBNNRegressor
            A fitted one with ``"ard"`` as the ``prior_scale`` of its first layer, or a pipeline or search that ends in
            one.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : InputRelevanceDisplay
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
            If no scale of an input was learned, or the fit is a mode or of normal distributions around modes, in which
            no scale is below 1, however little an input matters.
        """
        estimator = last_fit(cls, estimator, BaseBNN, "flat or hierarchical estimator of this package")
        posterior, names = estimator.posterior_, estimator._input_names()
        of_inputs = [k for k, part in enumerate(posterior.prior_parts) if part.startswith("input_")]
        if not of_inputs:
            prior_scale = getattr(estimator, "prior_scale", None)
            raise ValueError(
                "This fit learned no scale of an input: that takes a flat or hierarchical estimator with 'ard' as the "
                f"prior_scale of its first layer; this {type(estimator).__name__} has prior_scale={prior_scale!r}."
            )
        if posterior.is_of_modes:
            raise ValueError(
                f"The scales of this {type(estimator).__name__} are those of a mode, where none is below 1, however "
                f'little an input matters (inference={estimator.inference!r}): fit with inference="nuts".'
            )
        scales = posterior.pooled(np.asarray(posterior.prior_scale))[:, of_inputs]  # (draw, input)
        return cls(scales=scales, input_names=[str(name) for name in names]).plot(ax)

    @property
    def order(self) -> np.ndarray:
        """Positions of the inputs, the greatest median of the scale first, (input,)."""
        return np.argsort(-np.median(self.scales, axis=0), kind="stable")

    def _figure_size(self):
        return 6, 1.5 + 0.3 * len(self.input_names)

    def _draw(self, axes):
        order = self.order  # (input,)
        low, middle, high = np.quantile(self.scales[:, order], [INTERVAL[0], 0.5, INTERVAL[1]], axis=0)  # (input,) each
        positions = np.arange(len(order))  # (input,)
        axes.hlines(positions, low, high, color=ACCENT, linewidth=2, label="90 % of the posterior")
        axes.plot(middle, positions, "o", color="white", markeredgecolor="black", label="median")
        axes.set(yticks=positions, yticklabels=[self.input_names[i] for i in order], ylim=(len(order) - 0.4, -0.6))
        axes.set(xlabel="prior scale of the weights of the input", xlim=(0, None))
        legend_above(axes)
