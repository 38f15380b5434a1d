"""Damaged and forged files: each is a ValueError that says why, before it runs or allocates anything."""

import math
import pickle
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from forging import Forged, npy, npy_with_header, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

import skhbnn
from skhbnn import HierarchicalBNNClassifier
from skhbnn.persistence import keeping

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def fitted():
    """A fit of two groups, as small as one can be."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 2)), np.arange(8) % 2
    settings = {"prior_scale": 1.0, "chains": 2, "tune": 10, "draws": 4, "random_state": np.random.RandomState(0)}
    estimator = HierarchicalBNNClassifier((2,), **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y, groups=["a", ("b", 2.5)] * 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("forged")


@pytest.fixture(scope="module")
def whole(fitted, folder):
    """The bytes of its file."""
    fitted.save(folder / "whole")
    return (folder / "whole").read_bytes()


@pytest.fixture(scope="module")
def predictions(fitted):
    def predictions(estimator):
        return estimator.sample_proba(np.eye(3)[:, :2], groups=["a", ("b", 2.5), "unseen"])

    return predictions


@pytest.fixture(scope="module")
def load(folder):
    """A function that loads bytes."""

    def load(data):
        (folder / "forged").write_bytes(data)
        return skhbnn.load(folder / "forged")

    return load


def test_a_rebuilt_file_loads(whole, load, predictions, fitted):
    """So what the other tests refuse, they refuse for what they changed."""
    np.testing.assert_array_equal(predictions(load(Forged(whole).build())), predictions(fitted))


# The container -------------------------------------------------------------------------------------------------------


class Payload:
    """Its unpickling leaves a file behind."""

    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def overlapping(whole):
    """Every entry of the directory points at the member that is largest."""
    data, at = bytearray(whole), whole.index(b"PK\x01\x02")
    entries = []
    while whole[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack("<3H", whole[at + 28 : at + 34])
        entries.append((struct.unpack("<I", whole[at + 24 : at + 28])[0], at))
        at += 46 + name + extra + comment
    size, largest = max(entries)
    for _, at in entries:
        data[at + 20 : at + 28] = 2 * struct.pack("<I", size)
        data[at + 42 : at + 46] = whole[largest + 42 : largest + 46]
    return bytes(data)


def starting_beyond(whole):
    data, at = bytearray(whole), whole.index(b"PK\x01\x02")
    data[at + 42 : at + 46] = struct.pack("<I", 2**32 - 2)
    return bytes(data)


def with_manifest(text):
    return lambda whole: zipped([*Forged(whole).all_members()[:-1], ("manifest.json", text)])


def with_members(*members):
    return lambda whole: zipped([*Forged(whole).all_members(), *members])


def flagged(bit):
    """With a flag set in the directory, of encryption or of a patch."""

    def flagged(whole):
        data, at = bytearray(whole), whole.index(b"PK\x01\x02")
        data[at + 8] |= bit
        return bytes(data)

    return flagged


CONTAINERS = {
    "empty": lambda whole: b"",
    "text": lambda whole: b"no zip at all",
    "pickle": lambda whole: pickle.dumps(Payload()),
    "empty zip": lambda whole: zipped([]),
    "another zip": lambda whole: zipped([("0.npy", npy(np.eye(2)))]),
    "no end": lambda whole: whole[:-1],
    "half": lambda whole: whole[: len(whole) // 2],
    "no start": lambda whole: whole[100:],
    "parent": with_members(("../evil.npy", b"")),
    "absolute": with_members(("/tmp/evil.npy", b"")),
    "backslash": with_members(("..\\evil.npy", b"")),
    "further array": with_members(("999.npy", npy(np.eye(2)))),
    "thousands": with_members(*((f"{i}.npy", b"") for i in range(100, 20_000))),
    "two manifests": with_members(("manifest.json", "{}")),
    "two of an array": with_members(("0.npy", npy(np.eye(2)))),
    "no array 0": lambda whole: zipped(Forged(whole).all_members()[1:]),
    "no manifest": lambda whole: zipped(Forged(whole).all_members()[:-1]),
    "compressed": lambda whole: Forged(whole).build(compression=zipfile.ZIP_DEFLATED),
    "bomb": lambda whole: zipped([("manifest.json", b" " * 10**8)], compression=zipfile.ZIP_DEFLATED),
    "overlapping": overlapping,
    "starting beyond the end": starting_beyond,
    "encrypted": flagged(0x01),
    "patched": flagged(0x20),
    "strongly encrypted": flagged(0x40),
    "not JSON": with_manifest("{"),
    "not text": with_manifest(b"\xff\xfe\xfd"),
    "NaN": with_manifest('{"format": NaN}'),
    "list": with_manifest("[]"),
    "deep": with_manifest("[" * 10**5),
    "deep and closed": with_manifest("[" * 10**5 + "]" * 10**5),
    "long integer": with_manifest("9" * 10**5),
    "key twice": with_manifest('{"format": "skhbnn", "format": "skhbnn"}'),
    "another format": with_manifest('{"format": "other", "version": 1, "arrays": [], "content": {}}'),
}


def refused(load, data):
    """Load forged data: a ValueError, nothing run, and little allocated. Its message."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"forged' is not a whole file of a saved estimator: .") as caught:
            load(data)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(data) + 5 * 10**6
    finally:
        tracemalloc.stop()
    return str(caught.value)


