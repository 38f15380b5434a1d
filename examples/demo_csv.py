"""The models on the rows of a CSV, beside logistic regression and gradient boosting."""

import sys
import time
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
from demo_models import (
    Rows,
    Split,
    Stage,
    fit_per_group,
    fit_together,
    flat_maker,
    informed_maker,
    print_table,
)
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier

TRIAL = 25  # steps of tuning, and draws, of the fit that times the others
MOST_NEW = 15  # groups that play new ones
PATIENCE = 100  # seconds beyond which one network per group is left out


def split_rows(rows, n_folds):
    """Training and test rows: the first fold of scikit-learn's StratifiedKFold tests, by class within group.

    A class with fewer rows in a group than folds is taken together with its like in other groups. Rows of a group that
    would have none to learn from train.
    """
    _, groups = np.unique(rows.groups, return_inverse=True)  # (row,)
    _, classes = np.unique(rows.y, return_inverse=True)  # (row,)
    strata = np.array([f"{g} {c}" for g, c in zip(groups, classes, strict=True)], dtype=object)  # (row,)
    for merged in (np.array([f"class {c}" for c in classes], dtype=object), np.full(len(strata), "few", dtype=object)):
        counts = Counter(strata)
        is_rare = np.array([counts[stratum] < n_folds for stratum in strata])  # (row,)
        strata = np.where(is_rare, merged, strata)
    if len(strata) < n_folds:
        raise SystemExit(f"{len(strata)} rows are too few for {n_folds} folds: lower --folds.")
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)  # of what was taken together
        learn, judge = next(folds.split(rows.X, strata))
    is_known = np.isin(rows.groups[judge], rows.groups[learn])  # (test row,)
    learn, judge = np.sort(np.concatenate([learn, judge[~is_known]])), judge[is_known]
    split = Split(rows[learn], rows[judge], np.unique(rows.y))
    if len(split.test.y) == 0:
        raise SystemExit("No group has enough rows for a test row: lower --folds.")
    if len(np.unique(split.train.y)) < 2:
        raise SystemExit("The training rows show one class only: raise --folds.")
    return split


def with_group(split, groups):
    """A split whose rows have the number of their group as a last column, (row, feature + 1)."""
    return replace(
        split,
        **{
            name: Rows(np.column_stack([r.X, np.searchsorted(groups, r.groups)]), r.y, r.groups)
            for name, r in (("train", split.train), ("test", split.test))
        },
    )


def fit_logistic(split, groups):
    """The plain baseline: logistic regression with the group one-hot."""
    last = split.train.X.shape[1]
    columns = make_column_transformer(
        (StandardScaler(), slice(0, last)), (OneHotEncoder(handle_unknown="ignore"), [last])
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    return fit_together("logistic, group one-hot", model, with_group(split, groups))


def fit_boosting(split, groups):
    """The strong baseline: gradient boosting that knows the group as a category."""
    category = [split.train.X.shape[1]] if len(groups) <= 255 else None  # of more, it takes the number as a number
    model = HistGradientBoostingClassifier(categorical_features=category, random_state=0)
    with threadpool_limits(1):  # on few rows its threads wait for one another longest, the more on a busy machine
        return fit_together("gradient boosting, group as a feature", model, with_group(split, groups))


def estimated_seconds(settings, split, n_new):
    """Seconds of the fits of all rows and new groups, and of one network per group, by short fits of both kinds."""
    train, steps = split.train, settings["tune"] + settings["draws"]
    own = train[train.groups == train.groups[0]]
    seconds = []
    with warnings.catch_warnings(record=True):  # fits to be timed, whose predictions nobody sees
        warnings.simplefilter("always", ConvergenceWarning)
        for fit in (
            lambda short: HierarchicalBNNClassifier(**short).fit(train.X, train.y, groups=train.groups),
            lambda short: FlatBNNClassifier(**short).fit(train.X, train.y),
            lambda short: flat_maker(short, split.classes)(own.y).fit(own.X, own.y),
        ):
            fit({**settings, "tune": 4, "draws": 4})  # compiles, where nothing has yet
            start = time.perf_counter()
            fit({**settings, "tune": TRIAL, "draws": TRIAL})
            seconds.append((time.perf_counter() - start) * steps / (2 * TRIAL))
    hierarchical, flat, of_group = seconds
    return 1.8 * hierarchical + flat + 2 * n_new * of_group, len(np.unique(train.groups)) * of_group


def gain_of_prior(flat, informed):
    """A sentence on what the informed prior gains over the flat one on the rows of new groups."""
    gains = flat.test_losses() - informed.test_losses()  # (row,)
    if len(gains) < 2:
        return "The new groups have too few test rows to compare both priors."
    gain, error = gains.mean(), gains.std(ddof=1) / len(gains) ** 0.5
    verdict = "better" if gain > 2 * error else "worse" if gain < -2 * error else "not told apart"
    said = f"the informed prior gains {gain:.3f} ± {error:.3f} nats a row (standard error): {verdict}"
    advice = "" if verdict == "better" else "; it gains most where new groups are like the others and have few rows"
    return f"On {len(gains)} rows of new groups {said}{advice}."


def run_csv(settings, split):
    """The models on a CSV's rows, beside their peers; the last groups, a fifth or fifteen, as new ones."""
    train, test, groups = split.train, split.test, np.unique(split.train.groups)
    n_new = min(max(1, round(0.2 * len(groups))), MOST_NEW)
    print(
        f"{len(train.y)} training and {len(test.y)} test rows, {train.X.shape[1]} features, {len(split.classes)} "
        f"classes, {len(groups)} groups; new groups: the last {n_new}"
    )
    seconds, each = estimated_seconds(settings, split, n_new)
    has_each = seconds + each <= PATIENCE
    print(f"This will take some {10 * np.ceil((seconds + each * has_each) / 10):.0f} seconds.")
    if not has_each:
        print(f"One network per group is left out: {len(groups)} of them would take some {each:.0f} seconds more.")
    make_flat = flat_maker(settings, np.unique(train.y))
    model = HierarchicalBNNClassifier(**settings, verbose=1)
    outcomes = [
        fit_logistic(split, groups),
        fit_boosting(split, groups),
        fit_together("flat, all rows pooled", FlatBNNClassifier(**settings), split),
        *([fit_per_group("flat, one per group", make_flat, split)] if has_each else []),
        fit_together("hierarchical", model, split, with_groups=True),
    ]

    before = train[np.isin(train.groups, groups[:-n_new])]
    if len(np.unique(before.y)) < 2:
        print("No informed prior: the groups before the new ones show one class only.", file=sys.stderr)
        return print_table(outcomes)
    model = HierarchicalBNNClassifier(**settings, verbose=1)
    Stage("hierarchical, without the new groups").fit(model, before.X, before.y, groups=before.groups)
    # A prior knows the classes it was learned from; rows of others would need another network.
    usable = [np.isin(rows.groups, groups[-n_new:]) & np.isin(rows.y, model.classes_) for rows in (train, test)]
    new = Split(train[usable[0]], test[usable[1]], model.classes_)
    left_out = np.isin(np.concatenate([train.groups, test.groups]), groups[-n_new:]).sum() - sum(map(np.sum, usable))
    if left_out:
        print(f"New groups: rows left out, of classes that no other group shows: {left_out}.", file=sys.stderr)
    for name, make in (("flat", flat_maker(settings, new.classes)), ("informed", informed_maker(model))):
        outcomes.append(fit_per_group(f"new groups ({n_new}): {name}", make, new))
    print_table(outcomes)
    print(gain_of_prior(*outcomes[-2:]))
