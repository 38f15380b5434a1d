"""Saving and loading: what was saved comes back, from paths and file objects alike."""

import copy
import dataclasses
import datetime
import decimal
import fractions
import gzip
import importlib.util
import io
import ipaddress
import json
import os
import tempfile
import threading
import uuid
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import dateutil.tz
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone

import skhbnn
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier

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


def test_a_zone_without_a_name_comes_back_as_its_offset(fit_groups, moons, saved):
    zone = dateutil.tz.gettz("Europe/Berlin")
    labels = [datetime.datetime(2024, 2, day, tzinfo=zone) for day in (28, 29)]
    loaded = saved(fit_groups(groups=[labels[code % 2] for code in moons.groups]))
    assert [label.isoformat() for label in loaded.groups_] == [label.isoformat() for label in labels]


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


# Files and file objects ----------------------------------------------------------------------------------------------


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