def refused_with(fault, data, load):
    """A fault changes what is in a file, and the file is refused."""
    forged = Forged(data)
    before = forged.all_members()
    fault(forged)
    assert forged.all_members() != before
    refused(load, forged.build())


@pytest.mark.parametrize("fault", CONTAINERS)
def test_container(fault, whole, load, monkeypatch, tmp_path):
    data = CONTAINERS[fault](whole)
    assert data != whole
    monkeypatch.chdir(tmp_path)
    refused(load, data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", [0, 3, 5, "4", None, [4]])
def test_another_version(version, whole, load):
    forged = Forged(whole)
    forged.manifest["version"] = version
    assert f"has version {version!r}, and this release reads 4" in refused(load, forged.build())


@pytest.mark.parametrize("key", ["format", "version", "arrays", "content"])
def test_incomplete_manifest(key, whole, load):
    forged = Forged(whole)
    del forged.manifest[key]
    refused(load, forged.build())


# Arrays --------------------------------------------------------------------------------------------------------------

HEADER = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"
OBJECTS = pickle.dumps(np.array([Payload()], dtype=object))
HUGE = (10**6, 10**6)
CODES = np.array([65, 0x110000], "<u4").tobytes()
MEMBERS = {  # the member, and its dtype and shape in the manifest
    "pickle": (OBJECTS, "|O", (1,)),
    "objects": (npy_with_header(HEADER.format("'|O'", "(1,)"), OBJECTS), "|O", (1,)),
    "huge": (npy_with_header(HEADER.format("'<i8'", HUGE), bytes(16)), "<i8", HUGE),
    "beyond 64 bits": (npy_with_header(HEADER.format("'<i8'", (2**62, 4)), bytes(16)), "<i8", (2**62, 4)),
    "negative": (npy_with_header(HEADER.format("'<i8'", (-1, -2)), bytes(16)), "<i8", (-1, -2)),
    "nothing, often": (npy_with_header(HEADER.format("'<U0'", (10**9,))), "<U0", (10**9,)),
    "structured": (npy_with_header(HEADER.format("[('a', '<i8')]", (2,)), bytes(16)), "|V8", (2,)),
    "too short": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(15)), "<i8", (2,)),
    "too long": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(17)), "<i8", (2,)),
    "another shape": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(16)), "<i8", (1,)),
    "another dtype": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(16)), "<f8", (2,)),
    "version 2": (npy_with_header(HEADER.format("'<i8'", (2,)), bytes(16), b"\x02\x00"), "<i8", (2,)),
    "no header": (b"\x93NUMPY\x01\x00\xff\xff", "<i8", (2,)),
    "code as header": (npy_with_header("__import__('pathlib').Path('executed').touch()"), "<i8", (2,)),
    "empty": (b"", "<i8", (2,)),
    "no characters": (npy_with_header(HEADER.format("'<U1'", (2,)), CODES), "<U1", (2,)),
}


