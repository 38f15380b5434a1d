"""
Read the model in PyMC, the posterior in ArviZ
==============================================

An estimator is a ``pm.Model`` and its draws. ``to_pymc`` and ``to_arviz`` hand both over with names on every axis, to
do with them what those libraries can. The calls are the same for PyMC 5 and ArviZ 0.23 as for PyMC 6 and ArviZ 1.
"""

# %%
# The model
# ---------

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # ArviZ 0.23 announces version 1
    import arviz as az
    import pymc as pm

warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto")  # the last line counts the rows

X, _, y, _, groups, _ = make_rotated_moons(n_groups=8, n_samples=60)
table = pd.DataFrame(X, columns=["price", "age"]).assign(shop=[f"shop {group}" for group in groups])
settings = {"hidden_layer_sizes": (3,), "groups": "shop", "prior_scale": 2.0, "n_jobs": 2, "random_state": 0}
partial = HierarchicalBNNClassifier(**settings, pooling="partial").fit(table, y)

model = partial.to_pymc(fused=False)  # an ordinary graph; by default its log likelihood is one compiled Op
for variable in model.free_RVs:
    dims = ", ".join(model.named_vars_to_dims[variable.name])
    print(f"{variable.name:<18}({dims}){'':<{24 - len(dims)}}{variable.eval().shape}")

# %%
# What it believes before the data
# --------------------------------
# PyMC draws from the prior; here the share of rows in class 1, in a shop. A prior that allows every share has not
# decided anything: look for mass over the whole range, and compare it with the shares in the data.

with model:
    prior = pm.sample_prior_predictive(300, random_seed=0)
drawn = np.asarray(prior["prior_predictive"]["y"]).reshape(300, -1)  # (draw, row), sorted by shop
shop = partial.training_data_.group_of_row  # (row,)
shares = np.array([drawn[:, shop == code].mean(axis=1) for code in range(8)]).ravel()  # (shop * draw,)
observed = pd.Series(y).groupby(table["shop"]).mean()  # (shop,)
print(f"share of class 1: prior 5 to 95 %: {np.quantile(shares, 0.05):.2f} to {np.quantile(shares, 0.95):.2f}")
print(f"data: {observed.min():.2f} to {observed.max():.2f}")

figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
edges = (np.arange(32) - 0.5) / 30  # (bin + 1,): a shop has thirty rows
ax.hist(shares, edges, density=True, color="#94a4a2", label="prior predictive, of a shop")
rugs = {"color": "#bd1f01", "markersize": 20, "markeredgewidth": 2, "clip_on": False}
ax.plot(observed, np.zeros(8), "|", label="shops in the data", **rugs)
ax.set(xlabel="share of class 1", ylabel="density")
figure.legend(loc="outside upper center", ncols=2, markerscale=0.5)

# %%
# The posterior
# -------------
# ``group_scale`` has a meaning in every chain. Single weights have not: permuting hidden units changes them and not the
# function, so that R-hat of raw weights alarms for nothing. ``diagnostics_`` looks at predictions instead. The shops
# differ in the matrix of the first layer, ``coef_0``, which turns the moons; the scales of the other parts are small.

posterior = partial.to_arviz()
print(az.summary(posterior, var_names=["group_scale"]).to_string())
print(partial.diagnostics_)

# %%
# In the traces look for chains that agree: all of them cover the same values of a scale.

az.plot_trace(posterior, var_names=["group_scale"])
plt.gcf().set(size_inches=(10, 4), layout_engine="constrained")

# %%
# Models compared without test rows
# ---------------------------------
# Leave-one-out predictive density from the fit alone: higher is better. Partial pooling is ahead of one network for all
# shops, by several times the standard error of the difference.

complete = HierarchicalBNNClassifier(**settings, pooling="complete").fit(table, y)
comparison = az.compare({"partial": posterior, "complete": complete.to_arviz()})
print(comparison.to_string())
loo = az.loo(posterior, pointwise=True)
k = np.asarray(loo.pareto_k)  # (row,)
print(f"rows with Pareto k above 0.7, whose density is not to be trusted: {np.mean(k > 0.7):.1%}")

plt.show()
