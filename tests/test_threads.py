"""How many threads a fit takes: all cores, and never more than there are."""

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from processes import busy_while
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV

from skhbnn import FlatBNNClassifier, PerGroupClassifier
from skhbnn.support.threads import n_threads

CORES = joblib.cpu_count()


@pytest.fixture(autouse=True)
def no_limit(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_all_cores_unless_something_else_is_said(monkeypatch):
    assert n_threads(None) == n_threads(-1) == CORES
    assert [n_threads(n) for n in (1, 3)] == [1, 3]
    with parallel_config(n_jobs=3):
        assert n_threads(None) == 3
    with parallel_config(backend="sequential"):
        assert n_threads(None) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert n_threads(None) == 1
    assert n_threads(3) == 3
    for nonsense in ("", "0", "2,1", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert n_threads(None) == CORES


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_one_within_a_task(backend, run_python):
    """In a process of its own: multiprocessing forks, and a fork of a process with many threads can hang."""
    code = f"""
from joblib import Parallel, delayed
from skhbnn.support.threads import n_threads
print(Parallel(n_jobs=2, backend={backend!r})(delayed(n_threads)(None) for _ in range(4)))
"""
    assert run_python(code) == f"{[1] * 4}\n"


def test_all_where_tasks_run_one_after_another():
    assert Parallel(n_jobs=1)(delayed(n_threads)(None) for _ in range(2)) == [CORES] * 2


class Counts(ClassifierMixin, BaseEstimator):
    """Notes how many threads it may use."""

    def __init__(self, c=0):
        self.c = c

    def fit(self, X, y):
        self.classes_, self.n_ = np.unique(y), n_threads(None)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y):
        return self.n_


@pytest.mark.parametrize(("n_jobs", "expected"), [(None, CORES), (1, CORES), (2, 1)])
def test_searches_and_groups(n_jobs, expected, moons):
    search = GridSearchCV(Counts(), {"c": [0, 1]}, cv=2, n_jobs=n_jobs).fit(moons.X, moons.y)
    assert search.cv_results_["mean_test_score"].tolist() == [expected] * 2
    fitted = PerGroupClassifier(Counts(), n_jobs=n_jobs).fit(moons.X, moons.y, groups=moons.groups)
    assert {member.n_ for member in fitted.estimators_.values()} == {expected}


@pytest.mark.parametrize("parallel", [False, True])
def test_no_more_busy_threads_than_cores(parallel, moons):
    """Of a fit, and of a search that runs as many fits at once as there are cores."""
    flat = FlatBNNClassifier(chains=8, tune=2000, draws=2000, random_state=0)
    search = GridSearchCV(flat, {"prior_scale": [0.5, 1.0]}, cv=2, n_jobs=CORES)
    fitted = search if parallel else flat.set_params(tune=3000, draws=3000)
    counts = busy_while(lambda: fitted.fit(moons.X, moons.y))
    assert len(counts) >= 3
    assert np.median(counts) <= CORES
