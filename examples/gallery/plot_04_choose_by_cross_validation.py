"""
Choose pooling and width by cross-validation
============================================

How wide should the networks be, and should the groups share them, wholly, in part, or not at all? ``GridSearchCV``
answers, and what it answers depends on how it splits the rows. ``StratifiedKFold`` asks about *new rows of the
groups that are there*; ``GroupKFold`` keeps whole groups out and asks about *new groups*.
"""

# %%
# Groups as a column
# ------------------
# scikit-learn's scorers predict from X alone, so that the groups must be in it. ``groups="shop"`` takes that column out
# before the network sees it.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

X, _, y, _, groups, _ = make_rotated_moons(n_groups=9, n_samples=80)
table = pd.DataFrame(X, columns=["price", "age"]).assign(shop=[f"shop {group}" for group in groups])

# The searches run in two processes; each fit has one chain after another there.
model = HierarchicalBNNClassifier(groups="shop", prior_scale=2.0, chains=2, tune=200, draws=200, random_state=0)
grid = {"hidden_layer_sizes": [(2,), (4,), (8,)], "pooling": ["complete", "partial", "none"]}
questions = {
    "new rows of known shops": (StratifiedKFold(3, shuffle=True, random_state=0), {}),
    "new shops": (GroupKFold(3), {"groups": table["shop"]}),  # for the splits; the model has its column
}
answers = {}
for question, (cv, params) in questions.items():
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=cv, n_jobs=2, refit=False)
    answers[question] = search.fit(table, y, **params)

# %%
# Two questions, two answers
# --------------------------
# Test log loss, mean and spread of the three folds; below the dotted line is better than a fair coin.
#
# On the left, ``"complete"`` is the worst: one network cannot turn its moons every way. ``"partial"`` is ahead of
# ``"none"``, where every shop has its own rows to learn from and no others; the wider the network, the closer they are.
#
# On the right nothing is better than the coin by much: where a new shop's moons point cannot be known. ``"none"`` draws
# a new shop's weights from the prior, which prefers neither class. ``"partial"`` draws them from what six shops taught,
# and is surer than six shops warrant; ``"complete"`` is the surest, and the worst. For a new shop, then, take a few of
# its rows and the informed prior.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
styles = {"complete": ("#717581", "o"), "partial": ("#3f90da", "s"), "none": ("#bd1f01", "^")}
for ax, (question, search) in zip(axes, answers.items(), strict=True):
    results = pd.DataFrame(search.cv_results_)
    for shift, (pooling, (colour, marker)) in zip((-0.1, 0, 0.1), styles.items(), strict=True):
        own = results[results["param_pooling"] == pooling]
        x, style = (
            np.arange(len(own)) + shift,
            {"color": colour, "marker": marker, "capsize": 3, "label": f"pooling: {pooling}"},
        )
        ax.errorbar(x, -own["mean_test_score"], own["std_test_score"], linestyle="none", **style)
    ax.axhline(np.log(2), linestyle=":", color="black", label="a fair coin")
    ax.set_xticks(range(3), ["2", "4", "8"])
    ax.set(title=question, xlabel="hidden units")
axes[0].set_ylabel("test log loss (nats)")
coin, *pooled = axes[0].get_legend_handles_labels()[0]
figure.legend(handles=[*pooled, coin], loc="outside lower center", ncols=4)

for question, search in answers.items():
    results = pd.DataFrame(search.cv_results_).assign(loss=lambda r: -r["mean_test_score"])
    print(f"{question}: test log loss (nats)")
    print(results.pivot(index="param_pooling", columns="param_hidden_layer_sizes", values="loss").round(3).to_string())
    print(f"best: {search.best_params_}\n")

# %%
# Pooling can be chosen layer by layer too, ``pooling=["complete", "partial"]``, and every other parameter is within
# reach of the search. Without ``groups=table["shop"]``, ``GroupKFold`` would not know what to keep together.

plt.show()
