"""Forged contents: a file whose checksums are right is refused where what it says of the fit cannot be."""

import math
import zlib

import numpy as np
import pytest
from forging import Forged, array, attribute, field, file_of, npy, of_class, param, refused_with, term_array, without

from skhbnn.persistence import keeping

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Content -------------------------------------------------------------------------------------------------------------

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
def test_content(fault, whole, load_bytes):
    refused_with(CONTENTS[fault], whole, load_bytes)


# Learned prior scales -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learned(fit_tiny):
    """The bytes of a file of a fit with scales of the prior, layer_0 and layer_1, beside those of the groups."""
    return file_of(fit_tiny(["a", "b"], prior_scale="half_cauchy", random_state=0))


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


def test_a_rebuilt_file_of_learned_scales_loads(learned, load_bytes):
    assert load_bytes(Forged(learned).build()).posterior_.prior_parts == ["layer_0", "layer_1"]


@pytest.mark.parametrize("fault", LEARNED)
def test_learned_scales(fault, learned, load_bytes):
    refused_with(LEARNED[fault], learned, load_bytes)


# Rounded weights ------------------------------------------------------------------------------------------------------

CODES = ("posterior_", "weights")


@pytest.fixture(scope="module")
def coded(tiny):
    """The bytes of a file in which the weights are rounded distances from the group mean."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "EXACT_BYTES", 0)
        return file_of(tiny)


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


def test_a_rebuilt_file_of_rounded_weights_loads(coded, load_bytes, tiny_predictions, tiny):
    found, expected = tiny_predictions(load_bytes(Forged(coded).build())), tiny_predictions(tiny)
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=0.3)


@pytest.mark.parametrize("fault", CODED)
def test_rounded_weights(fault, coded, load_bytes):
    refused_with(CODED[fault], coded, load_bytes)
