"""The gallery's notebook runs whole."""

import re
import runpy
import tempfile
from functools import partial
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest

import skhbnn

GALLERY = Path(__file__).parent.parent / "examples" / "gallery"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # the chains are short here
def test_the_way_from_a_csv_to_a_saved_pipeline(monkeypatch, tmp_path, capsys):
    """All cells of the notebook, with shorter chains: a new village is better known once its rows came."""
    short = partial(skhbnn.HierarchicalBNNClassifier, chains=2, tune=50, draws=50)
    monkeypatch.setattr(skhbnn, "HierarchicalBNNClassifier", short)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(plt, "show", lambda: None)
    left = runpy.run_path(str(GALLERY / "plot_00_csv_to_pipeline.py"))
    said = capsys.readouterr().out
    assert "equal predictions: True" in said
    before, after = map(float, re.findall(r"std of the probabilities (\d\.\d+)", said))
    assert after < before
    assert left["best"][-1].tune == 50
    assert {path.name for path in tmp_path.glob("*/*")} == {"visits.csv", "steps.joblib", "network.skhbnn"}
    assert len(plt.get_fignums()) == 2
