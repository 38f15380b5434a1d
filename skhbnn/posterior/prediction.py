"""Posterior means of functions of the predicted distribution, in bounded memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import entr, logsumexp

from ..density.forward import Forward
from ..support.floats import floats_as_usual

BLOCK_BYTES = 4 * 2**20  # of a number for each draw, row and unit of the widest layer: they stay in the cache


@dataclass(frozen=True)
class Predictor:
    """A function from parameters to distributions of targets: a network or tangents of a network, and a likelihood.

    Parameters
    ----------
    forward : Forward
    likelihood : Likelihood
    """

    forward: Forward
    likelihood: Any

    @property
    def network(self):
        """The network of every group."""
        return self.forward.network

    @property
    def n_classes(self):
        """Number of classes of a likelihood of classes."""
        return self.likelihood.n_classes(self.network.n_outputs)

    @property
    def n_responses(self):
        """Number of responses in the mean of a row."""
        return self.likelihood.n_responses(self.network.n_outputs)

    def outputs_and_own(self, parameters, X):
        """Outputs (draw, output, row) under parameters (draw, parameter), and own numbers of the likelihood.

        The own numbers (draw, own number) stand behind what the network takes, and behind them random intercepts, as
        many as there are outputs for each label. Behind the inputs of a row stand the numbers of its labels among them.
        """
        n, n_inputs = self.forward.n_parameters, self.network.sizes[0]
        end = n + len(self.likelihood.own)
        outputs = self.forward(parameters[:, :n], X[:, :n_inputs])  # (draw, output, row)
        intercepts = parameters[:, end:].reshape(len(parameters), -1, outputs.shape[1])  # (draw, label, output)
        for numbers in X[:, n_inputs:].astype(int).T:
            outputs += intercepts[:, numbers].swapaxes(1, 2)
        return outputs, parameters[:, n:end]

    def mean(self, parameters, X):
        """Expected targets of rows X under parameters (draw, parameter), (draw, response, row)."""
        return self.likelihood.mean(*self.outputs_and_own(parameters, X))

    def log_likelihood(self, parameters, X, y):
        """Log likelihoods of targets y (row,) of rows X under parameters (draw, parameter), (draw, row)."""
        outputs, own = self.outputs_and_own(parameters, X)
        return self.likelihood.log_likelihood(outputs, y, own)


def blocks(predictor, parameters, X):
    """Slices of draws and of rows that a prediction works on at once."""
    widest = max(predictor.network.sizes)
    n_rows = max(1, min(len(X), BLOCK_BYTES // (8 * widest)))
    n_draws = max(1, BLOCK_BYTES // (8 * widest * n_rows))
    for start in range(0, len(X), n_rows):
        for first in range(0, len(parameters), n_draws):
            yield slice(first, first + n_draws), slice(start, start + n_rows)


def expected_targets(predictor, parameters, X):
    """Yield slices of draws and of rows, and the expected targets of both, (draw, response, row)."""
    for draws, rows in blocks(predictor, parameters, X):
        yield draws, rows, predictor.mean(parameters[draws].astype(float), X[rows])


def mean_response(predictor, parameters, X):
    """Posterior mean of the expected target, (response, row)."""
    total = np.zeros((predictor.n_responses, len(X)))  # (response, row)
    for _, rows, mean in expected_targets(predictor, parameters, X):
        total[:, rows] += mean.sum(axis=0)
    return total / len(parameters)


def std_response(predictor, parameters, X):
    """Posterior standard deviation of the expected target, (response, row)."""
    # Around the first draw, so that little is lost to cancellation and equal draws give exactly 0.
    first = mean_response(predictor, parameters[:1], X)  # (response, row)
    total, squares = np.zeros_like(first), np.zeros_like(first)  # (response, row)
    for _, rows, mean in expected_targets(predictor, parameters, X):
        mean -= first[:, rows]
        total[:, rows] += mean.sum(axis=0)
        squares[:, rows] += np.einsum("dkr,dkr->kr", mean, mean)
    variance = squares / len(parameters) - (total / len(parameters)) ** 2  # (response, row)
    return np.sqrt(np.maximum(variance, 0))


def mean_proba(predictor, parameters, X):
    """Posterior mean of the class probabilities, (row, class)."""
    return predictor.likelihood.class_probabilities(mean_response(predictor, parameters, X).T)


def std_proba(predictor, parameters, X):
    """Posterior standard deviation of the class probabilities, (row, class)."""
    std = std_response(predictor, parameters, X).T  # (row, response)
    repeats = predictor.n_classes // std.shape[1]
    return np.repeat(std, repeats, axis=1)  # of two classes one is as uncertain as the other


@floats_as_usual
def logarithm(proba):
    """Natural logarithm of probabilities, -inf of 0."""
    with np.errstate(divide="ignore"):
        return np.log(proba)


def entropy(proba):
    """Entropy of class distributions (row, class), in nats, (row,)."""
    return entr(proba).sum(axis=1)


def mean_entropy(predictor, parameters, X):
    """Posterior mean of the entropy of the class distribution, in nats, (row,)."""
    total, likelihood = np.zeros(len(X)), predictor.likelihood  # (row,)
    for _, rows, mean in expected_targets(predictor, parameters, X):
        total[rows] += entr(likelihood.class_probabilities(mean, axis=1)).sum(axis=(0, 1))
    return total / len(parameters)


def entropies(predictor, parameters, X):
    """Total, aleatoric and epistemic entropy of the predicted class, in nats, (row, 3)."""
    total = entropy(mean_proba(predictor, parameters, X))  # (row,)
    aleatoric = np.minimum(mean_entropy(predictor, parameters, X), total)  # (row,)
    return np.stack([total, aleatoric, total - aleatoric], axis=1)


def log_likelihood(predictor, parameters, X, y):
    """Log likelihood of the targets y (row,) under each parameter vector, in nats, (draw, row)."""
    result = np.empty((len(parameters), len(X)))  # (draw, row)
    for draws, rows in blocks(predictor, parameters, X):
        result[draws, rows] = predictor.log_likelihood(parameters[draws].astype(float), X[rows], y[rows])
    return result


def log_predictive_density(predictor, parameters, X, y):
    """Logarithm of the posterior mean density of the targets y (row,), in nats, (row,)."""
    total = np.full(len(X), -np.inf)  # (row,)
    for draws, rows in blocks(predictor, parameters, X):
        logliks = predictor.log_likelihood(parameters[draws].astype(float), X[rows], y[rows])  # (draw, row)
        total[rows] = np.logaddexp(total[rows], logsumexp(logliks, axis=0))
    return total - np.log(len(parameters))


def sample_proba(predictor, parameters, X):
    """Class probabilities under each parameter vector, (draw, row, class)."""
    samples = np.empty((len(parameters), len(X), predictor.n_classes))  # (draw, row, class)
    for draws, rows, mean in expected_targets(predictor, parameters, X):
        proba = predictor.likelihood.class_probabilities(mean, axis=1)  # (draw, class, row)
        samples[draws, rows] = np.swapaxes(proba, 1, 2)
    return samples
