"""A CSV as rows for the demo: what is left out, kept or encoded is said on standard error."""

import re
import sys

import numpy as np
from demo_models import Rows
from sklearn.utils.multiclass import type_of_target

MAX_FEATURES = 500  # one-hot columns included: beyond, a text column was surely meant to be dropped
MAX_NAMED = 10  # columns that a line names
# What pandas takes for a missing value; in the target and the group only an empty cell is one.
MISSING = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"]
MISSING += ["NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
COMMA = re.compile(r"\s*[-+]?[\d.]*\d,\d+\s*")  # a number with a comma in it
MOSTLY = 0.9  # share of the cells of a column from which something is said of the column


def say(text):
    """A line on standard error."""
    print(text, file=sys.stderr)


def named(columns):
    """Columns for a message, the first ten by name."""
    more = len(columns) - MAX_NAMED
    return ", ".join(map(str, columns[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")


def read_csv(path, target, group, drop):
    """The table of a CSV; of the target and the group only empty cells are missing."""
    import pandas as pd

    try:
        columns = list(pd.read_csv(path, nrows=0).columns)
        missing = [column for column in [target, group, *drop] if column not in columns]
        if missing:
            other = next((sign for sign in (";", "\t", "|") if len(columns) == 1 and sign in columns[0]), None)
            hint = "" if other is None else f" Its columns seem to be separated by {other!r}: save it with commas."
            raise SystemExit(
                f"{path} has no column {', '.join(map(repr, missing))}; its columns: {named(columns)}.{hint}"
            )
        if target == group or {target, group} & set(drop):
            raise SystemExit("--target, --group and --drop must name different columns.")
        values = {column: [""] if column in (target, group) else MISSING for column in columns}
        frame = pd.read_csv(path, keep_default_na=False, na_values=values)
        if not isinstance(frame.index, pd.RangeIndex) and frame.iloc[:, -1].isna().all():
            # Rows that end in a comma, and a header that does not: pandas would shift the names.
            cells = {"index_col": False, "usecols": range(len(columns))}
            frame = pd.read_csv(path, keep_default_na=False, na_values=values, **cells)
        return frame.drop(columns=drop)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SystemExit(f"Cannot read {path}: {error}") from None


def complete_rows(frame, target, group):
    """Rows of a table that miss no value, and a text that says which columns cost the others."""
    empty = frame.isna()
    complete = ~empty.any(axis=1)
    if complete.all():
        return frame, ""
    counts = empty.sum().sort_values(ascending=False, kind="stable")
    costs = [
        f"{name} is empty in {count}" + ("" if name in (target, group) else f" (--drop {str(name)!r} keeps them)")
        for name, count in counts[counts > 0].items()
    ]
    said = f"Left out {(~complete).sum()} of {len(frame)} rows, which miss a value: {'; '.join(costs[:MAX_NAMED])}."
    say(said)
    return frame[complete], " " + said


def labels_of(column, option):
    """Classes or groups as an array (row,): numbers, or text, since labels of mixed types cannot be sorted."""
    if column.dtype.kind in "iufb":
        return column.to_numpy()
    labels = column.astype(str)
    words = labels[labels.isin(MISSING)]  # (row,)
    if len(words):
        say(
            f"Kept: {len(words)} rows in which {option} {column.name} is {', '.join(map(repr, sorted(set(words))))}, "
            "as a label like any other; leave the cell empty where the label is missing."
        )
    return labels.to_numpy(object)


def numbers_the_rows(column):
    """Whether a column holds whole numbers that all differ and leave few out."""
    values = np.unique(column.to_numpy())  # (value,)
    whole = len(values) == len(column) > 2 and np.all(values == np.round(values))
    return bool(whole and values[-1] - values[0] < 2 * len(column))


def warn_of_features(features):
    """Say which features are probably not meant to be features as they are."""
    for name, column in features.items():
        option = f"--drop {str(name)!r} leaves it out"
        if column.dtype.kind in "iuf":
            if numbers_the_rows(column):
                say(f"Warning: the feature {name} numbers the rows, as an index does; {option}.")
        elif column.dtype.kind != "b":
            texts = column.astype(str)
            if texts.str.fullmatch(COMMA).mean() >= MOSTLY:
                say(
                    f"Warning: the feature {name} has numbers with commas, such as {texts.iloc[0]}, which are taken "
                    f"for text, in {texts.nunique()} one-hot columns: write them with points; {option}."
                )
            elif texts.nunique() > MOSTLY * len(texts):
                say(f"Warning: the feature {name} is text that differs in nearly every row; {option}.")


def load_csv(path, target, group, drop):
    """Rows of a CSV, text columns one-hot encoded."""
    import pandas as pd

    frame, left_out = complete_rows(read_csv(path, target, group, drop), target, group)
    if not len(frame):
        raise SystemExit(f"No row of {path} has a value in every column.{left_out}")
    y, groups = labels_of(frame[target], "--target"), labels_of(frame[group], "--group")
    if len(np.unique(y)) < 2 or type_of_target(y) not in ("binary", "multiclass"):
        raise SystemExit(
            f"--target {target} must hold classes, two at least, in the rows that miss no value.{left_out}"
        )
    if len(np.unique(groups)) < 2:
        raise SystemExit(f"--group {group} must hold two groups at least, in the rows that miss no value.{left_out}")
    features = frame.drop(columns=[target, group])
    warn_of_features(features)
    print(f"Features: {named(list(features))}.")
    features = pd.get_dummies(features) if features.shape[1] else features  # text columns only; numbers stay
    if not 1 <= features.shape[1] <= MAX_FEATURES:
        raise SystemExit(f"{path} gives {features.shape[1]} features; 1 to {MAX_FEATURES} can be used (see --drop).")
    return Rows(features.to_numpy(dtype=float), y, groups)
