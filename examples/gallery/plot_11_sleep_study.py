"""
Reaction times without sleep
============================

Eighteen lorry drivers sleep three hours a night, and their reaction time is taken on ten days (Belenky and others,
2003; ``sleepstudy`` of the R package lme4). It is the textbook case of a linear mixed model: each subject has an
intercept and a slope. A hierarchical network without hidden layer is that model, and one with a hidden layer lets each
subject's line bend.

Run it with the path of the CSV file, with the columns ``Reaction``, ``Days`` and ``Subject``::

    python plot_11_sleep_study.py sleepstudy.csv

or keep ``sleepstudy.csv`` in the folder that the environment variable ``SKHBNN_DATA`` names. Without the file the
script simulates such rows from the published estimates of the linear mixed model (Bates and others, 2015, "Fitting
linear mixed-effects models using lme4", Journal of Statistical Software 67).
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
from scipy.optimize import minimize

from skhbnn import HierarchicalBNNRegressor

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("SKHBNN_DATA", "."), "sleepstudy.csv")


def simulate(rng):
    """Rows of 18 subjects and ten days from the published estimates, in milliseconds."""
    cov = [[24.74**2, 9.6], [9.6, 5.92**2]]  # (2, 2), of intercept and slope
    intercept, slope = rng.multivariate_normal([251.4, 10.47], cov, 18).T  # (subject,) each
    days = np.tile(np.arange(10.0), 18)  # (row,)
    subject = np.repeat(np.arange(18), 10)  # (row,)
    reaction = intercept[subject] + slope[subject] * days + rng.normal(0, 25.59, 180)  # (row,)
    return pd.DataFrame({"Reaction": reaction, "Days": days, "Subject": 1 + subject})


is_real = path.is_file()
frame = pd.read_csv(path) if is_real else simulate(np.random.default_rng(1))
X, y = frame[["Days", "Subject"]], frame["Reaction"].to_numpy(float)  # (row,)
subjects = np.unique(X["Subject"])  # (subject,)
print("The rows of the study" if is_real else "Simulated rows", f"{len(y)} of {len(subjects)} subjects", sep=": ")

# %%
# The linear mixed model, twice
# -----------------------------
# First by restricted maximum likelihood (REML), which some twenty lines of NumPy and SciPy can do: an intercept at the
# mean day and a slope vary between subjects, independently of each other. Its estimates of the subjects, best linear
# unbiased predictions, are what the fixed effects and the variances say of each subject's line.


def mixed_model(days, y, codes):
    """REML: the lines (subject, 2) at the mean day, and the standard deviations of intercept, slope and noise."""
    fixed = np.column_stack([np.ones_like(days), days - days.mean()])  # (row, 2)
    random = np.eye(codes.max() + 1)[codes]  # (row, subject)
    both = [random, random * fixed[:, 1:]]  # (row, subject) of the intercept and of the slope

    def solve(log_sd):
        intercept, slope, noise = np.exp(log_sd)
        cov = noise**2 * np.eye(len(y))  # (row, row)
        for scale, part in zip((intercept, slope), both, strict=True):
            cov += scale**2 * part @ part.T
        weighted = np.linalg.solve(cov, fixed)  # (row, 2)
        mean = np.linalg.solve(fixed.T @ weighted, weighted.T @ y)  # (2,)
        return cov, weighted, mean, np.linalg.solve(cov, y - fixed @ mean)

    def loss(log_sd):
        cov, weighted, mean, residual = solve(log_sd)
        logs = np.linalg.slogdet(cov)[1] + np.linalg.slogdet(fixed.T @ weighted)[1]
        return logs + residual @ (y - fixed @ mean)

    sd = np.exp(minimize(loss, np.log([30.0, 5.0, 25.0]), method="Nelder-Mead").x)  # (3,)
    _, _, mean, residual = solve(np.log(sd))
    deviations = [scale**2 * part.T @ residual for scale, part in zip(sd[:2], both, strict=True)]  # (subject,) each
    return mean + np.column_stack(deviations), sd


codes = np.searchsorted(subjects, X["Subject"])  # (row,)
lines, sd = mixed_model(X["Days"].to_numpy(float), y, codes)  # (subject, 2), (3,)

# %%
# Then as a network. ``hidden_layer_sizes=()`` leaves the output layer alone, and ``pooling="partial"`` says that its
# weights lie around a mean at distances that are learned. The regressor standardises days and reaction times; its
# learned scales, times the units, are the standard deviations of the mixed model. They are posterior means, and
# a little larger than REML's estimates: the posterior of a scale is skewed. In brackets is the posterior standard
# deviation of a mean; of the study lme4's estimates are 251.4 (standard error 6.8) and 10.47 (1.5), with noise of 25.6.

settings = {"groups": "Subject", "pooling": "partial", "target_accept": 0.95, "n_jobs": 2, "random_state": 0}
linear = HierarchicalBNNRegressor((), **settings).fit(X, y)
unit, day = linear.target_standardizer_.scale[0], linear.standardizer_.scale[0]
scales = dict(zip(linear.posterior_.learned_parts, linear.posterior_.group_scale.mean(axis=(0, 1)), strict=True))
noise = linear.posterior_.own.mean() * unit

coef, intercept = np.moveaxis(linear.posterior_.group_mean.astype(float), -1, 0)  # (chain, draw) each
slope = coef * unit / day  # (chain, draw)
start = linear.target_standardizer_.mean[0] + unit * intercept - slope * linear.standardizer_.mean[0]  # (chain, draw)
mean_line = lines.mean(axis=0)  # (2,): of as many days of each subject the mean over subjects is REML's fixed effect
print(f"{'mean over subjects':<36}{'REML':>8}{'network':>10}")
for name, one, draws in (
    ("intercept at day 0 (ms)", mean_line[0] - mean_line[1] * X["Days"].mean(), start),
    ("slope (ms a day)", mean_line[1], slope),
):
    print(f"{name:<36}{one:>8.2f}{draws.mean():>10.2f} ({draws.std():.2f})")

print(f"\n{'standard deviation (ms)':<36}{'REML':>8}{'network':>10}")
rows = [scales["intercept_0"] * unit, scales["coef_0"] * unit / day, noise]
names = ("of the intercept at the mean day", "of the slope, a day", "of the noise")
for name, one, other in zip(names, sd, rows, strict=True):
    print(f"{name:<36}{one:>8.1f}{other:>10.1f}")

# %%
# The slopes of the subjects. A subject's own least squares line is drawn towards the mean by both models, and by as
# much: look for the two markers that lie on one another.

ends = pd.DataFrame({"Days": np.tile([0.0, 1.0], len(subjects)), "Subject": np.repeat(subjects, 2)})
draws = np.diff(linear.sample_mean(ends).reshape(-1, len(subjects), 2))[..., 0]  # (draw, subject)
own = np.array([np.polyfit(X["Days"][codes == i], y[codes == i], 1)[0] for i in range(len(subjects))])  # (subject,)
order = np.argsort(own)  # (subject,)
print(f"slopes differ from REML's by at most {np.abs(draws.mean(axis=0) - lines[:, 1]).max():.2f} ms a day")

figure, ax = plt.subplots(figsize=(6.5, 5), layout="constrained")
low, high = np.quantile(draws, [0.05, 0.95], axis=0)[:, order]  # (subject,) each
places = np.arange(len(subjects))  # (subject,)
ax.hlines(places, low, high, color="#3f90da", linewidth=2, label="network, 90 % of the posterior")
ax.plot(draws.mean(axis=0)[order], places, "o", color="#3f90da", label="network, mean")
ax.plot(lines[order, 1], places, "|", color="black", markersize=12, label="REML")
ax.plot(own[order], places, "x", color="#bd1f01", label="the subject's own rows")
ax.axvline(lines[:, 1].mean(), linestyle=":", color="black")
ax.set(xlabel="slope (ms a day)", ylabel="subject")
ax.set_yticks(places, subjects[order])
ax.legend(fontsize="small")

# %%
# A line that may bend
# --------------------
# Four hidden units, all else alike, and Student's t as the noise, whose tails allow a night that went wrong. The dark
# band holds 90 % of the posterior of the mean (``sample_mean``), the light one 90 % of new reaction times
# (``predict_interval``). In the study look at subjects 308 and 332, whose single days far off move the mean little; of
# simulated rows none is far off, and the lines hardly bend.

bent = HierarchicalBNNRegressor((4,), likelihood="student_t", **settings).fit(X, y)
days = np.linspace(0, 9, 40)  # (point,)
figure, axes = plt.subplots(3, 6, figsize=(10, 6), sharex=True, sharey=True, layout="constrained")
for ax, subject in zip(axes.flat, subjects, strict=True):
    at = pd.DataFrame({"Days": days, "Subject": subject})
    mean = np.quantile(bent.sample_mean(at), [0.05, 0.95], axis=0)  # (2, point)
    new = bent.predict_interval(at, coverage=0.9).T  # (2, point)
    ax.fill_between(days, *new, color="#3f90da", alpha=0.15, linewidth=0, label="90 % of new times")
    ax.fill_between(days, *mean, color="#3f90da", alpha=0.5, linewidth=0, label="90 % of the mean")
    ax.plot(days, linear.predict(at), "--", color="black", linewidth=1, label="linear")
    ax.plot(X["Days"][X["Subject"] == subject], y[X["Subject"] == subject], ".", color="#bd1f01", label="rows")
    ax.set_title(subject, fontsize="small")
figure.supxlabel("days without sleep")
figure.supylabel("reaction time (ms)")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)

# %%
# Which is better on days that it did not see?
# --------------------------------------------
# Three days of every subject are left out, four times over. The log predictive density is that of a reaction time in
# milliseconds, the mean over the days left out: higher is better. Coverage is the share of them in the interval of
# 90 %. Of the study's rows Student's t predicts better than normal noise, and with it the bend adds something.
# Simulated rows are normal around lines, and there all four predict alike.

kinds = [((), "normal"), ((), "student_t"), ((4,), "normal"), ((4,), "student_t")]
density, inside = np.zeros((2, len(kinds), 4))  # (kind, split) each
for split in range(4):
    places = np.random.default_rng(split).random((len(subjects), 10)).argsort(axis=1)  # (subject, day)
    left_out = places[codes, X["Days"].astype(int)] < 3  # (row,)
    for i, (sizes, likelihood) in enumerate(kinds):
        model = HierarchicalBNNRegressor(sizes, likelihood=likelihood, **settings).fit(X[~left_out], y[~left_out])
        low, high = model.predict_interval(X[left_out], coverage=0.9).T  # (row,) each
        density[i, split] = model.log_predictive_density(X[left_out], y[left_out]).mean()
        inside[i, split] = np.mean((low <= y[left_out]) & (y[left_out] <= high))
print(f"{'hidden units':<14}{'noise':<12}{'log density (nats)':>20}{'coverage of 90 %':>18}")
for (sizes, likelihood), *pair in zip(kinds, density.mean(axis=1), inside.mean(axis=1), strict=True):
    print(f"{sum(sizes):<14}{likelihood:<12}{pair[0]:>20.3f}{pair[1]:>18.3f}")

plt.show()
