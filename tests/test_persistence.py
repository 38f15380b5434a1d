"""Saving and loading: what was saved comes back, what cannot be saved is named, and a failed save leaves no trace."""

import copy
import dataclasses
import datetime
import decimal
import errno
import fractions
import gzip
import importlib.util
import io
import ipaddress
import json
import os
import pickle
import tempfile
import threading
import uuid
import zipfile
from enum import Enum
from pathlib import Path, PurePosixPath, PureWindowsPath

import dateutil.tz
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import skhbnn
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["flat", "hierarchical", "informed"]
METHODS = ["predict", "predict_proba", "predict_std", "sample_proba"]


def same(one, other):
    """Whether two values are equal, of the same types, all the way down, in every bit and in the layout of arrays."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, np.ndarray):
        if one.dtype == object:
            return same(one.tolist(), other.tolist())
        return (one.dtype, one.shape, one.flags.f_contiguous, one.tobytes()) == (
            *(other.dtype, other.shape, other.flags.f_contiguous, other.tobytes()),
        )
    if isinstance(one, np.random.RandomState):
        return same(one.get_state(legacy=False), other.get_state(legacy=False))
    if hasattr(one, "__dataclass_fields__"):
        return all(
            same(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__ if name != "dims"
        )
    return one == other or (one != one and other != other)


@pytest.fixture
def saved(tmp_path):
    """A function that saves an estimator and loads it again."""

    def there_and_back(estimator):
        estimator.save(tmp_path / "fit.skhbnn")
        return skhbnn.load(tmp_path / "fit.skhbnn")

    return there_and_back


@pytest.fixture
def inputs(moons):
    """Rows to predict, with their groups for the estimator that has them: one of them unseen."""

    def inputs(name):
        groups = {"groups": np.where(moons.groups_new == 3, 99, moons.groups_new)} if name == "hierarchical" else {}
        return {"X": moons.X_new, **groups}

    return inputs


# What was saved comes back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_predictions_parameters_and_attributes(name, request, saved, inputs):
    fitted = request.getfixturevalue(name)
    loaded = saved(fitted)
    for method in METHODS:
        found, expected = (getattr(estimator, method)(**inputs(name)) for estimator in (loaded, fitted))
        np.testing.assert_array_equal(found, expected, err_msg=method)
    assert type(loaded) is type(fitted)
    assert same(vars(loaded), {key: vars(fitted)[key] for key in vars(loaded)})
    assert vars(loaded).keys() == vars(fitted).keys()


def test_fresh_process(request, run_python, inputs, tmp_path):
    """A process that has fitted nothing predicts the same bits, and imports neither PyMC nor a sampler for it."""
    for name in NAMES:
        request.getfixturevalue(name).save(tmp_path / name)
        np.savez(tmp_path / f"{name}.npz", **inputs(name))
    done = run_python(f"""
import sys
import numpy as np
import skhbnn
for name in {NAMES}:
    estimator = skhbnn.load({str(tmp_path)!r} + "/" + name)
    inputs = dict(np.load({str(tmp_path)!r} + f"/{{name}}.npz"))
    print(*[getattr(estimator, method)(**inputs).tobytes().hex() for method in {METHODS}])
