"""Hooks: the opening lines that a language model, or the template grammar, writes. Facts are not its business."""

from generators.hooks.backends import hook_model
from generators.hooks.causal import CausalHooks
from generators.hooks.model import HookModel
from generators.hooks.prompt import HookPrompt
from generators.hooks.request import HookRequest
from generators.hooks.screen import HookScreen
from generators.hooks.smollm import smollm_hooks
from generators.hooks.templates import TemplateHooks

__all__ = [
    "CausalHooks",
    "HookModel",
    "HookPrompt",
    "HookRequest",
    "HookScreen",
    "TemplateHooks",
    "hook_model",
    "smollm_hooks",
]
