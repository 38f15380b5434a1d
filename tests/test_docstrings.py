"""Every public name has a whole numpydoc docstring."""

import ast
import inspect
import pathlib
import textwrap

import pytest
from numpydoc.docscrape import FunctionDoc
from numpydoc.validate import validate
from public import ENTRANCES, ESTIMATORS, PUBLIC

import skhbnn

# Not asked for: an extended summary and See Also everywhere; a return value without a name; the imperative, which
# numpydoc takes nouns such as "weights" for failing.
NOT_ENFORCED = {"ES01", "SA01", "RT02", "SS05", "EX01"}
OF_FITS = {"ImportError", "NotFittedError", "TypeError"}
FROM_HELPERS = dict.fromkeys(["last_fit", "check_has_proba", "last_regressor"], OF_FITS)
FROM_HELPERS |= dict.fromkeys(["parts_of", "ExpectedResponse", "check_fitted"], OF_FITS - {"ImportError"})
FROM_SKLEARN = {"check_is_fitted": {"NotFittedError"}}


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
            names |= (FROM_HELPERS | FROM_SKLEARN).get(node.func.id, set())
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


@pytest.mark.parametrize("helper", FROM_HELPERS)
def test_helpers_are_there(helper):
    package = pathlib.Path(skhbnn.__file__).parent
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")]
    defined = {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert helper in defined


def test_validation_finds_what_is_missing():
    """The checks can fail: on a function whose docstring lacks each of the parts."""

    def bare(x):
        """Do something."""
        if x:
            raise ValueError("x")
        return x

    assert raised(bare) == {"ValueError"}
    assert documented_errors(bare) == set()
