"""
Ratings from bad to excellent
=============================

Thirty raters taste wines, and say what they think of each in one of five words. The words have an order, which a
classifier of five classes does not know: it learns five outputs, where one would do. ``likelihood="ordinal"`` learns
one output and four cutpoints between the words (McCullagh, 1980, "Regression models for ordinal data", Journal of the
Royal Statistical Society B 42). It is worth most where a rater has few rows.
"""

# %%
# The ratings
# -----------
# Simulated: every rater has a sweetness that is liked best, cares for it more or less, and is strict or mild. The words
# are an ordered pandas categorical, which tells the classifier their order. Texts alone would stand in the order of the
# alphabet, and warn; numbers from 1 to 5 need nothing.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

from skhbnn import HierarchicalBNNClassifier

WORDS = ["bad", "poor", "fair", "good", "excellent"]
N_RATERS, N_WINES = 30, 54

rng = np.random.default_rng(0)
best, care, mildness = 0.5 * rng.normal(size=N_RATERS), 1 + 0.4 * rng.normal(size=N_RATERS), rng.normal(size=N_RATERS)
rater = np.repeat(np.arange(N_RATERS), N_WINES)  # (row,)
sweetness, body = rng.uniform(-2, 2, (2, len(rater)))  # (row,) each
liking = 2.5 * care[rater] * (1 - (sweetness - best[rater]) ** 2 / 1.5) + 1.2 * body + mildness[rater]  # (row,)
level = np.sum((liking + rng.logistic(size=len(rater)))[:, None] > [-2.5, -0.5, 1, 2.5], axis=1)  # (row,)
y = pd.Series(pd.Categorical.from_codes(level, WORDS, ordered=True))
X = pd.DataFrame({"rater": rater, "sweetness": sweetness, "body": body})
place = np.tile(np.arange(N_WINES), N_RATERS)  # (row,)
test = place >= 24  # (row,)

# %%
# How many ratings of each are needed?
# ------------------------------------
# The first 3 to 24 ratings of every rater teach, the last thirty test. The ordinal fit is ahead throughout, and most
# where rows are few: its gain with three or six ratings of each rater is more than twice that with twelve or
# twenty-four. The last columns are the mean distance from the true word to the likeliest one, in words.

settings = {"hidden_layer_sizes": (4,), "groups": "rater", "n_jobs": 2, "random_state": 0}
sizes, losses, models = [3, 6, 12, 24], [], {}
frequencies = np.bincount(level[~test]) / np.sum(~test)  # (word,)
print(f"a test log loss of {-np.mean(np.log(frequencies[level[test]])):.3f} nats has the frequency of each word\n")
print(f"{'':<10}{'log loss (nats)':>20}{'distance in words':>24}")
print(f"{'rows each':<10}" + 2 * f"{'auto':>10}{'ordinal':>12}")
for n_rows in sizes:
    train, distances = place < n_rows, []  # train: (row,)
    for likelihood in ("auto", "ordinal"):
        model = HierarchicalBNNClassifier(**settings, likelihood=likelihood).fit(X[train], y[train])
        proba = model.predict_proba(X[test])  # (row, class), the classes as in classes_
        losses.append(log_loss(y[test].astype(str), proba, labels=model.classes_))
        distances.append(np.abs(pd.Categorical(model.predict(X[test]), WORDS).codes - level[test]).mean())
        models[n_rows, likelihood] = model
    print(f"{n_rows:<10}{losses[-2]:>10.3f}{losses[-1]:>12.3f}{distances[0]:>10.2f}{distances[1]:>12.2f}")

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(sizes, losses[::2], "s-", color="#bd1f01", label='likelihood="auto"')
ax.plot(sizes, losses[1::2], "o-", color="#3f90da", label='likelihood="ordinal"')
ax.set(xscale="log", xlabel="ratings of each rater to learn from", ylabel="test log loss (nats)")
ax.set_xticks(sizes, sizes)
ax.set_xticks([], minor=True)
ax.legend()

# %%
# Columns and words
# -----------------
# ``classes_``, and with them the columns of ``predict_proba``, are sorted as in all of scikit-learn;
# ``ordered_classes_`` has the order. To add up neighbouring words, take the columns in that order.

ordinal = models[6, "ordinal"]
print("classes_:        ", *ordinal.classes_)
print("ordered_classes_:", *ordinal.ordered_classes_)
columns = np.searchsorted(ordinal.classes_, ordinal.ordered_classes_)  # (word,)

# %%
# What six ratings teach
# ----------------------
# The probability of each word by sweetness, of one rater, after six ratings. Ordinal: the words follow one another,
# for one curve moves through the cutpoints. Unordered: each word has a curve of its own, and there is no order in them
# but what the rows show. To the right the truth.


def true_probabilities(who, sweetness):
    """Probability of each word, (point, word), of a wine of middle body."""
    liking = 2.5 * care[who] * (1 - (sweetness - best[who]) ** 2 / 1.5) + mildness[who]  # (point,)
    below = 1 / (1 + np.exp(liking[:, None] - [-2.5, -0.5, 1, 2.5]))  # (point, cutpoint)
    return np.diff(below, axis=1, prepend=0, append=1)


who, sweet = 4, np.linspace(-2, 2, 80)  # sweet: (point,)
wines = pd.DataFrame({"rater": who, "sweetness": sweet, "body": 0.0})
panels = {likelihood: models[6, likelihood].predict_proba(wines)[:, columns] for likelihood in ("auto", "ordinal")}
panels["truth"] = true_probabilities(who, sweet)  # (point, word)
figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharey=True, layout="constrained")
for ax, (title, proba) in zip(axes, panels.items(), strict=True):
    drawn = ax.stackplot(sweet, proba.T, labels=WORDS, colors=plt.get_cmap("RdYlBu")(np.linspace(0.1, 0.9, 5)))
    ax.set(title=title, xlabel="sweetness", xlim=(-2, 2), ylim=(0, 1))
axes[0].set_ylabel("probability, words stacked from bad")
figure.legend(handles=drawn[::-1], loc="outside right center")

plt.show()
