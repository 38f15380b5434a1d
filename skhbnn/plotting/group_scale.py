"""Violins of the group scales of every layer: where the groups specialise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..estimators.hierarchical import HierarchicalBNN
from ..support.typed import Axes, Singles
from .checks import last_fit
from .colours import ACCENT
from .figures import OneAxesDisplay, legend_above

INTERVAL = (0.05, 0.95)  # quantiles between which 90 % of a posterior lie


@dataclass(eq=False, repr=False, kw_only=True)
class GroupScaleDisplay(OneAxesDisplay):
    """Violins of the posterior of the group scales of every layer: where the groups specialise.

    A violin for the matrix and one for the intercepts of every layer whose scales were learned, with the median and the
    interval that holds 90 % of the posterior. What one learns: a part near 0 is common to all groups, and could be
    pooled completely; the widest part is where groups differ, such as their level (``intercept`` of the last layer),
    how strongly hidden features count (``coef`` of it), or how they see the inputs (``input_map``). A violin from 0 to
    beyond 1 says that the groups are too few to tell.
    Make one with :meth:`from_estimator`.

    Parameters
    ----------
    scales : ndarray of shape (n_draws, n_learned_parts)
        Draws of all chains.
    parts : list of str
        Their names: ``"coef_0"`` is the matrix of the first layer, ``"intercept_0"`` its intercepts; ``"input_map"``
        and ``"input_shift"`` belong to the affine map of the inputs. Of several levels of groups each has such parts,
        ``"coef_0_region"`` and ``"coef_0_shop"``.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.plotting import GroupScaleDisplay
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(random_state=0).fit(X, y, groups=groups)
    >>> GroupScaleDisplay.from_estimator(classifier).scales.shape
    (400, 4)
    """

    scales: Singles
    parts: list[str]

    @classmethod
    def from_estimator(cls, estimator: HierarchicalBNN, *, ax: Axes | None = None) -> Self:
        """Take the group scales of a fitted estimator, and draw the violins.

        Parameters
        ----------
        estimator : HierarchicalBNNClassifier or HierarchicalBNNRegressor
            A fitted one, or a pipeline or search that ends in one.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : GroupScaleDisplay
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
            If no group scale was learned.
        """
        estimator = last_fit(cls, estimator, HierarchicalBNN, "hierarchical estimator")
        posterior = estimator.posterior_
        if posterior.group_scale is None:
            raise ValueError(
                "This fit learned no group scale: that takes a layer with pooling='partial' or 'affine' and a "
                f"group_scale_prior that is not fixed; it has pooling={estimator.pooling!r} and "
                f"group_scale_prior={estimator.group_scale_prior!r}."
            )
        return cls(
            scales=posterior.pooled(posterior.group_scale),  # (draw, learned part)
            parts=posterior.learned_parts,
        ).plot(ax)

    def _figure_size(self):
        return 2 + 1.3 * len(self.parts), 4

    def _draw(self, axes):
        n_parts = len(self.parts)
        positions = np.arange(n_parts)  # (learned part,)
        for body in axes.violinplot(list(self.scales.T), positions, widths=0.8, showextrema=False)["bodies"]:
            body.set(facecolor=ACCENT, edgecolor="none", alpha=0.5)
        low, middle, high = np.quantile(self.scales, [INTERVAL[0], 0.5, INTERVAL[1]], axis=0)  # (learned part,) each
        axes.vlines(positions, low, high, colors="black", label="90 % of the posterior")
        axes.plot(positions, middle, "o", color="white", markeredgecolor="black", label="median")
        for position, value in enumerate(middle):
            axes.annotate(f"{value:.2g}", (position, value), (7, 5), textcoords="offset points")
        axes.set(xticks=positions, xticklabels=self.parts, ylabel="group scale", ylim=(0, None))
        legend_above(axes)
