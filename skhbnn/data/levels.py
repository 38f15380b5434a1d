"""Levels of nested groups: a label of each level for every row, the outermost first."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from scipy.sparse import issparse

from ..support.wording import named, shown
from .labels import as_labels, read_labels, require_labels, unique_labels
from .tables import names_of, take_column

ONE_LEVEL = ["group"]  # the name of the level of groups that lie in no others
# What else is an axis or a variable in the labelled posterior and in the PyMC model.
TAKEN = (
    *("chain", "draw", "weight", "weights", "row", "part", "learned_part", "prior_part", "learned_prior", "input", "y"),
    *("mapped_input", "group_mean", "group_scale", "prior_scale", "group_of_row", "input_map", "input_shift", "z", "X"),
    *("noise_scale", "degrees_of_freedom", "overdispersion", "cutpoints", "cutpoint", "y_observed", "row_weights"),
    "output",
)
TAKEN_BEGINNINGS = ("unit_", "coef_", "intercept_", "random_intercept")


def columns_of_levels(groups):
    """The labels of each level in what a caller passes as ``groups``, and the names of the levels.

    Parameters
    ----------
    groups : object
        An array or table (row, level), a structured array, or a list of tuples: a label of each level in every row. Or
        one label a row, in any container.

    Returns
    -------
    columns : list or None
        The labels of each level, one container each; None where there is one label a row.
    names : list or None
        What the columns are called; None where they have no names.

    Raises
    ------
    ValueError
        If tuples are of different lengths.
    """
    fields = getattr(getattr(groups, "dtype", None), "names", None)
    if fields:
        return [groups[name] for name in fields], list(fields)
    shape: Any = getattr(groups, "shape", ())
    if len(shape) == 2 and shape[1] > 0 and not issparse(groups):
        return [take_column(groups, i) for i in range(shape[1])], names_of(groups)
    holds_objects = str(getattr(groups, "dtype", "")).lower() in ("object", "category") and len(shape) == 1
    if not isinstance(groups, (list, tuple)) and not holds_objects:
        return None, None
    rows = list(groups)
    tuples = [row for row in rows if isinstance(row, tuple)]
    others = [row for row in rows if not isinstance(row, tuple)]
    if not tuples or (others and any(label is not None for label in as_labels(others, len(others)))):
        return None, None
    sizes = sorted(set(map(len, tuples)))
    if sizes[-1] < 2:
        return None, None
    if len(sizes) > 1:
        raise ValueError(
            f"groups has tuples of {named(sizes)} labels: give every row a label of each level, None where one is "
            "missing."
        )
    missing = (None,) * sizes[0]
    return list(zip(*(row if isinstance(row, tuple) else missing for row in rows), strict=True)), None


def read_levels(groups, n_rows, *, one_level=False):
    """Labels of the levels that the argument ``groups`` holds, as ``read_labels`` gives those of each.

    Parameters
    ----------
    groups : object
        What a caller passes.
    n_rows : int
        Number of rows of X.
    one_level : bool, default=False
        Whether tuples are labels of one level.

    Returns
    -------
    values : list of list
        Labels of every row, of each level; None where one is missing.
    names : list of str
        Names of the levels.
    """
    columns = names = None
    if isinstance(groups, Iterable) and not isinstance(groups, (str, bytes, Set, Mapping)):
        is_plain = not hasattr(groups, "shape") and not hasattr(groups, "to_pylist")
        groups = list(groups) if is_plain else groups  # an iterator has its labels once only
    if not one_level or len(getattr(groups, "shape", ())) == 2:
        columns, names = columns_of_levels(groups)
    if columns is None:
        return [read_labels(groups, n_rows, "groups")], list(ONE_LEVEL)
    names = level_names(names, len(columns))
    sources = ["groups"] if len(columns) == 1 else [f"The level {shown(name)} of groups" for name in names]
    return [read_labels(column, n_rows, source) for column, source in zip(columns, sources, strict=True)], names


def level_names(names, n_levels):
    """Names of levels that differ from each other and from the other axes of a posterior.

    Parameters
    ----------
    names : list or None
        What the columns are called.
    n_levels : int
        Number of levels.

    Returns
    -------
    names : list of str
        Texts of the given names, or ``"level_1"`` and so on; the one name of a single level is ``"group"``.
    """
    if n_levels == 1:
        return list(ONE_LEVEL)
    texts = [f"level_{k + 1}" for k in range(n_levels)] if names is None else [str(name) for name in names]
    texts = [text.replace("/", "_") for text in texts]  # of which a labelled posterior makes folders
    texts = [f"{text}_level" if text in TAKEN or text.startswith(TAKEN_BEGINNINGS) else text for text in texts]
    return [text if texts.count(text) == 1 else f"{text}_{k + 1}" for k, text in enumerate(texts)]


def as_one_label(values):
    """Labels of the levels as one label a row, a tuple of several; None where a part is missing."""
    if len(values) == 1:
        return values[0]
    return [None if any(part is None for part in row) else row for row in zip(*values, strict=True)]


def unique_nested(labels, names):
    """Distinct labels of innermost groups in order, level by level.

    Parameters
    ----------
    labels : list of tuple
        A label of each level in every row.
    names : list of str
        Names of the levels.

    Returns
    -------
    distinct : list of tuple
        Each label once. Groups of one outer group stand beside each other.

    Raises
    ------
    ValueError
        If a label is missing.
    """
    positions = []  # of the labels of each level in their order
    for name, column in zip(names, zip(*labels, strict=True), strict=True):
        missing = [row for row, label in enumerate(column) if label is None]
        require_labels(f"The level {shown(name)} of groups", missing)
        positions.append({label: k for k, label in enumerate(unique_labels(list(column)))})
    return sorted(set(labels), key=lambda label: [at[part] for at, part in zip(positions, label, strict=True)])
