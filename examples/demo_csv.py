"""The models on the rows of a CSV, beside gradient boosting."""

import sys

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
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier


def split_rows(rows, test_size):
    """Training and test rows, in every group the same share of each class as far as its numbers allow.

    The rows of a group are put in the order of their classes, at random within a class, and every so-many-th one
    tests. The first always trains: no group is without training rows.
    """
    shuffle = np.random.default_rng(0).random(len(rows.y))  # (row,)
    groups = np.unique(rows.groups, return_inverse=True)[1]  # (row,)
    order = np.lexsort((shuffle, rows.y, groups))  # (row,)
    position = np.arange(len(order)) - np.searchsorted(groups[order], groups[order])  # (row,), within its group
    due = lambda count: np.floor(count * test_size + 1e-9)  # noqa: E731  # test rows among so many
    tests = due(position + 1) > due(position)  # (row,)
    split = Split(rows[order[~tests]], rows[order[tests]], np.unique(rows.y))
    if len(split.test.y) == 0:
        raise SystemExit("No group has enough rows for a test row: raise --test-size.")
    if len(np.unique(split.train.y)) < 2:
        raise SystemExit("The training rows show one class only: lower --test-size.")
    return split


def fit_boosting(split, groups):
    """The baseline: gradient boosting that knows the group as a category."""
    coded = [
        Rows(np.column_stack([r.X, np.searchsorted(groups, r.groups)]), r.y, r.groups)  # X: (row, feature + 1)
        for r in (split.train, split.test)
    ]
    category = [split.train.X.shape[1]] if len(groups) <= 255 else None  # of more, it takes the number as a number
    model = HistGradientBoostingClassifier(categorical_features=category, random_state=0)
    with threadpool_limits(1):  # on few rows its threads wait for one another longest, the more on a busy machine
        return fit_together("gradient boosting, group as a feature", model, Split(*coded, split.classes))


def run_csv(settings, split):
    """The models on a CSV's rows, beside gradient boosting; the last fifth of the groups as new ones."""
    train, test, groups = split.train, split.test, np.unique(split.train.groups)
    n_new = max(1, round(0.2 * len(groups)))
    print(
        f"{len(train.y)} training and {len(test.y)} test rows, {train.X.shape[1]} features, {len(split.classes)} "
        f"classes, {len(groups)} groups; new groups: the last {n_new}"
    )
    make_flat = flat_maker(settings, np.unique(train.y))
    model = HierarchicalBNNClassifier(**settings, verbose=1)
    outcomes = [
        fit_boosting(split, groups),
        fit_together("flat, all rows pooled", FlatBNNClassifier(**settings), split),
        fit_per_group("flat, one per group", make_flat, split),
        fit_together("hierarchical", model, split, with_groups=True),
    ]

    before = train[np.isin(train.groups, groups[:-n_new])]
    if len(np.unique(before.y)) < 2:
        print("No informed prior: the groups before the last fifth show one class only.", file=sys.stderr)
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
