"""Parameters of the estimators whose weights have independent priors."""

from __future__ import annotations

from numbers import Real

from sklearn.utils._param_validation import Interval, StrOptions

from ..data.standardizer import Standardizer
from ..model import families, scale_priors
from ..model.build import ARD, FAN_IN
from ..support.typed import WeightPrior


class IndependentPriorMixin:
    """Rules of the parameters of independent priors, and the standardisation that gives such a prior its meaning."""

    _parameter_constraints: dict = {
        "standardize": ["boolean"],
        "weight_prior": [StrOptions(set(families.NAMES))],
        "prior_scale": [
            StrOptions({FAN_IN, ARD, *scale_priors.NAMES}),
            Interval(Real, 0, None, closed="neither"),
            "array-like",
        ],
    }

    standardize: bool
    weight_prior: WeightPrior

    def _standardizer(self, n_inputs):
        return None if self.standardize else Standardizer.identity(n_inputs)
