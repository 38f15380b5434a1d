"""
Deaths on the road: counts with an exposure
===========================================

How many people die on the roads of a state in a year is a count, and how many live there its exposure. Forty-eight
states are seen for seven years (``Fatalities`` of the R package AER, from Stock and Watson, "Introduction to
Econometrics"). A fit learns from five years and predicts the last two.

Run it with the path of the CSV file, with the columns ``state``, ``year``, ``fatal``, ``pop``, ``unemp``, ``beertax``
and ``income``::

    python plot_13_counts_with_exposure.py Fatalities.csv

or keep ``Fatalities.csv`` in the folder that the environment variable ``SKHBNN_DATA`` names. Without the file the
script simulates rows of such a shape.
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
from scipy.special import logsumexp
from scipy.stats import poisson
from sklearn.compose import make_column_transformer
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skhbnn import HierarchicalBNNRegressor

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("SKHBNN_DATA", "."), "Fatalities.csv")
FEATURES = ["year", "unemp", "beertax", "income"]


def simulate(rng):
    """Rows of 48 states and seven years; rates differ by more than chance between the years of a state."""
    state, year = np.repeat(np.arange(48), 7), np.tile(np.arange(1982, 1989), 48)  # (row,) each
    people = np.exp(rng.normal(14.9, 1, 48))[state]  # (row,)
    unemployed = np.clip(rng.normal(7, 1.5, 48)[state] - 0.6 * (year - 1985) + rng.normal(0, 1, 336), 2, 20)  # (row,)
    tax, income = rng.gamma(1.2, 0.4, 48)[state], rng.normal(13_900, 2_000, 48)[state] + 250 * (year - 1985)  # (row,)
    log_rate = -8.55 + rng.normal(0, 0.25, 48)[state] - 0.03 * (unemployed - 7) + rng.normal(0, 0.05, 336)  # (row,)
    fatal = rng.poisson(people * np.exp(log_rate))  # (row,)
    columns = {"state": state, "year": year, "fatal": fatal, "pop": people}
    return pd.DataFrame({**columns, "unemp": unemployed, "beertax": tax, "income": income})


is_real = path.is_file()
frame = pd.read_csv(path) if is_real else simulate(np.random.default_rng(0))
train = (frame["year"] < 1987).to_numpy()  # (row,)
deaths = frame["fatal"].to_numpy()  # (row,)
exposure = frame["pop"].to_numpy() / 100_000  # (row,), in hundreds of thousands
X = frame[["state", *FEATURES]]
source = "The rows of the study" if is_real else "Simulated rows"
print(f"{source}: {train.sum()} to learn from, {(~train).sum()} to test, {deaths.min()} to {deaths.max()} deaths")

# %%
# Exposure as a weight
# --------------------
# The rate of a row is its deaths per hundred thousand people, and the exposure its weight: ``y=deaths / exposure,
# sample_weight=exposure``. With r the rate that the network gives, the log likelihood of such a row is
#
#     exposure · (y log r - r) = deaths · log(exposure · r) - exposure · r + what does not depend on r,
#
# that of a Poisson count with mean exposure · r. ``PoissonRegressor`` takes the two in the same way. A new count has
# an exposure of its own: draws of the rate (``sample_mean``), times the exposure, are the means of Poisson counts.
#
# Five rows of a state, and years beyond them to predict, are no place for bends: without hidden layer the logarithm of
# a state's rate is linear in the features, and its weights are partially pooled.

settings = {"hidden_layer_sizes": (), "groups": "state", "pooling": "partial", "n_jobs": 2, "random_state": 0}
by_rate = HierarchicalBNNRegressor(**settings, likelihood="poisson")
by_rate.fit(X[train], deaths[train] / exposure[train], sample_weight=exposure[train])
rates = by_rate.sample_mean(X[~train])  # (draw, row)
counts = np.random.default_rng(0).poisson(rates * exposure[~train])  # (draw, row)

encode = make_column_transformer((StandardScaler(), FEATURES), (OneHotEncoder(), ["state"]))
linear = make_pipeline(encode, PoissonRegressor(alpha=1e-4, max_iter=1000))
linear.fit(X[train], deaths[train] / exposure[train], poissonregressor__sample_weight=exposure[train])

# %%
# Exposure as a feature
# ---------------------
# A Poisson count of a thousand deaths has a standard deviation of 3 %, if the model has the rate right. What the
# features leave out moves the rates of a state from year to year, and the negative binomial distribution learns by how
# much. It needs the counts themselves, since the deaths of one year share what moved them: a weight would say that a
# state of ten million is a hundred independent ones of a hundred thousand. So the logarithm of the exposure becomes a
# feature, and its slope is learned.

by_count = HierarchicalBNNRegressor(**settings, likelihood="negative_binomial")
with_size = X.assign(log_exposure=np.log(exposure))
by_count.fit(with_size[train], deaths[train])
print(f"overdispersion: {by_count.posterior_.own.mean():.3f}, the coefficient of variation of the rate of a year\n")

# %%
# What to look at
# ---------------
# Of the last two years: the mean deviance of the rates, weighted by exposure (lower is better), the log predictive
# density of a count, and the coverage and mean width of intervals of 90 %. The negative binomial fit has the higher
# density, and its intervals keep their promise, while nearly a quarter of the counts lie outside the Poisson intervals.
# Its mean rates are better too: a large state does not count as its millions there. ``PoissonRegressor``, with hardly a
# penalty, predicts such rates well, and says nothing of their spread.


def print_figures(name, mean, log_density=None, interval=None):
    """One line of the table, of the rows that test."""
    y, size = deaths[~train], exposure[~train]  # (row,) each
    line = f"{name:<34}{mean_poisson_deviance(y / size, mean / size, sample_weight=size):>9.3f}"
    if interval is not None:
        low, high = interval  # (row,) each
        line += f"{np.mean(log_density):>13.2f}{np.mean((low <= y) & (y <= high)):>10.2f}{np.mean(high - low):>8.0f}"
    print(line)


print(f"{'':<34}{'deviance':>9}{'log density':>13}{'coverage':>10}{'width':>8}")
print_figures("PoissonRegressor, state one-hot", linear.predict(X[~train]) * exposure[~train])
densities = poisson.logpmf(deaths[~train], rates * exposure[~train])  # (draw, row)
densities = logsumexp(densities, axis=0) - np.log(len(rates))  # (row,)
poisson_interval = np.quantile(counts, [0.05, 0.95], axis=0)  # (2, row)
poisson_mean = by_rate.predict(X[~train]) * exposure[~train]  # (row,)
print_figures("poisson, exposure as weight", poisson_mean, densities, poisson_interval)
densities = by_count.log_predictive_density(with_size[~train], deaths[~train])  # (row,)
negative_binomial_interval = by_count.predict_interval(with_size[~train], coverage=0.9).T  # (2, row)
mean = by_count.predict(with_size[~train])  # (row,)
print_figures("negative binomial, log as feature", mean, densities, negative_binomial_interval)

# %%
# The intervals of the last year, as rates, of the states in order of their size. Poisson intervals are the narrower the
# larger a state is. To the left, where chance alone makes a wide interval, the two are alike.

last = (frame.loc[~train, "year"] == 1988).to_numpy()  # (row,)
size, observed = exposure[~train][last], deaths[~train][last]  # (state,) each
order = np.argsort(size)  # (state,)
figure, ax = plt.subplots(figsize=(9, 4.2), layout="constrained")
styles = ((negative_binomial_interval, "#3f90da", 6, "negative binomial"), (poisson_interval, "#bd1f01", 2, "Poisson"))
for interval, colour, width, name in styles:
    low, high = interval[:, last][:, order] / size[order]  # (state,) each
    ax.vlines(np.arange(len(order)), low, high, color=colour, linewidth=width, alpha=0.7, label=f"{name}, 90 %")
ax.plot(observed[order] / size[order], "o", color="black", markersize=4, label="1988")
ax.set(xlabel="states, from the smallest to the largest", ylabel="deaths per 100,000 people", ylim=(0, None))
ax.set_xticks(np.arange(len(order)), frame.loc[~train, "state"][last].iloc[order], rotation=90, fontsize="x-small")
ax.legend()

plt.show()
