"""What the parts of a fit must be to belong together: asked of a fit that is saved, and of a fit that was loaded."""

import dataclasses
import math
from functools import cache
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ..data.labels import ALL_ROWS, as_labels, label_text, unique_labels
from ..data.levels import unique_nested
from ..data.rows import GroupedData
from ..data.standardizer import Standardizer
from ..model import families, likelihoods, scale_priors
from ..model.network import ACTIVATIONS
from ..model.terms import Model, RandomIntercept, Term
from ..posterior.diagnostics import Diagnostics, OptimizationDiagnostics
from ..posterior.draws import Posterior

PART = 1_000_000  # numbers
# Attributes that a fit sets; None where it may lack one.
ATTRIBUTES: dict = {
    "n_features_in_": int,
    "n_iter_": int,
    "feature_names_in_": np.ndarray | None,
    "groups_": np.ndarray | None,
    "group_columns_": list | None,
    "random_intercept_columns_": list | None,
    "random_intercept_labels_": list | None,
    "group_levels_": list | None,
    "learning_groups_": np.ndarray | None,
    "group_pareto_k_": np.ndarray | None,
    "standardizer_": Standardizer,
    "training_data_": GroupedData,
    "posterior_": Posterior,
    "diagnostics_": Diagnostics | OptimizationDiagnostics,
}

FROM_ROWS = ("n_iter_", "training_data_", "diagnostics_")  # which a prior without a fit lacks
PER_GROUP_ATTRIBUTES: dict = {
    **{name: ATTRIBUTES[name] for name in ("n_features_in_", "feature_names_in_", "groups_", "group_columns_")},
    "estimators_": dict,
    "failed_groups_": dict,
    "fallback_": BaseEstimator | None,
}

# Type and axes of arrays. An axis has one length in all of a fit. "floating" may hold NaN and infinity, float32 and
# float64 may not.
ARRAYS: dict = {
    Standardizer: {"mean": "float64 input", "scale": "float64 input"},
    GroupedData: {
        **{"X": "float64 row input", "y": "number row", "weights": "float64 row"},
        **{"offsets": "int64 edge", "places": "int64 sample", "intercept_codes": "int64 row intercept_column"},
    },
    Model: {"location": "float64 located"},
    Posterior: {
        **{name: " ".join(("float32", *dims)) for name, dims in Posterior.dims.items()},
        "chain_weights": "float64 chain",
    },
    Diagnostics: {
        **dict.fromkeys(("r_hat", "ess"), "floating probe"),
        **dict.fromkeys(("r_hat_group_scale", "ess_group_scale"), "floating learned_scale"),
        **dict.fromkeys(("r_hat_prior_scale", "ess_prior_scale"), "floating prior_scale"),
        **dict.fromkeys(("divergences", "saturated", "n_steps"), "integer chain"),
        **{"bfmi": "floating chain", "probe_rows": "int64 probe", "mcse": "floating probe"},
    },
    OptimizationDiagnostics: {"elbo": "floating iteration"},
}


def attributes_of(cls):
    """Attributes that a fit of an estimator of the class sets, with their types."""
    if issubclass(cls, ClassifierMixin):
        return {"classes_": np.ndarray, "ordered_classes_": np.ndarray | None, **_attributes_of_any_task(cls)}
    if _is_per_group(cls):
        return _attributes_of_any_task(cls)
    return {"target_standardizer_": Standardizer, **_attributes_of_any_task(cls)}


def _attributes_of_any_task(cls):
    return PER_GROUP_ATTRIBUTES if _is_per_group(cls) else ATTRIBUTES


def _is_per_group(cls):
    """Whether estimators of the class hold one for each group."""
    return "estimator" in cls._parameter_constraints


def check_fit(estimator):
    """Raise a ValueError that names the first fault in the attributes of a fitted estimator."""
    estimator._validate_params()
    faults = _per_group_faults if _is_per_group(type(estimator)) else _faults
    fault = next(faults(estimator), None)
    if fault is not None:
        raise ValueError(fault)


