"""Docs of a parameter, an attribute or a returned value are equal wherever it stands, but for what is named here."""

import inspect
import itertools
import types

import pytest
from numpydoc.docscrape import NumpyDocString
from sklearn.base import ClassifierMixin
from sklearn.utils._testing import assert_docstring_consistency

import skhbnn
from skhbnn import InformedPriorBNNClassifier, PerGroupClassifier, PerGroupRegressor

ESTIMATORS = [getattr(skhbnn, name) for name in skhbnn.__all__ if hasattr(getattr(skhbnn, name), "fit")]
PAIRS = list(itertools.combinations(ESTIMATORS, 2))
SECTIONS = {"Parameters": "params", "Attributes": "attrs", "Returns": "returns"}
BEGINNINGS = ("predict", "sample_", "score", "log_")
METHODS = sorted({name for cls in ESTIMATORS for name in dir(cls) if name.startswith(BEGINNINGS)})
METHODS += ["fit", "save", "to_arviz", "to_pymc"]

# What differs with good reason, by the estimators that differ from each other.
HIERARCHICAL = {
    "random_state",
    "inference",
    "prior_scale",
    "weight_prior",
    "n_features_in_",
    "posterior_",
    "hidden_layer_sizes",  # "auto"
    "random_intercepts",
    "tune",  # a pilot run on some of the groups
}
DIFFERENT = {
    ("Flat", "Hierarchical"): HIERARCHICAL,
    ("Flat", "Informed"): {"prior_scale"},  # a scale of weights, a factor of a covariance
    ("Hierarchical", "Informed"): HIERARCHICAL,
    # Jobs and seeds of fits and of chains; classes and columns of all groups, and group columns among them.
    ("Flat", "PerGroup"): {"n_jobs", "random_state", "n_features_in_", "classes_", "ordered_classes_"},
    ("Hierarchical", "PerGroup"): {"n_jobs", "random_state", "classes_", "ordered_classes_", "checkpoint"},
    ("Informed", "PerGroup"): {"n_jobs", "random_state", "n_features_in_", "classes_", "ordered_classes_"},
}
# By the task: what a network without hidden layer is, what an error is of, how narrow posteriors are, what is fitted.
DIFFERENT_TASKS = {"hidden_layer_sizes", "likelihood", "tol", "target_accept", "estimator", "fallback"}
DIFFERENT_DEFAULTS = {("Flat", "Flat"), ("Hierarchical", "Hierarchical")}  # of logits, and of standardised targets
# One number for a row, and one for each class; entropies and variances.
DIFFERENT_TASKS_IN_METHODS = {"y", "std", "uncertainty", "score", "log_density"}
DIFFERENT_IN_FIT = {
    InformedPriorBNNClassifier: {"y"},  # one class is enough
    PerGroupClassifier: {"X", "sample_weight"},  # of any kind that the estimator takes
    PerGroupRegressor: {"X", "sample_weight"},
}
SELF = {"self"}  # fit returns an estimator of its own class


def names(thing, section):
    """Names of the entries of a section of a docstring."""
    return {entry.name for entry in NumpyDocString(inspect.getdoc(thing))[section]}


def named(function, name):
    """A copy of a function under another name: scikit-learn's check tells what it compares by the names."""
    copy = types.FunctionType(function.__code__, function.__globals__, name)
    copy.__doc__ = function.__doc__
    return copy


def method_of(cls, name):
    """The function behind a method or ``available_if``; None where the class itself, or this package, has none."""
    function = inspect.unwrap(getattr(cls, name, None) or (lambda: None))
    return named(function, f"{cls.__name__}.{name}") if function.__module__.startswith("skhbnn") else None


def assert_consistent(one, other, different):
    """Whatever two objects both document is worded alike, and what is said to differ does."""
    for section, short in SECTIONS.items():
        shared = names(one, section) & names(other, section)
        if shared - different:
            assert_docstring_consistency([one, other], **{f"include_{short}": sorted(shared - different)})
        for name in shared & different:
            with pytest.raises(AssertionError, match="inconsistent"):
                assert_docstring_consistency([one, other], **{f"include_{short}": [name]})


def kind(cls):
    """The beginning of the names of an estimator's class and of the class for the other task."""
    return next(name for name in ("Flat", "Hierarchical", "Informed", "PerGroup") if cls.__name__.startswith(name))


def are_of_one_task(one, other):
    return issubclass(one, ClassifierMixin) == issubclass(other, ClassifierMixin)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(c.__name__ for c in pair))
def test_estimators(pair):
    one, other = sorted(pair, key=kind)
    kinds = kind(one), kind(other)
    different = set(DIFFERENT.get(kinds, set()))
    if not are_of_one_task(*pair):
        different |= DIFFERENT_TASKS | ({"prior_scale"} if kinds in DIFFERENT_DEFAULTS else set())
    assert_consistent(one, other, different)


@pytest.mark.parametrize("method", METHODS)
def test_methods(method):
    functions = {cls: method_of(cls, method) for cls in ESTIMATORS}
    found = [cls for cls, function in functions.items() if function is not None]
    for one, other in itertools.combinations(found, 2):
        different = set() if are_of_one_task(one, other) else set(DIFFERENT_TASKS_IN_METHODS)
        if method == "fit":
            different |= SELF | (DIFFERENT_IN_FIT.get(one, set()) ^ DIFFERENT_IN_FIT.get(other, set()))
        assert_consistent(functions[one], functions[other], different)


def test_methods_that_make_a_prior():
    one, other = (getattr(InformedPriorBNNClassifier, f"from_{source}") for source in ("hierarchical", "posterior"))
    functions = (inspect.unwrap(method.__func__) for method in (one, other))
    assert_consistent(*functions, {"align", "**params"})  # the draws of one mode; whose settings


def test_the_check_can_fail():
    def one(x):
        """One.

        Parameters
        ----------
        x : int
            A number.
        """

    def other(x):
        """Other.

        Parameters
        ----------
        x : int
            Another number.
        """

    with pytest.raises(AssertionError, match="Parameter 'x' is inconsistent"):
        assert_consistent(one, other, set())
