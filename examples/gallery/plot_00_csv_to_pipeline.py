"""
From a CSV to a saved pipeline
==============================

The whole way of a table: read it, cross-validate, search settings, fit, predict and say how sure, explain, save, load,
and predict for a group that is new. The table is made here, so that the page runs anywhere; in place of its file stands
yours.

This page is a notebook, too: the end of the page offers it ("Download Jupyter notebook"), and in a clone of the
repository ``make notebook`` writes it, ``examples/gallery/plot_00_csv_to_pipeline.ipynb``. It needs pandas and
Matplotlib.
"""

# %%
# A CSV
# -----
# Did women of forty villages visit a clinic? ``make_care_visits`` simulates such rows. The columns
# are of all kinds: numbers, some of them missing, a category as text, and the village as text. One village is kept
# for the end.

import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import skhbnn
from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_care_visits
from skhbnn.inspection import average_comparisons
from skhbnn.plotting import EffectDisplay, GroupRankingDisplay

folder = Path(tempfile.mkdtemp())
made = make_care_visits(n_groups=40)
table = pd.DataFrame(made.data, columns=made.feature_names).assign(
    insured=lambda rows: np.where(rows["insured"] == 1, "yes", "no"),
    village=[f"village {code:02d}" for code in made.groups],
    visit=made.target,
)
table.loc[np.random.default_rng(0).random(len(table)) < 0.05, "school"] = np.nan
table.round(1).to_csv(folder / "visits.csv", index=False)

table = pd.read_csv(folder / "visits.csv")
print(table.head(), "\n")
print(f"{len(table)} rows, {table['village'].nunique()} villages; missing: {table['school'].isna().sum()} of school")

is_new = table["village"] == "village 02"
X, y = table[~is_new].drop(columns="visit"), table["visit"][~is_new]
X_new, y_new = table[is_new].drop(columns="visit"), table["visit"][is_new]

# %%
# A pipeline
# ----------
# A ``ColumnTransformer`` fills in and encodes, and lets the column of groups through as it is. ``groups="village"``
# names this column; the output must be a dataframe for it to keep its name. Nothing has to be scaled: the estimator
# does it. ``target_accept=0.95`` has the sampler take smaller steps, because with the default of 0.8 some of the fits
# below warn of divergences.

encode = make_column_transformer(
    (SimpleImputer(), ["distance", "school"]),
    (OneHotEncoder(drop="first", sparse_output=False), ["insured"]),
    ("passthrough", ["village"]),
    verbose_feature_names_out=False,
).set_output(transform="pandas")
pipeline = make_pipeline(encode, HierarchicalBNNClassifier(groups="village", target_accept=0.95, random_state=0))

# %%
# Cross-validation
# ----------------
# Beside logistic regression with a dummy variable for each village, and gradient boosting with the village as a
# category. The log loss judges probabilities: it is in nats, and lower is better. Shuffled folds leave rows of a
# village on both sides, which asks how well rows of known villages are predicted. Without ``shuffle`` folds follow the
# order of the table, which is sorted by village, and leave out whole villages; to ask about villages that nobody has
# seen take ``GroupKFold``.

folds = StratifiedKFold(4, shuffle=True, random_state=0)
dummies = make_column_transformer(
    (SimpleImputer(), ["distance", "school"]), (OneHotEncoder(handle_unknown="ignore"), ["insured", "village"])
)
categories = X.astype({"insured": "category", "village": "category"})
contestants = {
    "hierarchical network": (pipeline, X),
    "logistic regression": (make_pipeline(dummies, LogisticRegression(max_iter=1000)), X),
    "gradient boosting": (HistGradientBoostingClassifier(random_state=0), categories),
}
for name, (estimator, rows) in contestants.items():
    losses = -cross_val_score(estimator, rows, y, cv=folds, scoring="neg_log_loss")  # (fold,)
    print(f"{name:<22}{losses.mean():.3f} ± {losses.std() / np.sqrt(len(losses)):.3f} nats")

