"""Hierarchical Bayesian neural networks with informative priors, as scikit-learn estimators."""

from .estimators.flat import FlatBNNClassifier
from .estimators.flat_regressor import FlatBNNRegressor
from .estimators.hierarchical import HierarchicalBNNClassifier
from .estimators.hierarchical_regressor import HierarchicalBNNRegressor
from .estimators.informed_classifier import InformedPriorBNNClassifier
from .estimators.informed_regressor import InformedPriorBNNRegressor
from .estimators.per_group.classifier import PerGroupClassifier
from .estimators.per_group.regressor import PerGroupRegressor
from .persistence.saving import load

__version__ = "0.2.0"

__all__ = [
    "FlatBNNClassifier",
    "FlatBNNRegressor",
    "HierarchicalBNNClassifier",
    "HierarchicalBNNRegressor",
    "InformedPriorBNNClassifier",
    "InformedPriorBNNRegressor",
    "PerGroupClassifier",
    "PerGroupRegressor",
    "__version__",
    "load",
]
