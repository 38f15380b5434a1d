"""
Exam scores, and some that were mistyped
========================================

What pupils reach at sixteen, by what they reached at eleven, in 65 schools (Goldstein and others, 1993; ``Exam`` of
the R package mlmRev). Two likelihoods are fitted, normal and Student's t, to the scores as they are, and again after
one score in twenty-five was spoiled.

Run it with the path of the CSV file, with the columns ``school``, ``normexam``, ``standLRT`` and ``sex``::

    python plot_12_exam_scores.py Exam.csv

or keep ``Exam.csv`` in the folder that the environment variable ``SKHBNN_DATA`` names. Without the file the script
simulates such rows: schools whose lines differ in height and slope, as the published multilevel models have them.
"""

# %%
# The rows
# --------
# Half of a school's pupils teach, up to sixteen of them, and as many others test. Of the pupils who teach, one in
# twenty-five gets a score far off.

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import mean_pinball_loss

from skhbnn import HierarchicalBNNRegressor

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("SKHBNN_DATA", "."), "Exam.csv")


def simulate(rng):
    """Rows of 65 schools of 8 to 120 pupils, scores in standard deviations."""
    school = np.repeat(np.arange(1, 66), rng.integers(8, 121, 65))  # (row,)
    earlier, is_girl = rng.normal(size=len(school)), rng.random(len(school)) < 0.6  # (row,) each
    height, slope = 0.3 * rng.normal(size=66), 0.56 + 0.12 * rng.normal(size=66)  # (school,) each
    score = height[school] + slope[school] * earlier + 0.17 * is_girl + 0.74 * rng.normal(size=len(school))  # (row,)
    sex = np.where(is_girl, "F", "M")  # (row,)
    return pd.DataFrame({"school": school, "normexam": score, "standLRT": earlier, "sex": sex})


is_real = path.is_file()
rng = np.random.default_rng(0)
frame = pd.read_csv(path) if is_real else simulate(rng)
frame = frame.sample(frac=1, random_state=0, ignore_index=True)
place, size = frame.groupby("school").cumcount(), frame.groupby("school")["school"].transform("size")  # (row,) each
half = np.minimum(16, size // 2)  # (row,)
frame, train = frame[place < 2 * half], (place < half)[place < 2 * half].to_numpy()  # train: (row,)
X = frame[["school", "standLRT"]].assign(girl=(frame["sex"] == "F") * 1.0)
y = frame["normexam"].to_numpy()  # (row,)
is_spoiled = train & (rng.random(len(y)) < 0.04)  # (row,)
spoiled = np.where(is_spoiled, y + rng.choice([-8.0, 8.0], len(y)), y)  # (row,)
source = "The rows of the study" if is_real else "Simulated rows"
print(f"{source}: {train.sum()} to learn from, {is_spoiled.sum()} of them spoiled, {(~train).sum()} to test")

# %%
# Four fits
# ---------
# The table has figures of the pupils who test, whose scores are as they were: R², the log predictive density of
# a score (higher is better), the mean pinball loss over nineteen quantiles (lower is better), and the coverage and the
# width of intervals of 90 %, from the first of these quantiles to the last.
#
# Of clean scores the two likelihoods say alike: Student's t has learned that the tails are light. Spoiled scores make
# the normal one take the noise of all pupils for larger than it is. Its intervals are too wide, and its density
# too low. Student's t gives the few scores far off to its tails, and predicts nearly as before.

levels = np.arange(1, 20) / 20  # (level,)
settings = {"groups": "school", "pooling": "partial", "chains": 2, "target_accept": 0.95, "random_state": 0}
models, shares = {}, {}
print(f"{'scores':<10}{'likelihood':<12}{'R²':>7}{'log density':>13}{'pinball':>9}{'coverage':>10}{'width':>7}")
for scores, target in (("clean", y), ("spoiled", spoiled)):
    for likelihood in ("normal", "student_t"):
        model = HierarchicalBNNRegressor((3,), likelihood=likelihood, **settings).fit(X[train], target[train])
        quantiles = model.predict_quantiles(X[~train], levels)  # (row, level)
        pinball = np.mean([mean_pinball_loss(y[~train], q, alpha=a) for a, q in zip(levels, quantiles.T, strict=True)])
        low, high = quantiles[:, :9], quantiles[:, :9:-1]  # (row, interval) each, from wide to narrow
        inside = np.mean((low <= y[~train, None]) & (y[~train, None] <= high), axis=0)  # (interval,)
        density = model.log_predictive_density(X[~train], y[~train]).mean()
        figures = f"{model.score(X[~train], y[~train]):>7.3f}{density:>13.3f}{pinball:>9.3f}"
        print(f"{scores:<10}{likelihood:<12}{figures}{inside[0]:>10.3f}{np.mean(high - low, axis=0)[0]:>7.2f}")
        models[scores, likelihood], shares[scores, likelihood] = model, inside

# %%
# Do the intervals keep their promise?
# ------------------------------------
# The share of pupils inside the central interval, for intervals from narrow to wide. On the diagonal a promise
# is kept; above it intervals are wider than they need be.

coverages = levels[:9:-1] - levels[:9]  # (interval,)
styles = {"normal": {"color": "#bd1f01", "marker": "s"}, "student_t": {"color": "#3f90da", "marker": "o"}}
figure, axes = plt.subplots(1, 2, figsize=(9, 4.6), sharex=True, sharey=True, layout="constrained")
for (scores, likelihood), inside in shares.items():
    axes[int(scores == "spoiled")].plot(coverages, inside, markersize=4, label=likelihood, **styles[likelihood])
for ax, scores in zip(axes, ("clean", "spoiled"), strict=True):
    ax.plot([0, 1], [0, 1], ":", color="black", label="as promised")
    ax.set(title=f"fitted to {scores} scores", xlabel="coverage asked for", aspect="equal")
axes[0].set_ylabel("share of the pupils who test")
axes[0].legend()

# %%
# A school is not its mean
# ------------------------
# The score of a boy by his earlier score: a thin line for each school, and the mean over schools, which is what a
# school that nobody has seen gets. The band holds 90 % of the scores in such a school. It has three things in it: the
# noise of pupils, the doubt of the network, and that schools differ.

model = models["clean", "student_t"]
earlier = np.linspace(-2.5, 2.5, 50)  # (point,)
boys = pd.DataFrame({"school": 0, "standLRT": earlier, "girl": 0.0})  # there is no school 0
figure, ax = plt.subplots(figsize=(6.5, 4.6), layout="constrained")
low, high = model.predict_interval(boys, coverage=0.9).T  # (point,) each
ax.fill_between(earlier, low, high, color="#717581", alpha=0.2, linewidth=0, label="90 % of scores, unseen school")
for school in model.groups_:
    ax.plot(earlier, model.predict(boys.assign(school=school)), color="#3f90da", linewidth=0.6)
ax.plot([], [], color="#3f90da", label="a school")
ax.plot(earlier, model.predict(boys), color="black", linewidth=2.5, label="unseen school")
ax.set(xlabel="earlier score (standard deviations)", ylabel="exam score (standard deviations)")
ax.legend()

parts = model.predict_uncertainty(boys)
known = model.predict_uncertainty(boys.assign(school=model.groups_[0]))
print(f"{'variance of a score, mean over the points':<44}{'aleatoric':>10}{'epistemic':>11}")
print(f"{'in a school of the fit':<44}{known.aleatoric.mean():>10.3f}{known.epistemic.mean():>11.3f}")
print(f"{'in a school that nobody has seen':<44}{parts.aleatoric.mean():>10.3f}{parts.epistemic.mean():>11.3f}")

plt.show()