@pytest.mark.parametrize("fault", MEMBERS)
def test_member(fault, whole, load, monkeypatch, tmp_path):
    """The classes are another member, whose checksum is right."""
    forged = Forged(whole)
    data, dtype, shape = MEMBERS[fault]
    forged.put_member(data, dtype=dtype, shape=shape)
    monkeypatch.chdir(tmp_path)
    refused(load, forged.build())
    assert not list(tmp_path.iterdir())


def test_checksum(whole, load):
    forged = Forged(whole)
    forged.members[0] = npy(np.array([0, 2]))
    assert "the checksum of 0.npy" in refused(load, forged.build())


# Content -------------------------------------------------------------------------------------------------------------


def param(name, value):
    def change(forged):
        forged.params[name] = value

    return change


def attribute(name, value):
    def change(forged):
        forged.attributes[name] = value

    return change


def field(*path, value):
    def change(forged):
        *record, name = path
        forged.record(*record)[name] = value

    return change


def without(*path):
    def change(forged):
        *record, name = path
        del (forged.record(*record) if record else forged.attributes)[name]

    return change


def array(*path, index=..., value=None, make=None):
    """An array with one entry changed, or another made of it."""

    def change(forged):
        changed = forged.array(*path)
        if make is None:
            changed[index] = value
        else:
            changed = make(changed)
        forged.put(changed, *path)

    return change


def term_array(name, index=..., value=None, make=None):
    """An array of the first term of the model with one entry changed, or another made of it."""

    def change(forged):
        place = forged.terms()[0][name]["$array"]
        changed = forged.member(place)
        if make is None:
            changed[index] = value
        else:
            changed = make(changed)
        forged.put_member(npy(changed), place, changed.dtype.str, changed.shape)

    return change


def of_class(name):
    def change(forged):
        forged.manifest["content"]["estimator"] = {name: forged.estimator}

    return change


