"""Types of what users pass and get, and decorators of scikit-learn that leave the types of functions unchanged.

scikit-learn has no annotations: under its own decorators a method is Any to a type checker.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils import _param_validation, metaestimators

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any  # Matplotlib is an extra


class HasShape(Protocol):
    """Dataframes, series and sparse matrices, whatever library they are of."""

    @property
    def shape(self) -> Any:
        """Lengths of the axes."""


class BinaryReader(Protocol):
    """A file object to read bytes from."""

    def read(self) -> bytes:
        """All that is left."""


class BinaryWriter(Protocol):
    """A file object to write bytes to."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""


Data: TypeAlias = ArrayLike | HasShape  # X and y
Labels: TypeAlias = Iterable[Hashable]  # of groups, one for each row
Columns: TypeAlias = str | int | list[Any] | tuple[Any, ...]  # of X that hold groups
Seed: TypeAlias = int | np.random.RandomState | None
Path: TypeAlias = str | bytes | os.PathLike[Any]
Floats: TypeAlias = NDArray[np.float64]
Classes: TypeAlias = NDArray[Any]

Function = TypeVar("Function", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Function], Function]:
    """Decorator of ``fit`` that validates the parameters of the estimator."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def available_if(check: Callable[[Any], bool]) -> Callable[[Function], Function]:
    """Decorator of a method that an estimator has if a condition holds."""
    return metaestimators.available_if(check)


def validate_params(
    constraints: dict[str, Any], *, prefer_skip_nested_validation: bool
) -> Callable[[Function], Function]:
    """Decorator of a function that validates its parameters."""
    return _param_validation.validate_params(constraints, prefer_skip_nested_validation=prefer_skip_nested_validation)
