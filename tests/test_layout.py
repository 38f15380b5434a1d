"""What importing the package and predicting load: no sampler, and nothing that draws."""

import json
import pickle

import numpy as np

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
