"""What the parts of a fit must be to belong together: asked of a fit that is saved, and of one that was loaded."""

import dataclasses
import math
from numbers import Real
from typing import get_type_hints

import numpy as np

from ..data import GroupedData, Standardizer, as_labels, unique_labels
from ..diagnostics import Diagnostics, OptimizationDiagnostics
from ..model.families import GROUP_SCALE_PRIORS, WEIGHT_PRIORS
from ..model.network import ACTIVATIONS
from ..model.priors import FlatModel, HierarchicalModel, InformedModel, layer_pooling, layer_scales
from ..posterior import Posterior

# Attributes that a fit sets; None where it may lack one.
ATTRIBUTES: dict = {
    "classes_": np.ndarray,
    "n_features_in_": int,
    "n_iter_": int,
    "feature_names_in_": np.ndarray | None,
    "groups_": np.ndarray | None,
    "standardizer_": Standardizer,
    "training_data_": GroupedData,
    "posterior_": Posterior,
    "diagnostics_": Diagnostics | OptimizationDiagnostics,
}

# Type and axes of arrays. An axis has one length in all of a fit. "floating" may hold NaN and infinity, float32 and
# float64 may not.
ARRAYS: dict = {
    Standardizer: {"mean": "float64 input", "scale": "float64 input"},
    GroupedData: {"X": "float64 row input", "y": "int64 row", "offsets": "int64 edge", "order": "int64 row"},
    FlatModel: {"scale": "float64 layer"},
    HierarchicalModel: {"scale": "float64 layer"},
    InformedModel: {"mean": "float64 weight", "cholesky": "float64 weight weight"},
    Posterior: {name: " ".join(("float32", *dims)) for name, dims in Posterior.dims.items()},
    Diagnostics: {
        **dict.fromkeys(("r_hat", "ess"), "floating probe"),
        **dict.fromkeys(("r_hat_group_scale", "ess_group_scale"), "floating learned_scale"),
        **dict.fromkeys(("divergences", "saturated", "n_steps"), "integer chain"),
        **{"bfmi": "floating chain", "probe_rows": "int64 probe"},
    },
    OptimizationDiagnostics: {"elbo": "floating iteration"},
}


def check_fit(estimator):
    """Raise a ValueError that names the first fault in the attributes of a fitted estimator."""
    estimator._validate_params()
    fault = next(_faults(estimator), None)
    if fault is not None:
        raise ValueError(fault)


def _faults(estimator):
    """Each fault as a phrase; what comes after the first may fail on it, and is not asked for."""
    attributes: dict = {name: getattr(estimator, name, None) for name in ATTRIBUTES}
    for name, wanted in ATTRIBUTES.items():
        if not isinstance(attributes[name], wanted):
            yield f"{name} is a {type(attributes[name]).__name__}"
    records = [found for name, value in attributes.items() for found in _records(value, name)]
    for where, record in records:
        yield from _type_faults(where, record)
    posterior, data = estimator.posterior_, estimator.training_data_
    network, model, n_classes = posterior.network, posterior.model, len(estimator.classes_)
    if not all(type(size) is int and size > 0 for size in network.sizes) or network.activation not in ACTIVATIONS:
        yield f"there is no {network}"
    if network.n_logits != (1 if n_classes == 2 else n_classes) or n_classes < 2:
        yield f"a network of {network.n_logits} logits is not one for {n_classes} classes"
    lengths = {
        **{"input": network.sizes[0], "layer": len(network.layers), "weight": network.n_weights},
        **{"class": n_classes, "column": estimator.n_features_in_, "group": len(data.group_labels)},
    }
    lengths["edge"] = lengths["group"] + 1
    for where, record in records:
        for name, form in ARRAYS.get(type(record), {}).items():
            if getattr(record, name) is not None:
                yield from _array_faults(f"{where}.{name}", getattr(record, name), form, lengths)
    for name, axis in (("classes_", "class"), ("groups_", "group"), ("feature_names_in_", "column")):
        array = attributes[name]
        if array is not None and array.shape != (lengths[axis],):
            yield f"{name} has shape {array.shape} instead of ({lengths[axis]},)"
    yield from _data_faults(data, n_classes)
    yield from _model_faults(model)
    for name, array in posterior.sample_stats.items():
        yield from _array_faults(f"posterior_.sample_stats[{name!r}]", array, "generic chain draw", lengths)
    grouped = isinstance(model, HierarchicalModel)
    if any((part is not None) != grouped for part in (posterior.group_mean, posterior.group_scale)):
        yield f"group_mean and group_scale do not fit a {type(model).__name__}"
    takes_groups = {hasattr(estimator, name) for name in ("unseen_groups", "groups_")}
    if takes_groups != {grouped} or not (grouped or lengths["group"] == 1):
        yield f"a {type(model).__name__} of {lengths['group']} groups is not of a {type(estimator).__name__}"
    if not 0 <= posterior.seed < 2**32:
        yield f"the seed is {posterior.seed}"
    if np.any(estimator.standardizer_.scale <= 0):
        yield "standardizer_.scale is not positive"
    probes = getattr(estimator.diagnostics_, "probe_rows", np.zeros(1))  # (probe,)
    if probes.min() < 0 or probes.max() >= lengths["row"]:
        yield "diagnostics_.probe_rows are not rows of the fit"


