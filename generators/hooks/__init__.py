"""Hooks: the opening lines that a language model, or the template grammar, writes. Facts are not its business."""

from generators.hooks.backends import BACKENDS, hook_model
from generators.hooks.causal import CausalHooks
from generators.hooks.line_writer import LineSettings
from generators.hooks.local_model import LocalModel
from generators.hooks.model import HookModel
from generators.hooks.prompt import HookPrompt
from generators.hooks.remote import RemoteHooks, RemoteSettings
from generators.hooks.request import HookRequest
from generators.hooks.screen import HookScreen
from generators.hooks.seq2seq import Seq2SeqHooks
from generators.hooks.smollm import smollm_hooks
from generators.hooks.templates import TemplateHooks

__all__ = [
    "BACKENDS",
    "CausalHooks",
    "HookModel",
    "HookPrompt",
    "HookRequest",
    "HookScreen",
    "LineSettings",
    "LocalModel",
    "RemoteHooks",
    "RemoteSettings",
    "Seq2SeqHooks",
    "TemplateHooks",
    "hook_model",
    "smollm_hooks",
]
