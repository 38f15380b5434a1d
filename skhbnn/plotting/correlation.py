"""Matrix of the correlations of weights, in the posterior or in the prior."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import dendrogram, leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.utils._param_validation import StrOptions

from ..estimators.base import BaseBNN
from ..estimators.informed import InformedPriorBNN
from ..posterior.alignment import weight_moments
from ..support.typed import Axes, Floats, Integers, validate_params
from .checks import last_fit
from .colours import DIVERGING, MUTED, PALETTE, cycled
from .figures import OneAxesDisplay
from .panels import group_panels

MOST_NAMED = 60  # rows of a matrix whose names can be read


@dataclass(eq=False, repr=False, kw_only=True)
class WeightCorrelationDisplay(OneAxesDisplay):
    """Matrix of the correlations of weights, ordered by hierarchical clustering.

    The clustering is average linkage of the distance 1 - abs(correlation), its leaves in the optimal order [1]_.
    Colours beside the rows tell the layers. What one learns: blocks of weights that vary together are what the rows
    determine as a whole, such as a slope that two layers make as a product, and not one by one; a covariance of such a
    posterior must be full if it is to be a prior. It says nothing of which feature matters. Make one with
    :meth:`from_estimator`.

    Parameters
    ----------
    correlation : ndarray of shape (n_shown, n_shown)
        In the order of the flat weight vector. A weight that does not vary has no correlation and is not shown.
    linkage : ndarray of shape (n_shown - 1, 4)
        As of ``scipy.cluster.hierarchy.linkage``.
    weight_names : list of str
        Their names.
    layers : ndarray of shape (n_shown,)
        Layer of each weight.

    Attributes
    ----------
    order : ndarray of shape (n_shown,)
        Positions of the weights from left to right.
    ax_ : matplotlib Axes
        The axes of the matrix; the tree stands above, also above axes that are given.
    figure_ : matplotlib Figure

    References
    ----------
    .. [1] Bar-Joseph, Gifford and Jaakkola (2001), "Fast optimal leaf ordering for hierarchical clustering",
       Bioinformatics 17.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skhbnn import FlatBNNClassifier
    >>> from skhbnn.plotting import WeightCorrelationDisplay
    >>> X, y = make_moons(60, noise=0.2, random_state=0)
    >>> classifier = FlatBNNClassifier((3,), draws=100, tune=100, random_state=0).fit(X, y)
    >>> WeightCorrelationDisplay.from_estimator(classifier).correlation.shape
    (13, 13)
    """

    correlation: Floats
    linkage: Floats
    weight_names: list[str]
    layers: Integers

    @classmethod
    @validate_params({"source": [StrOptions({"prior", "posterior"})], "align": ["boolean"]})
    def from_estimator(
        cls,
        estimator: BaseBNN,
        *,
        source: Literal["posterior", "prior"] = "posterior",
        group: Hashable = None,
        align: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Compute the correlations of the weights of a fitted estimator, and draw the matrix.

        Parameters
        ----------
        estimator : estimator
            A fitted one, or a pipeline or search that ends in one.
        source : {"posterior", "prior"}, default="posterior"
            Correlations of the posterior draws, or, for an informed prior, of the prior.
        group : hashable, default=None
            Label of the group whose posterior is shown, for a hierarchical fit. None: the group mean.
        align : bool, default=True
            Align the draws over permutations and sign flips of hidden units first, so that correlations do not come
            from chains in equivalent modes. The prior is shown as it is.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : WeightCorrelationDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is none of the three, or has no informed prior and ``source="prior"``.
        ValueError
            If the group is unknown, or fewer than two weights vary.
        """
        if source == "prior":
            estimator = last_fit(
                cls, estimator, InformedPriorBNN, "estimator with an informed prior for source='prior'"
            )
            model = estimator.posterior_.model
            cholesky = model.factor[: model.network.n_weights]  # (weight, entry)
            cov = cholesky @ cholesky.T  # (weight, weight)
        else:
            estimator = last_fit(cls, estimator, BaseBNN, "flat, hierarchical or informed estimator of this package")
            network = estimator.posterior_.network
            cov = weight_moments(network, _weight_draws(estimator, group), aligned=align)[1]  # (weight, weight)
        varying = np.flatnonzero(np.diag(cov) > 0)  # (shown,)
        if len(varying) < 2:
            raise ValueError("Fewer than two weights vary: there is no correlation to show.")
        std = np.sqrt(np.diag(cov)[varying])  # (shown,)
        correlation = cov[np.ix_(varying, varying)] / np.outer(std, std)  # (shown, shown)
        correlation = np.clip((correlation + correlation.T) / 2, -1, 1)  # rounding aside, it is both already
        np.fill_diagonal(correlation, 1)
        distance = squareform(1 - np.abs(correlation))  # (pair,)
        names = estimator.posterior_.network.weight_names(estimator._input_names())
        return cls(
            correlation=correlation,
            linkage=linkage(distance, "average", optimal_ordering=True),
            weight_names=[names[i] for i in varying],
            layers=estimator.posterior_.network.layer_of_weight[varying],
        ).plot(ax)

    @property
    def order(self) -> NDArray[np.int32]:
        """Positions of the weights from left to right."""
        return leaves_list(self.linkage)

    def _figure_size(self):
        side = min(12, max(5, 0.16 * len(self.layers) + 2.5))
        return side + 2, side

    def _draw(self, axes):
        n, order = len(self.layers), self.order
        matrix = self.correlation[np.ix_(order, order)]  # (shown, shown)
        image = axes.imshow(matrix, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
        axes.figure.colorbar(image, ax=axes, label="correlation", shrink=0.6)
        tree = axes.inset_axes((0, 1.01, 1, 0.15))
        dendrogram(self.linkage, ax=tree, color_threshold=0, above_threshold_color=MUTED, no_labels=True)
        tree.set_axis_off()
        strip = axes.inset_axes((1.01, 0, 0.03, 1), sharey=axes)
        colours = cycled(PALETTE, self.layers.max() + 1)
        strip.barh(range(n), 1, height=1, color=[colours[layer] for layer in self.layers[order]])
        strip.set_axis_off()
        for layer in np.unique(self.layers):
            axes.plot([], [], "s", color=colours[layer], label=f"layer {layer}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=6, frameon=False)
        axes.set(xticks=[], yticks=[], ylim=(n - 0.5, -0.5))
        if n <= MOST_NAMED:
            names = [self.weight_names[i] for i in order]
            axes.set_yticks(range(n), names, fontsize=7)
        else:
            axes.set_ylabel(f"{n} weights")


def _weight_draws(estimator, group):
    """Draws of the weights (draw, weight) of a group, or of the group mean."""
    posterior = estimator.posterior_
    if group is None and getattr(estimator, "groups_", None) is not None:
        return posterior.pooled(posterior.group_mean)
    (panel,) = group_panels(estimator, None if group is None else [group])
    return panel.parameters[:, : posterior.network.n_weights]  # without the modes of a linearised network
