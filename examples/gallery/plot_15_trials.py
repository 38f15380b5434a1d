"""
Sick cattle: successes among trials
===================================

How many animals of a herd fell ill in a quarter, of so many that stood there: fifteen herds of zebu in Ethiopia, up to
four quarters each (Lesnoff and others, 2004; ``cbpp`` of the R package lme4). Such a row is a number of successes among
trials, and each row goes into the fit as two rows with weights. The textbook answer is a logistic mixed model, which a
network without hidden layer is.

Run it with the path of the CSV file, with the columns ``herd``, ``incidence``, ``size`` and ``period``::

    python plot_15_trials.py cbpp.csv

or keep ``cbpp.csv`` in the folder that the environment variable ``SKHBNN_DATA`` names. Without the file the script
simulates such rows from the published estimates of the mixed model (Bates and others, lme4's own example).
"""

# %%
# The rows
# --------

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit

from skhbnn import FlatBNNClassifier

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("SKHBNN_DATA", "."), "cbpp.csv")
# Of glmer(cbind(incidence, size - incidence) ~ period + (1 | herd)): estimates, standard errors, and sd between herds.
PUBLISHED = {"intercept": (-1.398, 0.231), "2": (-0.992, 0.303), "3": (-1.128, 0.323), "4": (-1.580, 0.422)}
SD_OF_HERDS = 0.642


def simulate(rng):
    """Rows of 15 herds and four quarters from the published estimates."""
    herd, period = np.repeat(np.arange(1, 16), 4), np.tile(np.arange(1, 5), 15)  # (row,) each
    size = rng.integers(2, 35, 60)  # (row,)
    effects = np.array([0.0, *(PUBLISHED[name][0] for name in "234")])  # (period,)
    log_odds = PUBLISHED["intercept"][0] + effects[period - 1] + rng.normal(0, SD_OF_HERDS, 16)[herd]  # (row,)
    return pd.DataFrame(
        {"herd": herd, "incidence": rng.binomial(size, expit(log_odds)), "size": size, "period": period}
    )


is_real = path.is_file()
frame = pd.read_csv(path) if is_real else simulate(np.random.default_rng(0))
source = "The rows of the study" if is_real else "Simulated rows"
print(f"{source}: {frame['incidence'].sum()} of {frame['size'].sum()} animals fell ill, in {len(frame)} rows")

# %%
# Two rows of each
# ----------------
# The rows stand twice: once for the animals that fell ill, with their number as ``sample_weight``, and once for those
# that did not. A row of weight 0 counts as if it were not there. The herd is a column of ``random_intercepts``: each
# herd adds a constant to the log odds, under a standard deviation that is learned.

quarters = pd.get_dummies(frame["period"].astype(str), dtype=float)[["2", "3", "4"]]  # quarter 1 is left out
X = quarters.assign(herd=frame["herd"])
both = pd.concat([X, X], ignore_index=True)
is_ill = np.repeat([1, 0], len(X))  # (row,)
weight = np.concatenate([frame["incidence"], frame["size"] - frame["incidence"]])  # (row,)

settings = {"random_intercepts": "herd", "standardize": False, "prior_scale": 5.0, "n_jobs": 2, "random_state": 0}
model = FlatBNNClassifier((), **settings, tune=500, draws=500).fit(both, is_ill, sample_weight=weight)

# %%
# Beside the mixed model
# ----------------------
# The weights of the network are the effects of the mixed model, in log odds. Those of the study lie within a standard
# error of each other. Of simulated rows look at the distance in standard errors.

weights = model.posterior_.weights[:, :, 0].astype(float)  # (chain, draw, weight): three quarters, then the intercept
print(f"\n{'log odds':<12}{'mixed model':>18}{'network':>18}")
for name, place in zip(PUBLISHED, (3, 0, 1, 2), strict=True):
    mean, error = PUBLISHED[name]
    draws = weights[..., place]  # (chain, draw)
    print(f"{name:<12}{mean:>10.2f} ({error:.2f}){draws.mean():>11.2f} ({draws.std():.2f})")

# %%
# What is predicted
# -----------------
# The share of animals that fall ill in each herd and quarter, with 90 % of the posterior. Small herds are drawn towards
# the others.

draws = model.sample_proba(X)[..., 1]  # (draw, row)
low, high = np.quantile(draws, [0.05, 0.95], axis=0)  # (row,) each
share = (frame["incidence"] / frame["size"]).to_numpy()  # (row,)
order = np.lexsort((frame["period"], draws.mean(axis=0)))  # (row,)
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
places = np.arange(len(order))  # (row,)
ax.vlines(places, low[order], high[order], color="#3f90da", linewidth=3, alpha=0.6, label="90 % of the posterior")
ax.plot(places, draws.mean(axis=0)[order], "_", color="#3f90da", label="mean")
ax.scatter(places, share[order], 2 * frame["size"].iloc[order], color="#bd1f01", alpha=0.7, label="share that fell ill")
ax.set(xlabel="herds and quarters, from the least share to the largest", ylabel="share of animals")
ax.legend()

plt.show()