def _faults(estimator):
    """Yield each fault of a fit as a phrase; a check behind the first fault may fail, and is not asked for."""
    types = attributes_of(type(estimator))
    attributes: dict = {name: getattr(estimator, name, None) for name in types}
    is_prior = all(attributes[name] is None for name in FROM_ROWS)
    yield from _attribute_faults(attributes, types, FROM_ROWS if is_prior else ())
    records = [found for name, value in attributes.items() for found in _records(value, name)]
    for where, record in records:
        yield from _type_faults(where, record)
    posterior, data = attributes["posterior_"], attributes["training_data_"]
    network, model = posterior.network, posterior.model
    if not all(type(size) is int and size > 0 for size in network.sizes) or network.activation not in ACTIVATIONS:
        yield f"there is no {network}"
    yield from _model_faults(model)
    classes = attributes.get("classes_")  # (class,), or None of a regressor
    n_classes = None if classes is None else len(classes)
    if model.n_classes not in (None, n_classes):
        yield f"posterior_.model.n_classes is {model.n_classes} for {n_classes} classes"
    yield from _task_faults(model, n_classes)
    if is_prior and not len(model.factor):
        yield "a model of independent weights without rows is not a fit"
    lengths = {
        "input": network.sizes[0],
        "scale": len(model.group_scale_names),
        "prior_scale": len(model.prior_scales),
        "own": len(model.likelihood.own),
        "intercept_column": len(model.random_intercepts),
        "label": sum(column.n_labels for column in model.random_intercepts),
        "output": network.n_outputs,
        "entry": model.n_entries,
        "weight": network.n_weights,
        "located": model.n_entries if model.has_own_entries else network.n_weights,
        "class": n_classes or 0,
        "target": 1,
        "column": estimator.n_features_in_,
        "group": 1 if is_prior else len(data.group_labels),
    }
    lengths["edge"] = lengths["group"] + 1
    if not is_prior:
        yield from _level_faults(attributes, data, model)
        lengths["outer"] = sum(len(data.labels_at(level)) for level in range(1, data.n_levels))
    for where, record in records:
        for name, form in ARRAYS.get(type(record), {}).items():
            form = form.replace("input", "target") if where == "target_standardizer_" else form
            if getattr(record, name) is not None:
                yield from _array_faults(f"{where}.{name}", getattr(record, name), form, lengths)
    for name, axis in (
        ("classes_", "class"),
        ("ordered_classes_", "class"),
        ("groups_", "group"),
        ("learning_groups_", "learning group"),
        ("group_pareto_k_", "group"),
        ("feature_names_in_", "column"),
    ):
        array = attributes.get(name)
        if array is not None and array.shape != (lengths.setdefault(axis, array.size),):
            yield f"{name} has shape {array.shape} instead of ({lengths[axis]},)"
    ordered = attributes.get("ordered_classes_")
    if (ordered is not None) != (model.likelihood_name == "ordinal"):
        yield f"ordered_classes_ are {ordered}, and the likelihood is {model.likelihood_name}"
    if ordered is not None and (classes is None or not np.array_equal(np.sort(ordered), classes)):
        yield "ordered_classes_ are not classes_ in some order"
    if not is_prior:
        yield from _data_faults(data, model.likelihood, n_classes)
    modes = posterior.sample_stats.get("mode", np.zeros(1, int))  # (chain, draw)
    if modes.min() < 0 or modes.max() >= lengths.get("mode", math.inf):
        yield "posterior_.sample_stats['mode'] are not modes of the fit"
    for name, array in posterior.sample_stats.items():
        yield from _array_faults(f"posterior_.sample_stats[{name!r}]", array, "generic chain draw", lengths)
    grouped = bool(model.levels)
    wanted = {"group_mean": grouped, "group_scale": bool(model.group_scale_names), "own": bool(model.likelihood.own)}
    wanted |= {"prior_scale": bool(model.prior_scales), "random_intercepts": bool(model.random_intercepts)}
    wanted["mode_group_mean"] = grouped and posterior.mode_weights is not None
    wanted["outer"] = len(model.levels) > 1
    wanted["mode_outer"] = len(model.levels) > 1 and posterior.mode_weights is not None
    for name, is_wanted in wanted.items():
        if (getattr(posterior, name) is not None) != is_wanted:
            yield f"posterior_.{name} does not fit a model with levels {model.levels} and scales {model.scale_names}"
    for name in ("group_scale", "prior_scale"):
        scales = getattr(posterior, name)
        if scales is not None and scales.min(initial=0.0) < 0:
            yield f"posterior_.{name} is negative"
    yield from _intercept_faults(estimator, model, data)
    weights = posterior.chain_weights
    if weights is not None and not (np.all(weights >= 0) and np.isclose(weights.sum(), 1)):
        yield "posterior_.chain_weights are no weights that add up to 1"
    yield from _column_faults(estimator, lengths["input"])
    takes_groups = {hasattr(estimator, name) for name in ("unseen_groups", "groups_")}
    if takes_groups != {grouped} or not (grouped or lengths["group"] == 1):
        levels = f"{lengths['group']} groups and the levels {model.levels}"
        yield f"a model of {levels} is not of a {type(estimator).__name__}"
    if not 0 <= posterior.seed < 2**32:
        yield f"the seed is {posterior.seed}"
    for name, value in attributes.items():
        if isinstance(value, Standardizer) and np.any(value.scale < np.finfo(float).tiny):
            yield f"{name}.scale is not positive, or too small to divide by"
    probes = getattr(attributes["diagnostics_"], "probe_rows", None)  # (probe,)
    if probes is not None and (probes.min() < 0 or probes.max() >= lengths["sample"]):
        yield "diagnostics_.probe_rows are not rows of the fit"
    if getattr(attributes["diagnostics_"], "learned_parts", posterior.learned_parts) != posterior.learned_parts:
        yield "diagnostics_.learned_parts are not those of the posterior"
    if (getattr(attributes["diagnostics_"], "prior_parts", None) or posterior.prior_parts) != posterior.prior_parts:
        yield "diagnostics_.prior_parts are not those of the posterior"


