"""Fits whose arrays stay in their file: against fits read from it, and what is done with damaged files."""

import io
import zipfile

import numpy as np
import pytest
from forging import Forged

import skhbnn
from conftest import quiet_fit
from skhbnn import FlatBNNRegressor, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.persistence import archive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def path(hierarchical, tmp_path):
    hierarchical.save(tmp_path / "fit.skhbnn", keep_draws="all")
    return tmp_path / "fit.skhbnn"


@pytest.fixture
def all_mapped(monkeypatch):
    """Small arrays stay in the file, too."""
    monkeypatch.setattr(archive, "LEAST_MAPPED", 0)


@pytest.fixture
def mapped(path, all_mapped):
    return skhbnn.load(path, mmap_mode="c")


def is_mapped(array):
    return isinstance(array.base, np.memmap) and array.base.mode == "c"


def test_arrays_are_those_of_the_fit(mapped, hierarchical):
    posterior, data = mapped.posterior_, mapped.training_data_
    for array, expected in (
        (posterior.weights, hierarchical.posterior_.weights),
        (posterior.group_mean, hierarchical.posterior_.group_mean),
        (data.X, hierarchical.training_data_.X),
        (data.places, hierarchical.training_data_.places),
    ):
        assert is_mapped(array)
        assert array.ctypes.data % archive.ALIGNED == 0
        np.testing.assert_array_equal(array, expected)


def test_predictions_are_those_in_memory(mapped, path, moons):
    in_memory = skhbnn.load(path)
    assert not is_mapped(in_memory.posterior_.weights)
    groups = np.where(moons.groups_new == 1, 99, moons.groups_new)  # one is unseen
    for method in ("predict_proba", "predict_std", "sample_proba"):
        found, expected = (getattr(fitted, method)(moons.X_new, groups=groups) for fitted in (mapped, in_memory))
        np.testing.assert_array_equal(found, expected)


def test_predictions_read_the_groups_asked_for(mapped, path, hierarchical, moons):
    """What is written over the draws of one group in the file changes the predictions of this group alone."""
    before = hierarchical.predict_proba(moons.X_new, groups=moons.groups_new)
    whole = path.read_bytes()
    start = whole.index(hierarchical.posterior_.weights.tobytes())
    n_chains, n_draws, n_groups, n_weights = hierarchical.posterior_.weights.shape
    with open(path, "r+b") as file:
        for row in range(n_chains * n_draws):
            file.seek(start + 4 * n_weights * (row * n_groups + 2))
            file.write(bytes(4 * n_weights))
    after = mapped.predict_proba(moons.X_new, groups=moons.groups_new)
    is_of_it = moons.groups_new == 2
    np.testing.assert_array_equal(after[~is_of_it], before[~is_of_it])
    np.testing.assert_array_equal(after[is_of_it], 0.5)  # of networks whose weights are 0


def test_what_is_written_to_an_array_stays_in_memory(mapped, path):
    whole = path.read_bytes()
    mapped.posterior_.weights[:] = 0
    assert path.read_bytes() == whole


def test_a_mapped_fit_can_do_all_that_a_fit_can(mapped, hierarchical, moons, path):
    new, label = (moons.X[:10], moons.y[:10]), [77] * 10
    for fitted in (mapped, skhbnn.load(path)):
        assert fitted.to_arviz()["posterior"]["weights"].shape == hierarchical.posterior_.weights.shape
        prior = InformedPriorBNNClassifier.from_hierarchical(fitted, random_state=0)
        assert np.all(np.isfinite(prior.fit(*new).predict_proba(moons.X)))
    mapped.save(path, keep_draws="all")  # over the file that it is in
    updated = [fitted.update(*new, groups=label) for fitted in (mapped, skhbnn.load(path))]
    np.testing.assert_array_equal(*(fitted.posterior_.weights for fitted in updated))
    dropped = [fitted.drop_groups([0]) for fitted in updated]
    np.testing.assert_array_equal(*(fitted.predict_proba(new[0], groups=label) for fitted in dropped))


def test_one_network_and_numbers(all_mapped, small, moons, tmp_path):
    fitted = quiet_fit(FlatBNNRegressor(**small), moons.X, moons.X[:, 0])
    fitted.save(tmp_path / "flat.skhbnn")
    loaded = skhbnn.load(tmp_path / "flat.skhbnn", mmap_mode="c")
    assert is_mapped(loaded.posterior_.weights)
    np.testing.assert_array_equal(loaded.predict(moons.X_new), fitted.predict(moons.X_new))
    np.testing.assert_array_equal(loaded.predict_interval(moons.X_new), fitted.predict_interval(moons.X_new))


