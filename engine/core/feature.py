"""A named number in a namespace: what a model sees of a shopper or an arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Scalar = str | float | bool

LARGEST = 1e6
"""Largest size of a feature's value: squares and products of larger ones overflow float32 and ruin a model."""

USER_SIDE = "UX"
"""Namespaces of the shopper: U user embedding, X user attributes."""

ARM_SIDE = "VCSOE"
"""Namespaces of an arm: V variant, C channel, S slot, O offer, E copy embedding."""

NAMES = {
    "U": "user embedding",
    "X": "user attributes",
    "V": "variant",
    "C": "channel",
    "S": "slot",
    "O": "offer",
    "E": "copy embedding",
}


@dataclass(frozen=True, slots=True, order=True)
class Feature:
    """One feature of one example.

    Attributes:
        namespace: One letter of `USER_SIDE` or `ARM_SIDE`.
        name: Free of blanks, `|` and `:`, so that it is one token for Vowpal Wabbit; never a bare number,
            which Vowpal Wabbit would take for an index instead of hashing it.
        value: Finite; a float32 held in a Python float.
    """

    namespace: str
    name: str
    value: float

    @property
    def key(self) -> str:
        """`namespace^name`, unique within a model."""
        return f"{self.namespace}^{self.name}"


def scalar_features(namespace: str, values: Mapping[str, Scalar]) -> tuple[Feature, ...]:
    """Turn flat scalars into features: strings and booleans become indicators, numbers keep their value.

    Zero-valued features are left out, as they add nothing to a linear model.

    Examples:
        >>> [f.key for f in scalar_features("O", {"kind": "percent", "percent": 0.2})]
        ['O^kind=percent', 'O^percent']
    """
    features = []
    for name, value in values.items():
        if isinstance(value, bool | str):
            features.append(
                Feature(
                    namespace,
                    token(f"{name}={str(value).lower() if isinstance(value, bool) else value}"),
                    1.0,
                )
            )
        elif value:
            features.append(Feature(namespace, token(name), float(value)))
    return tuple(features)


def token(text: str) -> str:
    """Make `text` safe as one Vowpal Wabbit token, without merging distinct texts.

    Examples:
        >>> token("brand=Dry Sense")
        'brand=Dry%20Sense'
    """
    escaped = "".join(f"%{ord(c):02X}" if c in _UNSAFE or ord(c) < 33 else c for c in text)
    return f"_{escaped}" if not escaped or escaped[0].isdigit() else escaped


_UNSAFE = frozenset(" |:%\t\r\n\x0b\x0c\x85\u00a0")
