"""Calibration: the simulation-based one of the models and likelihoods, small, and the measures of the predictive one.

``make calibration`` has a thousand replications.
"""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons

from benchmarks.calibration import CASES, LEVEL, position, ranks, uniformity
from benchmarks.predictive_calibration import (
    calibration_error,
    frequency_coverage,
    measures,
    moons,
    run,
    true_probability,
)

SHORT = {"n_jobs": 1, "tune": 150, "draws": 150}
# A likelihood in groups has all that is in one network, and one case of learned scales what the others have.
LEFT_OUT = ("prior scales: half_normal", "prior scales: inverse_gamma", "ard, partial")
QUICK = [name for name in CASES if not name.endswith(", flat") and name not in LEFT_OUT]
# How well a wrong prior is found out does not hang on the likelihood; this one has the most numbers of its own.
WIDENED = [name for name in QUICK if name == "student_t, hierarchical" or not name.endswith(", hierarchical")]
N_TESTS = 4 + 8 + 12 + 8 + 4 + 9 + 6 + 8 + 11 + 9 + 10 + 8 + 9 + 10  # ranked quantities of these cases


def smallest_p(case, replications, **settings):
    return min(row["p"] for row in uniformity(ranks(CASES[case], replications, **SHORT, **settings)))


@pytest.mark.parametrize("case", QUICK)
def test_posterior_is_calibrated(case):
    """All tests together raise a false alarm with probability LEVEL (Bonferroni)."""
    assert smallest_p(case, 50) > LEVEL / N_TESTS


@pytest.mark.parametrize("case", WIDENED)
def test_another_prior_is_found_out(case):
    """The truth comes from a prior four times as wide as that of the model."""
    replications = 60 if CASES[case].n_groups == 1 else 25
    assert smallest_p(case, replications, widen=4.0) < LEVEL / N_TESTS


def test_page_without_its_data_says_so(tmp_path):
    (tmp_path / "vowel.csv").touch()
    with pytest.raises(FileNotFoundError, match=r"has no contraception\.csv"):
        run(tmp_path)


def test_false_alarms_are_rare():
    """The chi-square test of 50 replications, by the exact distribution of its counts: all together below 1e-3."""
    n, n_bins = 50, 5
    limit = stats.chi2.isf(LEVEL / N_TESTS, n_bins - 1)
    table = np.zeros((n + 1, n**2 + 1))  # (sum of the counts, sum of their squares)
    table[0, 0] = 1
    for _ in range(n_bins):
        grown = np.zeros_like(table)
        for count in range(n + 1):
            grown[count:, count**2 :] += table[: n + 1 - count, : n**2 + 1 - count**2] / math.factorial(count)
        table = grown
    probability = table[n] * math.factorial(n) / n_bins**n  # (sum of squares,)
    chi_square = np.arange(n**2 + 1) * n_bins / n - n  # (sum of squares,)
    assert probability.sum() == pytest.approx(1)
    assert N_TESTS * probability[chi_square > limit].sum() < 1e-3


def test_ranks_of_a_known_posterior_are_uniform():
    """Autocorrelated draws, which must be thinned, of the posterior of a normal mean in closed form."""
    rng, positions = np.random.default_rng(1), []
    for _ in range(300):
        truth = rng.normal()
        datum = truth + rng.normal()  # the posterior is Normal(datum / 2, 1 / 2)
        noise = rng.normal(size=(2, 300))  # (chain, draw)
        for step in range(1, 300):
            noise[:, step] = 0.8 * noise[:, step - 1] + 0.6 * noise[:, step]
        positions.append(position(truth, datum / 2 + np.sqrt(0.5) * noise, rng))
    assert uniformity({"mean": np.array(positions)})[0]["p"] > LEVEL


def test_calibration_error_and_coverage_of_known_probabilities():
    rng = np.random.default_rng(2)
    p = rng.uniform(size=200_000)  # (row,)
    came_true = rng.random(len(p)) < p  # (row,)
    # With many rows the true probability has no calibration error, and p / 2 one of mean p / 2.
    assert calibration_error(p, came_true) < 0.005
    assert calibration_error(p / 2, came_true) == pytest.approx(0.25, abs=0.005)
    parts = np.split(np.arange(40_000), 50)  # (row,) each
    coverage = np.mean([frequency_coverage(p[rows], came_true[rows], p[None, rows]) for rows in parts])
    assert 0.87 < coverage < 0.95  # of 1,000 bins; 0.9 and a little for ties
    halved = np.mean([frequency_coverage(p[rows] / 2, came_true[rows], p[None, rows] / 2) for rows in parts])
    assert halved < 0.4  # where p is small, half of it is not far


def test_measures_of_more_classes_equal_loops_over_rows():
    rng = np.random.default_rng(3)
    proba, y = rng.dirichlet([1, 1, 1], size=40), rng.integers(0, 3, 40)  # (row, class), (row,)
    measured = measures(y, proba, None, None)
    squares = [sum((proba[i, k] - (y[i] == k)) ** 2 for k in range(3)) for i in range(40)]
    assert measured["Brier score"] == pytest.approx(np.mean(squares))
    assert measured["log loss"] == pytest.approx(-np.mean([np.log(proba[i, y[i]]) for i in range(40)]))


def test_posterior_intervals_cover_the_truth_as_often_as_they_should():
    """Binomial counts under a uniform prior of the probability: the posterior is a beta distribution."""
    rng = np.random.default_rng(4)
    truth = rng.uniform(size=5_000)  # (row,)
    hits = rng.binomial(10, truth)  # (row,)
    draws = rng.beta(1 + hits, 11 - hits, size=(800, len(truth)))  # (draw, row)
    y = (rng.random(len(truth)) < truth).astype(int)  # (row,)
    both = np.stack([1 - draws, draws], axis=2)  # (draw, row, class)
    measured = measures(y, both.mean(axis=0), both, truth)
    assert measured["truth covered"] == pytest.approx(0.9, abs=0.02)


def test_true_probability_of_the_moons_comes_true():
    made = [make_moons(100, noise=0.3, random_state=seed) for seed in range(1_000)]
    X, y = (np.concatenate(part) for part in zip(*made, strict=True))  # (row, 2), (row,)
    p = true_probability(X)  # (row,)
    for rows in np.array_split(np.argsort(p), 25):
        error = np.sqrt(np.mean(p[rows] * (1 - p[rows])) / len(rows))
        assert abs(np.mean(y[rows]) - np.mean(p[rows])) < 4.5 * error


def test_true_probability_belongs_to_the_test_rows():
    """A row's class follows its true probability: the log loss is that of the best possible prediction."""
    losses, entropies = [], []
    for seed in range(10):
        (_, _, _, y, _, _), p = moons(seed)
        losses.append(-np.log(np.where(y == 1, p, 1 - p)))  # (row,)
        entropies.append(-p * np.log(p) - (1 - p) * np.log(1 - p))  # (row,)
    difference = np.concatenate(losses) - np.concatenate(entropies)  # (row,)
    assert abs(difference.mean()) < 4.5 * difference.std() / np.sqrt(len(difference))
