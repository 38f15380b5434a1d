"""What the README says can be run as it stands."""

import re
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

import skhbnn
from skhbnn.datasets import make_rotated_moons

README = Path(__file__).parents[1] / "README.md"


def run_block(number):
    """Run the README's block of Python of that number; returns what it left."""
    code = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[number]
    left = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec"), left)
    return left


def test_the_ten_lines_run(capsys):
    """The first block of Python: two accuracies, and probabilities of three rows with how sure the model is of them."""
    run_block(0)
    accuracies = [float(line) for line in capsys.readouterr().out.splitlines() if not line.lstrip().startswith("[")]
    assert len(accuracies) == 2
    assert min(accuracies) > 0.7


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # the chains are short here
def test_the_lines_for_a_table_run(monkeypatch, tmp_path, capsys):
    """The second block, with shorter chains, in a folder with such a table, in which values are missing."""
    X, _, y, _, shop, _ = make_rotated_moons(n_groups=4, random_state=0)
    table = pd.DataFrame(X, columns=["price", "age"]).assign(pays=np.resize(["card", "cash", None], len(X)))
    table = table.assign(shop=[f"shop {code}" for code in shop], bought=np.where(y == 1, "yes", "no"))
    table.loc[::9, "age"] = np.nan
    table.loc[[3, 7], "shop"] = None
    table.to_csv(tmp_path / "your.csv", index=False)
    short = partial(skhbnn.HierarchicalBNNClassifier, chains=2, tune=50, draws=50)
    monkeypatch.setattr(skhbnn, "HierarchicalBNNClassifier", short)
    monkeypatch.chdir(tmp_path)
    left = run_block(1)
    said = capsys.readouterr().out
    scores = np.array(re.search(r"\[(.*?)\]", said).group(1).split(), dtype=float)
    assert scores.shape == (5,)
    assert -np.log(2) < scores.mean() < 0  # better than a coin
    assert "Average slope of P(class yes); 90 % intervals" in said
    kept, rows = make_pipeline(joblib.load("steps.joblib"), skhbnn.load("model.skhbnn")), left["table"]
    np.testing.assert_array_equal(kept.predict_proba(rows), left["model"].predict_proba(rows))


def test_links_lead_to_files():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8")) if "://" not in link]
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
