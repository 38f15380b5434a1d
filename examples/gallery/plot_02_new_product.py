"""
A new product with ten rows
===========================

Eighteen products have been on sale for a while; what makes a customer buy differs from one to the next. A nineteenth
comes with ten rows. Alone they teach a network next to nothing. Under the informed prior, which is what the
eighteen have in common, they have only to say which kind of product this is.
"""

# %%
# The old products
# ----------------
# One hierarchical fit of all rows that there are.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import log_loss

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.plotting import DecisionSurfaceDisplay, UncertaintySurfaceDisplay

X, _, y, _, product, _ = make_rotated_moons()
settings = {"fit_intercept": False, "prior_scale": 1.0, "n_jobs": 2, "random_state": 0}
hierarchical = HierarchicalBNNClassifier(**settings, pooling="partial").fit(X, y, groups=product)

# %%
# The new product
# ---------------
# It comes from another seed, so that nobody has seen it. Ten rows are there to learn from; fifty later ones test.

X_new, X_later, y_new, y_later, group_new, group_later = make_rotated_moons(n_groups=8, random_state=777)


def rows_of(group, n_rows):
    """The first rows of a new product, and all its later ones."""
    own, later = group_new == group, group_later == group
    return X_new[own][:n_rows], y_new[own][:n_rows], X_later[later], y_later[later]


classes = [0, 1]
informed_prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical, n_jobs=1, chains=2)
no_prior = InformedPriorBNNClassifier(fit_intercept=False, classes=classes, chains=2, random_state=0)

X_ten, y_ten, X_test, y_test = rows_of(0, 10)
flat = FlatBNNClassifier(**settings).fit(X_ten, y_ten)
informed = InformedPriorBNNClassifier.from_hierarchical(hierarchical).fit(X_ten, y_ten)

print(f"{'first new product, ten rows':<30}{'test log loss (nats)':>22}{'mean std of P(class 1)':>25}")
for name, model in (("flat", flat), ("informed", informed)):
    loss, std = log_loss(y_test, model.predict_proba(X_test)), model.predict_std(X_test)[:, 1].mean()
    print(f"{name:<30}{loss:>22.3f}{std:>25.3f}")

# %%
# The same ten rows in all four panels, which reach as far as the later rows do. Above: the flat network's probabilities
# change gently from one side to the other, while the informed one already draws a moon. Below: how unsure they are. The
# flat network is about equally unsure everywhere; the informed one is unsure along its boundary, most of all where it
# leaves the rows behind, and surer elsewhere. Its mean standard deviation, printed above, is not much different:
# it ventures probabilities near 0 and 1, and where exactly its boundary runs is open.

shown = np.vstack([X_ten, X_later])  # (row, feature)
limits = list(zip(shown.min(axis=0) - 0.2, shown.max(axis=0) + 0.2, strict=True))  # (low, high) of each feature
figure, axes = plt.subplots(2, 2, figsize=(9, 7.5), layout="constrained", sharex=True, sharey=True)
surfaces = {"P(class 1)": DecisionSurfaceDisplay, "posterior std of P(class 1)": UncertaintySurfaceDisplay}
for row, (quantity, surface) in zip(axes, surfaces.items(), strict=True):
    for ax, (name, model) in zip(row, (("flat", flat), ("informed", informed)), strict=True):
        display = surface.from_estimator(model, limits=limits, ax=ax, colorbar=False, legend=ax is axes[0, 0])
        if surface is UncertaintySurfaceDisplay:
            display.mappable_.set_clim(0, 0.5)  # one scale for both networks
        ax.set_title(f"{name}, ten rows")
        ax.label_outer()
    figure.colorbar(display.mappable_, ax=row, label=quantity)

# %%
# How many rows make up for the prior?
# ------------------------------------
# Eight new products, with the first 3 to 50 of their rows. A product of few rows may show one class only; ``classes``
# tells the network of the other. The line is the mean log loss of the later rows, the band one standard error over the
# products. Look for the number of rows at which the flat network is where the informed one starts: the prior is worth
# some fifty rows.

sizes = [3, 5, 10, 20, 50]
losses = np.empty((2, len(sizes), 8))  # (model, size, product)
for i, n_rows in enumerate(sizes):
    for group in range(8):
        X_few, y_few, X_test, y_test = rows_of(group, n_rows)
        for j, model in enumerate((no_prior, informed_prior)):
            proba = model.fit(X_few, y_few).predict_proba(X_test)  # (row, class)
            losses[j, i, group] = log_loss(y_test, proba, labels=classes)

mean = losses.mean(axis=2)  # (model, size)
error = losses.std(axis=2, ddof=1) / np.sqrt(losses.shape[2])  # (model, size)
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
print(f"{'rows':>6}{'flat':>9}{'informed':>10}   mean test log loss (nats)")
for n_rows, *pair in zip(sizes, *mean, strict=True):
    print(f"{n_rows:>6}{pair[0]:>9.3f}{pair[1]:>10.3f}")
for j, (name, colour, marker) in enumerate((("flat", "#717581", "o"), ("informed", "#3f90da", "s"))):
    ax.plot(sizes, mean[j], marker=marker, color=colour, label=name)
    ax.fill_between(sizes, mean[j] - error[j], mean[j] + error[j], color=colour, alpha=0.2)
ax.axhline(np.log(2), linestyle=":", color="black", label="a fair coin")
ax.set(xscale="log", xlabel="rows of the new product", ylabel="test log loss (nats)")
ax.set_xticks(sizes, sizes)
ax.set_xticks([], minor=True)
ax.legend()

plt.show()
