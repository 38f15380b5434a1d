"""A CSV as rows for the demo: what is left out, kept or encoded is said on standard error."""

import re
import sys

import numpy as np
from demo_models import Rows
from sklearn.utils.multiclass import type_of_target

MAX_FEATURES = 500  # one-hot columns included: beyond, a text column was surely meant to be dropped
MAX_NAMED = 10  # columns that a line names
# Words for a missing value among numbers; in the target, the group and categories they are values like any other.
MISSING = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"]
MISSING += ["NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
COMMA = re.compile(r"\s*[-+]?[\d.]*\d,\d+\s*")  # a number with a comma in it
MANY_THINGS = 200  # whole numbers in a row that are rather names than amounts
MANY_INSIDE = 20  # values that come several times, each in one group alone, that are rather names than amounts
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
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
        if not isinstance(frame.index, pd.RangeIndex) and frame.iloc[:, -1].isna().all():
            # Rows that end in a comma, and a header that does not: pandas would shift the names.
            cells = {"index_col": False, "usecols": range(len(columns))}
            frame = pd.read_csv(path, keep_default_na=False, na_values=[""], **cells)
        kept = frame.drop(columns=drop)
        return pd.DataFrame({name: as_numbers(kept[name], name in (target, group)) for name in kept})
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SystemExit(f"Cannot read {path}: {error}") from None


def as_numbers(column, is_label):
    """A column of numbers among which words stand for missing values, as numbers; any other unchanged."""
    import pandas as pd

    if is_label or column.dtype.kind in "iufb":
        return column
    numbers = pd.to_numeric(column.where(~column.isin(MISSING)), errors="coerce")  # (row,)
    is_category = (numbers.isna() & ~column.isin(MISSING) & column.notna()).any() or not numbers.notna().any()
    return column if is_category else numbers


def complete_rows(frame, target, group):
    """Rows of a table that miss no value; which columns cost the others is said, and one that costs most rows is named.

    Raises
    ------
    SystemExit
        If a column is empty in more than half of the rows, or all columns together leave none.
    """
    empty = frame.isna()
    complete = ~empty.any(axis=1)
    if complete.all():
        return frame
    counts = empty.sum().sort_values(ascending=False, kind="stable")
    costs = [
        f"{name} is empty in {count}" + ("" if name in (target, group) else f" (--drop {str(name)!r} keeps them)")
        for name, count in counts[counts > 0].items()
    ]
    said = f"{(~complete).sum()} of {len(frame)} rows miss a value: {'; '.join(costs[:MAX_NAMED])}."
    if counts.iloc[0] > len(frame) / 2:
        raise SystemExit(f"The column {counts.index[0]} would cost most of the rows. {said}")
    if not complete.any():
        raise SystemExit(f"No row has a value in every column. {said}")
    say(f"Left out: {said}")
    return frame[complete]


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


def looks_like_numbers_of_things(column):
    """Whether a column holds whole numbers, hundreds of them and nearly all between the ends: ages are fewer."""
    values = np.unique(column.to_numpy())  # (value,)
    is_dense = np.all(values == np.round(values)) and values[-1] - values[0] < 1.5 * len(values)
    return bool(is_dense and len(values) >= MANY_THINGS and len(values) > len(column) / 3)


def names_things_in_groups(column, groups):
    """Whether a column holds whole numbers or texts that name things inside the groups (row,), as pupils in classes.

    Many of its values come several times, and each of these in one group alone, which has others too.
    """
    is_number = column.dtype.kind in "iuf"
    if column.dtype.kind == "b" or (is_number and np.any(column != np.round(column))):
        return False
    by_value = column.groupby(column)
    several = by_value.transform("size") > 1  # (row,)
    n_groups_of_value = column[several].groupby(column[several]).agg(lambda rows: len(set(groups[rows.index])))
    n_values_of_group = column.groupby(groups).nunique()
    return bool(
        len(n_groups_of_value) >= MANY_INSIDE and n_groups_of_value.max() == 1 and n_values_of_group.median() > 1
    )


def without_identifiers(features, groups, group):
    """Features but for those that number or name rows or things, which are told; a word on numbers with commas.

    groups: labels of the rows (row,), of the column group.
    """
    left_out = []
    for name, column in features.items():
        if names_things_in_groups(column, groups):
            left_out.append(name)
            say(
                f"Left out: {name} names things inside the groups, of which each has several: a level of groups of its "
                f"own, groups=[{group!r}, {name!r}], which the estimators take and this demo does not."
            )
        elif column.dtype.kind in "iuf":
            if numbers_the_rows(column):
                left_out.append(name)
                say(f"Left out: {name} numbers the rows, as an index does.")
            elif looks_like_numbers_of_things(column):
                say(f"Warning: the feature {name} may be the numbers of something; --drop {str(name)!r} leaves it out.")
        elif column.dtype.kind != "b":
            texts = column.astype(str)
            if texts.str.fullmatch(COMMA).mean() >= MOSTLY:
                say(
                    f"Warning: the feature {name} has numbers with commas, such as {texts.iloc[0]}, which are taken "
                    f"for text, in {texts.nunique()} one-hot columns: write them with points; --drop {str(name)!r} "
                    "leaves it out."
                )
            elif texts.nunique() > MOSTLY * len(texts):
                left_out.append(name)
                say(f"Left out: {name} is text that differs in nearly every row, as a name does.")
    return features.drop(columns=left_out)


def load_csv(path, target, group, drop):
    """Rows of a CSV, text columns one-hot encoded."""
    import pandas as pd

    frame = complete_rows(read_csv(path, target, group, drop), target, group)
    y, groups = labels_of(frame[target], "--target"), labels_of(frame[group], "--group")
    if len(np.unique(y)) < 2 or type_of_target(y) not in ("binary", "multiclass"):
        advice = " For numbers there is HierarchicalBNNRegressor, as in README.md." if y.dtype.kind in "iuf" else ""
        raise SystemExit(
            f"--target {target} must hold classes, two at least, in the rows that miss no value, and it has "
            f"{len(np.unique(y))} values in {len(y)} rows.{advice}"
        )
    if len(np.unique(groups)) < 2:
        raise SystemExit(f"--group {group} must hold two groups at least, in the rows that miss no value.")
    features = without_identifiers(frame.drop(columns=[target, group]).reset_index(drop=True), groups, group)
    is_number = {name: column.dtype.kind in "iufb" for name, column in features.items()}
    categories = [f"{name} ({features[name].nunique()})" for name, numeric in is_number.items() if not numeric]
    print(f"Target: {target}, {len(np.unique(y))} classes. Groups: {group}, {len(np.unique(groups))} of them.")
    print(f"Numbers: {named([name for name, numeric in is_number.items() if numeric]) or 'none'}.")
    print(f"Categories, one-hot, with their values: {named(categories) or 'none'}.")
    features = pd.get_dummies(features) if features.shape[1] else features  # text columns only; numbers stay
    if not 1 <= features.shape[1] <= MAX_FEATURES:
        raise SystemExit(f"{path} gives {features.shape[1]} features; 1 to {MAX_FEATURES} can be used (see --drop).")
    return Rows(features.to_numpy(dtype=float), y, groups)
