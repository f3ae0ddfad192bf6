"""Draws of bias parameters in blocks: pseudo-random, Latin hypercube or Sobol, independent or correlated.

A block is a fixed number of draws with a generator of its own, so that what is drawn depends on the seed
alone and not on memory or order, and any block can be drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analysis.values.arrays import FloatArray

__all__ = ["BLOCK", "REPLICATES", "SAMPLINGS", "Block", "blocks", "check_draws", "mixed", "seed_sequence"]

BLOCK = 2**15
# Randomisations of a Latin hypercube or Sobol sequence: the standard error comes from their scatter.
REPLICATES = 16
SAMPLINGS = ("random", "latin-hypercube", "sobol")
_MOST_PLANNED = 2**23
# A uniform of exactly 0 or 1 would be an infinite normal.
_EDGE = 2.0**-54


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Draws `start` to `stop` - 1: a row of numbers in (0, 1) a dimension, and a generator for the rest."""

    start: int
    stop: int
    uniforms: FloatArray
    rng: np.random.Generator


def seed_sequence(rng: np.random.Generator | int) -> np.random.SeedSequence:
    """Return what all blocks are seeded from.

    Raises
    ------
    TypeError
        If `rng` is neither a generator nor a whole number of at least 0.
    """
    if isinstance(rng, np.random.Generator):
        return np.random.SeedSequence(rng.integers(2**32, size=4, dtype=np.uint32).tolist())
    if isinstance(rng, (bool, np.bool_)) or not isinstance(rng, (int, np.integer)) or rng < 0:
        raise TypeError(
            f"`rng` must be a numpy.random.Generator or a whole number of at least 0, but got {rng!r}. "
            "A seed is asked for, so that the result can be found again."
        )
    return np.random.SeedSequence(int(rng))


def check_draws(draws: int, sampling: str) -> int:
    """Return the number of draws if the sampling can make it.

    Raises
    ------
    TypeError, ValueError
        If it is not a whole number of at least 100, or not a multiple of the number of randomisations (Latin
        hypercube), or not a power of 2 of at least 1024 (Sobol).
    """
    check_choice("sampling", sampling, SAMPLINGS)
    if isinstance(draws, (bool, np.bool_)) or not isinstance(draws, (int, np.integer)):
        raise TypeError(f"`draws` must be a whole number, but got {draws!r}.")
    count = int(draws)
    if count < 100:
        raise ValueError(f"`draws` must be at least 100, but got {count}: quantiles of fewer say little.")
    if sampling == "random":
        return count
    if count > _MOST_PLANNED:
        raise ValueError(
            f'`draws` must be at most {_MOST_PLANNED} for sampling="{sampling}", but got {count}. '
            'Use sampling="random" for more.'
        )
    if sampling == "sobol":
        nearest = max(1024, 1 << (count - 1).bit_length())
        if nearest != count:
            raise ValueError(
                f'`draws` must be a power of 2 of at least 1024 for sampling="sobol", but got {count}. '
                f"Write {nearest}."
            )
    elif count % REPLICATES:
        raise ValueError(
            f'`draws` must be a multiple of {REPLICATES} for sampling="latin-hypercube", but got {count}. '
            f"Write {count + REPLICATES - count % REPLICATES}."
        )
    return count


def blocks(draws: int, dimensions: int, *, sampling: str, seed: np.random.SeedSequence) -> Iterator[Block]:
    """Yield all draws block by block.

    Notes
    -----
    Latin hypercube and Sobol draws come as `REPLICATES` independent randomisations one after the other.
    """
    if sampling == "random":
        for start in range(0, draws, BLOCK):
            stop = min(start + BLOCK, draws)
            rng = _generator(seed, start // BLOCK)
            yield Block(start, stop, _inside(rng.random((dimensions, stop - start))), rng)
        return
    size = draws // REPLICATES
    for replicate in range(REPLICATES):
        rng = _generator(seed, replicate)
        points = (
            _hypercube(size, dimensions, rng)
            if sampling == "latin-hypercube"
            else _sobol(size, dimensions, rng)
        )
        for first in range(0, size, BLOCK):
            last = min(first + BLOCK, size)
            start = replicate * size
            yield Block(start + first, start + last, _inside(points[:, first:last]), rng)


def mixed(uniforms: FloatArray, factor: FloatArray) -> FloatArray:
    """Return uniforms whose normal scores have the correlation `factor` @ `factor`.T (normal copula).

    Parameters
    ----------
    uniforms : ndarray
        Shape (p, ...), independent.
    factor : ndarray
        Shape (p, p).
    """
    z = special.ndtri(uniforms)
    return _inside(special.ndtr(np.tensordot(factor, z, axes=1)))


def _generator(seed: np.random.SeedSequence, number: int) -> np.random.Generator:
    # What SeedSequence.spawn gives its child of that number, without changing the parent.
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))
    return np.random.Generator(np.random.PCG64DXSM(child))


def _inside(uniforms: FloatArray) -> FloatArray:
    return np.clip(uniforms, _EDGE, 1 - 2 * _EDGE, out=uniforms)


def _hypercube(size: int, dimensions: int, rng: np.random.Generator) -> FloatArray:
    """Return one draw in each of `size` equal parts of every dimension, in random order."""
    strata = np.broadcast_to(np.arange(size, dtype=np.float64), (dimensions, size))
    return (rng.permuted(strata, axis=1) + rng.random((dimensions, size))) / size


def _sobol(size: int, dimensions: int, rng: np.random.Generator) -> FloatArray:
    from scipy.stats import qmc

    if not dimensions:
        return np.empty((0, size))
    return np.ascontiguousarray(qmc.Sobol(dimensions, scramble=True, seed=rng).random(size).T)
