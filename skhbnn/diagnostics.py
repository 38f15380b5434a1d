"""Convergence judged on what the network predicts, and the one warning that says what to change."""

from dataclasses import dataclass

import numpy as np

from .conversion import import_arviz

MAX_PROBES = 24
R_HAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
BFMI_LIMIT = 0.3


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """How well the chains agree, on quantities that do not depend on the order or sign of hidden units.

    Attributes
    ----------
    r_hat, ess : ndarray of shape (n_probes,)
        Rank-normalised split R-hat and bulk effective sample size [1]_ of the logits at fixed training rows (the
        worst logit of a row). R-hat is NaN for one chain.
    probe_rows : ndarray of shape (n_probes,)
        Positions of those rows in the X given to ``fit``.
    probe_groups : list
        Their group labels; None for a model of one network.
    r_hat_group_scale, ess_group_scale : ndarray of shape (n_layers,) or None
        The same, of the group scales.
    divergences : ndarray of shape (n_chains,) or None
        Divergent transitions after tuning; this and the following are None for a sampler that has no such thing.
    bfmi : ndarray of shape (n_chains,) or None
        Bayesian fraction of missing information [2]_.
    saturated : ndarray of shape (n_chains,) or None
        Draws whose trajectory reached the greatest tree depth.
    n_steps : ndarray of shape (n_chains,) or None
        Gradient evaluations after tuning.
    n_chains, n_draws : int
        Chains, and draws of each.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding, and
       localization: an improved R-hat for assessing convergence of MCMC", Bayesian Analysis 16(2).
    .. [2] Betancourt (2016), "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo".
    """

    r_hat: np.ndarray
    ess: np.ndarray
    probe_rows: np.ndarray
    probe_groups: list | None
    r_hat_group_scale: np.ndarray | None
    ess_group_scale: np.ndarray | None
    divergences: np.ndarray | None
    bfmi: np.ndarray | None
    saturated: np.ndarray | None
    n_steps: np.ndarray | None
    n_chains: int
    n_draws: int

    def __repr__(self):
        parts = [f"max r_hat={np.max(self.r_hat):.3f}", f"min ess={np.min(self.ess):.0f}"]
        if self.divergences is not None:
            parts.append(f"divergences={self.divergences.sum()}")
        if self.bfmi is not None:
            parts.append(f"min bfmi={self.bfmi.min():.2f}")
        if self.saturated is not None:
            parts.append(f"saturated={self.saturated.sum()}")
        return f"Diagnostics({', '.join(parts)})"

    def problems(self):
        """What is wrong and what to change, each as a phrase; empty where nothing is wrong."""
        n_chains = self.n_chains
        mixing = [*self._mixing(n_chains, self.r_hat, self.ess, self._where)]
        if self.r_hat_group_scale is not None:
            layer = "of the group scale of layer {}".format
            mixing += self._mixing(n_chains, self.r_hat_group_scale, self.ess_group_scale, layer)
        if mixing:
            mixing[-1] += ": raise tune and draws"
        found = []
        if self.divergences is not None and self.divergences.any():
            total, kept = self.divergences.sum(), n_chains * self.n_draws
            found.append(f"{total} of {kept} transitions diverged: raise target_accept or tune")
        if self.bfmi is not None and np.min(self.bfmi) < BFMI_LIMIT:
            chain = int(self.bfmi.argmin())
            found.append(f"BFMI of chain {chain} is {self.bfmi[chain]:.2f} (below {BFMI_LIMIT}): raise tune")
        if self.saturated is not None and self.saturated.any():
            found.append(
                f"{self.saturated.sum()} trajectories reached the depth limit: lower prior_scale or raise tune"
            )
        return mixing + found

    @staticmethod
    def _mixing(n_chains, r_hat, ess, name):
        """Phrases on the worst R-hat and ESS of some quantities; one that cannot be computed counts as bad."""
        worst = int(np.where(np.isfinite(r_hat), r_hat, np.inf).argmax())
        if n_chains > 1 and not r_hat[worst] <= R_HAT_LIMIT:
            yield f"R-hat {r_hat[worst]:.3f} (above {R_HAT_LIMIT}) {name(worst)}"
        worst = int(np.where(np.isfinite(ess), ess, 0).argmin())
        if not ess[worst] >= ESS_PER_CHAIN * n_chains:
            yield f"ESS {ess[worst]:.0f} (below {ESS_PER_CHAIN} per chain) {name(worst)}"

    def _where(self, probe):
        row = f"of the logit at row {self.probe_rows[probe]}"
        return row if self.probe_groups is None else f"{row} (group {self.probe_groups[probe]!r})"


