"""Every public name has a whole numpydoc docstring."""

import ast
import inspect
import textwrap

import pytest
from numpydoc.docscrape import FunctionDoc
from numpydoc.validate import validate

import skhbnn
from skhbnn import datasets, plotting
from skhbnn.data.rows import GroupedData
from skhbnn.data.standardizer import Standardizer
from skhbnn.density import pymc_model
from skhbnn.model import network, terms
from skhbnn.posterior import diagnostics, draws

# Not asked for: an extended summary and See Also everywhere; a return value without a name; the imperative, which
# numpydoc takes nouns such as "weights" for failing.
NOT_ENFORCED = {"ES01", "SA01", "RT02", "SS05", "EX01"}
FROM_HELPERS = {"check_is_fitted": {"NotFittedError"}, "check_fit": {"ImportError", "NotFittedError", "TypeError"}}

RECORDS = [draws.Posterior, diagnostics.Diagnostics, diagnostics.OptimizationDiagnostics]
RECORDS += [GroupedData, Standardizer, network.Network]
RECORDS += [terms.Model, terms.Term, terms.Layout]
ENTRANCES = [getattr(skhbnn, name) for name in skhbnn.__all__ if name != "__version__"]
ENTRANCES += [getattr(plotting, name) for name in plotting.__all__] + [datasets.make_rotated_moons]
ESTIMATORS = [entrance for entrance in ENTRANCES if hasattr(entrance, "fit")]


def function_of(member):
    """The function behind a method, class method, property or ``available_if``."""
    if isinstance(member, property):
        member = member.fget
    return inspect.unwrap(getattr(member, "__func__", member))


def public_names():
    """Dotted names of the public objects and of the members that this package gives them."""
    for thing in [*ENTRANCES, *RECORDS, pymc_model.build_model]:
        home = f"{thing.__module__}.{thing.__name__}"
        yield home, thing
        for name, member in inspect.getmembers(thing) if inspect.isclass(thing) else ():
            function = function_of(member)
            if not name.startswith("_") and inspect.isfunction(function) and function.__module__.startswith("skhbnn"):
                yield f"{home}.{name}", function


PUBLIC = dict(public_names())


def raised(function):
    """Names of the errors that the body of a function raises, itself or through its checks; not those it catches."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    caught = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    names = set()
    for node in ast.walk(tree):
        if id(node) in caught:
            continue
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            names.add(node.exc.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names |= FROM_HELPERS.get(node.func.id, set())
    return names


def documented_errors(function):
    return {part.strip() for entry in FunctionDoc(function)["Raises"] for part in entry.type.split(",")}


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_is_whole(name):
    missing = [f"{code}: {text}" for code, text in validate(name)["errors"] if code not in NOT_ENFORCED]
    assert missing == []


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if inspect.isfunction(thing)])
def test_errors_are_documented(name):
    function = PUBLIC[name]
    assert raised(function) <= documented_errors(function)


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda thing: thing.__name__)
def test_entrance_has_an_example(entrance):
    assert ">>>" in entrance.__doc__


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda thing: thing.__name__)
def test_methods_that_need_a_fit_say_so(estimator):
    """Every method of a fit but those that make one; scikit-learn's own aside."""
    home = f"{estimator.__module__}.{estimator.__name__}."
    methods = [name for name in PUBLIC if name.startswith(home) and ".from_" not in name and not name.endswith(".fit")]
    assert len(methods) >= 7
    assert [name for name in methods if "NotFittedError" not in documented_errors(PUBLIC[name])] == []


def test_validation_finds_what_is_missing():
    """The checks can fail: on a function whose docstring lacks each of the parts."""

    def bare(x):
        """Do something."""
        if x:
            raise ValueError("x")
        return x

    assert raised(bare) == {"ValueError"}
    assert documented_errors(bare) == set()
