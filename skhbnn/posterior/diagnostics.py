"""Convergence judged on what a network predicts, and phrases that say what to change.

What is doubted is less than what is noted: R-hat and effective sample size of nearly every fit of a network are beyond
the limits that are usual, and predictions of such fits are as good as those of fits of twice the length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..inference.elbo import has_fallen
from ..inference.trace import PARETO_K_LIMIT
from ..support.libraries import import_arviz
from ..support.typed import Counts, Floats, Integers
from ..support.wording import shown

MAX_PROBES = 24
R_HAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
BFMI_LIMIT = 0.3
APART = 1.1  # R-hat beyond which more draws of the same chains do not help
MCSE_LIMIT = 0.07  # of a probability, or of a mean in standard deviations of y, unless ``tol`` says another one
DIVERGENT_SHARE = 0.25  # of the draws


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """Agreement of the chains on quantities that do not depend on the order or sign of hidden units.

    Parameters
    ----------
    r_hat, ess : ndarray of shape (n_probes,)
        Rank-normalised split R-hat and bulk effective sample size [1]_ of the outputs at fixed training rows (of the
        worst output of a row), which of classes are logits. R-hat is NaN for one chain.
    probe_rows : ndarray of shape (n_probes,)
        Positions of these rows in the X given to ``fit``.
    probe_groups : list
        Group labels of these rows; None for a model of one network.
    r_hat_group_scale, ess_group_scale : ndarray of shape (n_learned_parts,) or None
        R-hat and effective sample size of the learned group scales.
    learned_parts : list of str
        The part of the network, or of the input map, of each learned group scale, such as ``"coef_0"``, or
        ``"random_intercept_item"`` of the random intercepts of a column ``item``.
    divergences : ndarray of shape (n_chains,) or None
        Divergent transitions after tuning. This and the next three are None for a sampler that has no such thing.
    bfmi : ndarray of shape (n_chains,) or None
        Bayesian fraction of missing information [2]_.
    saturated : ndarray of shape (n_chains,) or None
        Draws whose trajectory reached the greatest tree depth.
    n_steps : ndarray of shape (n_chains,) or None
        Gradient evaluations after tuning.
    n_chains, n_draws : int
        Chains, and draws of each.
    mcse : ndarray of shape (n_probes,)
        Monte Carlo standard error of the expected response at the probe rows, which of classes is their probabilities
        (the worst class of a row), and of numbers their mean, in standard deviations of y over the training rows. That
        chains disagree is part of it. NaN where all draws are equal: no chain moved.
    tol : float or None
        The error that was asked for.
    of_classes : bool
        Whether the responses are classes.
    r_hat_prior_scale, ess_prior_scale : ndarray of shape (n_prior_parts,) or None
        R-hat and effective sample size of the learned scales of the prior.
    prior_parts : list of str or None
        What each of these belongs to, an input of the first layer or a layer, such as ``"layer_0"``.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding, and
       localization: an improved R-hat for assessing convergence of MCMC", Bayesian Analysis 16(2).
    .. [2] Betancourt (2016), "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo".
    """

    r_hat: Floats
    ess: Floats
    probe_rows: Integers
    probe_groups: list[Any] | None
    r_hat_group_scale: Floats | None
    ess_group_scale: Floats | None
    learned_parts: list[str]
    divergences: Counts | None
    bfmi: Floats | None
    saturated: Counts | None
    n_steps: Counts | None
    n_chains: int
    n_draws: int
    mcse: Floats
    tol: float | None = None
    of_classes: bool = True
    r_hat_prior_scale: Floats | None = None
    ess_prior_scale: Floats | None = None
    prior_parts: list[str] | None = None

    def __repr__(self) -> str:
        parts = [f"max mcse={np.max(self.mcse):.2g}"]
        parts += [f"max r_hat={np.max(self.r_hat):.3f}", f"min ess={np.min(self.ess):.0f}"]
        if self.divergences is not None:
            parts.append(f"divergences={self.divergences.sum()}")
        if self.bfmi is not None:
            parts.append(f"min bfmi={self.bfmi.min():.2f}")
        if self.saturated is not None:
            parts.append(f"saturated={self.saturated.sum()}")
        return f"Diagnostics({', '.join(parts)})"

    def __str__(self) -> str:
        return _with_doubts(self)

    @property
    def is_precise(self) -> bool:
        """Whether no Monte Carlo standard error is above ``tol``, or above 0.07 where there is none."""
        return bool(np.all(self.mcse <= self._limit))  # False where one is NaN

    @property
    def _limit(self):
        return MCSE_LIMIT if self.tol is None else self.tol

    def doubts(self) -> list[str]:
        """Phrases that say why predictions are not to be trusted, which ``fit`` warns of.

        Returns
        -------
        doubts : list of str
            A phrase each, with what to change; empty where there is no doubt.
        """
        return [*self._imprecise(), *self._diverged(DIVERGENT_SHARE)]

    def problems(self) -> list[str]:
        """Phrases on all that a study of the posterior itself should know, the doubts among them.

        Returns
        -------
        problems : list of str
            A phrase each, with what to change; empty where nothing is wrong.
        """
        found = [*self._imprecise(), *self._unmixed()]
        if self.n_chains == 1:
            found.append("one chain cannot show whether it found all there is: set chains to 4")
        found += self._diverged(0)
        if self.bfmi is not None and np.min(self.bfmi) < BFMI_LIMIT:
            chain = int(self.bfmi.argmin())
            found.append(f"BFMI of chain {chain} is {self.bfmi[chain]:.2f} (below {BFMI_LIMIT}): raise tune")
        if self.saturated is not None and self.saturated.any():
            text = self._counted(self.saturated, "trajectories reached the depth limit")
            found.append(f"{text}: raise tune, or make the prior narrower")
        return found

    def _imprecise(self):
        """A phrase on the worst Monte Carlo error, if it is too large."""
        if np.isnan(self.mcse).all():
            yield 'all draws are equal, no chain moved from its start: raise tune, or set inference="nuts"'
        elif not self.is_precise:
            worst = int(np.where(np.isfinite(self.mcse), self.mcse, np.inf).argmax())
            error = f"{self.mcse[worst]:.2g} (above {'' if self.tol is None else 'tol='}{self._limit:.2g})"
            response = "probability" if self.of_classes else "mean, in standard deviations of y,"
            yield f"Monte Carlo error {error} {self._where(response, worst)}: {self._remedy(worst)}"

    def _remedy(self, probe):
        """What to change for the error at a probe, which shrinks with the root of chains and of draws."""
        times = (self.mcse[probe] / self._limit) ** 2
        if not np.isfinite(times):
            return "raise chains, tune and draws"
        if self.r_hat[probe] > APART:
            chains = math.ceil(times * self.n_chains)
            return f"chains disagree, so raise chains to {chains}, or make the network smaller"
        return f"raise draws to {math.ceil(times * self.n_draws)}, and tune likewise"

    def _diverged(self, share):
        """A phrase on divergent transitions, if they are more than a share of the draws."""
        if self.divergences is not None and self.divergences.sum() > share * self.n_chains * self.n_draws:
            text = self._counted(self.divergences, "transitions diverged")
            yield f"{text}: raise target_accept or tune"

    def _unmixed(self):
        """Phrases on R-hat and ESS."""
        output = "logit" if self.of_classes else "output"
        found = [*self._mixing(self.n_chains, self.r_hat, self.ess, partial(self._where, output))]
        if self.r_hat_group_scale is not None:
            found += self._mixing(
                self.n_chains,
                self.r_hat_group_scale,
                self.ess_group_scale,
                lambda k: f"of the group scale of {self.learned_parts[k]}",
            )
        if self.r_hat_prior_scale is not None:
            found += self._mixing(
                self.n_chains,
                self.r_hat_prior_scale,
                self.ess_prior_scale,
                lambda k: f"of the prior scale of {(self.prior_parts or [])[k]}",
            )
        if found:
            found[-1] += ": raise tune and draws"
        return found

    @staticmethod
    def _mixing(n_chains, r_hat, ess, name):
        """Phrases on the worst R-hat and ESS of some quantities; a value that cannot be computed counts as bad."""
        worst = int(np.where(np.isfinite(r_hat), r_hat, np.inf).argmax())
        if n_chains > 1 and not r_hat[worst] <= R_HAT_LIMIT:
            yield f"R-hat {r_hat[worst]:.3f} (above {R_HAT_LIMIT}) {name(worst)}"
        worst = int(np.where(np.isfinite(ess), ess, 0).argmin())
        if not ess[worst] >= ESS_PER_CHAIN * n_chains:
            yield f"ESS {ess[worst]:.0f} (below {ESS_PER_CHAIN} per chain) {name(worst)}"

    def _counted(self, counts, what):
        """Text that says how many of all draws did something, and which chain did most."""
        text = f"{counts.sum()} of {self.n_chains * self.n_draws} {what}"
        return text if self.n_chains == 1 else f"{text} ({counts.max()} in chain {counts.argmax()})"

    def _where(self, quantity, probe):
        row = f"of the {quantity} at row {self.probe_rows[probe]}"
        return row if self.probe_groups is None else f"{row} (group {shown(self.probe_groups[probe])})"


@dataclass(frozen=True, eq=False)
class OptimizationDiagnostics:
    """Outcome of an optimisation: of a variational method, or of the climb to modes.

    Parameters
    ----------
    n_iter : int
        Iterations made.
    converged : bool
        Whether it stopped because nothing was gained any more, and not at ``max_iter``.
    elbo : ndarray of shape (n_iter,) or None
        Evidence lower bound of every iteration of a variational method, a noisy estimate.
    pareto_k : float or None
        Pareto k of the importance weights of Laplace's approximation [1]_. Up to 0.7 the weights can be relied on.

    References
    ----------
    .. [1] Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", Journal of Machine
       Learning Research 25.
    """

    n_iter: int
    converged: bool
    elbo: Floats | None
    pareto_k: float | None = None

    def __repr__(self) -> str:
        elbo = "" if self.elbo is None else f", final elbo={np.mean(self.elbo[-100:]):.1f}"
        pareto_k = "" if self.pareto_k is None else f", pareto_k={self.pareto_k:.2f}"
        return f"OptimizationDiagnostics(n_iter={self.n_iter}, converged={self.converged}{elbo}{pareto_k})"

    def __str__(self) -> str:
        return _with_doubts(self)

    def doubts(self) -> list[str]:
        """Phrases that say why predictions are not to be trusted, which ``fit`` warns of: all problems.

        Returns
        -------
        doubts : list of str
            A phrase each, with what to change; empty where there is no doubt.
        """
        return self.problems()

    def problems(self) -> list[str]:
        """Phrases that say what is wrong and what to change.

        Returns
        -------
        problems : list of str
            A phrase each; empty where nothing is wrong.
        """
        found = []
        if not self.converged and self.elbo is not None and has_fallen(self.elbo):
            found.append('the ELBO fell below what it had reached: the optimisation failed; set inference="nuts"')
        elif not self.converged:
            found.append(f"still rising after {self.n_iter} iterations: raise max_iter")
        if self.pareto_k is not None and not self.pareto_k <= PARETO_K_LIMIT:
            found.append(
                f"Pareto k {self.pareto_k:.2f} (above {PARETO_K_LIMIT}): the posterior is not near normal, and the "
                'network is linearised around its modes; inference="nuts" is exact'
            )
        return found


def _with_doubts(diagnostics):
    """Text of diagnostics: a line of figures, and below it what ``fit`` warned of, in words."""
    doubts = diagnostics.doubts()
    said = f"Predictions are not to be trusted: {'; '.join(doubts)}." if doubts else "Nothing that fit warns of."
    return f"{diagnostics!r}\n{said}"


def diagnose(posterior, data, trace, grouped, tol=None):
    """Diagnostics of a fit: of a sampler's draws at some training rows, or of an optimisation.

    Parameters
    ----------
    posterior : Posterior
    data : GroupedData
    trace : Trace
    grouped : bool
        Whether to name groups.
    tol : float, default=None
        Greatest Monte Carlo standard error that is asked for.

    Returns
    -------
    diagnostics : Diagnostics or OptimizationDiagnostics
    """
    if trace.n_iter is not None:
        return OptimizationDiagnostics(trace.n_iter, trace.converged, trace.elbo, trace.pareto_k)
    arviz = import_arviz()
    predictor, stats = posterior.predictor, posterior.sample_stats
    likelihood, (n_chains, n_draws) = predictor.likelihood, posterior.weights.shape[:2]
    probes = np.unique(np.linspace(0, len(data.y) - 1, MAX_PROBES).round().astype(int))  # (probe,)
    codes = data.group_of_row[probes]  # (probe,)
    parts = [
        predictor.outputs_and_own(parameters, X)
        for g in np.unique(codes)
        for _, parameters, X in posterior.with_intercepts(
            posterior.group_parameters(g), data.X[probes[codes == g]], data.labels_of_row[probes[codes == g]]
        )
    ]
    outputs = np.concatenate([part for part, _ in parts], axis=2)  # (chain * draw, output, probe)
    own = parts[0][1]  # (chain * draw, own number)

    def by_chain(values):
        return values.reshape(n_chains, n_draws, *values.shape[1:])

    identified = by_chain(likelihood.identified(outputs, own))  # (chain, draw, output, probe)
    # In units of the error: (chain, draw, response, probe).
    mean = by_chain(likelihood.mean(outputs.copy(), own)) / likelihood.unit_of_error(data.y, data.weights)
    spread, ess_of_mean = mean.std(axis=(0, 1)), _each(partial(arviz.ess, method="mean"), mean)  # (response, probe)
    mcse = np.where(spread > 0, spread / np.sqrt(ess_of_mean), 0.0).max(axis=0)  # (probe,)
    if not np.ptp(identified, axis=(0, 1)).any():
        mcse[:] = np.nan
    scale, prior_scale = posterior.group_scale, posterior.prior_scale
    energy = stats.get("energy")  # (chain, draw)

    def bfmi():
        with np.errstate(invalid="ignore"):  # of a chain that never moves NaN
            return np.mean(np.diff(energy) ** 2, axis=1) / np.var(energy, axis=1)  # (chain,)

    def total(name):
        return stats[name].sum(axis=1) if name in stats else None  # (chain,)

    def r_hat(draws):
        return _each(arviz.rhat, draws) if n_chains > 1 else np.full(draws.shape[2:], np.nan)

    return Diagnostics(
        r_hat=r_hat(identified).max(axis=0),  # (probe,)
        ess=_each(arviz.ess, identified).min(axis=0),  # (probe,)
        probe_rows=data.order[probes],
        probe_groups=[data.group_labels[g] for g in codes] if grouped else None,
        r_hat_group_scale=None if scale is None else r_hat(scale),  # (learned part,)
        ess_group_scale=None if scale is None else _each(arviz.ess, scale),  # (learned part,)
        learned_parts=posterior.learned_parts,
        divergences=total("diverging"),
        bfmi=None if energy is None else bfmi(),
        saturated=total("reached_max_treedepth"),
        n_steps=total("n_steps"),
        n_chains=n_chains,
        n_draws=n_draws,
        mcse=mcse,
        tol=tol,
        of_classes=likelihood.is_of_classes,
        r_hat_prior_scale=None if prior_scale is None else r_hat(prior_scale),  # (part of the prior,)
        ess_prior_scale=None if prior_scale is None else _each(arviz.ess, prior_scale),  # (part of the prior,)
        prior_parts=None if prior_scale is None else posterior.prior_parts,
    )


def _each(statistic, draws):
    """An ArviZ statistic of every scalar quantity in draws (chain, draw, ...)."""
    flat = draws.reshape(*draws.shape[:2], -1).astype(float)  # (chain, draw, quantity)
    with np.errstate(divide="ignore", invalid="ignore"):  # chains that never move: R-hat is inf or NaN, and reported
        values = [statistic(flat[:, :, q]) for q in range(flat.shape[2])]
    return np.array(values, dtype=float).reshape(draws.shape[2:])  # of draws that are all equal, ArviZ counts the draws
