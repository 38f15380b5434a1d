"""The three figures of demo.py."""

import matplotlib

matplotlib.use("Agg")  # the demo saves its figures; it needs no display

import matplotlib.pyplot as plt
import numpy as np

MESH = 60  # points along each side of a panel
SURFACE = {"cmap": "RdBu_r", "vmin": 0.0, "vmax": 1.0, "alpha": 0.7}  # pale, so that the rows stand out
MARKERS = ("o", "^")  # of class 0 and class 1: told apart without colour too
DARK_SIDES = ("#053061", "#67001f")  # the ends of RdBu_r, so that a point has the colour of its class's side
WHITE_BLACK = ("white", "black")
SIZE = {"figsize": (15, 8), "layout": "constrained"}


def mesh_over(X):
    """A square mesh over all rows: the ticks of a side (tick,) and the points (tick * tick, 2)."""
    reach = np.abs(X).max() + 0.2
    ticks = np.linspace(-reach, reach, MESH)  # (tick,)
    return ticks, np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def draw_panel(axes, ticks, values, rows, title, point_colours, limits, proba, line="black"):
    """One group: a statistic of its network over the mesh, the rows it learned from, and where P(class 1) is 1/2."""
    image = axes.imshow(
        values.reshape(MESH, MESH),
        origin="lower",
        extent=(ticks[0], ticks[-1]) * 2,
        interpolation="bilinear",
        **limits,
    )
    axes.contour(ticks, ticks, proba.reshape(MESH, MESH), [0.5], colors=line, linewidths=1.2)
    for label, marker, colour in zip((0, 1), MARKERS, point_colours, strict=True):
        own = rows.X[rows.y == label]  # (row, 2)
        edge = "black" if colour == "white" else "white"
        axes.scatter(*own.T, s=26, marker=marker, c=colour, edgecolors=edge, linewidths=0.7, label=f"class {label}")
    axes.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    axes.set_title(title, fontsize=11)
    return image


def finish(figure, axes, image, colour_label, title, path):
    """Colour bar, legend, title; save."""
    figure.colorbar(image, ax=axes, label=colour_label, shrink=0.8, pad=0.015)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, markerscale=1.6, facecolor="lightgrey")
    figure.suptitle(title)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def save_group_panels(folder, hierarchical, train):
    """decision_surface.png and uncertainty.png: one panel per group. Returns the paths."""
    ticks, points = mesh_over(train.X)
    groups = np.unique(train.groups)  # (group,)
    proba, std = [
        np.array([method(points, groups=np.full(len(points), g))[:, 1] for g in groups])  # (group, point)
        for method in (hierarchical.predict_proba, hierarchical.predict_std)
    ]
    std_limits = {"cmap": "cividis", "vmin": 0.0, "vmax": float(std.max())}
    figures = {
        "decision_surface.png": (proba, SURFACE, DARK_SIDES, "black", "P(class 1)"),
        "uncertainty.png": (std, std_limits, WHITE_BLACK, "white", "posterior standard deviation of P(class 1)"),
    }
    paths = []
    for name, (values, limits, colours, line, label) in figures.items():
        figure, axes = plt.subplots(-(-len(groups) // 6), 6, sharex=True, sharey=True, **SIZE)
        for panel in axes.flat[len(groups) :]:
            panel.set_axis_off()
        for g, panel in enumerate(axes.flat[: len(groups)]):
            rows = train[train.groups == groups[g]]
            image = draw_panel(panel, ticks, values[g], rows, f"group {groups[g]}", colours, limits, proba[g], line)
        title = f"Hierarchical model: {label}, over each group's training rows ({line} line: P = 1/2)"
        finish(figure, axes, image, label, title, folder / name)
        paths.append(folder / name)
    return paths


def save_overview(folder, flat_models, hierarchical, train, flat_loss, hierarchical_loss):
    """overview.png: three groups, each fitted alone and with the others. Returns the path.

    The groups are those that partial pooling helped most, in the median and least, so that nothing is picked by eye;
    flat_loss and hierarchical_loss are test log losses, (group,).
    """
    ticks, points = mesh_over(train.X)
    groups = np.unique(train.groups)  # (group,)
    by_gain = np.argsort(hierarchical_loss - flat_loss)  # (group,), most gained first
    chosen = by_gain[[0, len(groups) // 2, -1]]
    figure, axes = plt.subplots(2, 3, figsize=(9.5, 7), sharex=True, sharey=True, layout="constrained")
    for column, (g, gain) in enumerate(zip(chosen, ("most helped", "median", "least helped"), strict=True)):
        own = train[train.groups == groups[g]]
        surfaces = (
            flat_models[groups[g]].predict_proba(points)[:, 1],  # (point,)
            hierarchical.predict_proba(points, groups=np.full(len(points), groups[g]))[:, 1],  # (point,)
        )
        titles = (
            f"group {groups[g]} ({gain})\ntest log loss {flat_loss[g]:.2f}",
            f"test log loss {hierarchical_loss[g]:.2f}",
        )
        for panel, values, title in zip(axes[:, column], surfaces, titles, strict=True):
            image = draw_panel(panel, ticks, values, own, title, DARK_SIDES, SURFACE, values)
    axes[0, 0].set_ylabel("each group alone", fontsize=12)
    axes[1, 0].set_ylabel("partially pooled", fontsize=12)
    path = folder / "overview.png"
    title = f"Fitted to {len(own.y)} rows of each group: alone (top), with the other {len(groups) - 1} groups (bottom)"
    finish(figure, axes, image, "P(class 1)", title, path)
    return path