NETWORK = ("posterior_", "model", "network")
LABELS = ("training_data_", "group_labels")
CONTENTS = {
    "unknown class": of_class("$Unknown"),
    "class of another module": of_class("$os.system"),
    "record as estimator": lambda f: f.manifest["content"].update(estimator=f.attributes["posterior_"]),
    "number as estimator": lambda f: f.manifest["content"].update(estimator=5),
    "flat class": lambda f: (f.params.clear(), of_class("$FlatBNNClassifier")(f)),
    "no estimator": lambda f: f.manifest["content"].clear(),
    "two kinds": lambda f: f.manifest["content"]["estimator"].update({"$tuple": []}),
    "unfitted": lambda f: f.attributes.clear(),
    "unknown parameter": param("no_such_parameter", 1),
    "parameter that is not valid": param("chains", -1),
    "parameter of a wrong type": param("activation", ["tanh"]),
    "parameters as list": lambda f: f.estimator.update(params=[]),
    "unknown attribute": attribute("fit", 5),
    "no classes": without("classes_"),
    "no posterior": without("posterior_"),
    "no weights": without("posterior_", "weights"),
    "attribute None": attribute("standardizer_", None),
    "record of a wrong class": lambda f: f.attributes.update(diagnostics_=f.attributes["standardizer_"]),
    "record as dict": lambda f: f.attributes.update(standardizer_=f.record("standardizer_")),
    "unknown field": field("posterior_", "extra", value=1),
    "field of a wrong type": field("posterior_", "sample_stats", value=[]),
    "field None": field("posterior_", "weights", value=None),
    "array beyond the last": field("posterior_", "weights", value={"$array": 999}),
    "array by name": field("posterior_", "weights", value={"$array": "0.npy"}),
    "another array": lambda f: f.record("posterior_").update(weights=f.attributes["classes_"]),
    "unknown activation": field(*NETWORK, "activation", value="exec"),
    "unhashable activation": field(*NETWORK, "activation", value=[]),
    "no layers": field(*NETWORK, "sizes", value={"$tuple": []}),
    "one size": field(*NETWORK, "sizes", value={"$tuple": [2]}),
    "size 0": field(*NETWORK, "sizes", value={"$tuple": [2, 0, 1]}),
    "negative size": field(*NETWORK, "sizes", value={"$tuple": [2, -2, 1]}),
    "huge size": field(*NETWORK, "sizes", value={"$tuple": [2, 10**18, 1]}),
    "float size": field(*NETWORK, "sizes", value={"$tuple": [2, 2.0, 1]}),
    "too many inputs": field(*NETWORK, "sizes", value={"$tuple": [3, 2, 1]}),
    "too many logits": field(*NETWORK, "sizes", value={"$tuple": [2, 2, 2]}),
    "no intercepts": field(*NETWORK, "fit_intercept", value=False),
    "unknown pooling": field("posterior_", "model", "pooling", value={"$tuple": ["partial", "some"]}),
    "too few poolings": field("posterior_", "model", "pooling", value={"$tuple": ["partial"]}),
    "unknown weight prior": field("posterior_", "model", "weight_prior", value="uniform"),
    "unknown scale prior": field("posterior_", "model", "group_scale_prior", value="uniform"),
    "negative group scale": field("posterior_", "model", "group_scale_prior", value=-1.0),
    "NaN group scale": field("posterior_", "model", "group_scale_prior", value={"$float": "nan"}),
    "no group mean": field("posterior_", "group_mean", value=None),
    "negative seed": field("posterior_", "seed", value=-1),
    "huge seed": field("posterior_", "seed", value=10**1000),
    "float seed": field("posterior_", "seed", value=0.5),
    "statistics of another shape": lambda f: f.record("posterior_")["sample_stats"].update(lp=f.attributes["classes_"]),
    "statistics as list": lambda f: f.record("posterior_")["sample_stats"].update(lp=[1, 2]),
    "label twice": field(*LABELS, value=["a", "a"]),
    "missing label": field(*LABELS, value=["a", None]),
    "too few labels": field(*LABELS, value=["a"]),
    "no labels": field(*LABELS, value=[]),
    "unhashable label": field(*LABELS, value=["a", ["b"]]),
    "label in a list too few": field(*LABELS, value="ab"),
    "number beyond floats": field(*LABELS, value=["a", {"$float": 10**400}]),
    "decimal that would fill the memory": field(*LABELS, value=["a", {"$decimal": "1e999999999"}]),
    "fraction that would fill the memory": field(*LABELS, value=["a", {"$fraction": "1e999999999"}]),
    "set of billions of addresses": field(*LABELS, value=["a", {"$frozenset": {"$IPv4Network": "0.0.0.0/0"}}]),
    "interval the wrong way round": field(*LABELS, value=["a", {"$Interval": [1, 0, "left"]}]),
    "interval of labels": field(*LABELS, value=["a", {"$Interval": ["a", "b", "left"]}]),
    "period without an end": field(*LABELS, value=["a", {"$Period": f"{10**30} M"}]),
    "period of no frequency": field(*LABELS, value=["a", {"$Period": "1 eon"}]),
    "time in no zone": field(*LABELS, value=["a", {"$Timestamp": "0 ns Atlantis"}]),
    "time of no unit": field(*LABELS, value=["a", {"$Timestamp": "0 eon"}]),
    "duration beyond the longest": field(*LABELS, value=["a", {"$Timedelta": f"{10**30} ns"}]),
    "fraction by zero": field(*LABELS, value=["a", {"$fraction": "1/0"}]),
    "no decimal": field(*LABELS, value=["a", {"$decimal": "one"}]),
    "objects as scalar": field(*LABELS, value=["a", {"$scalar": "|O 0000000000000000"}]),
    "records as scalar": field(*LABELS, value=["a", {"$scalar": "<i4,<i4 0000000000000000"}]),
    "scalar without bytes": field(*LABELS, value=["a", {"$scalar": "<U0 "}]),
    "two scalars": field(*LABELS, value=["a", {"$scalar": "<i4 0000000000000000"}]),
    "bytes that are none": field(*LABELS, value=["a", {"$bytes": "zz"}]),
    "random state beyond its end": lambda f: state(f).update(pos=625),
    "random state before its start": lambda f: state(f).update(pos=-1),
    "random state of another size": lambda f: state(f).update(key=f.attributes["classes_"]),
    "random state of another generator": lambda f: generator(f).update(bit_generator="PCG64"),
    "columns": attribute("n_features_in_", 2.0),
    "columns beyond the inputs": attribute("n_features_in_", 14),
    "names of other columns": attribute("feature_names_in_", {"$objects": ["a"]}),
    "groups as list": attribute("groups_", ["a", "b"]),
    "too few groups": attribute("groups_", {"$objects": ["a"]}),
    "NaN weight": array("posterior_", "weights", index=(0, 0, 0, 0), value=np.nan),
    "infinite group mean": array("posterior_", "group_mean", index=(0, 0, 0), value=np.inf),
    "weights of another network": array("posterior_", "weights", make=lambda w: w[..., :-1]),
    "weights without groups": array("posterior_", "weights", make=lambda w: w[:, :, :0]),
    "weights without draws": array("posterior_", "weights", make=lambda w: w[:, :0]),
    "weights of fewer chains": array("posterior_", "weights", make=lambda w: w[:1]),
    "weights as doubles": array("posterior_", "weights", make=lambda w: w.astype(float)),
    "weights in two axes": array("posterior_", "weights", make=lambda w: w.reshape(len(w), -1)),
    "bytes in another order": array("training_data_", "X", make=lambda X: X.astype(">f8")),
    "X as floats": array("training_data_", "X", make=lambda X: X.astype("f4")),
    "NaN in X": array("training_data_", "X", index=(0, 0), value=np.nan),
    "fewer inputs": array("training_data_", "X", make=lambda X: X[:, :1]),
    "class code": array("training_data_", "y", index=0, value=2),
    "negative class code": array("training_data_", "y", index=0, value=-1),
    "class codes as floats": array("training_data_", "y", make=lambda y: y.astype(float)),
    "offset beyond the rows": array("training_data_", "offsets", index=1, value=10**9),
    "negative offset": array("training_data_", "offsets", index=1, value=-1),
    "first offset": array("training_data_", "offsets", index=0, value=1),
    "last offset": array("training_data_", "offsets", index=-1, value=7),
    "offsets as floats": array("training_data_", "offsets", make=lambda o: o.astype(float)),
    "rows without a place": array("training_data_", "places", index=0, value=0, make=lambda o: np.zeros_like(o)),
    "place beyond the rows": array("training_data_", "places", index=0, value=8),
    "negative weight": array("training_data_", "weights", index=0, value=-1.0),
    "scale 0": array("standardizer_", "scale", index=0, value=0.0),
    "scale that cannot divide": array("standardizer_", "scale", index=0, value=5e-324),
    "NaN mean": array("standardizer_", "mean", index=0, value=np.nan),
    "prior scale 0": term_array("scale", index=0, value=0.0),
    "prior scale of too few entries": term_array("scale", make=lambda scale: scale[1:]),
    "entry beyond the weights": term_array("entries", index=-1, value=99),
    "entry below the weights": term_array("entries", index=0, value=-1),
    "entries that fall": term_array("entries", make=lambda entries: entries[::-1].copy()),
    "no entries": term_array("entries", make=lambda entries: entries[:0]),
    "level beyond the groups": lambda f: f.terms()[-1].update(level=2),
    "levels out of order": lambda f: f.terms()[0].update(level=1),
    "term left out": lambda f: f.record("posterior_", "model")["terms"]["$tuple"].pop(0),
    "no term": lambda f: f.record("posterior_", "model").update(terms={"$tuple": []}),
    "number as term": lambda f: f.record("posterior_", "model")["terms"]["$tuple"].append(5),
    "map of another rank": field("posterior_", "model", "map_rank", value=1),
    "another likelihood": field("posterior_", "model", "likelihood_name", value="categorical"),
    "another number of classes": field("posterior_", "model", "n_classes", value=3),
    "number of classes of another type": field("posterior_", "model", "n_classes", value=2.0),
    "likelihood of numbers": field("posterior_", "model", "likelihood_name", value="normal"),
    "probe beyond the rows": array("diagnostics_", "probe_rows", index=0, value=8),
    "names of other parts": field("diagnostics_", "learned_parts", value=["coef_0"]),
    "names of no parts": field("diagnostics_", "learned_parts", value=[]),
    "parts in another order": lambda f: f.record("diagnostics_")["learned_parts"].reverse(),
    "no probes": array("diagnostics_", "probe_rows", make=lambda rows: rows[:0]),
    "one class": lambda f: f.put_member(npy(np.array([0])), shape=(1,)),
    "three classes": lambda f: f.put_member(npy(np.arange(3)), shape=(3,)),
    "classes in two axes": lambda f: f.put_member(npy(np.eye(2, dtype=int)), shape=(2, 2)),
}


