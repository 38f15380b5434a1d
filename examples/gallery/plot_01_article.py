"""
The 2018 article, from end to end
=================================

Eighteen groups of fifty rows: half moons, turned by an angle of its own in every group. A network for each group alone
has too few rows, and one network for all of them cannot turn. The article [1]_ gives every group its network, lets
the groups teach each other how far to differ, and takes what they taught as the prior of a group on its own.

.. [1] Wiecki (2018), `Hierarchical Bayesian Neural Networks with Informative Priors
   <https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/>`_.
"""

# %%
# Three models
# ------------
# The network of the article has two hidden layers of five units and no intercepts. Its flat and informed models are
# fitted group by group, which is what ``PerGroupClassifier`` does; the hierarchical one sees all groups at once. Its
# chains sit in modes of different worth and ``fit`` warns of it; here ``diagnostics_`` tells instead.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import accuracy_score, log_loss

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.plotting import (
    DecisionSurfaceDisplay,
    GroupMeanSurfaceDisplay,
    GroupScaleDisplay,
    PriorPosteriorDisplay,
    UncertaintySurfaceDisplay,
    WeightCorrelationDisplay,
)

X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
settings = {"hidden_layer_sizes": (5, 5), "fit_intercept": False, "prior_scale": 1.0, "random_state": 0}

flat = PerGroupClassifier(FlatBNNClassifier(**settings), n_jobs=2).fit(X, y, groups=groups)
hierarchical = HierarchicalBNNClassifier(**settings, pooling="partial", n_jobs=2).fit(X, y, groups=groups)
prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical, covariance="layer", prior_chains=0, align=False)
informed = PerGroupClassifier(prior, n_jobs=2).fit(X, y, groups=groups)

# %%
# Accuracy on rows that no model has seen, beside what the article reports, and the log loss that it leaves out. The
# hierarchical model should be ahead of the flat one in both.

reported = {"flat": "86.78 / 83.78 %", "hierarchical": "91.11 / 89.78 %", "informed": "91.56 / 87.11 %"}
models = {"flat": flat, "hierarchical": hierarchical, "informed": informed}
print(f"{'':<14}{'train':>9}{'test':>9}{'article':>18}{'test log loss (nats)':>23}")
for name, model in models.items():
    train = accuracy_score(y, model.predict(X, groups=groups))
    proba = model.predict_proba(X_test, groups=groups_test)  # (row, class)
    test = accuracy_score(y_test, proba.argmax(axis=1))
    print(f"{name:<14}{train:>9.2%}{test:>9.2%}{reported[name]:>18}{log_loss(y_test, proba):>23.3f}")
print()
print(hierarchical.diagnostics_)

# %%
# Each group alone
# ----------------
# Look at how smooth the lines are, where the probability is one half: many cut straight through the moons. Fifty noisy
# rows do not show a network the shape that the moons have.

display = DecisionSurfaceDisplay.from_estimator(flat, grid_resolution=45)
display.figure_.suptitle("A flat network for each group alone")

# %%
# Together
# --------
# The same rows, partially pooled: now the lines have the same bent shape in every panel, turned by the angle of the
# group.

display = DecisionSurfaceDisplay.from_estimator(hierarchical, grid_resolution=45)
display.figure_.suptitle("Hierarchical: each group with the other seventeen")

# %%
# How sure the networks are
# -------------------------
# The posterior standard deviation of the probability is large along the boundary, and largest where the boundary leaves
# the rows behind. The table has its mean over the test rows: of those near the boundary, and of the others. The flat
# networks are no less sure than the hierarchical one, and have the greater log loss: what pooling gains is a better
# boundary, not a surer one.

display = UncertaintySurfaceDisplay.from_estimator(hierarchical, grid_resolution=45)
display.figure_.suptitle("Hierarchical: how unsure each network is")

print(f"{'mean std of P(class 1)':<26}{'near the boundary':>20}{'elsewhere':>12}")
for name, model in models.items():
    near = np.abs(model.predict_proba(X_test, groups=groups_test)[:, 1] - 0.5) < 0.25  # (row,)
    std = model.predict_std(X_test, groups=groups_test)[:, 1]  # (row,)
    print(f"{name:<26}{std[near].mean():>20.3f}{std[~near].mean():>12.3f}")

# %%
# Where the groups specialise
# ---------------------------
# Without intercepts every layer has one group scale: how far the groups' weights stand from their mean. As in the
# article, that of the last layer is much the largest: the groups share the first layers, which describe moons, and
# differ in how they put the parts together.

GroupScaleDisplay.from_estimator(hierarchical)

scales = hierarchical.posterior_.group_scale.mean(axis=(0, 1))  # (layer,)
for name, scale in zip(("first", "second", "last"), scales, strict=True):
    print(f"group scale of the {name} layer, posterior mean: {scale:.2f}")

# %%
# What the group mean learned
# ---------------------------
# The network whose weights are the group mean belongs to no group. The moons point in every direction, so that it has
# little to say of any point: its probabilities stay nearer to one half than those of a group, as is printed below.

display = GroupMeanSurfaceDisplay.from_estimator(hierarchical)
common = display.proba[..., 1]  # (panel, tick1, tick0)
own = hierarchical.predict_proba(X, groups=groups)[:, 1]  # (row,)
for name, proba in (("group mean, over the surface", common), ("groups, at their rows", own)):
    print(f"{name:<30} mean distance from 1/2: {np.abs(proba - 0.5).mean():.2f}")

# %%
# Weights go together
# -------------------
# The hierarchical fit hands on a normal prior with the correlations of the weights: of the draws of one mode, aligned
# over the order and the signs of the hidden units, and across layers. The article keeps those within a layer. Look for
# the blocks along the diagonal: weights that lead to one unit go together. Those of the last layer stand alone: every
# group has its own.

default_prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical)
one_group = default_prior.fit(X[groups == 0], y[groups == 0])
display = WeightCorrelationDisplay.from_estimator(one_group, source="prior")

first, second = np.triu_indices(len(display.layers), 1)  # (pair,) each
size = np.abs(display.correlation[first, second])  # (pair,)
same = display.layers[first] == display.layers[second]  # (pair,)
last = (display.layers[first] == 2) | (display.layers[second] == 2)  # (pair,)
for name, pairs in (("within a layer", same), ("across layers", ~same), ("with a weight of the last layer", last)):
    print(f"largest correlation {name}: {size[pairs].max():.2f}")

# %%
# Prior against posterior
# -----------------------
# What fifty rows of the first group add to that prior: the nine weights that moved farthest. Most of the others hardly
# move.

PriorPosteriorDisplay.from_estimator(one_group)

model = one_group.posterior_.model
before = np.sqrt(np.sum(model.factor**2, axis=1))  # (weight,)
after = one_group.posterior_.group_weights(0).std(axis=0)  # (weight,)
order = np.argsort(after / before)  # (weight,), most narrowed first
print(f"{'posterior std / prior std':<40}")
for weight in (*order[:3], *order[-3:]):
    name = model.network.weight_names(["x0", "x1"])[weight]
    print(f"{name:<40}{after[weight] / before[weight]:>6.2f}")

plt.show()
