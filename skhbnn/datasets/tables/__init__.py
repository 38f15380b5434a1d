"""Tables that ship with the package; the README beside them has their sources and licences."""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
from sklearn.utils import Bunch


def read_table(name: str, target: str, group: str) -> Bunch:
    """Data, target, groups and names of the features of a table, whose target and group are texts in these columns.

    All other columns are features, numbers; an empty text is missing.
    """
    text = resources.files(__package__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    features = [column for column in header if column not in (target, group)]
    return Bunch(
        data=np.array(
            [[float(entry or "nan") for entry in columns[column]] for column in features]
        ).T,  # (sample, feature)
        target=np.array(columns[target]),  # (sample,)
        groups=np.array(columns[group]),  # (sample,)
        feature_names=features,
    )
