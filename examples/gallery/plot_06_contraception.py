"""
Contraception across districts
==============================

The Bangladesh fertility survey of 1988: whether a woman uses contraception, by age, number of children and town or
country, in sixty districts of 2 to 118 women (``Contraception`` of the R package mlmRev). The features say little,
and a district has few rows: the case for which partial pooling was made.

Run it with the path of the CSV file, with the columns ``district``, ``use``, ``livch``, ``age`` and ``urban``::

    python plot_06_contraception.py contraception.csv

or keep ``contraception.csv`` in the folder that the environment variable ``SKHBNN_DATA`` names.
"""

# %%
# Half of the women teach, the others test
# ----------------------------------------
# ``PerGroupClassifier`` fits a network to every district alone, and ``fallback`` serves a district that has no row to
# learn from.

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.plotting import ReliabilityDisplay, ShrinkageDisplay

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("SKHBNN_DATA", "."), "contraception.csv")
settings = {"hidden_layer_sizes": (4,), "chains": 2, "tune": 300, "draws": 300, "random_state": 0}


def load(path):
    """Numbers in place of categories, and the district as a column; halves."""
    frame = pd.read_csv(path)
    children = frame["livch"].replace("3+", "3").astype(int)
    X = pd.DataFrame({"age": frame["age"], "children": children, "urban": (frame["urban"] == "Y") * 1.0})
    X["district"], y = frame["district"], (frame["use"] == "Y").to_numpy(int)  # (row,)
    return train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)


def fit_models(X, y):
    """One network for the country, one for each district, and the hierarchical model."""
    flat = FlatBNNClassifier(**settings, n_jobs=2).fit(X.drop(columns="district"), y)
    # The flat model, told of classes that a district does not show.
    alone = InformedPriorBNNClassifier(**settings, prior_scale=flat.prior_scale)
    per_district = PerGroupClassifier(alone, "district", fallback=FlatBNNClassifier(**settings), n_jobs=2).fit(X, y)
    hierarchical = HierarchicalBNNClassifier(**settings, groups="district", n_jobs=2).fit(X, y)
    return flat, per_district, hierarchical


# %%
# What to look at
# ---------------
# The table has the test log loss by the number of rows that the district learned from. A network of its own is worse
# than one for all where a district is small. The hierarchical model has the lowest log loss in every column.
#
# In the picture of shrinkage a district of few rows is drawn to the group mean; larger ones go their own way, as far as
# their rows differ. The mean distances are printed.
#
# The curves of reliability: towards both ends a network per district claims more than comes true. The outermost bins
# hold few rows, as their intervals say.
#
# The last picture is of women in the country with two children: a thin line for each district, a thick one for the
# network that all districts share. The lines are bent alike, and shifted up and down.


def print_losses(models, X, X_test, y_test):
    """Test log loss of the districts by their number of training rows."""
    flat, per_district, hierarchical = models
    probas = {
        "one for all": flat.predict_proba(X_test.drop(columns="district")),
        "one per district": per_district.predict_proba(X_test),
        "hierarchical": hierarchical.predict_proba(X_test),
    }
    size = X_test["district"].map(X["district"].value_counts()).fillna(0).to_numpy()  # (row,)
    edges = [(0, 9), (10, 19), (20, 200), (0, 200)]
    titles = [f"{low} to {high} rows" for low, high in edges[:3]]
    print(f"{'test log loss (nats)':<20}" + "".join(f"{title:>16}" for title in titles) + f"{'all':>9}")
    for name, proba in probas.items():
        parts = [(low <= size) & (size <= high) for low, high in edges]  # (row,) each
        losses = [log_loss(y_test[part], proba[part]) for part in parts]
        print(f"{name:<20}" + "".join(f"{loss:>16.3f}" for loss in losses[:3]) + f"{losses[3]:>9.3f}")


def draw_ages(flat, hierarchical):
    """P(use) by age, of every district and of the country."""
    age = np.linspace(-13, 19, 60)  # (point,): years from the mean
    women = pd.DataFrame({"age": age, "children": 2, "urban": 0.0})
    _, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    for district in hierarchical.groups_:
        ax.plot(age, hierarchical.predict_proba(women.assign(district=district))[:, 1], color="#3f90da", linewidth=0.6)
    ax.plot([], [], color="#3f90da", label="a district, hierarchical")
    ax.plot(age, flat.predict_proba(women)[:, 1], color="black", linewidth=2.5, label="one network for all")
    ax.set(xlabel="age, in years from the mean", ylabel="P(use)", ylim=(0, None))
    ax.legend()


# %%
# The figures
# -----------

if path.is_file():
    X, X_test, y, y_test = load(path)
    models = fit_models(X, y)
    print_losses(models, X, X_test, y_test)
    display = ShrinkageDisplay.from_estimator(models[2])
    for low, high in ((1, 9), (10, 19), (20, 200)):
        chosen = (low <= display.n_rows) & (display.n_rows <= high)  # (district,)
        distance = display.distances[:, chosen].mean()
        print(f"districts of {low} to {high} rows: mean distance from the group mean {distance:.3f}")
    figure, ax = plt.subplots(figsize=(5.5, 5.5), layout="constrained")
    ReliabilityDisplay.from_estimator(models[1], X_test, y_test, name="one per district", ax=ax)
    ReliabilityDisplay.from_estimator(models[2], X_test, y_test, name="hierarchical", ax=ax)
    draw_ages(models[0], models[2])
    plt.show()
else:
    print(f"Skipped: there is no {path}. Name contraception.csv as the argument, or its folder in SKHBNN_DATA.")