print([heavy for heavy in ("pymc", "pytensor", "nutpie", "arviz") if heavy in sys.modules])
""").splitlines()
    for name, line in zip(NAMES, done, strict=False):
        fitted = request.getfixturevalue(name)
        assert line.split() == [getattr(fitted, method)(**inputs(name)).tobytes().hex() for method in METHODS]
    assert done[-1] == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_refit(name, request, saved, moons):
    """A loaded estimator fits again, as a clone of the saved one does."""
    fitted = request.getfixturevalue(name)
    groups = {"groups": moons.groups} if name == "hierarchical" else {}
    found = saved(fitted).fit(moons.X, moons.y, **groups)
    expected = clone(fitted).fit(moons.X, moons.y, **groups)
    np.testing.assert_array_equal(found.posterior_.weights, expected.posterior_.weights)


def test_the_other_tools(hierarchical, saved, moons):
    """Conversion to ArviZ and PyMC, and priors from a loaded fit."""
    loaded = saved(hierarchical)
    found, expected = loaded.to_arviz(), hierarchical.to_arviz()
    for group, name in (("posterior", "weights"), ("log_likelihood", "y"), ("sample_stats", "energy")):
        np.testing.assert_array_equal(found[group][name], expected[group][name])
    points = [model.initial_point() for model in (loaded.to_pymc(fused=False), hierarchical.to_pymc(fused=False))]
    assert points[0].keys() == points[1].keys()
    rows = moons.groups == 1
    priors = [InformedPriorBNNClassifier.from_hierarchical(source) for source in (loaded, hierarchical)]
    found, expected = (prior.fit(moons.X[rows], moons.y[rows]) for prior in priors)
    np.testing.assert_array_equal(found.posterior_.weights, expected.posterior_.weights)


def test_other_inference(flat, small, moons, saved):
    """The diagnostics of an optimisation, of a variational method, and of a sampler without energies."""
    fitted = FlatBNNClassifier(**{**small, "inference": "map"}).fit(moons.X, moons.y)
    loaded = saved(fitted)
    assert same(loaded.diagnostics_, fitted.diagnostics_)
    np.testing.assert_array_equal(loaded.predict_proba(moons.X_new), fitted.predict_proba(moons.X_new))
    fitted.diagnostics_ = dataclasses.replace(fitted.diagnostics_, elbo=np.array([-np.inf, -3.0]))
    assert same(saved(fitted).diagnostics_, fitted.diagnostics_)
    poorer = copy.copy(flat)
    none = dict.fromkeys(("divergences", "bfmi", "saturated", "n_steps"))
    poorer.diagnostics_ = dataclasses.replace(flat.diagnostics_, r_hat=flat.diagnostics_.r_hat * np.nan, **none)
    assert same(saved(poorer).diagnostics_, poorer.diagnostics_)


def test_classes_and_columns(small, moons, saved):
    """Classes that are strings, inputs with names, and the groups in columns of the dataframe."""
    letters, classes = np.array(list("klmn")), np.array(["no", "yes", "maybe"])
    y = classes[(moons.y + moons.groups) % 3]
    frame = pd.DataFrame(moons.X, columns=["a", "b"]).assign(g=letters[moons.groups], h=moons.groups // 2)
    fitted = HierarchicalBNNClassifier(groups=["h", "g"], pooling=["partial", "none"], **small).fit(frame, y)
    loaded = saved(fitted)
    assert loaded.classes_.tolist() == ["maybe", "no", "yes"]
    assert loaded.feature_names_in_.tolist() == ["a", "b", "g", "h"]
    np.testing.assert_array_equal(loaded.predict_proba(frame), fitted.predict_proba(frame))
    objects = FlatBNNClassifier(**small).fit(moons.X, y.astype(object))
    assert same(saved(objects).classes_, objects.classes_)


TOKYO = datetime.timezone(datetime.timedelta(hours=9))
LABELS = {
    "str": ["", "a", "ä\ud800", "$tuple"],
    "int": [-1, 0, 10**300, 2**63],
    "bool": [False, True],
    "float": [-0.5, 0.1, 1e300, float("inf")],
    "complex": [1j, complex(-0.0, 1e-300)],
    "bytes": [b"", b"\x00\xff"],
    "mixed": [1, "1", b"1", ("1",)],
    "tuple": [("a", 1), ("a", (2.5, frozenset({"x"})))],
    "frozenset": [frozenset(), frozenset({"a", 1, ("b", 2)})],
    "decimal": [decimal.Decimal("1.10"), decimal.Decimal("-1e-20")],
    "fraction": [fractions.Fraction(1, 3), fractions.Fraction(-2)],
    "uuid": [uuid.UUID(int=1), uuid.UUID(int=2)],
    "date": [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)],
    "datetime64": [np.datetime64("2024-01-01T00:00:00.000000001"), np.datetime64("2024-01-01")],
    "timedelta": [datetime.timedelta(1), np.timedelta64(1, "ns")],
    "time zone": [datetime.datetime(2024, 2, 28, tzinfo=TOKYO), datetime.datetime(2024, 2, 28, 1, tzinfo=datetime.UTC)],
    "timestamp": list(pd.date_range("2024-02-28", periods=3, tz="Europe/Berlin")),
    "nanosecond": list(pd.Timestamp("2024-02-28", tz="UTC") + pd.to_timedelta(np.arange(3), unit="ns")),
    "hours of a change of clocks": list(pd.date_range("2024-10-27", periods=5, freq="h", tz="Europe/Berlin")),
    "offset": list(pd.date_range("2024-02-28", periods=3, tz=TOKYO)),
    "interval": list(pd.cut(np.arange(4.0), 3).categories),
    "interval of integers": list(pd.interval_range(0, 4, closed="left")),
    "interval of times": list(pd.interval_range(pd.Timestamp("2024-03-30"), periods=3, closed="both")),
    "interval over a change of clocks": list(
        pd.interval_range(pd.Timestamp("2024-03-30", tz="Europe/Berlin"), periods=3, closed="neither")
    ),
    "interval of durations": list(pd.interval_range(pd.Timedelta(0), periods=3)),
    "interval in a tuple": [("a", pd.Interval(0, 1)), ("a", pd.Interval(-np.inf, 0.5)), ("b", pd.Interval(0, 1))],
    **{
        f"period {freq}": list(pd.period_range("2024-01-01", periods=3, freq=freq))
        for freq in ("M", "Q-JAN", "W-SUN", "D", "2D", "ns")
    },
    "time of day": [datetime.time(1), datetime.time(1, 2, 3, 4), datetime.time(1, tzinfo=TOKYO)],
    "path": [Path("a"), Path("/a/b"), PurePosixPath("c"), PureWindowsPath("c:/d")],
    "address": [ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8")],
    "set of times": [
        frozenset({datetime.date(2024, 2, 28)}),
        frozenset({datetime.timedelta(1, 2, 3), datetime.datetime(2024, 2, 28), pd.Timedelta(5, "ns")}),
        frozenset({pd.Timestamp("2024-02-28 00:00:00.000000001")}),
    ],
}


def exact(label):
    """Text of a label with its type; of a set in an order that its hashes have no part in."""
    return sorted(map(repr, label)) if isinstance(label, frozenset) else repr(label)


@pytest.mark.parametrize("kind", LABELS)
def test_labels(kind, fit_groups, moons, saved):
    """Every label names its group after loading: with its rows, in groups_, and in draws for the unseen."""
    labels = LABELS[kind]
    fitted = fit_groups(groups=[labels[code % (len(labels) - 1)] for code in moons.groups])  # the last stays unseen
    loaded = saved(fitted)
    X = moons.X_new[: len(labels)]
    found, expected = (estimator.sample_proba(X, groups=labels) for estimator in (loaded, fitted))
    np.testing.assert_array_equal(found, expected)
    assert loaded.groups_.tolist() == fitted.groups_.tolist()
    assert loaded.groups_.dtype == fitted.groups_.dtype
    assert same(loaded.training_data_.group_labels, fitted.training_data_.group_labels)
    assert list(map(exact, loaded.groups_)) == list(map(exact, fitted.groups_))


PARAMETERS = {
    "hidden_layer_sizes": [3, [3], np.array([3]), np.int64(3)],
    "prior_scale": [2, np.float32(0.1), [1.0, 2.0], (0.5, fractions.Fraction(1, 3)), np.array([1.0, 2.0]), "fan_in"],
    "activation": [np.str_("relu")],
    "random_state": [None, 2**31, np.random.RandomState(3)],
    "sample_kwargs": [{}, {"init": {"a": np.eye(2)}, "$x": [None, (1,)], 5: {"b": float("nan")}}],
    "n_jobs": [np.int64(2), -1],
    "groups": [2, "name", ["name", "other"], [0, -1]],
    "group_scale_prior": [1, 0.5, np.float64(0.1)],
    "pooling": [["partial", "none"], ("complete", "partial"), np.array(["none", "complete"])],
    "unseen_groups": ["error"],
    "verbose": [True, 3],
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name, hierarchical, saved):
    for value in PARAMETERS[name]:
        estimator = copy.copy(hierarchical).set_params(**{name: value})
        assert same(saved(estimator).get_params(), estimator.get_params())


def test_array_parameters(informed, saved):
    """Arrays keep dtype, shape and layout; a view that is not contiguous becomes contiguous."""
    for cov in (np.asfortranarray(informed.prior_cov), informed.prior_cov.tolist(), informed.prior_cov.astype(">f4")):
        estimator = copy.copy(informed).set_params(prior_cov=cov)
        assert same(saved(estimator).get_params(), estimator.get_params())
    estimator = copy.copy(informed).set_params(prior_cov=np.repeat(informed.prior_cov, 2, axis=0)[::2])
    np.testing.assert_array_equal(saved(estimator).prior_cov, informed.prior_cov)


def test_random_state_goes_on(small, moons, saved):
    """A RandomState continues where the saved one was."""
    fitted = FlatBNNClassifier(**{**small, "random_state": np.random.RandomState(0)}).fit(moons.X, moons.y)
    loaded = saved(fitted)
    again = [estimator.fit(moons.X, moons.y).posterior_.weights for estimator in (loaded, fitted)]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize("written_by", ["python3.11", "python3.13"])
def test_files_of_other_versions(written_by):
    """Files that PyMC 5 with ArviZ 0.23, and PyMC 6 with ArviZ 1, wrote."""
    folder = Path(__file__).parent / "saved"
    spec = importlib.util.spec_from_file_location("write", folder / "write.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    X, y, groups, X_new, groups_new = module.inputs()
    loaded = skhbnn.load(folder / f"{written_by}.skhbnn")
    expected = json.loads((folder / "expected.json").read_text())[written_by]
    np.testing.assert_allclose(loaded.predict_proba(X_new, groups=groups_new), expected, rtol=1e-10)
    assert loaded.to_arviz()["log_likelihood"]["y"].shape == (2, 10, len(y))
    assert loaded.to_pymc(fused=False).coords["group"] is not None
    assert loaded.fit(X, y, groups=groups).predict_proba(X_new, groups=groups_new).shape == (len(X_new), 2)


def test_equal_fits_give_equal_files(hierarchical, tmp_path):
    for name in ("first", "second"):
        hierarchical.save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_other_tools_read_the_file(flat, tmp_path):
    """The format is a zip, JSON and npy: the standard library and NumPy find the weights without this package."""
    flat.save(str(tmp_path / "fit.skhbnn"))
    with zipfile.ZipFile(tmp_path / "fit.skhbnn") as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
    attributes = manifest["content"]["estimator"]["$FlatBNNClassifier"]["attributes"]
    index = attributes["posterior_"]["$Posterior"]["weights"]["$array"]
    weights = np.load(tmp_path / "fit.skhbnn", allow_pickle=False)[f"{index}"]
    np.testing.assert_array_equal(weights, flat.posterior_.weights)


@pytest.mark.parametrize("name", NAMES)
def test_skops(name, request, inputs):
    """skops stores the estimators too, with this package's classes named as trusted."""
    fitted = request.getfixturevalue(name)
    data = skops.io.dumps(fitted)
    trusted = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith(("skhbnn.", "numpy.")) for kind in trusted)
    loaded = skops.io.loads(data, trusted=trusted)
    np.testing.assert_array_equal(loaded.predict_proba(**inputs(name)), fitted.predict_proba(**inputs(name)))


