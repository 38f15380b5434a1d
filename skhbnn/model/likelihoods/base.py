"""The base of the likelihoods: all that a likelihood must define."""

import math
from collections.abc import Callable

import numpy as np

from ...kernel.log_density import OwnNumbers
from ...kernel.options import inline
from ..scale_priors import half_normal


@inline
def _constrain_nothing(free, own, grad):
    return 0.0


@inline
def _pull_back_nothing(free, own, grad_own, grad):
    pass


NO_OWN = OwnNumbers(_constrain_nothing, _pull_back_nothing)

SIGMA, UNUSED = half_normal.KIND.parameters
LOG_CONSTANT = half_normal.KIND.log_constant


@inline
def _constrain_half_normal(free, own, grad):
    own[0] = math.exp(free[0])
    value, slope = half_normal.log_prior(SIGMA, UNUSED, free[0], own[0])
    grad[0] += slope
    return LOG_CONSTANT + value


@inline
def _pull_back_half_normal(free, own, grad_own, grad):
    grad[0] += own[0] * grad_own[0]


HALF_NORMAL = OwnNumbers(_constrain_half_normal, _pull_back_half_normal)  # of the first own number


class Likelihood:
    """A distribution of a target given the outputs of a network.

    Arrays of outputs are (..., output, row), with any leading axes such as one of draws; own numbers are (..., own
    number) with the leading axes of the outputs.

    Attributes
    ----------
    name : str
    is_of_classes : bool
        Whether the target is a class code.
    own : tuple of str
        Names of the numbers that the likelihood itself learns, in PyMC and ArviZ.
    dtype : {"int64", "float64"}
        Type of a random target; counts that are given may be fractions.
    score_rows : callable
        Compiled function of outputs (output * m,), Rows, Block and scratch space: it leaves the log likelihood of each
        row first in the space, behind it the derivatives of each row in each own number (own number * m,), and the
        derivatives in the outputs in place of the outputs.
    information_rows : callable
        Compiled function of outputs (output * m,), Rows, Block and an array to write (output * output * m,): the
        expected Fisher information of the outputs in each row.
    own_numbers : OwnNumbers
        Compiled functions that make the own numbers.
    """

    name: str
    is_of_classes = False
    own: tuple = ()
    dtype = "float64"
    score_rows: Callable
    information_rows: Callable
    own_numbers = NO_OWN

    def of_classes(self, n_classes):
        """The likelihood of so many classes: itself, unless its own numbers depend on how many there are.

        n_classes is None where the target is a number.
        """
        return self

    def n_outputs(self, n_classes):
        """The number of outputs of a network; n_classes is None where the target is a number."""
        return 1

    def n_responses(self, n_outputs):
        """The number of responses in the mean of a row, of a network with so many outputs."""
        return n_outputs

    def check(self, y):
        """Raise a ValueError that says why the likelihood cannot have the target y (row,), if it cannot."""
        raise NotImplementedError

    def log_likelihood(self, outputs, y, own):
        """The log likelihood of each row of y (row,), in nats, (..., row)."""
        raise NotImplementedError

    def mean(self, outputs, own):
        """The expected target of each row, (..., response, row); outputs may be overwritten."""
        raise NotImplementedError

    def variance(self, outputs, own):
        """The variance of the target of each row, (..., response, row)."""
        raise NotImplementedError

    def draw(self, rng, outputs, own):
        """A random target of each row, (..., row)."""
        raise NotImplementedError

    def unit_of_error(self, y, weights):
        """The number that the error of a mean is told in, given the targets of a fit and their weights (row,) or None.

        It is the standard deviation of the targets, and 1 of classes or of equal targets.
        """
        share = None if weights is None else weights / weights.max()  # (row,); whose sum is a float
        centred = y - np.average(y, weights=share)  # (row,)
        return np.sqrt(np.average(centred**2, weights=share)) or 1.0

    def information(self, outputs, own):
        """The expected Fisher information of each row.

        The information is of the outputs and, behind the outputs, of the own numbers in unconstrained form, (..., row,
        output + own number, output + own number).
        """
        raise NotImplementedError

    def identified(self, outputs, own):
        """Outputs without what changes no distribution, (..., output, row): what convergence is judged on."""
        return outputs

    def own_from_unconstrained(self, v, xp=np):
        """Own numbers made of unconstrained numbers v: by default positive numbers, whose logarithms are v.

        xp: NumPy or ``pytensor.tensor``, of which v is an array.
        """
        return xp.exp(v)

    def own_to_unconstrained(self, own):
        """Unconstrained numbers of own numbers, the inverse of ``own_from_unconstrained``."""
        return np.log(own)

    @property
    def own_dims(self):
        """The axis of each variable of own numbers in PyMC and ArviZ, by the variable's name; None of a number."""
        return dict.fromkeys(self.own)

    def own_by_variable(self, own):
        """Own numbers by the names of their variables: a number (...), or (..., own number) where one holds all."""
        return dict(zip(self.own, np.moveaxis(own, -1, 0), strict=True))

    def draw_own(self, rng, shape):
        """Own numbers drawn from their prior, (*shape, own number): by default HalfNormal(1)."""
        return np.abs(rng.standard_normal((*shape, len(self.own))))

    def own_pymc(self):
        """The PyMC variables of the own numbers, in the model of the context, in the order of ``own_dims``."""
        return []

    def pymc(self, outputs, own):
        """The PyMC distribution of the target: the class, and a dict of the parameters.

        outputs: tensor (row, output); own: tensor (own number,).
        """
        raise NotImplementedError