def generator(forged):
    return forged.params["random_state"]["$RandomState"]


def state(forged):
    return generator(forged)["state"]


@pytest.mark.parametrize("fault", CONTENTS)
def test_content(fault, whole, load):
    refused_with(CONTENTS[fault], whole, load)


# Learned prior scales -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learned(folder):
    """The bytes of a file of a fit with scales of the prior, layer_0 and layer_1, beside those of the groups."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 2)), np.arange(8) % 2
    estimator = HierarchicalBNNClassifier((2,), prior_scale="half_cauchy", chains=2, tune=10, draws=4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y, groups=["a", "b"] * 4).save(folder / "learned")
    return (folder / "learned").read_bytes()


SCALES = ("posterior_", "prior_scale")
NAMES = ("posterior_", "model", "prior_scales")


def scale_twice(forged):
    """One name for two scales, which the array has too, and both of the terms of it."""
    forged.record("posterior_", "model")["prior_scales"]["$tuple"] *= 2
    forged.put(np.tile(forged.array(*SCALES), 2), *SCALES)


LEARNED = {
    "no scales": field(*SCALES, value=None),
    "negative scale": array(*SCALES, index=(1, 3, 1), value=-1.0),
    "negative scale of groups": array("posterior_", "group_scale", index=(1, 3, 1), value=-1.0),
    "NaN scale": array(*SCALES, index=(0, 0, 0), value=np.nan),
    "infinite scale": array(*SCALES, index=(0, 0, 0), value=np.inf),
    "scales of too few layers": array(*SCALES, make=lambda scale: scale[..., :1]),
    "scales of too few draws": array(*SCALES, make=lambda scale: scale[:, :-1]),
    "scales of too few chains": array(*SCALES, make=lambda scale: scale[:1]),
    "scales in two axes": array(*SCALES, make=lambda scale: scale.reshape(len(scale), -1)),
    "scales as integers": array(*SCALES, make=lambda scale: np.ones(scale.shape, int)),
    "no names": field(*NAMES, value={"$tuple": []}),
    "names as list": field(*NAMES, value=["layer_0", "layer_1"]),
    "numbers as names": field(*NAMES, value={"$tuple": [0, 1]}),
    "a name too few": field(*NAMES, value={"$tuple": ["layer_0"]}),
    "names of no terms": field(*NAMES, value={"$tuple": ["layer_0", "layer_2"]}),
    "name twice": field(*NAMES, value={"$tuple": ["layer_0", "layer_0"]}),
    "name and scales twice": scale_twice,
    "unknown prior": field("posterior_", "model", "prior_scale_name", value="uniform"),
    "no prior": field("posterior_", "model", "prior_scale_name", value=None),
    "another number of names in the diagnostics": field("diagnostics_", "prior_parts", value=["layer_0"]),
    "other names in the diagnostics": field("diagnostics_", "prior_parts", value=["layer_0", "layer_2"]),
}


def test_a_rebuilt_file_of_learned_scales_loads(learned, load):
    assert load(Forged(learned).build()).posterior_.prior_parts == ["layer_0", "layer_1"]


@pytest.mark.parametrize("fault", LEARNED)
def test_learned_scales(fault, learned, load):
    refused_with(LEARNED[fault], learned, load)


# Rounded weights ------------------------------------------------------------------------------------------------------

CODES = ("posterior_", "weights")


@pytest.fixture(scope="module")
def coded(fitted, folder):
    """The bytes of a file in which the weights are rounded distances from the group mean."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "EXACT_BYTES", 0)
        fitted.save(folder / "coded")
    return (folder / "coded").read_bytes()


