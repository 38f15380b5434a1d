"""The layout shows the way data goes: a module imports only from those before it, and predicting needs no sampler."""

import ast
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import skhbnn

PACKAGE = Path(skhbnn.__file__).parent
ORDER = [
    *[
        "quiet",
        "imports",
        "psis",
        "memory",
        "files",
        "data",
        "progress",
        "checkpoint",
        "parallel",
        "model.lanes",
        "model.kernels",
        "model.callbacks",
        "model.compiled",
        "model.network",
        "model.families",
        "model.priors",
        "model.weights",
    ],
    *["model.density", "model.curvature", "model.loglik_op", "model.pymc_model", "inference.trace"],
    *["inference.interrupts", "inference.nutpie_adapter", "inference.nuts", "inference.mode", "inference.laplace"],
    *["inference.pymc_sampling", "inference.variational", "inference.methods"],
    *["prediction", "posterior", "conversion", "diagnostics", "stacking", "alignment", "group_prior"],
    *["persistence.archive", "persistence.encoding", "persistence.consistency", "persistence.saving"],
    *["estimators.base", "estimators.single", "estimators.flat", "estimators.grouped", "estimators.hierarchical"],
    *["estimators.informed", "estimators.group_fits", "estimators.group_estimators", "estimators.per_group"],
    "datasets",
    *["plotting.support", "plotting.grid", "plotting.surface", "plotting.decision", "plotting.uncertainty"],
    *["plotting.group_scale", "plotting.correlation", "plotting.prior_posterior", "plotting.elbo"],
    *["plotting.reliability", "plotting.shrinkage", "plotting.confident_rows"],
]
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py"
}


def imported(source, module):
    """Modules of the package that the source of a module imports, wherever in its code."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            home = ["skhbnn", *module.split(".")][: -node.level] if node.level else []
            origin = ".".join([*home, *([node.module] if node.module else [])])
            for alias in node.names:  # "from package import module" imports the module, else what origin is
                inner = f"{origin}.{alias.name}"
                names.add(inner if inner.removeprefix("skhbnn.") in MODULES else origin)
    return {name.removeprefix("skhbnn.") for name in names if name.split(".")[0] == "skhbnn"}


def test_imported_finds_every_form():
    source = """
import numpy, skhbnn.data
from . import kernels
from .priors import FlatModel
from .. import prediction, __version__
from ..inference.nuts import sample
def later():
    from skhbnn.model.network import Network
    from scipy import special
"""
    expected = {"data", "model.kernels", "model.priors", "prediction", "skhbnn", "inference.nuts", "model.network"}
    assert imported(source, "model.density") == expected


def test_every_module_has_its_place():
    assert set(MODULES) == set(ORDER)


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_from_before(module):
    earlier = set(ORDER[: ORDER.index(module)])
    assert imported(MODULES[module].read_text(encoding="utf-8"), module) <= earlier


HEAVY = ["pymc", "pytensor", "nutpie", "arviz", "matplotlib"]
LOADED = f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"


def test_import_is_light(run_python):
    assert json.loads(run_python(f"import json, sys, skhbnn, skhbnn.datasets, skhbnn.plotting; {LOADED}")) == []


def test_prediction_is_light(run_python, flat, hierarchical, informed, moons, tmp_path):
    """Unpickling and every method of prediction, in a process that has fitted nothing."""
    (tmp_path / "fits.pkl").write_bytes(pickle.dumps([flat, hierarchical, informed]))
    np.save(tmp_path / "X.npy", moons.X_new)
    code = f"""
import json, pickle, sys
import numpy as np
X = np.load({str(tmp_path / "X.npy")!r})
fits = pickle.load(open({str(tmp_path / "fits.pkl")!r}, "rb"))
sums = []
for fitted, groups in zip(fits, [{{}}, {{"groups": [0] * 59 + ["unseen"]}}, {{}}]):
    for method in ("predict", "predict_log_proba", "predict_std", "predict_uncertainty", "sample_proba"):
        getattr(fitted, method)(X, **groups)
    sums.append(fitted.predict_proba(X, **groups)[:, 1].sum())
print(json.dumps(sums))
{LOADED}
"""
    sums, loaded = map(json.loads, run_python(code).splitlines())
    labels = [0] * 59 + ["unseen"]
    here = [flat.predict_proba(moons.X_new), hierarchical.predict_proba(moons.X_new, groups=labels)]
    here.append(informed.predict_proba(moons.X_new))
    np.testing.assert_allclose(sums, [proba[:, 1].sum() for proba in here], rtol=1e-12)
    assert loaded == []