class NumberLikelihood(Likelihood):
    """A likelihood whose target is a number, with one output.

    Its targets have an order, and therefore a distribution function and quantiles, which class codes have not.

    Attributes
    ----------
    is_count : bool
        Whether a random target is a whole number.
    """

    is_count = False

    def check(self, y):
        n_faults = int(np.sum(~np.isfinite(y)))
        if n_faults:
            raise ValueError(f"{self.name} needs finite numbers, and {n_faults} row(s) of y are none.")

    def cdf(self, y, outputs, own):
        """The probability of a target of y at most, (..., row); y: (row,), or with the leading axes of the outputs."""
        raise NotImplementedError

    def quantile(self, q, outputs, own):
        """The target whose cdf is q, a number between 0 and 1, (..., row); of counts ``recursion`` serves instead."""
        raise NotImplementedError


MOST_LOG = 300.0  # of an expected count in predictions: its square is still a float


def log_rates(outputs, out=None):
    """Logarithms of expected counts, of outputs of any shape."""
    return np.minimum(outputs, MOST_LOG, out=out)


def rates(outputs, out=None):
    """Expected counts, of outputs of any shape."""
    return np.exp(log_rates(outputs, out), out=out)


def random_counts(rng, rates):
    """Counts drawn from Poisson distributions of any rates; of large ones rounded normal numbers."""
    is_large = rates > 2**53
    counts = rng.poisson(np.where(is_large, 0.0, rates))
    if not is_large.any():
        return counts
    return np.where(is_large, np.round(rates + np.sqrt(rates) * rng.standard_normal(rates.shape)), counts)


class CountLikelihood(NumberLikelihood):
    """A likelihood of counts whose expectation is the exponential of the output."""

    dtype = "int64"
    is_count = True

    def check(self, y):
        n_faults = int(np.sum(~(np.isfinite(y) & (y >= 0))))
        if n_faults:
            raise ValueError(f"{self.name} needs counts of at least 0, and {n_faults} row(s) of y are none.")

    def mean(self, outputs, own):
        return rates(outputs, out=outputs)

    def recursion(self, outputs, own):
        """What the probabilities of counts follow from one by one, (..., row) each.

        Returns
        -------
        log_of_0 : ndarray of shape (..., row)
            Logarithm of the probability of 0.
        first, slope : ndarray of shape (..., row)
            The probability of k is that of k - 1 times (first + (k - 1) slope) / k.
        """
        raise NotImplementedError


class ClassLikelihood(Likelihood):
    """A likelihood whose target is a class code, and whose mean holds probabilities of classes."""

    is_of_classes = True
    dtype = "int64"

    def unit_of_error(self, y, weights):
        return 1.0

    def check(self, y):
        n_faults = int(np.sum((y < 0) | (y != np.floor(y))))
        if n_faults:
            raise ValueError(f"{self.name} needs class codes from 0 upwards, and {n_faults} row(s) of y are none.")

    def n_classes(self, n_outputs):
        """The number of classes that so many outputs of a network are for."""
        return n_outputs

    def class_probabilities(self, mean, axis=-1):
        """The probability of every class along axis, of a mean with the responses there."""
        return mean

    def variance(self, outputs, own):
        """The variance of the indicator of each class whose probability is in the mean."""
        mean = self.mean(outputs.copy(), own)  # (..., response, row)
        return mean * (1 - mean)
