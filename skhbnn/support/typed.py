"""Types of what users pass and get, and decorators of scikit-learn that leave the types of functions unchanged.

scikit-learn has no annotations: under its own decorators a method is Any to a type checker.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.utils import Bunch, _param_validation, metaestimators

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
else:
    Axes = ScalarMappable = Figure = Any  # Matplotlib is an extra

# What users get --------------------------------------------------------------------------------------------------

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]
Counts: TypeAlias = NDArray[np.integer[Any]]
Labels: TypeAlias = NDArray[Any]  # of classes or groups

if TYPE_CHECKING:

    class Uncertainties(dict[str, Floats]):
        """A Bunch of entropies of the predicted class, or of variances of the predicted number, (row,) each."""

        total: Floats
        aleatoric: Floats
        epistemic: Floats

else:
    Uncertainties = Bunch

# What users pass -------------------------------------------------------------------------------------------------


class HasShape(Protocol):
    """Arrays, dataframes, series and sparse matrices, whatever library they are of."""

    @property
    def shape(self) -> Any:
        """Lengths of the axes."""


class HasArray(Protocol):
    """What NumPy can make an array of."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """The array."""


class Estimator(Protocol):
    """A classifier or regressor of any library that keeps scikit-learn's contract."""

    @property
    def fit(self) -> Callable[..., Any]:
        """The method of that name."""

    @property
    def predict(self) -> Callable[..., Any]:
        """The method of that name."""


class BinaryReader(Protocol):
    """A file object to read bytes from."""

    def read(self) -> bytes:
        """All that is left."""


class BinaryWriter(Protocol):
    """A file object to write bytes to."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""


Data: TypeAlias = HasShape | HasArray | Sequence[Any]  # array-like, of one axis or two
Ints: TypeAlias = int | Sequence[int] | NDArray[np.integer[Any]]
HiddenLayerSizes: TypeAlias = Literal["auto"] | Ints
Column: TypeAlias = str | float | SupportsIndex | datetime.date  # name or position
Feature: TypeAlias = str | int  # name, or index of a column of X
Columns: TypeAlias = Column | list[Any] | tuple[Any, ...]
Quantiles: TypeAlias = float | Sequence[float] | NDArray[Any]
Seed: TypeAlias = int | np.random.RandomState | None
Path: TypeAlias = str | bytes | os.PathLike[Any]
PanelAxes: TypeAlias = Axes | Sequence[Axes] | NDArray[Any] | None

Activation: TypeAlias = Literal["tanh", "relu", "logistic", "identity"]
LikelihoodOfClasses: TypeAlias = Literal["auto", "ordinal"]
LikelihoodOfNumbers: TypeAlias = Literal["normal", "student_t", "poisson", "negative_binomial"]
WeightPrior: TypeAlias = Literal["normal", "laplace", "student_t", "cauchy"]
PriorScale: TypeAlias = (
    float
    | Literal["fan_in", "half_normal", "half_cauchy", "inverse_gamma", "ard"]
    | Sequence[float | Literal["half_normal", "half_cauchy", "inverse_gamma", "ard"]]
    | NDArray[Any]
)
GroupScalePrior: TypeAlias = Literal["half_normal", "half_cauchy", "inverse_gamma"] | float
PoolingKind: TypeAlias = Literal["auto", "affine", "partial", "complete", "none"]
Pooling: TypeAlias = PoolingKind | Sequence[PoolingKind] | NDArray[Any]
UnseenGroups: TypeAlias = Literal["population", "error"]
Inference: TypeAlias = Literal["nuts", "laplace", "advi", "fullrank_advi", "map", "metropolis", "pymc"]
ChainWeights: TypeAlias = Literal["equal", "stacking"]
Covariance: TypeAlias = Literal["full", "layer", "diag"]

# Decorators ------------------------------------------------------------------------------------------------------

Function = TypeVar("Function", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Function], Function]:
    """Decorator of ``fit`` that validates the parameters of the estimator."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def available_if(check: Callable[[Any], bool]) -> Callable[[Function], Function]:
    """Decorator of a method that an estimator has if a condition holds."""
    return metaestimators.available_if(check)


def validate_params(constraints: dict[str, Any]) -> Callable[[Function], Function]:
    """Decorator of a function that validates its parameters, and names it in errors of missing and surplus ones."""

    def decorated(function):
        signature = inspect.signature(function)
        validated = _param_validation.validate_params(constraints, prefer_skip_nested_validation=True)(function)

        @functools.wraps(validated)
        def called(*args, **kwargs):
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{function.__qualname__}() {error}") from None
            return validated(*args, **kwargs)

        return called

    return decorated
