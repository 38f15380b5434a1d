"""A fit that is stopped anywhere goes on from its checkpoint, and ends as if it had not been stopped."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from probes import Deadly, Failing, Noted
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skhbnn import FlatBNNClassifier, PerGroupClassifier
from skhbnn.estimators.checkpoint import Checkpoint, parameter_digests, table_digest
from skhbnn.support import parallel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "first"


@pytest.fixture
def notes(tmp_path):
    """A folder in which the probes leave a file per fit, or per death."""
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


def results(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".joblib"))


@pytest.fixture
def large(moons):
    """The inputs with an entry in group 2 that the probes fail or die at."""
    X = moons.X.copy()
    X[30, 0] = 2000
    return X


def same_coefficients(first, second):
    assert list(first.estimators_) == list(second.estimators_)
    for label, estimator in first.estimators_.items():
        np.testing.assert_array_equal(estimator.coef_, second.estimators_[label].coef_)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_resumes_what_is_missing(n_jobs, folder, notes, moons):
    estimator = PerGroupClassifier(Noted(notes), checkpoint=folder, random_state=0, n_jobs=n_jobs)
    whole = clone(estimator).fit(moons.X, moons.y, groups=moons.groups)
    assert len(os.listdir(notes)) == len(results(folder)) == 4
    for name in results(folder)[1:3]:
        (folder / name).unlink()
    resumed = estimator.set_params(n_jobs=1).fit(moons.X, moons.y, groups=moons.groups)
    assert len(os.listdir(notes)) == 6
    same_coefficients(whole, resumed)
    assert [e.drawn_ for e in whole.estimators_.values()] == [e.drawn_ for e in resumed.estimators_.values()]
    assert len({e.drawn_ for e in whole.estimators_.values()}) == 4


def test_networks_resume_to_the_last_bit(folder, small, moons):
    flat = FlatBNNClassifier(**small)
    whole = PerGroupClassifier(flat, fallback=flat, random_state=5).fit(moons.X, moons.y, groups=moons.groups)
    half = clone(whole).set_params(checkpoint=folder).fit(moons.X, moons.y, groups=moons.groups)
    (folder / results(folder)[0]).unlink()
    resumed = clone(half).fit(moons.X, moons.y, groups=moons.groups)
    labels = [*moons.groups_new[:-1].tolist(), "unseen"]
    for other in (half, resumed):
        np.testing.assert_array_equal(other.sample_proba(moons.X_new, labels), whole.sample_proba(moons.X_new, labels))


def test_failing_group_loses_no_other(folder, large, moons):
    """All others are fitted and kept; the same folder then serves a run with a fallback for the group."""
    estimator = PerGroupClassifier(Failing(max_iter=10**4), checkpoint=folder)
    with pytest.raises(RuntimeError, match="The fit of group 2 failed"):
        estimator.fit(large, moons.y, groups=moons.groups)
    kept = {name: (folder / name).stat().st_mtime_ns for name in results(folder)}
    assert len(kept) == 3
    estimator.set_params(on_error="fallback", fallback=LogisticRegression(max_iter=10**4))
    with pytest.warns(FitFailedWarning):
        estimator.fit(large, moons.y, groups=moons.groups)
    assert len(results(folder)) == 4  # and the fallback
    assert all((folder / name).stat().st_mtime_ns == time for name, time in kept.items())
    estimator.set_params(fallback=LogisticRegression(C=0.5, max_iter=10**4))
    with pytest.warns(FitFailedWarning):
        estimator.fit(large, moons.y, groups=moons.groups)
    assert estimator.fallback_.C == 0.5


def test_killed_worker(notes, large, moons):
    """The fit goes on with new processes and ends as one that nothing disturbed."""
    expected = PerGroupClassifier(LogisticRegression()).fit(large, moons.y, groups=moons.groups)
    estimator = PerGroupClassifier(Deadly(notes), n_jobs=2).fit(large, moons.y, groups=moons.groups)
    assert len(os.listdir(notes)) == 1
    same_coefficients(estimator, expected)


def test_group_that_keeps_killing_its_worker(notes, folder, large, moons, monkeypatch):
    """The others are in the checkpoint, and a rerun needs that group only."""
    monkeypatch.setattr(parallel, "MAX_LOST_WORKERS", 1)
    expected = PerGroupClassifier(LogisticRegression()).fit(large, moons.y, groups=moons.groups)
    estimator = PerGroupClassifier(Deadly(notes, times=2), n_jobs=2, checkpoint=folder)
    with pytest.raises(RuntimeError, match=r"were killed 2 times.* are not fitted, of them (\d, )*2"):
        estimator.fit(large, moons.y, groups=moons.groups)
    assert len(os.listdir(notes)) == 2
    kept = results(folder)
    same_coefficients(estimator.fit(large, moons.y, groups=moons.groups), expected)
    assert set(kept) < set(results(folder))
    assert len(results(folder)) == 4


def test_killed_program(notes, folder, large, moons, tmp_path):
    """The whole program dies at group 2 of a fit in one process; another goes on from groups 0 and 1."""
    np.savez(tmp_path / "data.npz", X=large, y=moons.y, groups=moons.groups)
    code = f"""