@dataclass(frozen=True, eq=False)
class OptimizationDiagnostics:
    """How an optimisation ended: of a variational method, or to the mode.

    Attributes
    ----------
    n_iter : int
        Iterations made.
    converged : bool
        Whether it stopped because nothing was gained any more, and not at ``max_iter``.
    elbo : ndarray of shape (n_iter,) or None
        Evidence lower bound of every iteration of a variational method, a noisy estimate.
    """

    n_iter: int
    converged: bool
    elbo: np.ndarray | None

    def __repr__(self):
        elbo = "" if self.elbo is None else f", final elbo={np.mean(self.elbo[-100:]):.1f}"
        return f"OptimizationDiagnostics(n_iter={self.n_iter}, converged={self.converged}{elbo})"

    def problems(self):
        """What is wrong and what to change, each as a phrase; empty where nothing is wrong."""
        return [] if self.converged else [f"still rising after {self.n_iter} iterations: raise max_iter"]


def diagnose(posterior, data, trace, grouped):
    """Diagnostics of a fit, of a sampler's draws on rows of its own training data.

    Parameters
    ----------
    posterior : Posterior
    data : GroupedData
    trace : Trace
    grouped : bool
        Whether to name groups.

    Returns
    -------
    diagnostics : Diagnostics or OptimizationDiagnostics
    """
    if trace.n_iter is not None:
        return OptimizationDiagnostics(trace.n_iter, trace.converged, trace.elbo)
    arviz = import_arviz()
    network, stats = posterior.network, posterior.sample_stats
    n_chains, n_draws = posterior.weights.shape[:2]
    probes = np.unique(np.linspace(0, len(data.y) - 1, MAX_PROBES).round().astype(int))  # (probe,)
    codes = data.group_of_row[probes]  # (probe,)
    logits = np.concatenate(
        [network.logits(posterior.group_weights(g), data.X[probes[codes == g]]) for g in np.unique(codes)], axis=2
    )  # (chain * draw, logit, probe)
    if network.n_logits > 1:
        logits -= logits.mean(axis=1, keepdims=True)  # a constant added to every logit changes no probability
    logits = logits.reshape(n_chains, n_draws, network.n_logits, len(probes))  # (chain, draw, logit, probe)
    scale = posterior.learned_group_scale
    energy = stats.get("energy")  # (chain, draw)

    def total(name):
        return stats[name].sum(axis=1) if name in stats else None  # (chain,)

    def r_hat(draws):
        return _each(arviz.rhat, draws) if n_chains > 1 else np.full(draws.shape[2:], np.nan)

    return Diagnostics(
        r_hat=r_hat(logits).max(axis=0),  # (probe,)
        ess=_each(arviz.ess, logits).min(axis=0),  # (probe,)
        probe_rows=data.order[probes],
        probe_groups=[data.group_labels[g] for g in codes] if grouped else None,
        r_hat_group_scale=None if scale is None else r_hat(scale),  # (layer,)
        ess_group_scale=None if scale is None else _each(arviz.ess, scale),  # (layer,)
        divergences=total("diverging"),
        bfmi=None if energy is None else np.mean(np.diff(energy) ** 2, axis=1) / np.var(energy, axis=1),  # (chain,)
        saturated=total("reached_max_treedepth"),
        n_steps=total("n_steps"),
        n_chains=n_chains,
        n_draws=n_draws,
    )


def _each(statistic, draws):
    """An ArviZ statistic of every scalar quantity in draws (chain, draw, ...)."""
    flat = draws.reshape(*draws.shape[:2], -1).astype(float)  # (chain, draw, quantity)
    with np.errstate(divide="ignore", invalid="ignore"):  # chains that never move: R-hat is inf or NaN, and reported
        return np.array([statistic(flat[:, :, q]) for q in range(flat.shape[2])]).reshape(draws.shape[2:])
