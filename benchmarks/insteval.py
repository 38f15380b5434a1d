"""Ratings of 1,128 lecturers at ETH Zurich, 73,421 rows, fitted whole: the hierarchical model beside its peers.

``InstEval`` of the R package lme4. Four fifths of the rows train, the others test. The target is the rating from 1 to
5; a lecturer is a group. Inputs are the years of study, the age of the last visit, whether the lecture is a service to
another department, and the department. By default the hierarchical model learns the group distribution from some of the
lecturers, and fits the others by themselves; all at once it has one hidden layer of 5 units, and 2 chains of 300 + 200
steps. The peers know the lecturer by a target encoding (gradient boosting takes at most 255 categories) and as an
intercept each (logistic regression).
"""

import resource

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from skhbnn import HierarchicalBNNClassifier

from .common import scores, timed, warnings_ignored

SETTINGS = {
    **{
        "hidden_layer_sizes": (5,),
        "pooling": "partial",
        "prior_scale": 2.0,
        "max_groups": None,
    },  # 17 inputs: a map of them is large
    **{"chains": 2, "tune": 300, "draws": 200, "n_jobs": 2, "random_state": 0},
}


def run(folder):
    import pandas as pd

    frame = pd.read_csv(folder / "insteval.csv")
    inputs = pd.get_dummies(frame[["studage", "lectage", "service", "dept"]].astype({"dept": str}), drop_first=True)
    table, y = inputs.assign(lecturer=frame["d"]).astype(float), frame["y"].to_numpy() - 1  # (row, column), (row,)
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
    lecturer = ["lecturer"]
    encoded = ColumnTransformer([("lecturer", TargetEncoder(random_state=0), lecturer)], remainder="passthrough")
    one_hot = OneHotEncoder(handle_unknown="ignore")
    intercepts = ColumnTransformer([("lecturer", one_hot, lecturer)], remainder="passthrough")
    models = {
        "skhbnn, hierarchical by default": HierarchicalBNNClassifier(groups="lecturer", n_jobs=2, random_state=0),
        "skhbnn, hierarchical, ordinal": HierarchicalBNNClassifier(
            groups="lecturer", likelihood="ordinal", n_jobs=2, random_state=0
        ),
        "skhbnn, hierarchical, all groups at once": HierarchicalBNNClassifier(groups="lecturer", **SETTINGS),
        "gradient boosting, target-encoded lecturer": make_pipeline(encoded, HistGradientBoostingClassifier()),
        "logistic regression, one-hot lecturer": make_pipeline(intercepts, LogisticRegression(C=0.1, max_iter=2_000)),
        "the frequency of each rating": None,
    }
    rows = []
    for name, model in models.items():
        with warnings_ignored(), timed() as clock:
            if model is None:
                proba = np.tile(np.bincount(y[train]) / len(train), (len(test), 1))  # (row, class)
            else:
                proba = model.fit(table.iloc[train], y[train]).predict_proba(table.iloc[test])
        accuracy, loss = scores(y[test], proba)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # on Linux
        row = {"system": name, "minutes": clock.seconds / 60, "peak memory so far, GB": peak}
        rows.append({**row, "test accuracy": accuracy, "test log loss": loss})
    return rows