def _attribute_faults(attributes, types, absent=()):
    for name, wanted in types.items():
        if name not in absent and not isinstance(attributes[name], wanted):
            yield f"{name} is a {type(attributes[name]).__name__}"


def _per_group_faults(estimator):
    """Yield each fault of an estimator per group as a phrase; the estimators of the groups were asked already."""
    types = attributes_of(type(estimator))
    attributes: dict = {name: getattr(estimator, name, None) for name in types}
    yield from _attribute_faults(attributes, types)
    fitted, failed, groups = estimator.estimators_, estimator.failed_groups_, estimator.groups_
    if not all(isinstance(text, str) for text in failed.values()):
        yield "failed_groups_ holds more than texts"
    labels = [*fitted, *failed]
    if groups is None and labels != [ALL_ROWS]:
        yield f"estimators_ without groups has the labels {labels}"
    if groups is not None and (groups.ndim != 1 or sorted(map(label_text, labels)) != _texts(groups)):
        yield "the labels of estimators_ and failed_groups_ are not those of groups_"
    everyone = [*fitted.values(), *([] if estimator.fallback_ is None else [estimator.fallback_])]
    if failed and estimator.fallback_ is None:
        yield "failed_groups_ have no fallback_"
    for member in everyone:
        of_classes = "classes_" in types
        if not isinstance(member, BaseEstimator) or hasattr(member, "classes_") != of_classes:
            yield f"estimators_ has a {type(member).__name__}, which is not fitted"
        check_is_fitted(member)
        if of_classes and not np.isin(member.classes_, estimator.classes_).all():
            yield "an estimator has a class that is not in classes_"
        yield from _column_faults(estimator, member.n_features_in_)
    ordered = attributes.get("ordered_classes_")
    if ordered is not None and not np.array_equal(np.sort(ordered), estimator.classes_):
        yield "ordered_classes_ are not classes_ in some order"
    names = attributes["feature_names_in_"]
    if names is not None and names.shape != (estimator.n_features_in_,):
        yield f"feature_names_in_ has shape {names.shape} instead of ({estimator.n_features_in_},)"


def _level_faults(attributes, data, model):
    """Yield each fault of the levels of groups."""
    names, n_levels = attributes["group_levels_"], len(model.levels)
    if names not in (None, list(model.levels)) or (names is None and n_levels > 1):
        yield f"group_levels_ is {names}, and the model has the levels {model.levels}"
    if data.n_levels != max(n_levels, 1):
        yield f"training_data_.n_levels is {data.n_levels} for the levels {model.levels}"
    if n_levels < 2:
        return
    if not all(isinstance(label, tuple) and len(label) == n_levels for label in data.group_labels):
        yield "training_data_.group_labels are not labels of every level"
    distinct = unique_nested(data.group_labels, list(model.levels))
    if list(map(label_text, distinct)) != list(map(label_text, data.group_labels)):
        yield "training_data_.group_labels are not in their order"


def _column_faults(estimator, n_inputs):
    """Yield each fault of the number of columns, and of the positions of those that hold the groups."""
    columns = getattr(estimator, "group_columns_", None) or []
    if not all(type(column) is int and 0 <= column < estimator.n_features_in_ for column in columns):
        yield f"group_columns_ is {columns}"
    of_intercepts = getattr(estimator, "random_intercept_columns_", None) or []
    if not all(type(column) is int and 0 <= column < estimator.n_features_in_ for column in of_intercepts):
        yield f"random_intercept_columns_ is {of_intercepts}"
    n_labels = len(estimator._group_positions()) if hasattr(estimator, "_group_positions") else 0
    n_labels += len(of_intercepts)
    if estimator.n_features_in_ != n_inputs + n_labels:
        yield f"n_features_in_ is {estimator.n_features_in_} for {n_inputs} inputs and {n_labels} columns of labels"


