"""Saves and loads that fail: the error names what is at fault, and a failed save leaves no trace."""

import copy
import dataclasses
import decimal
import errno
import io
import os
import pickle
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import skhbnn
from skhbnn import FlatBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# What cannot be saved is named --------------------------------------------------------------------------------------


class Colour(Enum):
    RED = 1
    BLUE = 2


class Point(tuple):
    """A tuple of a type of its own."""


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (list(Colour), r"\[0\] is a .*Colour, which cannot be saved: <Colour.BLUE: 2>. Use None, a boolean, a number"),
        ([1, 10**3000], r"\[1\] is an integer of more than 2000 digits"),
        (["b", ("a", decimal.Decimal("1e5000"))], r"\[1\]\[1\] cannot be saved: 1E\+5000 has an exponent beyond"),
        ([frozenset({Point((1, 2))}), "b"], r"\[\d\]\[0\] is a .*Point, which cannot be saved"),
    ],
)
def test_fit_says_which_labels_cannot_be_saved(labels, message, fit_groups, moons, tmp_path):
    with pytest.warns(
        UserWarning, match=rf"The method save will not take this fit, though pickle does: groups{message}"
    ):
        fitted = fit_groups(groups=[labels[code % 2] for code in moons.groups])
    with pytest.raises((TypeError, ValueError), match=rf"\.groups_{message}"):
        fitted.save(tmp_path / "fit.skhbnn")
    assert not list(tmp_path.iterdir())
    rows = {"X": moons.X_new[:2], "groups": labels}
    found = pickle.loads(pickle.dumps(fitted)).predict_proba(**rows)
    np.testing.assert_array_equal(found, fitted.predict_proba(**rows))


def test_what_is_never_saved_says_nothing_of_its_labels(moons):
    PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=[list(Colour)[g % 2] for g in moons.groups])


def test_pandas_labels_without_pandas(fit_groups, moons, tmp_path, run_python):
    """A file with labels of pandas names what is missing; another one does not need it."""
    fit_groups(groups=list(moons.groups)).save(tmp_path / "integers")
    fit_groups(groups=[pd.Interval(g, g + 1) for g in moons.groups.tolist()]).save(tmp_path / "intervals")
    said = run_python(f"""
import sys
sys.modules["pandas"] = None
import skhbnn
skhbnn.load({str(tmp_path / "integers")!r})
try:
    skhbnn.load({str(tmp_path / "intervals")!r})
except ValueError as error:
    print(error)
""")
    assert said.endswith(
        "is not a whole file of a saved estimator: it holds a label of pandas, which is not installed\n"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("random_state", np.random, "random_state is a builtins.module"),
        (
            "random_state",
            np.random.RandomState(np.random.PCG64(0)),
            "random_state cannot be saved: a RandomState of PCG64",
        ),
        ("sample_kwargs", {"step": object()}, "sample_kwargs.step is a builtins.object"),
        ("sample_kwargs", {"callbacks": [print]}, r"sample_kwargs.callbacks\[0\] is a builtins.builtin_function"),
        ("sample_kwargs", {"seed": 10**5000}, "sample_kwargs.seed is an integer of more than"),
        ("sample_kwargs", {"point": Point((1, 2))}, "sample_kwargs.point is a .*Point"),
        ("sample_kwargs", {"x": np.zeros(2, "i4,f4")}, "sample_kwargs.x is an array of .* dtype"),
        ("sample_kwargs", {"x": np.ma.array([1.0])}, "sample_kwargs.x is a numpy.*MaskedArray"),
        ("hidden_layer_sizes", pd.Series([3]), "hidden_layer_sizes is a pandas.*Series"),
        ("chains", 0, "The 'chains' parameter"),
    ],
)
def test_parameters_that_cannot_be_saved(name, value, message, hierarchical, tmp_path):
    estimator = copy.copy(hierarchical).set_params(**{name: value})
    with pytest.raises((TypeError, ValueError), match=message):
        estimator.save(tmp_path / "fit.skhbnn")
    assert not list(tmp_path.iterdir())