def stream(codes, strategy=zlib.Z_HUFFMAN_ONLY):
    """A raw deflate stream as an array of bytes."""
    coder = zlib.compressobj(wbits=-15, strategy=strategy)
    return np.frombuffer(coder.compress(codes) + coder.flush(), np.uint8)


def n_codes(forged):
    (shape,) = forged.record(*CODES)["shape"].values()
    return math.prod(shape) * len(forged.array(*CODES, "columns"))


def with_stream(make):
    """Other bytes, made from the number of codes that there should be."""
    return lambda forged: forged.put(make(n_codes(forged)), *CODES, "codes")


def larger(axis, times):
    """More chains, draws or groups than there are."""

    def change(forged):
        forged.record(*CODES)["shape"]["$tuple"][axis] *= times

    return change


RANDOM = np.random.default_rng(0).bytes(10**5)
CODED = {
    "a bomb": with_stream(lambda n: stream(bytes(10**8), zlib.Z_DEFAULT_STRATEGY)),
    "one code too few": with_stream(lambda n: stream(RANDOM[: n - 1])),
    "one code too many": with_stream(lambda n: stream(RANDOM[: n + 1])),
    "no end": with_stream(lambda n: stream(RANDOM[:n])[:-1]),
    "bytes behind the end": with_stream(lambda n: np.append(stream(RANDOM[:n]), np.uint8(0))),
    "no stream": with_stream(lambda n: np.frombuffer(RANDOM[:n], np.uint8)),
    "no bytes": with_stream(lambda n: np.empty(0, np.uint8)),
    "signed bytes": with_stream(lambda n: stream(RANDOM[:n]).view(np.int8)),
    "bytes in two axes": with_stream(lambda n: stream(RANDOM[:n])[None]),
    "more draws": larger(1, 10**6),
    "more groups": larger(2, 10**6),
    "no groups": larger(2, 0),
    "fewer than no groups": larger(2, -1),
    "half a group": larger(2, 0.25),
    "four axes": lambda f: f.record(*CODES)["shape"]["$tuple"].append(1),
    "no shape": field(*CODES, "shape", value=None),
    "no columns": array(*CODES, "columns", make=lambda columns: columns[:0]),
    "one column": array(*CODES, "columns", make=lambda columns: columns[:1]),
    "column twice": array(*CODES, "columns", index=1, value=0),
    "column below the weights": array(*CODES, "columns", index=0, value=-1),
    "column beyond the weights": array(*CODES, "columns", index=-1, value=99),
    "columns of floats": array(*CODES, "columns", make=lambda columns: columns.astype(float)),
    "scale that is not finite": array(*CODES, "scale", value=np.inf),
    "scale beyond the largest number": array(*CODES, "scale", value=3e38),
    "centre that is not finite": array(*CODES, "centre", value=np.nan),
    "centre of another shape": array(*CODES, "centre", make=lambda centre: centre[:1]),
    "scale of each draw": array(*CODES, "scale", make=lambda scale: np.stack([scale] * 4)),
    "scale of double precision": array(*CODES, "scale", make=lambda scale: scale.astype(float)),
    "no group mean": field("posterior_", "group_mean", value=None),
    "group mean of fewer draws": array("posterior_", "group_mean", make=lambda mean: mean[:, :1]),
    "group mean of more weights": array("posterior_", "group_mean", make=lambda mean: np.repeat(mean, 100, axis=2)),
    "an array twice": lambda f: f.record(*CODES).update(centre=f.record(*CODES)["scale"]),
    "weights twice": lambda f: f.record("posterior_")["sample_stats"].update(w=f.record("posterior_")["weights"]),
    "deviations as an attribute": lambda f: f.attributes.update(groups_=f.record("posterior_")["weights"]),
}


