"""
Which prior?
============

Four families for the weights, three for the group scales: does it matter? A small version of
``examples/prior_study.py``, on eight groups of the moons.
"""

# %%
# Twelve fits
# -----------
# Laplace is the prior for sparse weights, Student's t and Cauchy allow a few very large ones. A Cauchy prior costs the
# sampler most: its last column has the gradients that a draw took.

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

WEIGHT_PRIORS = {"normal": stats.norm, "laplace": stats.laplace, "student_t": stats.t(4), "cauchy": stats.cauchy}
GROUP_SCALE_PRIORS = {
    "half_normal": stats.halfnorm,
    "half_cauchy": stats.halfcauchy,
    "inverse_gamma": stats.invgamma(2, scale=1),
}

X, X_test, y, y_test, groups, groups_test = make_rotated_moons(n_groups=8, n_samples=60)
settings = {"hidden_layer_sizes": (4,), "chains": 4, "tune": 200, "draws": 150, "n_jobs": 2, "random_state": 0}
settings |= {"prior_scale": 2.0, "pooling": "partial"}


def test_losses(model):
    """Loss of every test row, (row,)."""
    return -np.log(model.predict_proba(X_test, groups=groups_test)[np.arange(len(y_test)), y_test])


models, losses = {}, {}
print(f"{'weights':<11}{'group scales':<15}{'test log loss':>14}{'R-hat':>8}{'gradients per draw':>20}")
for weights in WEIGHT_PRIORS:
    for scales in GROUP_SCALE_PRIORS:
        model = HierarchicalBNNClassifier(weight_prior=weights, group_scale_prior=scales, **settings)
        models[weights, scales] = model.fit(X, y, groups=groups)
        losses[weights, scales] = test_losses(model)
        worst, steps = np.max(model.diagnostics_.r_hat), model.posterior_.sample_stats["n_steps"].mean()
        print(f"{weights:<11}{scales:<15}{losses[weights, scales].mean():>14.3f}{worst:>8.3f}{steps:>20.0f}")

# %%
# What is believed before
# -----------------------
# The densities, of scale 1. Near zero look at Laplace's peak, and far out at the tails: on the logarithmic axis
# Cauchy's is nearly flat where the normal's has long been gone.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
COLOURS, LINES = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6"), ("-", "--", "-.", ":")
x = np.linspace(-8, 8, 400)  # (point,)
for ax, families, name in zip(axes, (WEIGHT_PRIORS, GROUP_SCALE_PRIORS), ("weight", "group scale"), strict=True):
    for (label, family), colour, line in zip(families.items(), COLOURS, LINES, strict=False):
        shown = x if name == "weight" else x[x > 0]
        ax.plot(shown, family.pdf(shown), line, color=colour, label=label)
    ax.set(yscale="log", ylim=(1e-4, 1.5), xlabel=name, ylabel="prior density")
    ax.legend()

# %%
# What comes of it
# ----------------
# The difference of the test log loss from that of ``"normal"`` and ``"half_normal"``, with one standard
# error over the test rows; on the right the same without pooling. Look at the scale first: hundredths of a nat at most.
# Neither Laplace nor Student's t is ahead of the normal by as much as a standard error. Cauchy is behind by one to two,
# at several times the cost, and its fits are far from converged (R-hat). A prior chosen by such differences would be
# chosen by luck.

alone = HierarchicalBNNClassifier(**{**settings, "pooling": "none"}).fit(X, y, groups=groups)
default = losses["normal", "half_normal"]  # (row,)
_, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")


def draw_difference(position, own, **style):
    """A point with its error bar; prints both."""
    difference = own - default  # (row,)
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    ax.errorbar(position, difference.mean(), error, capsize=3, linestyle="none", **style)
    print(f"{difference.mean():+.3f} ± {error:.3f}")


for j, (scales, colour, marker) in enumerate(zip(GROUP_SCALE_PRIORS, COLOURS, "os^", strict=False)):
    for i, weights in enumerate(WEIGHT_PRIORS):
        label = f"group scales: {scales}" if i == 0 else None
        print(f"{weights + ', ' + scales:<28}", end="")
        draw_difference(i + 0.15 * (j - 1), losses[weights, scales], color=colour, marker=marker, label=label)
print(f"{'no pooling':<28}", end="")
draw_difference(len(WEIGHT_PRIORS), test_losses(alone), color="black", marker="D")
ax.axhline(0, linestyle=":", color="black")
ax.set_xticks(range(5), [*WEIGHT_PRIORS, 'normal,\npooling="none"'])
ax.set(xlabel="prior of the weights", ylabel="difference of test log loss (nats)")
ax.figure.legend(loc="outside lower center", ncols=3)

# %%
# Sparse weights?
# ---------------
# The share of the draws of the group mean within 0.1 of zero, before the data and after. A prior with a peak at zero
# has more of them before; what the table shows is whether the data left them there.

print(f"{'':<11}{'before':>9}{'after':>9}")
for name, family in WEIGHT_PRIORS.items():
    after = np.mean(np.abs(models[name, "half_normal"].posterior_.group_mean) < 0.1)
    before = np.diff(family.cdf(np.array([-0.1, 0.1]) / model.prior_scale)).item()
    print(f"{name:<11}{before:>9.1%}{after:>9.1%}")

plt.show()
