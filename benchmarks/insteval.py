"""Ratings of 1,128 lecturers at ETH Zurich, 73,421 rows, fitted whole: the hierarchical model beside its peers.

``InstEval`` of the R package lme4. Four fifths of the rows train, the others test. The target is the rating from 1 to
5; a lecturer is a group. Inputs are the years of study, the age of the last visit, whether the lecture is a service to
another department, and the department. By default the hierarchical model learns the group distribution from some of the
lecturers, and fits the others by themselves; all at once is `max_groups=None`. `hidden_layer_sizes=(10, 5)` is the
default of fewer groups with so many inputs. The peers know the lecturer by a target encoding (gradient boosting takes
at most 255 categories) and as an intercept each (logistic regression).
"""

import resource

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from skhbnn import HierarchicalBNNClassifier

from .common import scores, timed, warnings_ignored
from .grouped_data import read_ordered


def run(folder):
    X, y, groups, *_ = read_ordered(folder, "insteval")
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(lecturer=groups)
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
    lecturer = ["lecturer"]
    encoded = ColumnTransformer([("lecturer", TargetEncoder(random_state=0), lecturer)], remainder="passthrough")
    one_hot = OneHotEncoder(handle_unknown="ignore")
    intercepts = ColumnTransformer([("lecturer", one_hot, lecturer)], remainder="passthrough")
    by_default = HierarchicalBNNClassifier(groups="lecturer", random_state=0)
    models = {
        "skhbnn, hierarchical by default": by_default,
        "skhbnn, hierarchical, ordinal": clone(by_default).set_params(likelihood="ordinal"),
        "skhbnn, hierarchical, all groups at once": clone(by_default).set_params(max_groups=None),
        "skhbnn, hierarchical, hidden_layer_sizes=(10, 5)": clone(by_default).set_params(hidden_layer_sizes=(10, 5)),
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
        rows.append({**row, "test accuracy": accuracy, "test log loss": f"{loss:.4f}"})
    return rows
