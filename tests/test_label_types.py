"""Labels of another type or form when predicting than in fit: a warning where types or texts say why none is known."""

import decimal
import enum
import uuid
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.data.doubts import doubt_of_unknown
from skhbnn.data.labels import as_labels
from skhbnn.support.caller import WARNINGS_PAGE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Shop(enum.Enum):
    NORTH = 1
    SOUTH = 2


DAYS = pd.date_range("2024-02-28", periods=3)
CODES = [1, 2, 3]
IDS = [uuid.UUID(int=i) for i in range(3)]
# Labels of fit, and labels of a call that mean the same and are not equal.
ALIKE = {
    "int and text": (CODES, list("123")),
    "int and text of a float": (CODES, ["1.0", "2.0"]),
    "int and bytes": (CODES, [b"1", b"2"]),
    "text and bytes": (list("abc"), np.array(list("abc"), dtype="S")),
    "leading zeros": (list("123"), ["001", "002"]),
    "leading zeros and int": (["001", "002"], [1, 2]),
    "case": (["north", "south"], ["North", "SOUTH"]),
    "spaces": (["north", "south"], ["north ", " south"]),
    "composed letters": (["Zu\u0308rich"], ["Z\u00fcrich"]),
    "Enum and value": ([Shop.NORTH, Shop.SOUTH], [1, 2]),
    "Enum and name": (["north", "south"], [Shop.NORTH, Shop.SOUTH]),
    "float32": ([0.1, 0.2], np.array([0.1, 0.2], dtype=np.float32)),
    "float and text": ([0.1, 0.2], ["0.1", "0.2"]),
    "decimal and float": ([decimal.Decimal("0.1")], [0.1]),
    "bool and text": ([True, False], ["True", "False"]),
    "naive and aware": (DAYS, DAYS.tz_localize("UTC")),
    "aware and naive": (DAYS.tz_localize("Asia/Tokyo"), DAYS),
    "date and text": (DAYS.date, DAYS.strftime("%Y-%m-%d")),
    "timestamp and text": (DAYS, DAYS.astype(str)),
    "text and date": (DAYS.strftime("%Y-%m-%dT%H:%M:%S"), DAYS.date),
    "date and YYYYMMDD": (DAYS, DAYS.strftime("%Y%m%d").astype(int)),
    "UUID and text": (IDS, list(map(str, IDS))),
    "period and text": (DAYS.to_period("D"), DAYS.astype(str)),
    "period and time": (DAYS.to_period("M")[:1], pd.DatetimeIndex(["2024-02-01"])),
    "interval and text": (pd.IntervalIndex.from_breaks([0, 1, 2]), ["(0, 1]", "(1, 2]"]),
    "tuples": ([("a", 1), ("b", 2)], [("a", "1"), ("b", "2")]),
    "text and codes": (["north", "south"], [0, 1]),
    "text and dates": (["north", "south"], DAYS),
    "date and seconds": (DAYS, DAYS.astype("M8[s]").astype("int64")),
    "date and nanoseconds": (DAYS, DAYS.astype("M8[ns]").astype("int64")),
    "seconds and milliseconds": (DAYS.astype("M8[s]").astype("int64"), DAYS.astype("M8[ms]").astype("int64")),
    "date and text of people": (DAYS, DAYS.strftime("%d.%m.%Y")),
    "another number as text": (CODES, ["77", "88"]),
    "another text as bytes": (["a", "b"], [b"c"]),
}


def plain(labels):
    return list(dict.fromkeys(as_labels(labels, len(labels))))


@pytest.mark.parametrize("case", ALIKE)
def test_labels_that_look_alike(case):
    known, unknown = map(plain, ALIKE[case])
    assert not set(known) & set(unknown)
    assert "Give labels of the type and form that fit got." in doubt_of_unknown(unknown, known)


DIFFERENT = {
    "text and new text": (["a", "b"], ["c", "d"]),
    "int and text": (CODES, ["new", "unseen 1"]),
    "int and new int": (CODES, [4, 5]),
    "ids that are one float": ([10**18, 10**18 + 1], [10**18 + 2]),
    "new days": (DAYS, DAYS + pd.Timedelta(days=30)),
    "new day and text": (DAYS, ["a day"]),
    "one of many alike": (["a", "b"], ["A", "c", "d"]),
    "case matters": (["a", "A", "b", "B"], ["c", "C"]),
    "missing": (CODES, [None]),
    "nothing": (CODES, []),
    "numbers of many digits": (["1e999999999", "9" * 5000], ["1e-999999999", "8" * 5000]),
    "tuples": ([("a", 1)], [("c", 1)]),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_labels_that_are_new(case):
    known, unknown = map(plain, DIFFERENT[case])
    assert doubt_of_unknown(unknown, known) is None


@pytest.fixture(scope="module", params=["hierarchical", "per group"])
def fitted(request, small, moons):
    estimator = HierarchicalBNNClassifier(**small)
    if request.param == "per group":
        estimator = PerGroupClassifier(LogisticRegression(), fallback=LogisticRegression())
    return estimator.fit(moons.X, moons.y, groups=moons.groups)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_a_call_warns_once(method, fitted, moons):
    with pytest.warns(UserWarning, match="no label that fit saw") as caught:
        getattr(fitted, method)(moons.X, groups=moons.groups.astype(str))
    (warning,) = caught
    assert str(warning.message) == (
        "groups holds no label that fit saw. The labels are of the kind text, and those of the fit number: '0' here, 0 "
        f"there. Give labels of the type and form that fit got. See {WARNINGS_PAGE}"
    )
    assert warning.filename == __file__


def test_a_call_with_a_known_label_is_silent(fitted, moons):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(moons.X[:3], groups=["0", 1, None])
        fitted.predict(moons.X[:3], groups=["new", 99, None])


def test_errors_of_unseen_groups_say_it_too(fitted, moons):
    params = {"unseen_groups": "error"} if hasattr(fitted, "unseen_groups") else {"fallback": None}
    refusing = clone(fitted).set_params(**params).fit(moons.X, moons.y, groups=moons.groups)
    with pytest.raises(
        ValueError, match=r"2 label\(s\) that fit did not see: '0', '1'\. The labels are of the kind text"
    ):
        refusing.predict(moons.X[:2], groups=["0", "1"])


def test_the_group_of_a_prior(hierarchical):
    with pytest.raises(ValueError, match=r"group='1' is none of the groups.*The labels are of the kind text"):
        InformedPriorBNNClassifier.from_posterior(hierarchical, group="1")


def test_an_update_with_other_labels(small, moons):
    fitted = PerGroupClassifier(FlatBNNClassifier(**small)).fit(moons.X, moons.y, groups=moons.groups)
    with pytest.warns(UserWarning, match="groups holds no label that fit saw. The labels are of the kind text"):
        fitted.update(moons.X[:15], moons.y[:15], groups=["0"] * 15)
