"""Hierarchical Bayesian neural networks with informative priors, as scikit-learn estimators."""

from .estimators.flat import FlatBNNClassifier
from .estimators.hierarchical import HierarchicalBNNClassifier
from .estimators.informed import InformedPriorBNNClassifier
from .estimators.per_group.classifier import PerGroupClassifier
from .persistence.saving import load

__version__ = "0.1.0"

__all__ = [
    "FlatBNNClassifier",
    "HierarchicalBNNClassifier",
    "InformedPriorBNNClassifier",
    "PerGroupClassifier",
    "__version__",
    "load",
]
