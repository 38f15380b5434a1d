"""Fits, predictions and files of hostile data: nothing but documented errors, and never a wrong answer in silence.

``python tools/fuzz.py`` tries as many cases as there is time for.
"""

import pytest
from hostile import PROPERTIES
from hostile.faults import HOLES
from hostile.fits import Fit
from hostile.labels import KINDS
from hostile.predictions import Prediction
from hostile.rows import Labels, Rows
from hostile.tables import FORMS
from hypothesis import HealthCheck, Phase, example, given, settings

EXAMPLES = {"fit": 250, "numbers": 60, "predict": 200, "columns": 120, "files": 300}
FIXED = {"derandomize": True, "database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}
PLAIN = Labels("int", "list")


@pytest.mark.parametrize("name", PROPERTIES)
def test_cases_at_random(name):
    @settings(**FIXED, max_examples=EXAMPLES[name])
    @given(PROPERTIES[name])
    def check(case):
        case.check()

    check()


def check_all(cases):
    """Check cases one by one; what a library cannot hold is passed over."""

    def check(case):
        case.check()

    check = given(PROPERTIES["fit"])(check)
    for case in cases:
        check = example(case)(check)
    settings(**FIXED, phases=[Phase.explicit])(check)()


def rows(form="array", hole="none", y=PLAIN, groups=PLAIN, n_groups=3):
    shape = {"n_rows": 12, "n_columns": 2, "n_classes": 2, "n_groups": n_groups}
    return Rows(**shape, scale="units", seed=0, form=form, hole=hole, y=y, groups=groups)


@pytest.mark.parametrize("estimator", ["flat", "informed", "hierarchical", "per group, of scikit-learn"])
def test_every_form_of_rows(estimator):
    cases = [rows(form) for form in FORMS] + [rows(hole=hole) for hole in HOLES]
    check_all(Fit(estimator, case, None) for case in cases)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_labels(kind):
    for name in (*KINDS[kind].own, "list", "objects", "Series", "Categorical"):
        labels = Labels(kind, name)
        fits = [Fit("flat", rows(y=labels), None), Fit("hierarchical", rows(groups=labels), None)]
        unseen = rows(groups=labels, n_groups=40)
        check_all([*fits, Prediction("hierarchical", None, "predict_proba", unseen, None)])
