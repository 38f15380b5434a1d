"""Draws of the deviations of one group, given draws of all that groups share, in one compiled loop.

For every draw of the shared numbers a Gauss-Newton climb finds the mode of the deviations, from the mode before. The
normal distribution there, with the expected information of the rows in its precision, gives candidates, of which one is
taken by the ratio of the densities. From there steps of elliptical slice sampling [1]_ [2]_, along ellipses of the
normal distribution, leave the density itself invariant.

.. [1] Murray, Adams and MacKay (2010), "Elliptical slice sampling", AISTATS.
.. [2] Nishihara, Murray and Adams (2014), "Parallel MCMC with generalized elliptical slice sampling", Journal of
   Machine Learning Research 15.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from . import lanes, layers
from .arrays import all_finite, cut, fill, memory_of, part
from .coordinates import add_to, copy_to
from .network_kernel import BLOCK, Block, Rows, differentiate, forward, load_rows, workspace, workspace_size
from .options import inline, inline_source

MOST_STEPS = 30  # of a climb
MOST_HALVINGS = 10  # of a step
RESTART = 4  # draws between random starts
TRIES = 8  # of a step of slice sampling, which then stays where it is
ENOUGH = 1e-4  # of the rise that the slope promises: a step with less is halved
PRIOR_STEP = 1e-4  # of the central difference of the prior's gradient


class Parts(NamedTuple):
    """The compiled functions of the kinds that a model is made of, as in ``log_density``."""

    likelihood: Any
    information: Any  # outputs of a block, Rows, Block, array to write: the information of the outputs in each row
    weight_prior: Any
    input_map: Any


class Deviations(NamedTuple):
    """What the deviations of a group are added to, and how: (coordinate,) each, and numbers."""

    entry: Any
    fixed: Any  # factor of the values
    learned: Any  # position of the learned scale that is the factor instead, or -1
    family: Any
    family_shape: Any
    map_rank: Any


class Shared(NamedTuple):
    """Draws of all that groups share."""

    mean: Any  # (draw, weight)
    scales: Any  # (draw, learned scale)
    own: Any  # (draw, own number)


class Point(NamedTuple):
    """Deviations, and what is made of them."""

    z: Any  # (coordinate,)
    value: Any  # (coordinate,) and more, up to whole vectors
    slope: Any
    grad: Any  # of the log prior
    w: Any  # (entry,)


PARTS: Any = None  # Parts: ``options.bound`` sets those of a likelihood


@inline
def _dot(a, b):
    s = 0.0
    for i in range(a.size):
        s += a[i] * b[i]
    return s


@inline
def _subtract(a, factor, out):
    for i in range(out.size):
        out[i] -= factor * a[i]


@inline
def _factorize(a, n):
    """Put the factor U of a matrix UᵀU (n * n,) into the upper triangle; return whether there is one.

    All loops go along rows, which lie contiguously.
    """
    for k in range(n):
        pivot = a[k * n + k]
        if not pivot > 0.0:
            return False
        row = part(a, k * n + k, n - k)
        scale = 1.0 / math.sqrt(pivot)
        for i in range(n - k):
            row[i] *= scale
        for i in range(1, n - k):
            _subtract(part(row, i, n - k - i), row[i], part(a, (k + i) * n + k + i, n - k - i))
    return True


@inline
def _solve_lower(a, n, b):
    """Solve Uᵀ x = b in place, U in the upper triangle of a matrix (n * n,)."""
    for i in range(n):
        b[i] /= a[i * n + i]
        _subtract(part(a, i * n + i + 1, n - i - 1), b[i], part(b, i + 1, n - i - 1))


@inline
def _solve_upper(a, n, b):
    """Solve U x = b in place, U in the upper triangle of a matrix (n * n,)."""
    for i in range(n - 1, -1, -1):
        b[i] = (b[i] - _dot(part(a, i * n + i + 1, n - i - 1), part(b, i + 1, n - i - 1))) / a[i * n + i]


@inline_source
def _enter(parts, form, deviations, draw, ones, basis, point):
    """Make the weights of the deviations of a point; return the log prior, without constants.

    draw: the mean (weight,), and the factors of the deviations (coordinate,).
    """
    mean, factor = draw
    fill(point.grad, 0.0)
    logp = parts.weight_prior(
        deviations.family, deviations.family_shape, point.z, ones, point.grad, point.value, point.slope
    )
    for i in range(point.w.size):
        point.w[i] = mean[i] if i < mean.size else 0.0
    for k in range(point.z.size):
        point.w[deviations.entry[k]] += factor[k] * point.value[k]
    if deviations.map_rank > 0:
        parts.input_map.apply(point.w, form, deviations.map_rank, basis)
    return logp


@inline_source
def _loglik(likelihood, form, w, rows, space):
    """Log likelihood of all rows under weights."""
    n_out, loglik = form.sizes[-1], 0.0
    for first in range(0, rows.y.size, BLOCK):
        m = min(BLOCK, rows.y.size - first)
        load_rows(rows, first, m, space.units)
        _, unit = forward(w, form, m, space.units)
        outputs = part(space.units, unit * m, n_out * m)
        loglik += likelihood(outputs, rows, Block(first, m, n_out), space.deltas[0])
    return loglik


@inline
def _of_deviations(form, deviations, draw, basis, slope, m, jacobian, out):
    """Write derivatives in the deviations (coordinate * m,), of derivatives in the weights; these get those in the map.

    jacobian: (entry * m,).
    """
    _, factor = draw
    rank, n_units, n_weights = deviations.map_rank, form.sizes[1], draw[0].size
    if rank > 0:
        for i in range(form.sizes[0] + form.fit_intercept):
            row = part(jacobian, i * n_units * m, n_units * m)
            of_map = part(jacobian, (n_weights + i * rank) * m, rank * m)
            layers.combine_rows(row, n_units, basis, 0, 1, n_units, -1, of_map, rank, m)
    for k in range(deviations.entry.size):
        change, first = factor[k] * slope[k], deviations.entry[k] * m
        for r in range(m):
            out[k * m + r] = change * jacobian[first + r]


@inline_source
def _linearize(parts, form, deviations, draw, basis, point, rows, space, arrays):
    """Write gradient and Gauss-Newton precision of the log likelihood in the deviations; return the log likelihood."""
    gradient, precision, jacobian, slopes, information, scores, weighted = arrays
    n, n_out, loglik = point.z.size, form.sizes[-1], 0.0
    fill(gradient, 0.0)
    fill(precision, 0.0)
    for first in range(0, rows.y.size, BLOCK):
        m = min(BLOCK, rows.y.size - first)
        block, row_weights = Block(first, m, n_out), part(rows.weights, first, m)
        load_rows(rows, first, m, space.units)
        ends = forward(point.w, form, m, space.units)
        outputs = part(space.units, ends[1] * m, n_out * m)
        parts.information(outputs, rows, block, information)
        for i in range(n_out * n_out):
            lanes.multiply_rows(part(information, i * m, m), row_weights, m)
        loglik += parts.likelihood(outputs, rows, block, space.deltas[0])
        copy_to(outputs, part(scores, 0, n_out * m))
        for a in range(n_out):
            of_output = part(slopes, a * n * m, n * m)
            differentiate(form, point.w, a, m, ends, space, jacobian)
            _of_deviations(form, deviations, draw, basis, point.slope, m, jacobian, of_output)
            for k in range(n):
                gradient[k] += lanes.dot_rows(part(of_output, k * m, m), part(scores, a * m, m), m)
        for a in range(n_out):
            fill(part(weighted, 0, n * m), 0.0)
            for b in range(n_out):
                share = part(information, (a * n_out + b) * m, m)
                for k in range(n):
                    for r in range(m):
                        weighted[k * m + r] += share[r] * slopes[(b * n + k) * m + r]
            layers.add_products(part(slopes, a * n * m, n * m), n, weighted, n, precision, 0, m)
    return loglik


@inline_source
def _add_prior(weight_prior, deviations, ones, point, other, gradient, precision):
    """Add the gradient of the log prior to a gradient, and its curvature to a precision; other: a Point to use."""
    n = point.z.size
    add_to(point.grad, gradient)
    for sign in range(2):
        for k in range(n):
            other.z[k] = point.z[k] + (PRIOR_STEP if sign == 0 else -PRIOR_STEP)
        fill(other.grad, 0.0)
        weight_prior(deviations.family, deviations.family_shape, other.z, ones, other.grad, other.value, other.slope)
        for k in range(n):
            precision[k * n + k] += (-1.0 if sign == 0 else 1.0) * other.grad[k] / (2.0 * PRIOR_STEP)


@inline
def _point(at, n, n_entries):
    """A Point at an address, and the address behind the Point."""
    z, at = cut(at, n)
    value, at = cut(at, n + lanes.LANES)
    slope, at = cut(at, n + lanes.LANES)
    grad, at = cut(at, n)
    w, at = cut(at, n_entries)
    return Point(z, value, slope, grad, w), at


def conditional_draws(form, deviations, n_entries, shared, X, y, weights, noise, uniforms, tolerance, found_in):
    """Write deviations of a group given each draw of what groups share.

    A climb starts from the mode of the draw before. Every RESTART draws another one has a random start, and one of both
    modes is taken by the evidence of the normal distributions there.

    X: (feature, row), y, weights: (row,), whole vectors of rows, of weight 0 where need be; noise: standard normal
    (draw, start and candidates and slices, coordinate); uniforms: from 0 to 1, (draw, 1 + candidates + slices * (1 +
    TRIES)); tolerance: the square of the distance to the mode, in standard deviations, from which one more step is
    enough;
    found_in: three arrays to write to. They get deviations (draw, coordinate); the log density of the candidates less
    that of the normal distribution, in both less the one at the mode (draw, candidate); and the evidence of the normal
    distribution (draw,), less what is equal in all draws; NaN where nothing is finite. Returns the number of steps of
    all climbs.
    """
    out, log_ratios, log_evidence = found_in
    n, n_out, n_own = deviations.entry.size, form.sizes[-1], shared.own.shape[1]
    n_candidates, rank = log_ratios.shape[1], deviations.map_rank
    n_slices = noise.shape[1] - 1 - n_candidates
    n_basis = rank * form.sizes[1]
    n_doubles = 2 * (5 * n + 2 * lanes.LANES + n_entries) + 5 * n + 2 * n * n + n_basis + n_own
    n_doubles += (n_entries + n_out * n + n + n_out * n_out + n_out) * BLOCK + 2 * n
    memory, at = memory_of(n_doubles + workspace_size(form.sizes, n_own))
    space, at = workspace(at, form.sizes, n_own)
    point, at = _point(at, n, n_entries)
    other, at = _point(at, n, n_entries)
    ones, at = cut(at, n)
    fill(ones, 1.0)
    factor, at = cut(at, n)
    step, at = cut(at, n)
    kept, at = cut(at, n)
    fill(kept, 0.0)
    factor_kept, at = cut(at, n * n)
    gradient, at = cut(at, n)
    precision, at = cut(at, n * n)
    basis, at = cut(at, n_basis)
    own_grad, at = cut(at, n_own)
    fill(own_grad, 0.0)
    jacobian, at = cut(at, n_entries * BLOCK)
    slopes, at = cut(at, n_out * n * BLOCK)
    weighted, at = cut(at, n * BLOCK)
    information, at = cut(at, n_out * n_out * BLOCK)
    scores, at = cut(at, n_out * BLOCK)
    arrays = (gradient, precision, jacobian, slopes, information, scores, weighted)
    state, at = cut(at, n)
    trial, at = cut(at, n)
    n_steps = 0
    for d in range(shared.mean.shape[0]):
        mean, own = shared.mean[d], shared.own[d]  # (weight,), (own number,)
        for k in range(n):
            factor[k] = shared.scales[d, deviations.learned[k]] if deviations.learned[k] >= 0 else deviations.fixed[k]
        draw = (mean, factor)
        if rank > 0:
            PARTS.input_map.start(mean, form, rank, basis)
        rows = Rows(X, y, weights, part(weights, 0, 0), own, own_grad, None)
        is_normal, top, evidence = False, 0.0, -math.inf
        log_evidence[d] = math.nan
        for s in range(2 if d % RESTART == 0 else 1):  # from the mode before, and now and then from anywhere
            for k in range(n):
                point.z[k] = kept[k] if s == 0 else noise[d, 0, k]
            ended, reached = False, 0.0
            for _ in range(MOST_STEPS):
                logp = _enter(PARTS, form, deviations, draw, ones, basis, point)
                logp += _linearize(PARTS, form, deviations, draw, basis, point, rows, space, arrays)
                _add_prior(PARTS.weight_prior, deviations, ones, point, other, gradient, precision)
                ended = np.isfinite(logp) and all_finite(gradient) and _factorize(precision, n)
                if not ended:
                    break
                n_steps += 1
                copy_to(gradient, step)
                _solve_lower(precision, n, step)
                rise = _dot(step, step)
                _solve_upper(precision, n, step)
                reached = logp + 0.5 * rise
                if rise <= tolerance:
                    add_to(step, point.z)
                    break
                length = 1.0
                for _ in range(MOST_HALVINGS):
                    for k in range(n):
                        other.z[k] = point.z[k] + length * step[k]
                    found = _enter(PARTS, form, deviations, draw, ones, basis, other)
                    found += _loglik(PARTS.likelihood, form, other.w, rows, space)
                    if found >= logp + ENOUGH * length * rise:
                        break
                    length *= 0.5
                copy_to(other.z, point.z)
            if not ended:
                continue
            of_mode = reached
            for k in range(n):
                of_mode -= math.log(precision[k * n + k])
            both = max(evidence, of_mode) + math.log1p(math.exp(-abs(evidence - of_mode)))
            if s == 0 or uniforms[d, 0] < math.exp(of_mode - both):
                copy_to(point.z, kept)
                copy_to(precision, factor_kept)
                is_normal, top = True, reached
                log_evidence[d] = of_mode
            evidence = both
        # In coordinates in which the normal distribution is the standard one.
        for k in range(n):
            state[k] = noise[d, 1, k]
        of_state, total, candidate, slice_, tries = -math.inf, -math.inf, 0, 0, 0
        level, angle, low, high = 0.0, 0.0, 0.0, 0.0
        while candidate < n_candidates or (slice_ < n_slices and is_normal):
            drawn = uniforms[d, 1 + candidate + slice_ * (1 + TRIES) + tries :]
            if candidate < n_candidates:
                for k in range(n):
                    trial[k] = noise[d, 1 + candidate, k]
            else:
                if tries == 0:
                    level = of_state + math.log(drawn[0])
                    low, high = -2.0 * math.pi * drawn[1], 2.0 * math.pi * (1.0 - drawn[1])
                    angle = high
                else:
                    angle = low + drawn[1] * (high - low)
                for k in range(n):
                    trial[k] = math.cos(angle) * state[k] + math.sin(angle) * noise[d, 1 + candidate + slice_, k]
            copy_to(trial, other.z)
            if is_normal:
                _solve_upper(factor_kept, n, other.z)
                add_to(kept, other.z)
            ratio = _enter(PARTS, form, deviations, draw, ones, basis, other)
            ratio += _loglik(PARTS.likelihood, form, other.w, rows, space)
            ratio += 0.5 * _dot(trial, trial) - top
            is_taken = False
            if candidate < n_candidates:
                log_ratios[d, candidate] = ratio if is_normal and ratio < math.inf else math.nan
                if ratio > -math.inf and is_normal:
                    total = max(total, ratio) + math.log1p(math.exp(-abs(total - ratio)))
                    is_taken = drawn[0] < math.exp(ratio - total)
                candidate += 1
            else:
                is_taken = ratio > level
                tries += 1
                if is_taken or tries == TRIES:
                    slice_, tries = slice_ + 1, 0
                elif angle < 0.0:
                    low = angle
                else:
                    high = angle
            if is_taken:
                copy_to(trial, state)
                of_state = ratio
        if is_normal:
            _solve_upper(factor_kept, n, state)
            add_to(kept, state)
        for k in range(n):
            out[d, k] = state[k]
    memory[0] = 0.0  # it was in use until here
    return n_steps
