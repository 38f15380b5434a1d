"""Base of the surfaces over two features: statistics of networks on a grid, and panels that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from sklearn.utils._param_validation import Interval

from ..estimators.classification import NetworkClassifierMixin
from ..estimators.per_group.classifier import PerGroupClassifier
from ..inspection.relevance import relevance
from ..inspection.response import class_code
from ..posterior import prediction
from ..support.typed import Figure, Floats, Labels, PanelAxes, ScalarMappable
from .colours import DIVERGING, MARKERS, PALETTE, cycled
from .figures import legend_of_panels, note_below, panel_axes
from .grid import feature_grid, held_values, training_inputs, values_text
from .panels import CROWD, MARKER_SIZE

Networks: TypeAlias = NetworkClassifierMixin | PerGroupClassifier
Range: TypeAlias = Sequence[float] | NDArray[Any]
Limits: TypeAlias = Sequence[Range] | NDArray[Any]

SEED_STEP = 0.015  # between rows at one point, in shares of a panel's sides
LEAST_LABELLED = 0.02  # share of a panel that a class must cover for its label to stand in it
NETWORKS = (NetworkClassifierMixin, PerGroupClassifier)  # what has surfaces
OF_CLASSES = "classifier of this package (of a regressor there is PredictionBandDisplay)"
SIDES = ("#053061", "#67001f")  # the ends of the diverging map: a row has the colour of its class's side
GRID_CONSTRAINTS = {
    "features": [None, "array-like"],
    "fixed": [None, dict],
    "limits": [None, "array-like"],
    "class_of_interest": "no_validation",
    "grid_resolution": [Interval(Integral, 2, None, closed="left")],
    "ax": "no_validation",
}


@dataclass(eq=False, repr=False, kw_only=True)
class SurfaceDisplay:
    """Base of the surfaces; a subclass says what is painted in a panel."""

    xx0: Floats
    xx1: Floats
    proba: Floats
    feature_names: tuple[str, ...]
    fixed: list[dict[str, float]]
    classes: Labels
    class_of_interest: Any
    panels: list[Any]
    rows: list[Floats]
    row_classes: list[Labels]

    line_colour = "black"  # of the boundaries between classes

    @classmethod
    def _compute(cls, estimator, statistics, panels, *, features, fixed, limits, class_of_interest, grid_resolution):
        """Fields of a display by name, and then each of the statistics asked for, (panel, tick1, tick0, value)."""
        classes = estimator.classes_
        if class_of_interest is None and len(classes) == 2:
            class_of_interest = classes[1]
        if class_of_interest is not None:
            class_code(classes, class_of_interest)  # before anything is computed

        def of_panels(spread):
            """Relevance of each input, the average over the panels, (input,)."""
            return np.mean(
                [
                    relevance(
                        partial(panel.on_points, prediction.mean_proba, classes=classes), panel.own_rows(), spread
                    )
                    for panel in panels
                ],
                axis=0,
            )

        own = [panel.own_rows() for panel in panels]  # (row, input) each
        grid = feature_grid(estimator, features, limits, grid_resolution, of_panels, own)
        held = [held_values(estimator, rows, grid.features, fixed) for rows in own]  # (input,) each
        surfaces = [
            np.array(
                [
                    panel.on_points(statistic, grid.points(values), classes)
                    for panel, values in zip(panels, held, strict=True)
                ]
            ).reshape(len(panels), *grid.xx0.shape, -1)  # (panel, tick1, tick0, class or entropy)
            for statistic in (prediction.mean_proba, *statistics)
        ]
        fits = [(panel.fitted, panel.rows) for panel in panels]
        common = {
            "xx0": grid.xx0,
            "xx1": grid.xx1,
            "proba": surfaces[0],
            "feature_names": grid.names,
            "fixed": list(map(grid.fixed, held)),
            "classes": classes,
            "class_of_interest": class_of_interest,
            "panels": [panel.label for panel in panels],
            "rows": [training_inputs(fitted)[rows, grid.features] for fitted, rows in fits],  # (row, 2) each
            "row_classes": [
                fitted._targets_in_callers_form(fitted.training_data_.y[rows]) for fitted, rows in fits
            ],  # (row,) each
        }
        return common, *surfaces[1:]

    @property
    def _code(self):
        """Position of the class of interest among the classes; None where there is none."""
        return None if self.class_of_interest is None else class_code(self.classes, self.class_of_interest)

    def plot(self, ax: PanelAxes = None, *, colorbar: bool = True, legend: bool = True) -> Self:
        """Draw a panel per network, with the colour bar and the legend that they share.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            One per panel. None: a new figure.
        colorbar : bool, default=True
            Whether to draw the colour bar that the panels share.
        legend : bool, default=True
            Whether to draw the legend of the classes.

        Returns
        -------
        display : self
            With ``figure_``, ``axes_`` and the colour scale ``mappable_``.

        Raises
        ------
        ValueError
            If ``ax`` holds other than one axes per panel.
        """
        caller = f"{type(self).__name__}.plot"
        names, n_panels = self.feature_names, len(self.panels)
        self.figure_: Figure
        self.axes_: NDArray[Any]
        self.figure_, self.axes_ = panel_axes(caller, n_panels, ax, *names, sharex=True, sharey=True)
        handles = []
        for index, axes in enumerate(self.axes_):
            self.mappable_: ScalarMappable = self._paint(axes, index)
            handles = self._draw_over(axes, index)
            axes.set(xlim=self.xx0[0, [0, -1]], ylim=self.xx1[[0, -1], 0])
            if self.panels[index] is not None:
                axes.set_title(f"group {self.panels[index]}", fontsize="medium")
        if colorbar:
            shrink = 0.8 if n_panels > 1 else 1
            self.figure_.colorbar(
                self.mappable_, ax=list(self.axes_), label=self._colorbar_label(), shrink=shrink, pad=0.015
            )
        held = values_text(self.fixed)
        if legend and any(map(len, self.rows)):
            legend_of_panels(self, handles, held, ax)
        elif held and ax is None:
            note_below(self.figure_, held)
        return self

    def _draw_over(self, axes, index):
        """Draw the lines and the rows of the panel of that index; returns the handles of the legend."""
        self._draw_boundaries(axes, self.proba[index])
        return self._draw_rows(axes, self.rows[index], self.row_classes[index])

    def _imshow(self, axes, values, **options):
        """Draw an image of values (tick1, tick0[, colour]), with a pixel around each point of the grid; return it."""
        x, y = self.xx0[0], self.xx1[:, 0]  # (tick,) each
        half = np.array([-0.5, 0.5])  # (2,)
        extent = (*(x[[0, -1]] + half * (x[1] - x[0])), *(y[[0, -1]] + half * (y[1] - y[0])))
        return axes.imshow(values, origin="lower", aspect="auto", extent=extent, interpolation="bilinear", **options)

    def _paint_proba(self, axes, proba):
        """Paint class probabilities (tick1, tick0, class) and return the colour scale.

        With a class of interest, blue below probability 1/2 and red above. Without, each class has its colour, the
        stronger the likelier.
        """
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb

        if self._code is not None:  # pale, so that the rows stand out
            return self._imshow(axes, proba[..., self._code], cmap=DIVERGING, vmin=0, vmax=1, alpha=0.7)
        n_classes = len(self.classes)
        colours = np.array([to_rgb(colour) for colour in cycled(PALETTE, n_classes)])  # (class, 3)
        likeliest, least = proba.argmax(axis=-1), 1 / n_classes  # (tick1, tick0)
        strength = (proba.max(axis=-1, keepdims=True) - least) / (1 - least)  # (tick1, tick0, 1)
        self._imshow(axes, 1 - strength * (1 - colours[likeliest]))
        greys = LinearSegmentedColormap.from_list("strength", ["white", "dimgrey"])
        return ScalarMappable(Normalize(least, 1), greys)

    def _draw_boundaries(self, axes, proba):
        """Draw the lines where the likeliest class changes, or the class of interest reaches 1/2.

        Of more than two classes the name of the likeliest one stands in its region.
        """
        from matplotlib.patheffects import withStroke

        if self._code is not None:
            self._draw_contour(axes, proba[..., self._code] - 0.5, 1.2)
            return
        likeliest = proba.argmax(axis=-1)  # (tick1, tick0)
        for code in np.unique(likeliest):
            rivals = np.delete(proba, code, axis=-1).max(axis=-1)  # (tick1, tick0)
            self._draw_contour(axes, proba[..., code] - rivals, 0.6)
            region = likeliest == code  # (tick1, tick0)
            if region.mean() < LEAST_LABELLED:
                continue
            depth = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]  # (tick1, tick0)
            deepest = np.unravel_index(depth.argmax(), depth.shape)
            axes.annotate(
                str(self.classes[code]),
                (self.xx0[deepest], self.xx1[deepest]),
                ha="center",
                va="center",
                fontweight="bold",
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
                zorder=4,
            )

    def _draw_contour(self, axes, values, width):
        """Draw the line where values (tick1, tick0) are 0."""
        if values.min() < 0 < values.max():
            axes.contour(self.xx0, self.xx1, values, [0], colors=self.line_colour, linewidths=width)

    def _draw_rows(self, axes, rows, row_classes):
        """Draw training rows (row, 2) by class; returns the handles of the legend."""
        code = self._code
        if code is None:
            names = [f"class {label}" for label in self.classes]
            colours = cycled(PALETTE, len(names))
            codes = np.searchsorted(self.classes, row_classes)  # (row,)
        else:
            other = f"class {self.classes[1 - code]}" if len(self.classes) == 2 else "other classes"
            names, colours = [other, f"class {self.class_of_interest}"], self._two_colours()
            codes = (row_classes == self.class_of_interest).astype(int)  # (row,)
        size = MARKER_SIZE * min(1, np.sqrt(CROWD / max(1, *map(len, self.rows))))
        places, handles = self._side_by_side(rows), []
        for index, (name, colour) in enumerate(zip(names, colours, strict=True)):
            edge = "white" if colour in (*SIDES, "black") else "black"
            style = {"marker": MARKERS[index % len(MARKERS)], "c": colour, "edgecolors": edge}
            axes.scatter(*places[codes == index].T, s=size, linewidths=0.02 * size, zorder=3, **style)
            handles.append(axes.scatter([], [], s=MARKER_SIZE, linewidths=0.7, label=name, **style))
        return handles

    def _side_by_side(self, rows):
        """Places of training rows (row, 2): where they are, but rows at one point around it, so that none is hidden."""
        _, point, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
        point = point.reshape(-1)  # (row,)
        rank = np.empty(len(rows))  # (row,), among the rows at its point
        rank[np.argsort(point, kind="stable")] = [k for n in counts for k in range(n)]
        angle = rank * np.pi * (3 - np.sqrt(5))  # (row,): as the seeds of a sunflower lie
        span = np.array([np.ptp(self.xx0), np.ptp(self.xx1)])  # (2,)
        return rows + SEED_STEP * span * np.sqrt(rank)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])

    def _two_colours(self):
        """Colours of the rows of all other classes, and of the class of interest."""
        return SIDES

    def _paint(self, axes, index):
        """Paint the panel of that index, and return the colour scale."""
        return self._paint_proba(axes, self.proba[index])

    def _colorbar_label(self):
        """Label of the colour bar."""
        if self._code is None:
            return "P(likeliest class)"
        return f"P(class {self.class_of_interest})"
