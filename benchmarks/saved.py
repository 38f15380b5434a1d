"""Sizes of saved fits, and what rounding and thinning change in the predictions.

Real data of many groups, fitted by the default settings to 2,000 rows at random (or three quarters, where there are
fewer rows), which are 2,000 draws of every group's weights. Each fit is saved with all draws, which was the only way
before, and as ``save`` does it by default. The log loss is of the other rows, in nats, at most 2,000 of them. The last
column is the mean absolute change of a probability.
"""

import io
from typing import NamedTuple

import numpy as np

import skhbnn
from skhbnn import HierarchicalBNNClassifier

from .common import convergence_ignored, scores

N_ROWS = 2_000  # of a fit


class Table(NamedTuple):
    """What is read of a file: the target, the group, columns of numbers, and columns that are encoded as numbers."""

    target: str
    group: str
    numbers: str
    categories: str = ""


TABLES = {
    "guPrenat": Table(
        *("prenat", "cluster", "pcInd81 ssDist", "childAge motherAge birthOrd indig momEd husEd husEmpl toilet TV")
    ),
    "Train": Table("choice", "id", "price1 time1 change1 comfort1 price2 time2 change2 comfort2"),
    "ohio": Table("resp", "id", "age smoke"),
    "social_insure": Table(
        *("takeup_survey", "village", "age agpop ricearea_2010 disaster_prob risk_averse"),
        "male default intensive literacy",
    ),
    "KosteckiDillon": Table("headache", "id", "time age airq", "hatype medication sex"),
    "Catsup": Table("choice", "id", "disp feat price"),
}


def run(folder):
    missing = [name for name in TABLES if not (folder / f"{name}.csv").is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} (of --data) has no {' and no '.join(f'{name}.csv' for name in missing)}")
    return [one_table(name, *read(folder / f"{name}.csv", table)) for name, table in TABLES.items()]


def read(path, table):
    """Inputs (row, feature), classes (row,) and groups (row,) of a file."""
    import pandas as pd

    frame = pd.read_csv(path, keep_default_na=False, na_values=["NA"]).dropna(subset=[table.target, table.group])
    wanted = table.numbers.split()
    numbers = frame[[column for column in frame if column in wanted or column.split(".")[0] in wanted]].astype(float)
    categories = frame[table.categories.split()].astype(str)
    inputs = numbers.fillna(numbers.median())
    if len(categories.columns):
        inputs = inputs.join(pd.get_dummies(categories, drop_first=True, dtype=float))
    return inputs.to_numpy(), frame[table.target].astype(str).to_numpy(), frame[table.group].to_numpy()


def one_table(name, X, y, groups):
    """A row of the table."""
    order = np.random.default_rng(0).permutation(len(y))
    n_rows = min(N_ROWS, len(y) * 3 // 4)
    train, test = order[:n_rows], order[n_rows : n_rows + N_ROWS]
    with convergence_ignored():
        fitted = HierarchicalBNNClassifier(random_state=0).fit(X[train], y[train], groups=groups[train])
    whole, default = io.BytesIO(), io.BytesIO()
    fitted.save(whole, keep_draws="all")
    fitted.save(default)
    loaded = skhbnn.load(io.BytesIO(default.getvalue()))
    classes = np.searchsorted(fitted.classes_, y[test])  # (row,)
    before, after = (estimator.predict_proba(X[test], groups=groups[test]) for estimator in (fitted, loaded))
    log_loss = scores(classes, before)[1]
    return {
        "data": name,
        "groups": len(fitted.groups_),
        "weights of a group": fitted.posterior_.network.n_weights,
        "all draws, MB": len(whole.getvalue()) / 1e6,
        "default, MB": len(default.getvalue()) / 1e6,
        "draws kept": loaded.posterior_.n_draws,
        "test log loss": log_loss,
        "change": f"{scores(classes, after)[1] - log_loss:+.5f}",
        "change of a probability": float(np.abs(after - before).mean()),
    }