import sys
import numpy as np
sys.path.insert(0, {os.path.dirname(__file__)!r})
from probes import Deadly
from skhbnn import PerGroupClassifier
data = np.load({str(tmp_path / "data.npz")!r})
estimator = PerGroupClassifier(Deadly({str(notes)!r}), checkpoint={str(folder)!r}, random_state=0)
estimator.fit(data["X"], data["y"], groups=data["groups"])
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    kept = {name: (folder / name).stat().st_mtime_ns for name in results(folder)}
    assert len(kept) == 2
    estimator = PerGroupClassifier(Deadly(str(notes)), checkpoint=folder, random_state=0)
    estimator.fit(large, moons.y, groups=moons.groups)
    assert all((folder / name).stat().st_mtime_ns == time for name, time in kept.items())
    expected = PerGroupClassifier(LogisticRegression()).fit(large, moons.y, groups=moons.groups)
    same_coefficients(estimator, expected)


# Folders that will not do ------------------------------------------------------------------------------------------


@pytest.fixture
def finished(folder, moons):
    """An estimator whose checkpoint is complete."""
    estimator = PerGroupClassifier(LogisticRegression(), checkpoint=folder, random_state=0)
    return estimator.fit(moons.X, moons.y, groups=moons.groups)


CHANGES = {
    "data X": lambda e, d: d.update(X=d["X"] + 1e-9),
    "data y": lambda e, d: d.update(y=1 - d["y"]),
    "data groups": lambda e, d: d.update(groups=d["groups"][::-1]),
    "estimator C": lambda e, d: e.set_params(estimator__C=2.0),
    "estimator": lambda e, d: e.set_params(estimator=make_pipeline(LogisticRegression())),
    "random_state": lambda e, d: e.set_params(random_state=1),
}


@pytest.mark.parametrize("what", CHANGES)
def test_folder_of_another_run(what, finished, folder, moons):
    data = {"X": moons.X, "y": moons.y, "groups": moons.groups}
    CHANGES[what](finished, data)
    with pytest.raises(ValueError, match=rf"belongs to another run, which differs in: {what}.*[Nn]ame another folder"):
        finished.fit(**data)


def test_what_changes_no_result_is_no_other_run(finished, moons):
    finished.set_params(n_jobs=2, verbose=1, on_error="fallback", fallback=LogisticRegression(), estimator__verbose=1)
    finished.fit(moons.X, moons.y, groups=moons.groups)


def test_a_pipeline_whose_last_step_says_more_is_no_other_run(folder, moons):
    inner = make_pipeline(FunctionTransformer(), LogisticRegression())
    estimator = PerGroupClassifier(inner, checkpoint=folder, random_state=0)
    estimator.fit(moons.X, moons.y, groups=moons.groups)
    estimator.set_params(estimator__logisticregression__verbose=1, estimator__verbose=True)
    estimator.fit(moons.X, moons.y, groups=moons.groups)
    estimator.set_params(estimator__logisticregression__C=0.5)
    with pytest.raises(ValueError, match="differs in: estimator logisticregression__C"):
        estimator.fit(moons.X, moons.y, groups=moons.groups)


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b"", lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:]])
def test_corrupt_result(change, finished, folder, moons):
    path = folder / results(folder)[0]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"{path.name}' of [0-3] is corrupt.*remove that file"):
        finished.fit(moons.X, moons.y, groups=moons.groups)


