"""The three figures of demo.py."""

import matplotlib

matplotlib.use("Agg")  # the demo saves its figures; it needs no display

import matplotlib.pyplot as plt
import numpy as np

from skhbnn.plotting import DecisionSurfaceDisplay, UncertaintySurfaceDisplay


def finish(figure, title, path):
    """Title; save. Returns the path."""
    figure.suptitle(title)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def save_group_panels(folder, hierarchical):
    """decision_surface.png and uncertainty.png: one panel per group. Returns the paths."""
    paths = []
    for display, name, line in (
        (DecisionSurfaceDisplay, "decision_surface.png", "black"),
        (UncertaintySurfaceDisplay, "uncertainty.png", "white"),
    ):
        figure = display.from_estimator(hierarchical).figure_
        title = f"Hierarchical model, over each group's training rows ({line} line: P(class 1) = 1/2)"
        paths.append(finish(figure, title, folder / name))
    return paths


def save_overview(folder, flat_models, hierarchical, flat_loss, hierarchical_loss):
    """overview.png: three groups, each fitted alone and with the others. Returns the path.

    The groups are those that partial pooling helped most, in the median and least, so that nothing is picked by eye;
    flat_loss and hierarchical_loss are test log losses, (group,).
    """
    by_gain = np.argsort(hierarchical_loss - flat_loss)  # (group,), most gained first
    chosen = by_gain[[0, len(by_gain) // 2, -1]]
    groups = hierarchical.groups_[chosen]  # (column,)
    figure, axes = plt.subplots(2, 3, figsize=(9.5, 7), sharex=True, sharey=True, layout="constrained")
    bare = {"colorbar": False, "legend": False}  # one for the whole figure comes last
    pooled = DecisionSurfaceDisplay.from_estimator(hierarchical, groups=groups, ax=axes[1], **bare)
    limits = pooled.xx0[0, [0, -1]], pooled.xx1[[0, -1], 0]
    for panel, group in zip(axes[0], groups, strict=True):
        DecisionSurfaceDisplay.from_estimator(flat_models[group], limits=limits, ax=panel, **bare)
    for column, (g, gain) in enumerate(zip(chosen, ("most helped", "median", "least helped"), strict=True)):
        title = f"group {groups[column]} ({gain})\ntest log loss {flat_loss[g]:.2f}"
        axes[0, column].set_title(title, fontsize=11)
        axes[1, column].set_title(f"test log loss {hierarchical_loss[g]:.2f}", fontsize=11)
    for row, title in zip(axes, ("each group alone", "partially pooled"), strict=True):
        row[0].set_ylabel(title, fontsize=12)
        for panel in row:
            panel.label_outer()
    figure.colorbar(pooled.mappable_, ax=axes, label="P(class 1)", shrink=0.8, pad=0.015)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    n_rows = len(pooled.rows[0])
    title = f"Fitted to {n_rows} rows of each group: alone (top), with the other {len(by_gain) - 1} groups (bottom)"
    return finish(figure, title, folder / "overview.png")
