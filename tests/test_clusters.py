"""Groups fitted on a Dask cluster: the same to the last bit, also when a worker is killed, or all are lost."""

import os
import pickle
import signal
import threading
import time

import dask
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from joblib._dask import is_weakrefable
from probes import Deadly, Threads
from sklearn.base import clone
from sklearn.utils import Bunch

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.data.subsets import rows_of_groups
from skhbnn.datasets import make_rotated_moons
from skhbnn.inference import group_batches
from skhbnn.support import parallel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def client_of_module():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def client(client_of_module):
    """With both workers there, also where the test before killed one."""
    client_of_module.wait_for_workers(2)
    return client_of_module


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


# Groups that a hierarchical fit fits by themselves -------------------------------------------------------------------


@pytest.fixture(scope="module")
def many():
    """Thirty groups of 12 rows."""
    X, _, y, _, groups, _ = make_rotated_moons(n_groups=30, n_samples=24, random_state=1)
    return Bunch(X=X, y=y, groups=groups)


@pytest.fixture(scope="module")
def fit_many(many):
    """A function that fits, with the group distribution learned from six groups."""

    def fit(**params):
        settings = {"hidden_layer_sizes": (3,), "chains": 2, "tune": 60, "draws": 120, "max_groups": 6}
        estimator = HierarchicalBNNClassifier(random_state=0, **settings, **params)
        return estimator.fit(many.X, many.y, groups=many.groups)

    return fit


@pytest.fixture(scope="module")
def expected_of_many(fit_many):
    """The fit in this process, of all groups in one batch."""
    return fit_many(n_jobs=1)


@pytest.fixture
def small_batches(monkeypatch):
    """Six batches of four groups."""
    monkeypatch.setattr(group_batches, "MOST_GROUPS", 4)


@pytest.fixture
def not_here(monkeypatch):
    """This process fits no group by itself; the workers are others."""

    def refused(*args):
        raise AssertionError("a group was fitted in this process")

    monkeypatch.setattr(group_batches, "conditional_weights", refused)


@pytest.fixture
def after_first_batch(monkeypatch):
    """A function that has another one called once the first batch is back."""

    def call(function):
        def told(*args, **kwargs):
            for number, found in enumerate(parallel.results(*args, **kwargs)):
                yield found
                if number == 0:
                    function()

        monkeypatch.setattr(group_batches, "results", told)

    return call


def assert_equal_fits(found, expected):
    np.testing.assert_array_equal(found.posterior_.weights, expected.posterior_.weights)
    np.testing.assert_array_equal(found.posterior_.chain_weights, expected.posterior_.chain_weights)
    np.testing.assert_array_equal(found.group_pareto_k_, expected.group_pareto_k_)


def test_batches_of_groups_on_a_cluster(client, fit_many, expected_of_many, small_batches, not_here):
    with parallel_config(backend="dask"):
        assert_equal_fits(fit_many(), expected_of_many)


def test_batches_with_a_killed_worker(client, fit_many, expected_of_many, small_batches, not_here, after_first_batch):
    victim = next(iter(client.run(os.getpid).values()))
    after_first_batch(lambda: os.kill(victim, signal.SIGKILL))
    with parallel_config(backend="dask"):
        assert_equal_fits(fit_many(), expected_of_many)
    assert victim not in client.run(os.getpid).values()


def test_rows_and_draws_of_a_batch_travel_with_it(expected_of_many, many):
    """A batch holds its own rows once, the shared draws once, and little else."""
    data, posterior = expected_of_many.training_data_, expected_of_many.posterior_
    shared = tuple(array.reshape(posterior.n_draws, -1) for array in (posterior.group_mean, posterior.group_scale))
    codes = np.array([3, 4, 20])
    batch = group_batches.Batch(posterior.model, rows_of_groups(data, codes), (*shared, shared[1][:, :0]), 0)
    n_rows = int(np.diff(data.offsets)[codes].sum())
    of_arrays = 8 * 4 * n_rows + sum(array.nbytes for array in shared)  # X, y and weights; draws of all
    assert of_arrays < len(pickle.dumps(batch, protocol=5)) < of_arrays + 4_000
    np.testing.assert_array_equal(
        batch.data.X, np.concatenate([data.X[slice(*data.offsets[c : c + 2])] for c in codes])
    )
    assert not is_weakrefable(batch)  # or joblib would have Dask scatter it


def test_all_workers_are_lost(fit_many, expected_of_many, small_batches, after_first_batch, monkeypatch, tmp_path):
    """The error says so, and what was finished is in the checkpoint."""
    monkeypatch.setattr(parallel, "CHECK_SECONDS", 0.1)
    folder = tmp_path / "run"
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        Client(cluster),
        parallel_config(backend="dask", wait_for_workers_timeout=1),
    ):
        after_first_batch(lambda: cluster.scale(0))
        with pytest.raises(
            RuntimeError, match=r"lost \(TimeoutError.*no worker after 1 s.*\d batches.*not fitted.*set checkpoint"
        ):
            fit_many(checkpoint=folder)
    kept = len(list(folder.glob("*.joblib")))
    assert 2 <= kept < 7  # the group distribution, and some of six batches
    monkeypatch.setattr(HierarchicalBNNClassifier, "_fit_model", None)  # what was learned is not learned again
    assert_equal_fits(fit_many(checkpoint=folder), expected_of_many)


def test_task_that_dask_gives_up(data, monkeypatch, tmp_path):
    """Dask gives up a task that killed its worker, joblib would wait for it without end, and fit says so."""
    monkeypatch.setattr(parallel, "CHECK_SECONDS", 0.1)
    (tmp_path / "notes").mkdir()
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0") as cluster,
        Client(cluster),
        parallel_config(backend="dask"),
        pytest.raises(RuntimeError, match=r"were lost \(KilledWorker.*are not fitted.*more memory"),
    ):
        PerGroupClassifier(Deadly(tmp_path / "notes", times=9)).fit(5_000 * data.X, data.y, groups=data.groups)
