"""
Insurance in villages: an effect, village by village
====================================================

An experiment on rice farmers in China: whether a farmer takes out insurance against weather, by what the farmer owns,
expects and was told, in 44 villages of 4 to 78 farmers (:func:`~skhbnn.datasets.load_insurance`). The features say
little, and a village has few rows: the case for which partial pooling was made. Some farmers were told of insurance at
length. What did it do, on average and in each village?
"""

# %%
# Half of the farmers teach, the others test
# ------------------------------------------
# ``PerGroupClassifier`` fits a network to every village alone, and ``fallback`` serves a village that has no row to
# learn from. Missing numbers become the median.

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import load_insurance
from skhbnn.inspection import average_comparisons
from skhbnn.plotting import GroupRankingDisplay, ReliabilityDisplay, ShrinkageDisplay

data = load_insurance()
farmers = pd.DataFrame(data.data, columns=data.feature_names)
farmers = farmers.fillna(farmers.median()).assign(village=data.groups)
X, X_test, y, y_test = train_test_split(farmers, data.target, test_size=0.5, random_state=0, stratify=data.groups)

settings = {"hidden_layer_sizes": (4,), "random_state": 0}
flat = FlatBNNClassifier(**settings).fit(X.drop(columns="village"), y)
# The flat model, told of classes that a village does not show.
alone = InformedPriorBNNClassifier(**settings, prior_scale=flat.prior_scale)
per_village = PerGroupClassifier(alone, "village", fallback=FlatBNNClassifier(**settings), n_jobs=2).fit(X, y)
hierarchical = HierarchicalBNNClassifier(**settings, groups="village").fit(X, y)

# %%
# Log loss by the size of a village
# ---------------------------------
# A network of its own is far worse than one for all, and worst where a village is small. The hierarchical model has
# the lowest log loss.

probas = {
    "one for all": flat.predict_proba(X_test.drop(columns="village")),
    "one per village": per_village.predict_proba(X_test),
    "hierarchical": hierarchical.predict_proba(X_test),
}
size = X_test["village"].map(X["village"].value_counts()).to_numpy()  # (row,): of the village, in training
edges = [(1, 14), (15, 24), (25, 40), (1, 40)]
parts = {f"{low} to {high} rows": (low <= size) & (size <= high) for low, high in edges}  # (row,) each
losses = pd.DataFrame(
    {title: [log_loss(y_test[part], proba[part]) for proba in probas.values()] for title, part in parts.items()},
    index=list(probas),
)
print(losses.round(3).to_string())

# %%
# Do probabilities come true?
# ---------------------------
# Towards both ends a network per village claims more than comes true. The outermost bins hold few rows, as their
# intervals say.

_, ax = plt.subplots(figsize=(5.5, 5.5), layout="constrained")
ReliabilityDisplay.from_estimator(per_village, X_test, y_test, name="one per village", ax=ax)
_ = ReliabilityDisplay.from_estimator(hierarchical, X_test, y_test, name="hierarchical", ax=ax)

# %%
# How far a village goes its own way
# ----------------------------------
# A village of few rows is drawn to the group mean; larger ones go their own way, as far as their rows differ.

_ = ShrinkageDisplay.from_estimator(hierarchical)

# %%
# What being told at length did
# -----------------------------
# Every farmer is predicted twice under each posterior draw, once as told at length and once as not. Lots were drawn,
# so that the difference is an effect.

print(average_comparisons(hierarchical, farmers, "intensive", (0, 1)))

# %%
# By village: the effects are alike as far as 700 rows can tell, since every interval holds the average one. What
# differs is how many farmers take out insurance at all: the intervals of a few villages leave out the average.

print(average_comparisons(hierarchical, farmers, "intensive", (0, 1), by_group=True))
_ = GroupRankingDisplay.from_estimator(hierarchical, farmers)

plt.show()
