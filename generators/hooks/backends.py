"""Choose a hook model by the name given on the command line."""

from __future__ import annotations

from engine.core.errors import InvalidInput
from generators.hooks.backend_spec import BackendSpec
from generators.hooks.causal import CausalHooks
from generators.hooks.local_hooks import LocalHooks
from generators.hooks.local_model import LocalModel
from generators.hooks.model import HookModel
from generators.hooks.remote import RemoteHooks, RemoteSettings
from generators.hooks.seq2seq import Seq2SeqHooks
from generators.hooks.smollm import smollm_hooks
from generators.hooks.templates import TemplateHooks

BACKENDS = "template, smollm2, smollm2-int8, local:PATH, seq2seq:PATH, http://HOST/v1?model=NAME or openai:MODEL"


def hook_model(name: str) -> HookModel:
    """Return the model for a name; docs/copy-models.md lists names and options.

    Raises:
        InvalidInput: The name or an option is unknown, or the model is missing.
    """
    spec = BackendSpec.parse(name)
    if spec.kind in ("http", "openai") and spec.target:
        return RemoteHooks(RemoteSettings.of(spec))
    if spec.kind in ("local", "seq2seq") and spec.target:
        return _local(spec)
    if not spec.target:
        if spec.kind == "template":
            spec.only(())
            return TemplateHooks()
        if spec.kind in ("smollm2", "smollm2-int8"):
            spec.only(())
            return smollm_hooks(int8=spec.kind == "smollm2-int8")
    raise InvalidInput(f"expected {BACKENDS}, got {name.partition('?')[0]!r}", field="--backend")


def _local(spec: BackendSpec) -> LocalHooks:
    """Load a folder; whether an encoder reads first stands in its configuration."""
    causal = {"languages", "int8", "chat"}
    spec.only(causal)
    local = LocalModel.load(spec.target, int8=spec.flag("int8"))
    if local.reads_first:
        spec.only(causal - {"chat"})
        return Seq2SeqHooks(local, languages=spec.languages())
    if spec.kind == "seq2seq":
        message = "expected an encoder-decoder model, got one that continues its prompt; use local:PATH"
        raise InvalidInput(message, field="--backend seq2seq:PATH")
    return CausalHooks(local, languages=spec.languages(), chat=spec.flag("chat"))
