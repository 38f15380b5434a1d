"""Figures of the displays: Matplotlib where there is one, axes to draw on, and legends."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import Self, cast

import numpy as np

from ..support.typed import Axes, Figure

PANEL_INCHES = 2.4


def import_pyplot(caller):
    """Import Matplotlib's pyplot; the ImportError where there is none says how to install it."""
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ImportError(
            f'{caller} requires matplotlib. You can install it with `pip install "skhbnn[plot]"`.'
        ) from error
    return pyplot


class OneAxesDisplay:
    """Base of the displays that need one axes; a subclass gives the size of a new figure, and draws."""

    ax_: Axes
    figure_: Figure

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw what the display holds.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : self
            With ``ax_`` and ``figure_``.
        """
        pyplot = import_pyplot(f"{type(self).__name__}.plot")
        if ax is None:
            _, ax = pyplot.subplots(figsize=self._figure_size(), layout="constrained")
        self.ax_ = ax
        self.figure_ = cast("Figure", ax.figure)  # or a SubFigure, which draws as a Figure does
        self._draw(ax)
        return self

    def _figure_size(self):
        """Width and height of a new figure, in inches."""
        raise NotImplementedError

    def _draw(self, axes):
        """Draw on some axes, which other displays may have drawn on before."""
        raise NotImplementedError


def panel_axes(caller, n_panels, ax, xlabel, ylabel, **options):
    """The figure and one axes per panel, (panel,): what is given, or a new grid, labelled along its outer sides.

    Raises
    ------
    ValueError
        If other than one axes per panel is given.
    """
    pyplot = import_pyplot(caller)
    if ax is not None:
        axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()  # (panel,)
        if len(axes) != n_panels:
            raise ValueError(f"ax holds {len(axes)} axes, but the display has {n_panels} panel(s); give one for each.")
        for panel in axes:
            panel.set(xlabel=xlabel, ylabel=ylabel)
        return axes[0].figure, axes
    n_columns = _columns(n_panels)
    n_rows = -(-n_panels // n_columns)
    inches = PANEL_INCHES * (2 if n_panels == 1 else 1.4 if n_panels <= 3 else 1)
    size = (inches * n_columns + 1.4, (inches + 0.2) * n_rows + 0.3)  # square panels between labels and colour bar
    figure, grid = pyplot.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False, **options)
    axes = grid.ravel()  # (panel + empty,)
    for empty in axes[n_panels:]:
        empty.set_axis_off()
    for panel in axes[:n_panels:n_columns]:
        panel.set_ylabel(ylabel)
    for panel in axes[max(0, n_panels - n_columns) : n_panels]:  # also those above an empty place
        panel.set_xlabel(xlabel)
        panel.tick_params(labelbottom=True)
    return figure, axes[:n_panels]


def legend_below(figure, handles, title=None):
    """Add a legend under all panels, in as few rows as the figure's width allows; the figure grows by these rows."""
    longest = max(len(handle.get_label()) for handle in handles)
    width, height = figure.get_size_inches()
    n_rows = -(-len(handles) // max(1, int(width / (0.55 + 0.08 * longest))))
    lines = _lines(title or "", width)
    figure.set_size_inches(width, height + 0.1 + 0.22 * n_rows + 0.17 * len(lines))
    options = {"title": "\n".join(lines), "title_fontsize": "small"} if lines else {}
    figure.legend(handles=handles, loc="outside lower center", ncols=-(-len(handles) // n_rows), **options)


def note_below(figure, text):
    """Write a text under all panels, in as many lines as it needs; the figure grows by the further ones."""
    width, height = figure.get_size_inches()
    lines = _lines(text, width)
    figure.set_size_inches(width, height + 0.17 * (len(lines) - 1))
    figure.supxlabel("\n".join(lines), fontsize="small")


def legend_of_panels(display, handles, title, ax):
    """Add the legend that the panels of a display share: under a new figure, or in the last of the axes given as ax."""
    if ax is None:
        legend_below(display.figure_, handles, title)
    else:
        display.axes_[-1].legend(handles=handles, title=title)


def legend_above(axes, n_columns=2):
    """Add a legend above the axes, where nothing is hidden."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=n_columns, frameon=False)


def _lines(text, width):
    """Lines of a small text that fit a figure of a width in inches; values stay with their names."""
    tied = re.sub(" (=|to) ", "\u00a0\\1\u00a0", text)
    return [line.replace("\u00a0", " ") for line in wrap(tied, max(20, int(11 * width)))]


def _columns(n_panels):
    """Number of columns of a grid of panels with few empty places that is somewhat wider than high."""
    if n_panels <= 5:
        return n_panels
    return min((3, 4, 5, 6), key=lambda n: (-n_panels % n, abs(n - np.sqrt(1.6 * n_panels))))