def test_small_arrays_are_read(path):
    loaded = skhbnn.load(path, mmap_mode="c")
    assert loaded.posterior_.weights.nbytes < archive.LEAST_MAPPED
    assert not is_mapped(loaded.posterior_.weights)


def test_file_of_another_writer(path, hierarchical, moons, all_mapped, tmp_path):
    """A zip whose members start anywhere: what is not aligned is read."""
    other = tmp_path / "other.skhbnn"
    for shift in range(4):
        forged = Forged(path.read_bytes())
        forged.manifest["content"]["versions"]["python"] = "3" * shift
        with zipfile.ZipFile(other, "w") as file:
            file.comment = b"-" * shift
            for name, data in forged.all_members():
                info = zipfile.ZipInfo(name)
                info.extra = np.array([1234, shift], "<u2").tobytes() + bytes(shift)
                file.writestr(info, data)
        loaded = skhbnn.load(other, mmap_mode="c")
        np.testing.assert_array_equal(loaded.posterior_.weights, hierarchical.posterior_.weights)
        np.testing.assert_array_equal(
            loaded.predict(moons.X_new, moons.groups_new), hierarchical.predict(moons.X_new, moons.groups_new)
        )


def test_damaged_files(path, hierarchical, all_mapped):
    whole = path.read_bytes()
    at = whole.index(hierarchical.posterior_.weights.tobytes()) + 1_000
    for damaged, said in (
        (
            whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            "the checksum of .*npy is not that of the manifest|CRC",
        ),
        (whole[:at], "not a zip file"),
        (whole[: at - 500] + whole[at:], "zip|header|outside"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"is not a whole file of a saved estimator: .*({said})"):
            skhbnn.load(path, mmap_mode="c")


def test_numbers_that_are_not_finite(path, hierarchical, all_mapped, monkeypatch):
    """They are looked for part by part."""
    monkeypatch.setattr("skhbnn.persistence.consistency.PART", 7)
    forged = Forged(path.read_bytes())
    weights = forged.array("posterior_", "weights")
    weights[-1, -1, -1, -1] = np.nan
    forged.put(weights, "posterior_", "weights")
    path.write_bytes(forged.build())
    with pytest.raises(ValueError, match=r"posterior_.weights contains NaN or infinity"):
        skhbnn.load(path, mmap_mode="c")


def test_no_such_mode(path):
    for wrong in ("r+", "r", True):
        with pytest.raises(ValueError, match='mmap_mode must be None or "c", got '):
            skhbnn.load(path, mmap_mode=wrong)
    with pytest.raises(ValueError, match='mmap_mode="c" needs the path of a file, got a BytesIO'):
        skhbnn.load(io.BytesIO(path.read_bytes()), mmap_mode="c")


def test_thousands_of_groups(many_groups_fit, tmp_path):
    """By default, weights of a large fit are rounded, and made in memory."""
    fitted, X, groups = many_groups_fit
    fitted.save(tmp_path / "all.skhbnn", keep_draws="all")
    fitted.save(tmp_path / "auto.skhbnn")
    whole, rounded = (skhbnn.load(tmp_path / f"{name}.skhbnn", mmap_mode="c") for name in ("all", "auto"))
    assert is_mapped(whole.posterior_.weights)
    assert not is_mapped(rounded.posterior_.weights)
    np.testing.assert_array_equal(
        whole.predict_proba(X[:60], groups=groups[:60]), fitted.predict_proba(X[:60], groups=groups[:60])
    )


@pytest.fixture
def many_groups_fit(monkeypatch, tmp_path):
    """A fit whose draws take more than 8 MB: of 400 groups, of which ten were learned from."""
    rng = np.random.default_rng(0)
    X, groups = rng.standard_normal((800, 2)), np.repeat(np.arange(400), 2)
    y = (X[:, 0] + rng.standard_normal(800) > 0).astype(int)
    estimator = HierarchicalBNNClassifier((3,), chains=2, tune=40, draws=120, max_groups=10, random_state=0)
    fitted = quiet_fit(estimator, X, y, groups=groups)
    monkeypatch.setattr("skhbnn.persistence.keeping.EXACT_BYTES", 1_000_000)
    return fitted, X, groups