def _records(value, where):
    """A record, the records in its fields, and the name of each."""
    if dataclasses.is_dataclass(value):
        yield where, value
        for field in dataclasses.fields(value):
            yield from _records(getattr(value, field.name), f"{where}.{field.name}")


def _type_faults(where, record):
    hints = get_type_hints(type(record))
    for field in dataclasses.fields(record):
        value, wanted = getattr(record, field.name), hints[field.name]
        if not isinstance(value, str | Real if wanted == str | float else wanted):
            yield f"{where}.{field.name} is a {type(value).__name__}"


def _array_faults(where, array, form, lengths):
    dtype, *axes = form.split()
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, getattr(np, dtype)):
        yield f"{where} is not an array of {dtype}"
    shape = tuple(lengths.setdefault(axis, size) for axis, size in zip(axes, array.shape, strict=False))  # (axis,)
    if array.shape != shape or len(shape) != len(axes) or 0 in shape:
        yield f"{where} has shape {array.shape}, which does not fit ({', '.join(axes)})"
    if not array.dtype.isnative:
        yield f"{where} has the bytes of its numbers in another order than this machine"
    if dtype.startswith("float") and dtype != "floating" and not np.isfinite(array).all():
        yield f"{where} contains NaN or infinity"


def _data_faults(data, n_classes):
    n_rows = len(data.y)
    if data.offsets[0] != 0 or data.offsets[-1] != n_rows or np.any(np.diff(data.offsets) < 0):
        yield "training_data_.offsets do not cut the rows into groups"
    if data.y.min() < 0 or data.y.max() >= n_classes:
        yield "training_data_.y has codes that are not of a class"
    if not np.array_equal(np.sort(data.order), np.arange(n_rows)):
        yield "training_data_.order is not a permutation of the rows"
    if len(unique_labels(as_labels(data.group_labels, data.n_groups))) != data.n_groups:
        yield "training_data_.group_labels has a label twice"


def _model_faults(model):
    network = model.network
    if isinstance(model, InformedModel):
        return
    layer_scales(network, model.scale)  # raises a ValueError itself
    layer_pooling(network, model.pooling)
    if model.weight_prior not in WEIGHT_PRIORS:
        yield f"there is no weight prior {model.weight_prior!r}"
    prior = getattr(model, "group_scale_prior", GROUP_SCALE_PRIORS[0])
    if prior not in GROUP_SCALE_PRIORS and not (isinstance(prior, Real) and 0 < float(prior) < math.inf):
        yield f"there is no group scale prior {prior!r}"
