"""A policy given as a Python callable."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.log import Log
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.policies.policy_file import checked_probabilities

__all__ = ["PythonObject"]


@dataclass(frozen=True, slots=True)
class PythonObject:
    """Calls `object(context, embedding, eligible, arms)` for every row; it returns probabilities.

    `context` is a dict, `embedding` a float32 array or None, `eligible` a list of arm ids, `arms` the catalogue.
    """

    module: str
    name: str

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"python:{self.module}:{self.name}"

    def answer(self, log: Log) -> PolicyAnswer:
        """Ask the callable row by row.

        Raises:
            InvalidInput: When it cannot be imported or called, or what it returns is no distribution.
        """
        policy = self._load()
        probabilities: FloatArray = np.zeros(log.eligible.size)
        for row in range(log.rows):
            start, end = int(log.offsets[row]), int(log.offsets[row + 1])
            eligible = [log.arms[code] for code in log.eligible[start:end]]
            context = {name: values[row] for name, values in log.context.items() if values[row] is not None}
            embedding = None if log.embedding is None else log.embedding[row].copy()
            given = self._call(policy, context, embedding, eligible, log)
            checked = checked_probabilities(given, end - start)
            if checked is None:
                raise InvalidInput(
                    f"expected {end - start} numbers in [0, 1] that sum to 1, got {str(given)[:60]} for decision "
                    f"{log.decision_ids[row]!r}; return one probability an eligible arm, in order",
                    field=self.spec,
                )
            probabilities[start:end] = checked
        return PolicyAnswer.everywhere(log, probabilities)

    def _call(
        self, policy: Callable[..., Any], context: dict[str, Any], embedding: Any, eligible: list[str], log: Log
    ) -> Any:
        try:
            return policy(context, embedding, eligible, log.catalogue)
        except Exception as error:
            # Foreign code may fail in any way; the caller is the one to fix it.
            raise InvalidInput(
                f"expected probabilities, got {type(error).__name__}: {error}; repair the callable", field=self.spec
            ) from error

    def _load(self) -> Callable[..., Any]:
        here = os.getcwd()
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            found = importlib.import_module(self.module)
            for part in self.name.split("."):
                found = getattr(found, part)
        except Exception as error:
            # Foreign code may fail in any way while it is imported, too.
            raise InvalidInput(
                f"expected an importable callable, got {type(error).__name__}: {error}; "
                "write python:module:object, seen from this folder",
                field=self.spec,
            ) from error
        if not callable(found):
            raise InvalidInput(
                f"expected a callable, got {type(found).__name__}; name a function or an object with __call__",
                field=self.spec,
            )
        return found
