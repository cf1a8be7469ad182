"""Choose a hook model by the name given on the command line."""

from __future__ import annotations

from engine.core.errors import InvalidInput
from generators.hooks.causal import CausalHooks
from generators.hooks.model import HookModel
from generators.hooks.smollm import smollm_hooks
from generators.hooks.templates import TemplateHooks


def hook_model(name: str) -> HookModel:
    """Return the model for `template`, `smollm2` or `local:PATH`.

    Raises:
        InvalidInput: The name is unknown, or its model is missing.
    """
    if name == "template":
        return TemplateHooks()
    if name == "smollm2":
        return smollm_hooks()
    kind, _, path = name.partition(":")
    if kind == "local" and path:
        return CausalHooks.local(path)
    raise InvalidInput(f"expected template, smollm2 or local:PATH, got {name!r}", field="--backend")