def test_result_of_another_group(finished, folder, moons):
    first, second = results(folder)[:2]
    shutil.copy(folder / first, folder / second)
    with pytest.raises(ValueError, match=f"{second}' of [0-3] is corrupt or of another run"):
        finished.fit(moons.X, moons.y, groups=moons.groups)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"data": 3}'])
def test_corrupt_manifest(text, finished, folder, moons):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest.json' is corrupt.*remove the folder"):
        finished.fit(moons.X, moons.y, groups=moons.groups)


def test_folder_of_other_files(folder, moons):
    folder.mkdir(parents=True)
    (folder / "letter.txt").touch()
    with pytest.raises(ValueError, match=r"holds 'letter.txt': it is not a folder of checkpoints"):
        PerGroupClassifier(LogisticRegression(), checkpoint=folder).fit(moons.X, moons.y, groups=moons.groups)


def test_unwritable(tmp_path, finished, folder, moons):
    """A path below a file cannot be made; a folder that vanishes cannot be written to."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(OSError, match="must be a folder that can be read and written"):
            PerGroupClassifier(LogisticRegression(), checkpoint=path).fit(moons.X, moons.y, groups=moons.groups)
    checkpoint = Checkpoint(tmp_path / "gone", {})
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(OSError, match="must be a folder that can be read and written"):
        checkpoint.save("k", 1)


def test_parameter_that_cannot_be_stored(folder, moons):
    inner = make_pipeline(FunctionTransformer(lambda X: X), LogisticRegression())
    with pytest.raises(ValueError, match=r"functiontransformer__func=<function .* cannot"):
        PerGroupClassifier(inner, checkpoint=folder).fit(moons.X, moons.y, groups=moons.groups)


def test_unfinished_files_do_not_matter(folder, finished, moons):
    """What a killed process leaves: half a file under its temporary name."""
    path = folder / results(folder)[0]
    path.rename(f"{path}.tmp")
    finished.fit(moons.X, moons.y, groups=moons.groups)
    assert len(results(folder)) == 4


FRAME = {"a": [1.5, 2.5], "b": ["x", "y"]}
TABLES = {
    "array": np.arange(6.0).reshape(3, 2),
    "another array": np.arange(6.0).reshape(2, 3),
    "integers": np.arange(6).reshape(3, 2),
    "sparse": csr_array(np.eye(3)),
    "another sparse": csr_array(np.eye(3) * 2),
    "list": [[1, 2], [3, 4]],
    "pandas": pd.DataFrame(FRAME),
    "other names": pd.DataFrame(FRAME).rename(columns={"a": "c"}),
    "other types": pd.DataFrame(FRAME).astype({"a": "float32"}),
}


def test_table_digests():
    digests = {name: table_digest(table) for name, table in TABLES.items()}
    assert len(set(digests.values())) == len(TABLES)
    assert digests["array"] == table_digest(np.asfortranarray(TABLES["array"]))
    strings = pd.DataFrame({"a": [1.5, 2.5], "b": pd.Series(["".join("x"), "y"], dtype=object)})
    assert table_digest(strings.astype({"b": object})) == table_digest(strings.iloc[::-1].iloc[::-1])
    assert table_digest(pl.DataFrame(FRAME)) == table_digest(pl.DataFrame(FRAME).clone())
    assert table_digest(pa.table(FRAME)) == table_digest(pa.table(FRAME).slice(0))
    assert table_digest(pa.table(FRAME)) != table_digest(pa.table(FRAME).rename_columns(["c", "b"]))


def test_digests_are_those_of_another_process(run_python):
    code = """
from sklearn.linear_model import LogisticRegression
from skhbnn.estimators.checkpoint import parameter_digests, table_digest
import pandas as pd
print(parameter_digests(LogisticRegression(C=3.0)))
print(table_digest(pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})))
"""
    expected = [str(parameter_digests(LogisticRegression(C=3.0))), table_digest(TABLES["pandas"])]
    assert run_python(code, PYTHONHASHSEED="3").splitlines() == expected
