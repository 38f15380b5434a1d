"""The demo's reading of a CSV: what is left out, kept or encoded is said, with the name of the column."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skhbnn.datasets import make_rotated_moons

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def load_csv():
    """The function of the demo that reads a CSV."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        from demo_load import load_csv
    finally:
        sys.path.remove(str(EXAMPLES))
    return load_csv


@pytest.fixture(scope="module")
def split_rows():
    """The function of the demo that splits rows, of arrays."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        from demo_csv import split_rows
        from demo_models import Rows
    finally:
        sys.path.remove(str(EXAMPLES))
    return lambda X, y, groups, n_folds: split_rows(Rows(X, y, groups), n_folds)


@pytest.fixture(scope="module")
def table():
    """Two features, a class as text and a group, in 60 rows."""
    X, _, y, _, groups, _ = make_rotated_moons(n_groups=4, n_samples=30, random_state=0)
    return pd.DataFrame(X, columns=["a", "b"]).assign(shop=groups, bought=np.where(y, "yes", "no"))


@pytest.fixture
def load(load_csv, tmp_path):
    """A function that writes a CSV and reads it as the demo does."""

    def load(csv, drop=()):
        path = tmp_path / "table.csv"
        path.write_text(csv)
        return load_csv(path, "bought", "shop", list(drop))

    return load


def with_commas(table):
    return "\n".join(f"{line}," for line in table.to_csv(index=False).splitlines())


def test_a_whole_table(load, table, capsys):
    rows = load(table.to_csv(index=False))
    np.testing.assert_allclose(rows.X, table[["a", "b"]], rtol=1e-12)
    assert rows.groups.tolist() == table["shop"].tolist()
    said = "Target: bought, 2 classes. Groups: shop, 4 of them.\nNumbers: a, b.\n"
    assert capsys.readouterr() == (f"{said}Categories, one-hot, with their values: none.\n", "")


@pytest.mark.parametrize("n_notes", [0, 1, 29])
def test_a_column_that_costs_most_rows_is_named(n_notes, load, table):
    notes = np.where(np.arange(60) < n_notes, "x", None)
    counted = rf"note is empty in {60 - n_notes} \(--drop 'note' keeps them\)"
    with pytest.raises(SystemExit, match=rf"The column note would cost most of the rows\. .*{counted}"):
        load(table.assign(note=notes).to_csv(index=False))


def test_columns_that_together_leave_no_row(load, table):
    first = np.arange(60) < 30
    halves = table.assign(a=table["a"].where(first), b=table["b"].where(~first))
    with pytest.raises(
        SystemExit, match=r"No row has a value in every column\. 60 of 60 rows miss a value: a is empty in"
    ):
        load(halves.to_csv(index=False))


def test_commas_at_the_ends_of_lines(load, table):
    csv = with_commas(table)
    with pytest.raises(SystemExit, match=r"Unnamed: 4 is empty in 60 \(--drop 'Unnamed: 4' keeps them\)"):
        load(csv)
    assert load(csv, drop=["Unnamed: 4"]).X.shape == (60, 2)
    header, _, body = csv.partition("\n")
    np.testing.assert_allclose(load(header.rstrip(",") + "\n" + body).X, table[["a", "b"]], rtol=1e-12)


def test_rows_that_are_left_out_are_said_with_their_columns(load, table, capsys):
    rows = load(
        table.assign(a=table["a"].where(table.index != 3), shop=table["shop"].where(table.index > 1)).to_csv(
            index=False
        )
    )
    assert len(rows.y) == 57
    said = capsys.readouterr().err
    assert said == (
        "Left out: 3 of 60 rows miss a value: shop is empty in 2; a is empty in 1 (--drop 'a' keeps them).\n"
    )


@pytest.mark.parametrize("word", ["NA", "nan", "None", "null", "N/A"])
def test_words_for_missing_values_stay_labels(word, load, table, capsys):
    names = np.array([word, "EU", "AS", "AF"])[table["shop"]]
    rows = load(table.assign(shop=names).to_csv(index=False))
    assert rows.groups.tolist() == names.tolist()
    assert f"Kept: 15 rows in which --group shop is '{word}', as a label" in capsys.readouterr().err
    classes = np.where(table["bought"] == "yes", word, "no")
    rows = load(table.assign(bought=classes).to_csv(index=False))
    assert rows.y.tolist() == classes.tolist()
    assert "in which --target bought is" in capsys.readouterr().err


@pytest.mark.parametrize("start", [0, 1, -7])
@pytest.mark.parametrize("order", ["as it is", "shuffled"])
def test_a_number_of_the_rows_is_left_out(start, order, load, table, capsys):
    numbers = np.arange(60) + start
    if order == "shuffled":
        np.random.default_rng(0).shuffle(numbers)
    assert load(table.assign(row=numbers).to_csv(index=False)).X.shape == (60, 2)
    output, said = capsys.readouterr()
    assert said == "Left out: row numbers the rows, as an index does.\n"
    assert "Numbers: a, b.\n" in output
    load(table.to_csv())
    assert "Left out: Unnamed: 0 numbers the rows" in capsys.readouterr().err


def test_decimal_commas_are_said(load, table, capsys):
    load(table.assign(a=[f"{value:.3f}".replace(".", ",") for value in table["a"]]).to_csv(index=False))
    assert "the feature a has numbers with commas, such as " in capsys.readouterr().err


def test_numbers_of_things_are_told(load, capsys):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"mother": np.repeat(np.arange(300), 2), "age": rng.integers(20, 60, 600)})
    table = table.assign(shop=np.arange(600) % 5, bought=np.resize(["yes", "no", "no"], 600))
    assert load(table.to_csv(index=False)).X.shape == (600, 2)
    said = "Warning: the feature mother may be the numbers of something; --drop 'mother' leaves it out.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("prefix", ["", "pupil "])
def test_names_of_things_inside_the_groups_are_left_out(prefix, load, table, capsys):
    pupil = [f"{prefix}{100 * (row // 15) + row % 15 // 2}" for row in range(60)]  # two rows of each, 15 of a shop
    load(table.assign(pupil=pupil).to_csv(index=False))
    said = capsys.readouterr()
    assert "Left out: pupil names things inside the groups, of which each has several" in said.err
    assert "groups=['shop', 'pupil']" in said.err
    assert "Numbers: a, b.\n" in said.out


@pytest.mark.parametrize(
    "values",
    [
        np.repeat(np.arange(0, 120, 2), 2)[:60] % 44,  # which come in several groups
        np.repeat([31, 17, 8, 50], 15),  # one in each group
    ],
)
def test_amounts_are_no_names_of_things_inside_the_groups(values, load, table, capsys):
    load(table.assign(size=values).to_csv(index=False))
    assert "Numbers: a, b, size.\n" in capsys.readouterr().out


def test_text_that_differs_in_every_row_is_left_out(load, table, capsys):
    assert load(table.assign(name=[f"customer {i}" for i in range(60)]).to_csv(index=False)).X.shape == (60, 2)
    assert "Left out: name is text that differs in nearly every row" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["NA", "None"])
def test_words_for_missing_values_are_values_of_categories_and_missing_among_numbers(word, load, table, capsys):
    colour = np.resize(["red", word, "blue"], 60)  # (row,)
    dose = np.where(np.arange(60) < 4, word, np.arange(60) % 7).astype(object)  # (row,)
    rows = load(table.assign(colour=colour, dose=dose).to_csv(index=False))
    output, said = capsys.readouterr()
    assert rows.X.shape == (56, 6)  # a, b, dose and three colours
    assert said == "Left out: 4 of 60 rows miss a value: dose is empty in 4 (--drop 'dose' keeps them).\n"
    assert output.splitlines()[1:] == ["Numbers: a, b, dose.", "Categories, one-hot, with their values: colour (3)."]


# The split ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_folds", [2, 5])
def test_the_split_keeps_classes_within_groups(n_folds, split_rows):
    rng = np.random.default_rng(0)
    groups, y = rng.integers(0, 6, 400), rng.integers(0, 3, 400)  # (row,) each
    split = split_rows(np.arange(400)[:, None], y, groups, n_folds)
    for group in range(6):
        for label in range(3):
            total = np.sum((groups == group) & (y == label))
            tests = np.sum((split.test.groups == group) & (split.test.y == label))
            assert abs(tests - total / n_folds) < 1
    both = np.concatenate([split.train.X, split.test.X])[:, 0]
    assert sorted(both.tolist()) == list(range(400))


def test_every_group_of_a_test_row_trains(split_rows):
    groups = np.concatenate([np.arange(30), np.repeat([40, 41], 40)])  # (row,): thirty groups of a row
    split = split_rows(np.arange(110)[:, None], np.arange(110) % 2, groups, 2)
    assert set(split.test.groups) <= set(split.train.groups)
    assert len(split.test.y) + len(split.train.y) == 110
    assert len(split.test.y) >= 40


def test_semicolons_are_said(load, table):
    with pytest.raises(SystemExit, match="columns seem to be separated by ';'"):
        load(table.to_csv(index=False, sep=";"))


def test_the_command_ends_without_a_traceback(table, tmp_path):
    """As a person runs it, on rows that cannot be used."""
    path = tmp_path / "table.csv"
    path.write_text(with_commas(table))
    command = [sys.executable, str(EXAMPLES / "demo.py"), str(path), "--target", "bought", "--group", "shop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "--drop 'Unnamed: 4' keeps them" in done.stderr