def test_estimators_that_cannot_be_saved(flat, tmp_path):
    class Mine(FlatBNNClassifier):
        pass

    mine = Mine()
    vars(mine).update(vars(flat))
    with pytest.raises(TypeError, match=r"Mine is a .*Mine, which cannot be saved"):
        mine.save(tmp_path / "fit.skhbnn")
    noted = copy.copy(flat)
    noted.note = "mine"
    with pytest.raises(
        TypeError, match="FlatBNNClassifier cannot be saved: a file has no place for its attribute note"
    ):
        noted.save(tmp_path / "fit.skhbnn")
    broken = copy.copy(flat)
    broken.posterior_ = dataclasses.replace(flat.posterior_, weights=flat.posterior_.weights * np.nan)
    with pytest.raises(ValueError, match=r"posterior_\.weights contains NaN or infinity"):
        broken.save(tmp_path / "fit.skhbnn")
    with pytest.raises(NotFittedError):
        clone(flat).save(tmp_path / "fit.skhbnn")
    assert not list(tmp_path.iterdir())


# Faults of the disk -------------------------------------------------------------------------------------------------


def test_missing_paths(flat, tmp_path):
    with pytest.raises(FileNotFoundError):
        skhbnn.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        skhbnn.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        flat.save(tmp_path / "none" / "fit.skhbnn")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        flat.save(tmp_path / "file" / "fit.skhbnn")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        flat.save(tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("none/fit.skhbnn", FileNotFoundError),
        ("file/fit.skhbnn", NotADirectoryError),
        ("folder", IsADirectoryError),
        ("folder/", IsADirectoryError),
        ("new/", IsADirectoryError),
        ("loop", OSError),
        ("", OSError),
    ],
)
def test_errors_name_the_path_that_was_given(name, error, flat, tmp_path, monkeypatch):
    """As it was given, not the temporary file beside it."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    for path in (name, os.fsencode(name), *([Path(name)] if name and not name.endswith("/") else [])):
        for call in (flat.save, skhbnn.load):
            if (call, name) == (skhbnn.load, "new/"):
                continue  # which is not there
            with pytest.raises(error) as caught:
                call(path)
            assert caught.value.filename == os.fspath(path)
            assert caught.value.filename2 is None
            assert str(caught.value).endswith(f": {os.fspath(path)!r}")
    assert sorted(tmp_path.iterdir()) == before


def test_devices_are_not_replaced(flat, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"Not an ordinary file.*pipe"):
        flat.save(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file(function, flat, tmp_path, monkeypatch):
    path = tmp_path / "fit.skhbnn"
    path.write_bytes(b"old")

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, function, full)
    with pytest.raises(OSError, match=r"No space left.*fit.skhbnn'"):
        flat.save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_limit_on_the_size_of_files(flat, tmp_path, run_python):
    """The system itself refuses a write: the first one, one amid the arrays, or the very last byte."""
    path = tmp_path / "fit.skhbnn"
    flat.save(path)
    (tmp_path / "fit.pkl").write_bytes(pickle.dumps(flat))
    size, whole = path.stat().st_size, path.read_bytes()
    done = run_python(f"""
import pickle, resource
fitted = pickle.load(open({str(tmp_path / "fit.pkl")!r}, "rb"))
for limit in (0, 1, 5_000, {size - 1}):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        fitted.save({str(path)!r})
    except OSError as error:
        print(error.errno)
""")
    assert done.split() == 4 * [str(errno.EFBIG)]
    assert path.read_bytes() == whole
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["fit.pkl", "fit.skhbnn"]


# File objects at fault -----------------------------------------------------------------------------------------------


def test_file_objects_at_fault(flat, tmp_path):
    file = io.BytesIO()
    flat.save(file)
    with pytest.raises(
        ValueError, match=r"The BytesIO is not a whole file of a saved estimator: .* seek\(0\) goes back"
    ):
        skhbnn.load(file)
    with pytest.raises(
        ValueError, match=r"The BytesIO is not a whole file of a saved estimator: .*File is not a zip file"
    ):
        skhbnn.load(io.BytesIO(b"text"))
    with open(tmp_path / "text", "w+") as text, open(tmp_path / "text", "rb") as reading:
        for wrong in (text, io.StringIO()):
            with pytest.raises(TypeError, match="path is a file opened for text; open it with mode 'wb'"):
                flat.save(wrong)
            with pytest.raises(TypeError, match="path is a file opened for text; open it with mode 'rb'"):
                skhbnn.load(wrong)
        with pytest.raises(io.UnsupportedOperation, match="write"):
            flat.save(reading)
    for wrong in (None, 5, ["fit.skhbnn"]):
        with pytest.raises(TypeError, match="path must be a string, a path or a binary file to write, got a "):
            flat.save(wrong)
        with pytest.raises(TypeError, match="path must be a string, a path or a binary file to read, got a "):
            skhbnn.load(wrong)