# %%
# A search
# --------
# Every parameter can be searched under the name of its step. Here it is the network: none, one layer of four units, or
# the two layers of five that are the default. The search fits the best of them to all rows. On this table it is the
# one without hidden layer, a partially pooled logistic regression: effects are nearly straight on the scale of the
# logit, and it is as good as the regression with dummy variables. Where curves bend, and bend differently from group
# to group, layers pay.

settings = {"hierarchicalbnnclassifier__hidden_layer_sizes": [(), (4,), (5, 5)]}
search = GridSearchCV(pipeline, settings, scoring="neg_log_loss", cv=folds).fit(X, y)
found = search.cv_results_
print(f"{'hidden layers':<16}{'log loss':>10}{'seconds of a fit':>18}")
for layers, score, seconds in zip(
    found["param_hierarchicalbnnclassifier__hidden_layer_sizes"],
    found["mean_test_score"],
    found["mean_fit_time"],
    strict=True,
):
    print(f"{layers!s:<16}{-score:>10.3f}{seconds:>18.1f}")

best = search.best_estimator_
print(f"\n{best[-1].diagnostics_}")

# %%
# Predictions, and how sure they are
# ----------------------------------
# ``predict_proba`` is a mean over the posterior. How far a probability may be off says ``predict_std``, which the last
# step has; it is asked about encoded rows. A probability of 0.5 with a small standard deviation is known to be 0.5.

some = X.iloc[[0, 200, 400, 600]]
encoded = best[:-1].transform(some)
shown = some.assign(
    probability=best.predict_proba(some)[:, 1],
    std=best[-1].predict_std(encoded)[:, 1],
    visit=y[some.index],
)
print(shown.round(2).to_string())

# %%
# An effect, with its interval
# ----------------------------
# How much likelier is a visit of an insured woman? Every row is predicted twice, once as insured and once as not, under
# each posterior draw. Behind a pipeline categories are compared by their names.

print(average_comparisons(best, X, "insured", ("no", "yes")))

# %%
# The probability of a visit over the distance, with all else as it is in the rows.

_ = EffectDisplay.from_estimator(best, X, feature="distance")

# %%
# Villages differ. Of those whose intervals leave out the average, the data say on which side of it they are; the order
# of the others is open.

_ = GroupRankingDisplay.from_estimator(best, X)

# %%
# Save and load
# -------------
# Steps of scikit-learn are saved by joblib, whose pickles are to be loaded from people you trust only. The last step
# has ``save``, whose files hold no pickle. They are small, too: of many groups a pickle of the whole pipeline takes ten
# times the room, since it has all draws in full.

joblib.dump(best[:-1], folder / "steps.joblib")
best[-1].save(folder / "network.skhbnn")
loaded = make_pipeline(joblib.load(folder / "steps.joblib"), skhbnn.load(folder / "network.skhbnn"))
print("equal predictions:", np.array_equal(loaded.predict_proba(X), best.predict_proba(X)))
print(f"{(folder / 'network.skhbnn').stat().st_size / 1e6:.1f} MB")

# %%
# A new village
# -------------
# A village that ``fit`` did not see gets its network from the distribution over villages: its predictions are those of
# a village about which nothing is known, and their standard deviations say so. ``update`` then learns from half of
# its rows, in well under a second and without a fit of the other villages; the other half tests.

half = len(X_new) // 2
later, came = X_new[half:], y_new[half:]


def describe(model, when):
    std = model[-1].predict_std(model[:-1].transform(later))[:, 1].mean()
    loss = -np.log(model.predict_proba(later)[np.arange(len(came)), (came == "yes").astype(int)]).mean()
    print(f"{when:<24}mean std of the probabilities {std:.2f}, log loss {loss:.2f} nats")


describe(loaded, "nothing known")
loaded[-1].update(loaded[:-1].transform(X_new[:half]), y_new[:half])
describe(loaded, f"after {half} of its rows")

plt.show()
