"""Weights of groups as rounded distances from the group mean: some five bits each instead of 32."""

import math
import zlib
from dataclasses import dataclass

import numpy as np

STEP = 0.1  # between codes
MOST = 127  # the largest code, of 163,000 mean distances; of n draws none is further away than n
CENTRING = 100  # draws that the median is taken of
LEAST_CODED = 4  # of so many weights at least one is coded, also where groups share more
MOST_PER_BYTE = 8  # codes: by a Huffman code each takes a bit or more


@dataclass(frozen=True, eq=False)
class GroupDeviations:
    """Distances of the weights of groups from the group mean, rounded and Huffman-coded.

    A distance is ``centre + scale * sinh(STEP * code)`` for an integer code, where the scale is the mean distance of
    the draws from the centre. Neighbouring codes are 10 % of the scale apart near the centre, and 10 % of the distance
    from the centre beyond, so that a rare large draw costs the others no digits. The rounding has no direction: it
    averages out over the draws.

    Parameters
    ----------
    columns : ndarray of shape (n_coded,)
        Positions of the coded weights. The other weights are those of the group mean.
    shape : tuple
        Numbers of chains, draws of each, and groups.
    codes : ndarray of shape (n_bytes,)
        Codes of (chain, draw, group, coded weight), one int8 each, as a raw deflate stream of a Huffman code; uint8.
    centre, scale : ndarray of shape (n_groups, n_coded)
        float32.
    """

    columns: np.ndarray
    shape: tuple
    codes: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, weights, group_mean):
        """Distances of weights from the group mean.

        Parameters
        ----------
        weights : ndarray of shape (n_chains, n_draws, n_groups, n_weights)
            float32.
        group_mean : ndarray of shape (n_chains, n_draws, n_weights)
            float32.

        Returns
        -------
        deviations : GroupDeviations
        """
        columns = _coded_columns(weights, group_mean)  # (coded weight,)
        distances = np.take(weights - group_mean[:, :, None], columns, axis=-1)  # (chain, draw, group, coded weight)
        every = -(-distances.shape[1] * len(distances) // CENTRING)
        centre = np.median(distances[:, ::every], axis=(0, 1))  # (group, coded weight)
        distances -= centre
        scale = np.abs(distances).mean(axis=(0, 1))  # (group, coded weight)
        scale[scale == 0] = 1
        distances /= scale
        np.arcsinh(distances, out=distances)
        distances /= np.float32(STEP)
        np.rint(np.clip(distances, -MOST, MOST, out=distances), out=distances)
        codes = distances.astype(np.int8)  # (chain, draw, group, coded weight)
        return cls(columns, codes.shape[:3], _huffman(codes), centre, scale)

    def weights(self, group_mean):
        """The weights of the groups.

        Parameters
        ----------
        group_mean : ndarray of shape (n_chains, n_draws, n_weights)
            float32.

        Returns
        -------
        weights : ndarray of shape (n_chains, n_draws, n_groups, n_weights)
            float32.

        Raises
        ------
        ValueError
            If the arrays do not belong together.
        """
        self._check(group_mean)
        codes = _from_huffman(self.codes, (*self.shape, len(self.columns)))  # (chain, draw, group, coded weight)
        weights = np.repeat(group_mean[:, :, None], self.shape[2], axis=2)  # (chain, draw, group, weight)
        distance = np.sinh(STEP * np.arange(256, dtype=np.uint8).view(np.int8)).astype(np.float32)  # (byte,), in scales
        with np.errstate(over="ignore", invalid="ignore"):  # of a forged file, of which consistency.py asks the result
            for of_chain, coded in zip(weights, codes.view(np.uint8), strict=True):
                of_chain[..., self.columns] += self.centre + self.scale * distance[coded]  # (draw, group, coded weight)
        return weights

    def _check(self, group_mean):
        """Raise a ValueError unless the arrays belong together and the weights are no more than the codes make."""
        n_coded, n_weights = len(self.columns), np.shape(group_mean)[-1]
        forms = (
            (self.columns, np.int64, (n_coded,)),
            (self.codes, np.uint8, (self.codes.size,)),
            (self.centre, np.float32, (*self.shape[2:], n_coded)),
            (self.scale, np.float32, (*self.shape[2:], n_coded)),
            (group_mean, np.float32, (*self.shape[:2], n_weights)),
        )
        if len(self.shape) != 3 or not all(a.dtype == dtype and a.shape == shape for a, dtype, shape in forms):
            raise ValueError("the arrays of the weights of groups do not belong together")
        if n_coded * LEAST_CODED < n_weights or np.any(np.diff(self.columns, prepend=-1, append=n_weights) < 1):
            raise ValueError("the coded weights are not rising positions among the weights")


def _coded_columns(weights, group_mean):
    """Positions of the weights in which groups differ from the group mean, and of others if they are few."""
    differs = np.zeros(weights.shape[-1], dtype=bool)  # (weight,)
    for of_chain, mean in zip(weights, group_mean, strict=True):
        differs |= (of_chain != mean[:, None]).any(axis=(0, 1))
    differs[: -(-len(differs) // LEAST_CODED)] = True
    return np.flatnonzero(differs)


def _huffman(codes):
    """Codes as bytes of a Huffman code, (byte,)."""
    coder = zlib.compressobj(method=zlib.DEFLATED, wbits=-zlib.MAX_WBITS, strategy=zlib.Z_HUFFMAN_ONLY)
    return np.frombuffer(coder.compress(codes.tobytes()) + coder.flush(), np.uint8)


def _from_huffman(data, shape):
    """Codes of a shape from the bytes of a Huffman code; a ValueError, with little allocated, if there are others."""
    size = math.prod(shape)
    if min(shape) < 1 or size > MOST_PER_BYTE * data.size:
        raise ValueError(f"{data.size} bytes cannot hold codes of shape {shape}")
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    codes = decoder.decompress(data.data, size)
    if len(codes) != size or not _ends(decoder):
        raise ValueError(f"the bytes are not those of codes of shape {shape}")
    return np.frombuffer(codes, np.int8).reshape(shape)


def _ends(decoder):
    """Whether a stream ends where it should."""
    rest = decoder.decompress(decoder.unconsumed_tail, 1)
    return not rest and decoder.eof and not decoder.unused_data
