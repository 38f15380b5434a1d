"""Coordinates of the members of levels, and the entries that they are added to: of one member, or of LANES groups."""

from typing import Any, NamedTuple

from . import lane_groups
from .arrays import doubles_at, matrix_at, part
from .lanes import LANES
from .options import inline


class Batch(NamedTuple):
    """How many groups a batch has, and how the entries of a batch stand at an address."""

    n_lanes: Any
    entries_at: Any  # address, number of entries -> (entry,) or (entry, LANES)


@inline
def _lanes_at(address, n):
    return matrix_at(address, n, LANES)


BY_ROW = Batch(1, doubles_at)  # one group: the lanes of a vector hold its rows
BY_LANE = Batch(LANES, _lanes_at)  # each lane holds the rows of a group of its own


class Coordinates(NamedTuple):
    """The coordinates of one member of a level, whatever their values, (coordinate,) each."""

    entry: Any  # where the values are added
    prior_scale: Any  # within the family
    factor: Any  # of the values
    grad_factor: Any  # added to
    is_run: Any  # whether the entries follow one another


@inline
def of_level(coordinates, starts, runs, level):
    """The Coordinates of one level, of those of all levels one behind the other."""
    start, n = starts[level], starts[level + 1] - starts[level]
    return Coordinates(
        part(coordinates.entry, start, n),
        part(coordinates.prior_scale, start, n),
        part(coordinates.factor, start, n),
        part(coordinates.grad_factor, start, n),
        runs[level] != 0,
    )


@inline
def add_to(a, out):
    """Add an array to another one, element by element."""
    for i in range(out.size):
        out[i] += a[i]


@inline
def copy_to(a, out):
    """Write an array to another one."""
    for i in range(out.size):
        out[i] = a[i]


@inline
def load_groups(addresses, n, out, entries):
    """Write the n coordinates at the address of each group of a batch to out (coordinate * lane,)."""
    if entries.ndim == 1:
        copy_to(doubles_at(addresses[0], n), out)
    else:
        lane_groups.load_members(addresses, n, out)


@inline
def store_groups(addresses, n, values, entries):
    """Write values (coordinate * lane,) to the n numbers at the address of each group of a batch."""
    if entries.ndim == 1:
        copy_to(values, doubles_at(addresses[0], n))
    else:
        lane_groups.store_members(addresses, n, values)


@inline
def add_to_groups(addresses, n, values, entries):
    """Add values (number * lane,) to the n numbers at the address of each group of a batch."""
    if entries.ndim == 1:
        add_to(values, doubles_at(addresses[0], n))
    else:
        lane_groups.add_to_members(addresses, n, values)


@inline
def add_values(coordinates, value, entries):
    """Add values (coordinate * lane,), times their factors, to the entries of a member or of a batch."""
    entry, factor = coordinates.entry, coordinates.factor
    if entries.ndim == 1:
        if coordinates.is_run:  # LLVM makes vectors of it
            of_run = part(entries, entry[0], entry.size)
            for k in range(entry.size):
                of_run[k] += factor[k] * value[k]
        else:
            for k in range(entry.size):
                entries[entry[k]] += factor[k] * value[k]
    else:
        lane_groups.add_scaled(entry, factor, value, entry.size, entries)


@inline
def pull_back(coordinates, value, slope, grad_entries, grad, grad_factor):
    """Add to the gradients at coordinates and at factors, (coordinate * lane,), what the gradient at entries means."""
    entry, factor = coordinates.entry, coordinates.factor
    if grad_entries.ndim == 1:
        if coordinates.is_run:
            of_run = part(grad_entries, entry[0], entry.size)
            for k in range(entry.size):
                grad[k] += factor[k] * slope[k] * of_run[k]
                grad_factor[k] += value[k] * of_run[k]
            return
        for k in range(entry.size):
            at_entry = grad_entries[entry[k]]
            grad[k] += factor[k] * slope[k] * at_entry
            grad_factor[k] += value[k] * at_entry
    else:
        lane_groups.pull_back(entry, factor, value, slope, entry.size, grad_entries, grad, grad_factor)