# File objects --------------------------------------------------------------------------------------------------------


def opened(kind, folder):
    """A context of a new file object to write to and to read."""
    return {
        "memory": io.BytesIO,
        "open": lambda: open(folder / "fit", "w+b"),
        "unbuffered": lambda: open(folder / "fit", "w+b", buffering=0),
        "temporary": tempfile.TemporaryFile,
        "named temporary": tempfile.NamedTemporaryFile,
        "spooled": lambda: tempfile.SpooledTemporaryFile(max_size=1000),
    }[kind]()


@pytest.mark.parametrize("kind", ["memory", "open", "unbuffered", "temporary", "named temporary", "spooled"])
def test_file_objects(kind, flat, tmp_path, moons):
    flat.save(tmp_path / "path")
    with opened(kind, tmp_path) as file:
        file.write(b"before")
        flat.save(file)
        assert not file.closed
        file.seek(0)
        assert file.read() == b"before" + (tmp_path / "path").read_bytes()
        file.seek(6)
        loaded = skhbnn.load(file)
        assert not file.closed
    np.testing.assert_array_equal(loaded.predict_proba(moons.X_new), flat.predict_proba(moons.X_new))


def test_files_that_cannot_be_sought(flat, tmp_path, moons):
    """A compressed file, a member of a zip, and a pipe."""
    with gzip.open(tmp_path / "fit.gz", "wb") as file:
        flat.save(file)
    with zipfile.ZipFile(tmp_path / "fits.zip", "w") as archive, archive.open("fit", "w") as file:
        flat.save(file)
    out, into = map(os.fdopen, os.pipe(), ["rb", "wb"])
    with into, out:
        writer = threading.Thread(target=lambda: (flat.save(into), into.close()))
        writer.start()
        loaded = [skhbnn.load(out)]
        writer.join()
    with gzip.open(tmp_path / "fit.gz") as file, zipfile.ZipFile(tmp_path / "fits.zip") as archive:
        loaded += [skhbnn.load(file), skhbnn.load(archive.open("fit"))]
    for fit in loaded:
        np.testing.assert_array_equal(fit.predict_proba(moons.X_new), flat.predict_proba(moons.X_new))


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


def test_a_zone_without_a_name_comes_back_as_its_offset(fit_groups, moons, saved):
    zone = dateutil.tz.gettz("Europe/Berlin")
    labels = [datetime.datetime(2024, 2, day, tzinfo=zone) for day in (28, 29)]
    loaded = saved(fit_groups(groups=[labels[code % 2] for code in moons.groups]))
    assert [label.isoformat() for label in loaded.groups_] == [label.isoformat() for label in labels]


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


def test_links_and_permissions(flat, tmp_path):
    """A link stays one; a new file has the permissions of any new file, a replaced one those it had."""
    (tmp_path / "folder").mkdir()
    target, link, plain = tmp_path / "folder" / "fit.skhbnn", tmp_path / "link", tmp_path / "plain"
    link.symlink_to(target)
    plain.touch()
    flat.save(link)
    assert link.is_symlink()
    assert target.stat().st_mode == plain.stat().st_mode
    target.chmod(0o600)
    flat.save(target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert skhbnn.load(link).predict_proba([[0.0, 0.0]]).shape == (1, 2)