def _intercept_faults(estimator, model, data):
    """Yield each fault of the columns of random intercepts and of their labels."""
    columns = getattr(estimator, "random_intercept_columns_", None) or []
    labels, codes = ([], None) if data is None else (data.intercept_labels, data.intercept_codes)
    counts = [column.n_labels for column in model.random_intercepts]
    if len(columns) != len(counts) or (codes is not None) != bool(counts):
        yield f"random intercepts of {len(counts)} columns are not those of the columns at {columns}"
    if not all(isinstance(of_column, list) for of_column in labels) or [*map(len, labels)] != counts:
        yield "training_data_.intercept_labels are not those of the random intercepts"
    for of_column in labels:
        if len(unique_labels(as_labels(of_column, len(of_column)))) != len(of_column):
            yield "training_data_.intercept_labels has a label twice"
    if codes is not None and (codes.min() < 0 or np.any(codes.max(axis=0) >= counts)):
        yield "training_data_.intercept_codes are not those of labels"
    shown = getattr(estimator, "random_intercept_labels_", None) or []
    if not all(isinstance(of_column, np.ndarray) for of_column in shown):
        yield "random_intercept_labels_ are no arrays"
    if [_texts(of_column) for of_column in shown] != [sorted(map(label_text, of_column)) for of_column in labels]:
        yield "random_intercept_labels_ are not those of the rows"


def _texts(groups):
    return sorted(map(label_text, groups.tolist() if groups.dtype != object else groups))


def _records(value, where):
    """Yield a record and the records in the fields of the record, with the name of each."""
    if dataclasses.is_dataclass(value):
        yield where, value
        for field in dataclasses.fields(value):
            yield from _records(getattr(value, field.name), f"{where}.{field.name}")


def _type_faults(where, record):
    for name, wanted in _field_classes(record.__class__).items():
        value = getattr(record, name)
        if not isinstance(value, wanted):
            yield f"{where}.{name} is a {type(value).__name__}"


@cache
def _field_classes(cls):
    """Classes of which the value of each field of a record may be, by the name of the field."""
    hints = get_type_hints(cls)
    return {field.name: _classes(hints[field.name]) for field in dataclasses.fields(cls)}


def _classes(hint):
    """The classes that a type hint allows, as a tuple: of ``list[int] | None`` list and NoneType."""
    parts = [hint] if get_origin(hint) is not UnionType else get_args(hint)
    return tuple(map(_class, parts))


def _class(hint):
    """The class that a type hint stands for: of ``list[int]`` list."""
    origin = get_origin(hint) or hint
    meant = getattr(origin, "__value__", None)  # of an alias, such as NDArray of newer NumPy
    return origin if meant is None else _class(meant)


def _array_faults(where, array, form, lengths):
    dtype, *axes = form.split()
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, getattr(np, dtype)):
        yield f"{where} is not an array of {dtype}"
    shape = tuple(lengths.setdefault(axis, size) for axis, size in zip(axes, array.shape, strict=False))  # (axis,)
    if array.shape != shape or len(shape) != len(axes) or 0 in shape:
        yield f"{where} has shape {array.shape}, which does not fit ({', '.join(axes)})"
    if not array.dtype.isnative:
        yield f"{where} has the bytes of its numbers in another order than this machine"
    if dtype.startswith("float") and dtype != "floating" and not _is_finite(array):
        yield f"{where} contains NaN or infinity"


def _is_finite(array):
    """Whether an array holds neither NaN nor infinity: asked part by part, without as large an array of answers."""
    flat = array.ravel(order="K")  # (number,), a view of what lies in one piece
    return all(np.isfinite(flat[i : i + PART]).all() for i in range(0, flat.size, PART))


def _task_faults(model, n_classes):
    """Yield a fault if the likelihood is not of so many classes, or of numbers where there are None."""
    likelihood, n_outputs = model.likelihood, model.network.n_outputs
    if n_classes is None:
        if likelihood.is_of_classes or n_outputs != likelihood.n_outputs(None):
            yield f"a {likelihood.name} network of {n_outputs} outputs is not one for numbers"
    elif not likelihood.is_of_classes or likelihood.n_classes(n_outputs) != n_classes or n_classes < 2:
        yield f"a {likelihood.name} network of {n_outputs} outputs is not one for {n_classes} classes"