def test_a_rebuilt_file_of_rounded_weights_loads(coded, load, predictions, fitted):
    found, expected = predictions(load(Forged(coded).build())), predictions(fitted)
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=0.3)


@pytest.mark.parametrize("fault", CODED)
def test_rounded_weights(fault, coded, load):
    refused_with(CODED[fault], coded, load)


# Damage and forgery at random ----------------------------------------------------------------------------------------

FUZZ = settings(max_examples=300, derandomize=True, deadline=None, database=None)


@FUZZ
@given(st.data())
def test_damaged_bytes(whole, load, predictions, fitted, data):
    """Some bytes changed, cut out or put in: a ValueError, or the same predictions."""
    # The directory and the headers are a small part of the bytes, and what most of the rules are about.
    headers = [at for at in range(len(whole)) if whole.startswith((b"PK", b"\x93NUMPY"), at)]
    near_one = st.builds(int.__add__, st.sampled_from(headers), st.integers(0, 60))
    at = data.draw(st.one_of(st.integers(0, len(whole) - 1), near_one))
    cut = data.draw(st.integers(0, 4))
    damaged = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + cut :]
    try:
        loaded = load(damaged)
    except ValueError:
        return
    np.testing.assert_array_equal(predictions(loaded), predictions(fitted))


@FUZZ
@given(st.data())
def test_cut_files(whole, load, data):
    with pytest.raises(ValueError, match="not a whole file"):
        load(whole[: data.draw(st.integers(0, len(whole) - 1))])


