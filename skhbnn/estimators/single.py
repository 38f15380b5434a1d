"""One network that serves every row, for the estimators without groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.labels import ALL_ROWS
from ..data.rows import group_rows
from ..data.standardizer import Standardizer
from ..posterior.draws import Posterior
from ..support.floats import floats_as_usual


class SingleNetworkMixin:
    """Rows of a fit as one group, and the draws of the one network for any rows."""

    posterior_: Posterior
    standardizer_: Standardizer
    _standardizer: Any

    @floats_as_usual
    def _take_rows(self, inputs, targets, weights, **intercepts):
        """Rows of a fit as GroupedData of one group; sets standardizer_.

        intercepts: the labels of random intercepts, as ``group_rows`` takes them.
        """
        codes = np.zeros(len(targets), dtype=int)  # (row,)
        given = self._standardizer(inputs.shape[1])
        of_rows = {"weights": weights, "standardizer": given, **intercepts}
        data, self.standardizer_ = group_rows(inputs, targets, codes, [ALL_ROWS], **of_rows)
        return data

    def _draws_by_rows(self, labels):
        """One pair: all rows, and the draws of the network."""
        return [(slice(None), self.posterior_.group_parameters(0))]
