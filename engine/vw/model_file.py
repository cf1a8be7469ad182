"""What a Vowpal Wabbit model file says of itself, read before native code sees it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.core.errors import CorruptState, LearningError
from engine.core.learning import LearningOptions
from engine.vw.arguments import vw_arguments
from engine.vw.workspace import Workspace

_REMEDY = "restore it from a snapshot, or learn again with `engine learn --rebuild`"
_BEFORE_OPTIONS = 4 + 4 + 4 + 4 + 4 + 4
"""Smallest and largest label, bits, and three counts that contextual bandits leave at 0."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The header of a model.

    Attributes:
        version: Of Vowpal Wabbit, such as `9.11.9`.
        bits: log₂ of the number of weights.
        options: Those options that the model keeps.
    """

    version: str
    bits: int
    options: str

    @classmethod
    def parse(cls, data: bytes) -> ModelFile:
        """Read a header.

        Raises:
            CorruptState: If the bytes are no model or end too soon.
        """
        try:
            version, at = _text(data, 0, 32)
            _, at = _text(data, at, 1024)
            if data[at : at + 1] != b"m":
                raise ValueError("no model mark")
            at += 1
            (bits,) = struct.unpack_from("<I", data, at + 8)
            options, _ = _text(data, at + _BEFORE_OPTIONS, 1 << 20)
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise CorruptState(
                f"expected a Vowpal Wabbit model, got {len(data)} bytes of another kind; {_REMEDY}"
            ) from error
        # Reductions that draw numbers keep the state of their generator here, as if it were an option.
        return cls(version, int(bits), re.sub(r" *--random_seed \d+", "", options).strip())


def checked_model(data: bytes, options: LearningOptions) -> ModelFile:
    """Make sure that `data` is a whole model learned with `options`, so that native code can load it.

    The header is compared with that of an untrained model, and the table of weights is walked through (not under
    `served_through_vw`, where other reductions may keep other things in it). A file cut
    exactly between two weights cannot be told from a shorter model; the snapshot's checksum can.

    Raises:
        CorruptState: If the bytes are no model, are cut short or are damaged.
        LearningError: If the model was learned with other options or by another Vowpal Wabbit.
    """
    found = ModelFile.parse(data)
    expected, start, width = _untrained(tuple(vw_arguments(options)), options)
    if found.version.split(".")[0] != expected.version.split(".")[0]:
        raise LearningError(
            f"the model was written by Vowpal Wabbit {found.version}, this is {expected.version}; learn again"
        )
    if (found.options, found.bits) != (expected.options, expected.bits):
        raise LearningError(
            f"the model was learned with -b {found.bits} {found.options}, the campaign says "
            f"-b {expected.bits} {expected.options}; set the options back or learn again"
        )
    if len(data) < start:
        raise CorruptState(f"the model is cut short in its header; {_REMEDY}")
    if not options.served_through_vw:
        _check_table(data[start:], width, found.bits)
    return found


def _check_table(table: bytes, width: int, bits: int) -> None:
    if len(table) % width:
        raise CorruptState(f"the model is cut short or damaged in its table of weights; {_REMEDY}")
    words = np.frombuffer(table, dtype="<u4").reshape(-1, width // 4)
    index = words[:, 0].astype(np.int64)
    if len(index) and (index[-1] >= 1 << bits or (np.diff(index) <= 0).any()):
        raise CorruptState(f"the model's weights are not in order: it is cut short or damaged; {_REMEDY}")
    if not np.isfinite(words[:, 1:].view("<f4")).all():
        raise LearningError(
            "the model has weights that are not finite: learning diverged; lower learning_rate and rebuild"
        )


@lru_cache(maxsize=32)
def _untrained(arguments: tuple[str, ...], options: LearningOptions) -> tuple[ModelFile, int, int]:
    """Header, its length and the bytes per weight of a model that has learned nothing."""
    workspace = Workspace(arguments)
    data = workspace.to_bytes()
    workspace.close()
    width = _WIDTHS[options.optimizer]
    header = ModelFile.parse(data)
    # A start value of the decay is stored for every weight there is.
    dense = width << header.bits
    return header, len(data) - (dense if len(data) > dense else 0), width


_WIDTHS = {"adaptive": 16, "sgd": 8, "coin": 28, "ftrl": 16}
"""Bytes per weight: its index, the weight, and what the optimiser keeps with it."""


def _text(data: bytes, at: int, longest: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<I", data, at)
    end = at + 4 + size
    if not 1 <= size <= longest or end > len(data) or data[end - 1]:
        raise ValueError("not a text")
    return data[at + 4 : end - 1].decode(), end