SCALARS = [None, True, False, 0, 1, -1, 2, 2**63, 0.5, -0.0, "", "partial", "a"]
KINDS = ["tuple", "frozenset", "dict", "float", "complex", "bytes", "decimal", "fraction", "uuid", "datetime", "scalar"]
KINDS += ["RandomState", "array", "objects", "Network", "Posterior", "Standardizer", "GroupDeviations"]
KINDS += ["HierarchicalBNNClassifier", "Interval", "Period", "Timestamp", "Timedelta", "time", "IPv4Network"]
VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([f"${kind}" for kind in KINDS] + ["a", "weights"]), inner, max_size=2),
    ),
    max_leaves=6,
)


def places(node):
    """Every place in a JSON document, as its container and key."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield node, key
        yield from places(value)


@FUZZ
@given(st.data())
def test_forged_content(whole, load, predictions, data):
    """Any value anywhere in the manifest, checksums and all else being right: a ValueError, or a fit that predicts."""
    forged = Forged(whole)
    container, key = data.draw(st.sampled_from([*places(forged.manifest)]), label="place")
    container[key] = data.draw(VALUES, label="value")
    try:
        found = predictions(load(forged.build()))
    except ValueError:
        return
    assert found.shape[1:] == (3, 2)
    assert np.isfinite(found).all()
