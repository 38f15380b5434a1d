"""Surface of how unsure each group's network is over two features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..inspection.response import class_code
from ..posterior import prediction
from ..support.typed import Data, Feature, Floats, PanelAxes, validate_params
from .checks import last_fit
from .colours import SEQUENTIAL
from .panels import group_panels
from .surface import GRID_CONSTRAINTS, NETWORKS, OF_CLASSES, Limits, Networks, SurfaceDisplay

BLACK_WHITE = ("black", "white")
Quantity: TypeAlias = Literal["std", "total", "aleatoric", "epistemic"]
ENTROPIES = ("total", "aleatoric", "epistemic")


@dataclass(eq=False, repr=False, kw_only=True)
class UncertaintySurfaceDisplay(SurfaceDisplay):
    """Surface of how unsure each group's network is over two features: a panel per group, one colour bar.

    The lines are the boundaries of :class:`DecisionSurfaceDisplay`. Make one with :meth:`from_estimator`.

    Parameters
    ----------
    xx0, xx1, proba, feature_names, fixed, classes, class_of_interest, panels, rows, row_classes : see below
        The surface, its panels and their rows, as of :class:`DecisionSurfaceDisplay`.
    uncertainty : ndarray of shape (n_panels, n_ticks, n_ticks)
        The quantity at the grid's points.
    quantity : {"std", "total", "aleatoric", "epistemic"}
        Its name: a standard deviation of the probability of the class of interest, or of the likeliest class where
        that is None; or an entropy of the class in nats.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
    figure_ : matplotlib Figure
    mappable_ : matplotlib ScalarMappable

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skhbnn import FlatBNNClassifier
    >>> from skhbnn.plotting import UncertaintySurfaceDisplay
    >>> X, y = make_moons(60, noise=0.2, random_state=0)
    >>> classifier = FlatBNNClassifier(draws=100, tune=100, random_state=0).fit(X, y)
    >>> display = UncertaintySurfaceDisplay.from_estimator(classifier, quantity="epistemic", grid_resolution=20)
    >>> display.uncertainty.shape
    (1, 20, 20)
    """

    uncertainty: Floats
    quantity: Quantity

    line_colour = "white"

    @classmethod
    @validate_params(GRID_CONSTRAINTS | {"groups": [None, "array-like"], "quantity": [StrOptions({"std", *ENTROPIES})]})
    def from_estimator(
        cls,
        estimator: Networks,
        *,
        quantity: Quantity = "std",
        groups: Data | None = None,
        features: Sequence[Feature] | None = None,
        fixed: dict[Any, Any] | None = None,
        limits: Limits | None = None,
        class_of_interest: Any = None,
        grid_resolution: int = 60,
        ax: PanelAxes = None,
        **kwargs: bool,
    ) -> Self:
        """Compute how unsure the networks of a fitted estimator are, and draw the surfaces.

        Parameters
        ----------
        estimator : FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier or PerGroupClassifier
            A fitted one, the last of flat or informed networks; or a pipeline or search that ends in one.
        quantity : {"std", "total", "aleatoric", "epistemic"}, default="std"
            The standard deviation of ``predict_std``, or an entropy of ``predict_uncertainty``.
        groups, features, fixed, limits, class_of_interest, grid_resolution, ax, **kwargs : see below
            What to show, and where: as of :meth:`DecisionSurfaceDisplay.from_estimator`.

        Returns
        -------
        display : UncertaintySurfaceDisplay
            Drawn already.

        Raises
        ------
        ImportError, NotFittedError, TypeError, ValueError
            As :meth:`DecisionSurfaceDisplay.from_estimator`.
        """
        estimator = last_fit(cls, estimator, NETWORKS, OF_CLASSES)
        statistic = prediction.std_proba if quantity == "std" else prediction.entropies
        common, values = cls._compute(
            estimator,
            (statistic,),
            group_panels(estimator, groups),
            features=features,
            fixed=fixed,
            limits=limits,
            class_of_interest=class_of_interest,
            grid_resolution=grid_resolution,
        )
        if quantity == "std":
            chosen = common["class_of_interest"]
            shown = (
                common["proba"].argmax(axis=-1)  # (panel, tick1, tick0)
                if chosen is None
                else np.full(values.shape[:3], class_code(estimator.classes_, chosen))
            )
            uncertainty = np.take_along_axis(values, shown[..., None], axis=-1)[..., 0]  # (panel, tick1, tick0)
        else:
            uncertainty = values[..., ENTROPIES.index(quantity)]  # (panel, tick1, tick0)
        return cls(**common, uncertainty=uncertainty, quantity=quantity).plot(ax, **kwargs)

    def _paint(self, axes, index):
        limits = {"vmin": 0, "vmax": float(self.uncertainty.max())}
        return self._imshow(axes, self.uncertainty[index], cmap=SEQUENTIAL, **limits)

    def _two_colours(self):
        return BLACK_WHITE

    def _colorbar_label(self):
        if self.quantity != "std":
            return f"{self.quantity} entropy (nats)"
        shown = "likeliest class" if self.class_of_interest is None else f"class {self.class_of_interest}"
        return f"posterior std of P({shown})"
