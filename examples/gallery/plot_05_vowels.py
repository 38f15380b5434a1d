"""
Vowels across speakers
======================

Fifteen speakers say eleven vowels, six times each (Deterding's recordings, in the UCI Machine Learning Repository as
"Connectionist Bench (Vowel Recognition)"). Every throat is different, and so is the map from sound to vowel.
"""

# %%
# Two repetitions teach, four test
# --------------------------------
# Twenty-two rows of ten features for each speaker, and eleven classes. Beside the hierarchical network stand gradient
# boosting that knows the speaker as a category, and one flat network for everybody. The hierarchical network is ahead
# of both in accuracy and in log loss.
#
# The curves of reliability tell more: where boosting is below the diagonal, it is surer than it should be; the
# hierarchical network is above it, too modest. Two repetitions leave its weights much freedom, and it says so.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import load_vowels
from skhbnn.plotting import DecisionSurfaceDisplay, GroupScaleDisplay, ReliabilityDisplay

data = load_vowels()
FEATURES = data.feature_names
settings = {"hidden_layer_sizes": (6,), "chains": 10, "tune": 120, "draws": 60, "n_jobs": 2, "random_state": 0}


def print_scores(title, y, proba, classes):
    """One line of a table."""
    print(f"{title:<36}{accuracy_score(y, classes[proba.argmax(axis=1)]):>10.3f}{log_loss(y, proba):>10.3f}")


def known_speakers(table):
    """The three models on the speakers that they learned from; returns the hierarchical one."""
    train = table.groupby(["speaker", "vowel"]).cumcount() < 2  # (row,)
    X, y, X_test, y_test = table.loc[train], table.loc[train, "vowel"], table.loc[~train], table.loc[~train, "vowel"]
    inputs = ["speaker", *FEATURES]
    boosting = HistGradientBoostingClassifier(categorical_features=["speaker"], random_state=0).fit(X[inputs], y)
    flat = FlatBNNClassifier(**settings).fit(X[FEATURES], y)
    hierarchical = HierarchicalBNNClassifier(**settings, groups="speaker").fit(X[inputs], y)

    print(f"{len(X)} rows to learn from, {len(X_test)} to test\n{'':<36}{'accuracy':>10}{'log loss':>10}")
    models = {"boosting, speaker as a category": boosting, "hierarchical": hierarchical}
    print_scores("flat, all speakers pooled", y_test, flat.predict_proba(X_test[FEATURES]), flat.classes_)
    _, ax = plt.subplots(figsize=(5.5, 5.5), layout="constrained")
    for name, model in models.items():
        print_scores(name, y_test, model.predict_proba(X_test[inputs]), model.classes_)
        ReliabilityDisplay.from_estimator(model, X_test[inputs], y_test, name=name, ax=ax)
    return hierarchical


# %%
# What the networks look like
# ---------------------------
# The likeliest vowel over the first two features, of three speakers. The other eight features are held at their median;
# the rows have values of their own there, and need not stand in the region of their class. The regions have their place
# in common, and the borders differ: the share of the plane where the three disagree is printed.
#
# In the picture of the group scales look for what makes speakers differ: the affine map of the sound, as much as the
# output layer.


def pictures(hierarchical):
    """Surfaces of three speakers, and the group scales."""
    display = DecisionSurfaceDisplay.from_estimator(hierarchical, groups=hierarchical.groups_[[0, 7, 14]])
    likeliest = display.proba.argmax(axis=-1)  # (speaker, tick1, tick0)
    print(f"the three speakers disagree on {np.mean(np.ptp(likeliest, axis=0) > 0):.0%} of the plane")
    GroupScaleDisplay.from_estimator(hierarchical)
    posterior = hierarchical.posterior_
    scales = posterior.group_scale.mean(axis=(0, 1))  # (learned part,)
    for part, scale in zip(posterior.learned_parts, scales, strict=True):
        print(f"group scale of {part}, posterior mean: {scale:.2f}")


# %%
# Speakers that nobody has heard
# ------------------------------
# The first ten speakers teach, the last five are new. The flat network and the hierarchical one meet them unprepared:
# the one takes them for the mean of all, the other for anybody that might come, and pays for its doubt. Then each new
# speaker says every vowel once. Those eleven rows under the informed prior are worth more than all that is known of the
# other speakers.


def new_speakers(table):
    """Models of the first ten speakers on the last five."""
    old = table["speaker"] < 10  # (row,)
    first = table.groupby(["speaker", "vowel"]).cumcount() == 0  # (row,)
    inputs = ["speaker", *FEATURES]
    flat = FlatBNNClassifier(**settings).fit(table.loc[old, FEATURES], table.loc[old, "vowel"])
    hierarchical = HierarchicalBNNClassifier(**settings, groups="speaker").fit(
        table.loc[old, inputs], table.loc[old, "vowel"]
    )
    test = table[~old & ~first]
    print(f"\n{'five new speakers':<36}{'accuracy':>10}{'log loss':>10}")
    print_scores("flat, all speakers pooled", test["vowel"], flat.predict_proba(test[FEATURES]), flat.classes_)
    print_scores("hierarchical, unseen group", test["vowel"], hierarchical.predict_proba(test[inputs]), flat.classes_)
    prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical)
    proba = np.empty((len(test), len(flat.classes_)))  # (row, class)
    for speaker in test["speaker"].unique():
        own = table[first & (table["speaker"] == speaker)]
        rows = (test["speaker"] == speaker).to_numpy()  # (row,)
        proba[rows] = prior.fit(own[FEATURES], own["vowel"]).predict_proba(test.loc[rows, FEATURES])
    print_scores("informed, eleven rows each", test["vowel"], proba, flat.classes_)


# %%
# The figures
# -----------

vowels = pd.DataFrame(data.data, columns=FEATURES).assign(speaker=data.groups, vowel=data.target)
fitted = known_speakers(vowels)
pictures(fitted)
new_speakers(vowels)
plt.show()
