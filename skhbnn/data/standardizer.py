"""Shift and scale of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..support.typed import Floats

FARTHEST = 1e100  # in standard units: what a network makes of larger inputs could overflow


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Shift and scale that bring every feature to mean 0 and standard deviation 1 on the training rows.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,)
        A constant feature has scale 1, or 1e-12 of its size if that is more, as has one that varies by less than the
        smallest normal number.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, X: Floats, weights: Floats) -> Self:
        """Standardizer made from the means and standard deviations of some rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows in the caller's units.
        weights : ndarray of shape (n_rows,)
            How often each row counts, more than 0.

        Returns
        -------
        standardizer : Standardizer
            Brings the features of these rows to mean 0 and standard deviation 1.
        """
        # In units of a power of two, which changes no digit, so that sums do not overflow.
        exponent = np.frexp(np.abs(X).max(axis=0))[1]  # (feature,)
        X = np.ldexp(X, -exponent)  # (row, feature)
        share = weights / weights.max()  # (row,); first by the largest, so that the sum does not overflow
        share = (share / share.sum())[:, None]  # (row, 1)
        mean = X[0] + np.sum(share * (X - X[0]), axis=0)  # (feature,); of a constant exactly the constant
        # Divided by the largest entry first, so that squares do not vanish.
        centred = X - mean  # (row, feature)
        largest = np.abs(centred).max(axis=0)  # (feature,)
        constant = largest <= 1e-12 * np.abs(X).max(axis=0)
        safe = np.where(constant, 1.0, largest)  # (feature,)
        scale = np.ldexp(safe * np.sqrt(np.sum(share * (centred / safe) ** 2, axis=0)), exponent)  # (feature,)
        constant |= scale < np.finfo(float).tiny
        rounding = np.ldexp(1e-12 * np.abs(X).max(axis=0), exponent)  # (feature,); more than 1 for huge numbers only
        return cls(mean=np.ldexp(mean, exponent), scale=np.where(constant, np.maximum(1.0, rounding), scale))

    @classmethod
    def identity(cls, n_features: int) -> Self:
        """Standardizer that leaves rows unchanged.

        Parameters
        ----------
        n_features : int
            Number of features of the rows.

        Returns
        -------
        standardizer : Standardizer
            Of mean 0 and scale 1.
        """
        return cls(mean=np.zeros(n_features), scale=np.ones(n_features))

    def transform(self, X: Floats) -> Floats:
        """Rows brought to standard units.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows in the caller's units.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features)
            Rows in standard units, cut at 1e100 of them.
        """
        standard = 0.5 * X  # (row, feature); halves, because the difference of two numbers may overflow
        standard -= 0.5 * self.mean
        with np.errstate(over="ignore"):
            standard /= 0.5 * self.scale
        return np.clip(standard, -FARTHEST, FARTHEST, out=standard)

    def inverse_transform(self, X: Floats) -> Floats:
        """Rows brought back to the caller's units.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows in standard units.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features)
            Rows in the caller's units.
        """
        return X * self.scale + self.mean
