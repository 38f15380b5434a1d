"""Groups fitted on a Dask cluster: the same to the last bit, also when a worker is killed in the middle."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from probes import Threads
from sklearn.base import clone
from sklearn.utils import Bunch

from skhbnn import InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def data():
    """Twelve groups of 75 rows: 1,200 bytes, more than joblib would send to Dask with the task as they are."""
    X, X_new, y, _, groups, groups_new = make_rotated_moons(n_groups=12, n_samples=150, random_state=1)
    return Bunch(X=X, y=y, groups=groups, X_new=X_new, groups_new=np.where(groups_new == 11, 99, groups_new))


@pytest.fixture(scope="module")
def estimator(hierarchical):
    prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical, chains=2, tune=300, draws=300)
    return PerGroupClassifier(prior, fallback="prior", random_state=0)


@pytest.fixture(scope="module")
def fit(estimator, data):
    """A function that fits and returns the predictions, one group of them unseen."""

    def fit(**params):
        fitted = clone(estimator).set_params(**params).fit(data.X, data.y, groups=data.groups)
        return fitted.predict_proba(data.X_new, groups=data.groups_new)

    return fit


@pytest.fixture(scope="module")
def expected(fit):
    """Predictions of the fit in this process."""
    return fit(n_jobs=1)


def test_same_as_in_one_process_and_in_several(client, fit, expected):
    np.testing.assert_array_equal(fit(n_jobs=2), expected)
    with parallel_config(backend="dask"):
        np.testing.assert_array_equal(fit(), expected)


def test_killed_worker(client, fit, expected, tmp_path):
    """Once the first groups are done one of the two worker processes is killed."""
    done = []

    def kill():
        while len(list(tmp_path.glob("*.joblib"))) < 2:
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)
        done.append(len(list(tmp_path.glob("*.joblib"))))

    victim = next(iter(client.run(os.getpid).values()))
    watch = threading.Thread(target=kill)
    watch.start()
    with parallel_config(backend="dask"):
        np.testing.assert_array_equal(fit(checkpoint=tmp_path), expected)
    watch.join()
    assert 2 <= done[0] < 12
    assert victim not in client.run(os.getpid).values()


def test_threads_within_a_worker(client, data):
    """Each fit has one thread, and does not hand its own work back to the cluster."""
    with parallel_config(backend="dask"):
        fitted = PerGroupClassifier(Threads()).fit(data.X, data.y, groups=data.groups)
    assert all(e.pools_ == 1 and e.jobs_ == [1, 1, 1] for e in fitted.estimators_.values())