def _data_faults(data, likelihood, n_classes):
    n_rows = len(data.y)
    if data.offsets[0] != 0 or data.offsets[-1] != n_rows or np.any(np.diff(data.offsets) < 0):
        yield "training_data_.offsets do not cut the rows into groups"
    if n_classes is None:
        yield from _number_faults(data.y, likelihood)
    elif data.y.dtype != np.int64 or data.y.min() < 0 or data.y.max() >= n_classes:
        yield "training_data_.y has codes that are not of a class"
    if not np.array_equal(np.unique(data.places[data.places != -1]), np.arange(n_rows)):
        yield "training_data_.places are not those of the rows"
    if data.weights.min() <= 0:
        yield "training_data_.weights are not positive"
    if len(unique_labels(as_labels(data.group_labels, data.n_groups))) != data.n_groups:
        yield "training_data_.group_labels has a label twice"


def _number_faults(y, likelihood):
    if y.dtype not in (np.int64, np.float64) or (y.dtype == np.int64) > likelihood.is_count:
        yield f"training_data_.y holds numbers of the type {y.dtype}"
    try:
        likelihood.check(y)
    except ValueError as error:
        yield f"training_data_.y: {error}"


def _model_faults(model):
    first = model.network.layers[0]
    for kind, name, names in (
        ("family", model.family_name, families.NAMES),
        ("likelihood", model.likelihood_name, likelihoods.NAMES),
        ("prior of scales", model.scale_prior_name, scale_priors.NAMES),
        ("prior of prior scales", model.prior_scale_name, scale_priors.NAMES),
    ):
        if name not in names:
            yield f"there is no {kind} {name!r}"
    if model.map_rank not in (0, first.n_in, first.n_out):
        yield f"a map of rank {model.map_rank} does not fit a layer of {first.n_in} inputs and {first.n_out} units"
    if not all(isinstance(name, str) for name in model.levels) or len(set(model.levels)) < len(model.levels):
        yield f"posterior_.model.levels are {model.levels}"
    for number, term in enumerate(model.terms):
        yield from _term_faults(f"posterior_.model.terms[{number}]", term, model)
    for number, column in enumerate(model.random_intercepts):
        yield from _random_intercept_faults(f"posterior_.model.random_intercepts[{number}]", column)
    columns = [column.name for column in model.random_intercepts]
    if len(set(columns)) < len(columns):
        yield f"posterior_.model.random_intercepts are of the columns {columns}"
    if [term.level for term in model.terms] != sorted(term.level for term in model.terms):
        yield "posterior_.model.terms are not in the order of their levels"
    if not {name for term in model.terms for name in term.learned}.issuperset(model.prior_scales):
        yield f"posterior_.model.prior_scales are {model.prior_scales}, which are not all in its terms"
    if len(set(model.prior_scales)) < len(model.prior_scales):
        yield f"posterior_.model.prior_scales are {model.prior_scales}, with a name twice"
    if len(np.unique(np.concatenate([term.entries for term in model.terms]))) != model.n_entries:
        yield "posterior_.model.terms leave out weights"


def _random_intercept_faults(where, column):
    if not isinstance(column, RandomIntercept):
        yield f"{where} is a {type(column).__name__}"
    yield from _type_faults(where, column)
    if column.n_labels < 1:
        yield f"{where} has {column.n_labels} labels"
    if isinstance(column.scale, float) and not 0 < column.scale < math.inf:
        yield f"{where}.scale is not positive"


def _term_faults(where, term, model):
    if not isinstance(term, Term):
        yield f"{where} is a {type(term).__name__}"
    yield from _type_faults(where, term)
    entries, scale, n = term.entries, term.scale, len(term.entries)
    if entries.ndim != 1 or entries.dtype != np.int64 or n == 0 or np.any(np.diff(entries) <= 0):
        yield f"{where}.entries are not rising positions"
    if entries[0] < 0 or entries[-1] >= model.n_entries or not 0 <= term.level <= len(model.levels):
        yield f"{where} adds to what the model has not"
    if term.is_learned:
        names = term.learned
        if not names or n % len(names) or not all(isinstance(name, str) for name in names):
            yield f"{where}.scale does not name a scale of every entry"
        return
    if scale.dtype != np.float64 or scale.shape not in ((n,), (n, n)) or not np.isfinite(scale).all():
        yield f"{where}.scale is not a scale for each entry, nor a Cholesky factor"
    sizes = model.network.n_weights + np.array([0, len(model.likelihood.own)])  # without and with own numbers
    if term.is_factor and (len(model.terms) != 1 or n not in sizes or np.any(np.triu(scale, 1))):
        yield f"{where}.scale is not a Cholesky factor of all weights"
    if np.any((np.diagonal(scale) if term.is_factor else scale) <= 0):
        yield f"{where}.scale is not positive"
