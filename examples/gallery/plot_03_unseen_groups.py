"""
Groups that nobody has seen
===========================

A model that is used meets groups that were not there when it was fitted. They get weights drawn from the group
distribution that the others taught, one draw for each posterior draw: what a group may be like, as far as is known.
"""

# %%
# One group the fit knows, one it does not
# ----------------------------------------

import matplotlib.pyplot as plt
import numpy as np

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

X, X_test, y, y_test, groups, groups_test = make_rotated_moons()
model = HierarchicalBNNClassifier(fit_intercept=False, target_accept=0.95, n_jobs=2, random_state=0).fit(
    X, y, groups=groups
)

# %%
# The probability of class 1 along the first feature, under forty posterior draws and under all of them (thick). The
# draws of the known group agree: its rows say where the moons lie. Those of the unseen one go every way, for the moons
# may point anywhere, and their mean stays near one half.

x0 = np.linspace(-2.5, 2.5, 200)  # (point,)
line = np.column_stack([x0, np.zeros_like(x0)])  # (point, feature)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for ax, label in zip(axes, (0, "never seen"), strict=True):
    draws = model.sample_proba(line, groups=[label] * len(line), n_draws=40)[..., 1]  # (draw, point)
    mean = model.predict_proba(line, groups=[label] * len(line))[:, 1]  # (point,)
    ax.plot(x0, draws.T, color="#3f90da", linewidth=0.6, alpha=0.6)
    ax.plot(x0, mean, color="black", linewidth=2.5)
    ax.plot([], [], color="#3f90da", label="one draw of the weights")
    ax.plot([], [], color="black", linewidth=2.5, label="posterior mean")
    ax.set(title=f"group {label}", xlabel="x0, where x1 = 0", ylim=(-0.02, 1.02))
axes[0].set_ylabel("P(class 1)")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

# %%
# How unsure it is, in numbers
# ----------------------------
# All test rows, once under their own labels, and once under labels that no row had in ``fit``. Entropy is split into
# what more rows could not remove (aleatoric: the moons overlap) and what they could (epistemic: which weights?). Under
# new labels the epistemic part is many times as large. It is what tells such a row from one in the overlap.

as_new = [f"new {label}" for label in groups_test]
print(f"{'mean over the test rows':<28}{'known groups':>14}{'new groups':>14}")
known, new = (model.predict_std(X_test, groups=g)[:, 1] for g in (groups_test, as_new))  # (row,) each
print(f"{'std of P(class 1)':<28}{known.mean():>14.3f}{new.mean():>14.3f}")
entropies = [model.predict_uncertainty(X_test, groups=g) for g in (groups_test, as_new)]
for name in ("total", "aleatoric", "epistemic"):
    values = [entropy[name].mean() for entropy in entropies]
    print(f"{name + ' entropy (nats)':<28}{values[0]:>14.3f}{values[1]:>14.3f}")

figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
bins = np.linspace(0, np.log(2), 30)
styles = (("known groups", {"color": "#3f90da", "alpha": 0.7}), ("new groups", {"color": "#bd1f01", "hatch": "//"}))
for entropy, (name, style) in zip(entropies, styles, strict=True):
    ax.hist(entropy.epistemic, bins, label=name, histtype="stepfilled", **{"alpha": 0.45, **style})
ax.set(xlabel="epistemic entropy (nats)", ylabel="test rows")
ax.legend()

# %%
# The draws of a group are fixed
# ------------------------------
# By its label and the seed of the fit: the same rows get the same answer again, alone or among others, and two labels
# have draws of their own.

point = line[:1]
again = [model.predict_proba(point, groups=[label])[0, 1] for label in ("a", "a", "b")]
print("P(class 1) of group a, of a again, and of b:", *(f"{p:.6f}" for p in again))
among = model.predict_proba(np.repeat(point, 3, axis=0), groups=["b", "a", 0])[1, 1]
print(f"and of a among others: {among:.6f}")

# %%
# Or an error
# -----------
# Where a new label can only be a slip, ``unseen_groups="error"`` names it.

strict = model.set_params(unseen_groups="error")
try:
    strict.predict_proba(point, groups=["shop 77"])
except ValueError as error:
    print(f"ValueError: {error}")

plt.show()
