"""Curve of the evidence lower bound of a variational fit."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Self

import numpy as np
from sklearn.utils._param_validation import Interval

from ..estimators.base import BaseBNN
from ..support.typed import Axes, Floats, validate_params
from .checks import last_fit
from .colours import ACCENT, MUTED
from .figures import OneAxesDisplay

WINDOWS = 100  # the default window is one of so many parts of the fit


@dataclass(eq=False, repr=False, kw_only=True)
class ElboDisplay(OneAxesDisplay):
    """Curve of the evidence lower bound over the iterations of a variational fit.

    Make one with :meth:`from_estimator`.

    Parameters
    ----------
    elbo : ndarray of shape (n_iter,)
        Estimate of each iteration, in nats.
    window : int
        Iterations of the running mean.

    Attributes
    ----------
    smoothed : ndarray of shape (n_iter - window + 1,)
        Mean of the ``window`` iterations that end at each.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from skhbnn.plotting import ElboDisplay
    >>> ElboDisplay(elbo=np.array([-9.0, -5.0, -3.0, -1.0]), window=2).plot().smoothed
    array([-7., -4., -2.])
    """

    elbo: Floats
    window: int

    @classmethod
    @validate_params({"window": [None, Interval(Integral, 1, None, closed="left")]})
    def from_estimator(cls, estimator: BaseBNN, *, window: int | None = None, ax: Axes | None = None) -> Self:
        """Take the evidence lower bounds of a fitted estimator, and draw the curve.

        Parameters
        ----------
        estimator : estimator
            One fitted with ``inference="advi"`` or ``"fullrank_advi"``, or a pipeline or search that ends in one.
        window : int, default=None
            Iterations of the running mean. None: a hundredth of all.
        ax : matplotlib Axes, default=None
            None: a new figure.

        Returns
        -------
        display : ElboDisplay
            Drawn already.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is none of the three.
        ValueError
            If it was fitted by another inference, or the window is longer than the fit.
        """
        estimator = last_fit(cls, estimator, BaseBNN, "flat, hierarchical or informed estimator of this package")
        elbo = getattr(estimator.diagnostics_, "elbo", None)
        if elbo is None:
            raise ValueError(
                'Only inference="advi" and "fullrank_advi" have an ELBO; this fit has '
                f"inference={estimator.inference!r}."
            )
        window = max(1, len(elbo) // WINDOWS) if window is None else window
        if window > len(elbo):
            raise ValueError(f"window={window}, but the fit has {len(elbo)} iterations.")
        return cls(elbo=elbo, window=window).plot(ax)

    @property
    def smoothed(self) -> Floats:
        """Running mean of ``window`` iterations, (n_iter - window + 1,)."""
        return np.convolve(self.elbo, np.full(self.window, 1 / self.window), "valid")

    def _figure_size(self):
        return 7, 4

    def _draw(self, axes):
        iterations = np.arange(1, len(self.elbo) + 1)  # (iteration,)
        smoothed = self.smoothed  # (n_iter - window + 1,)
        axes.plot(iterations, self.elbo, color=MUTED, alpha=0.4, linewidth=0.5, label="each iteration")
        label = f"mean of {self.window} iterations"
        axes.plot(iterations[self.window - 1 :], smoothed, color=ACCENT, label=label)
        axes.set(xlabel="iteration", ylabel="ELBO (nats)")
        axes.legend(loc="lower right")
