"""Read a Llama model out of a GGUF file, so that packaged weights run under transformers."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.model_libraries import model_libraries

_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


@dataclass(frozen=True, slots=True)
class GgufLlama:
    """What a transformers Llama needs: its configuration and its weights.

    The tensors are read with the `gguf` package and not through `from_pretrained(gguf_file=…)`, which asks for one
    more dependency and yields a model that `save_pretrained` refuses.

    Attributes:
        config: A `transformers.LlamaConfig`.
        state: Parameter name → float16 tensor, under the names of transformers.
    """

    config: Any
    state: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> GgufLlama:
        """Dequantise every tensor of the file (about two seconds for 135 million parameters).

        Raises:
            InvalidInput: The file is not GGUF, or not of the Llama architecture.
        """
        torch, transformers = model_libraries()
        gguf = import_module("gguf")
        try:
            reader = gguf.GGUFReader(path)
        except (OSError, ValueError) as error:
            message = f"expected a GGUF file, got {error}; reinstall the model package"
            raise InvalidInput(message, file=str(path)) from error
        config = transformers.LlamaConfig(**_config_of(reader, path))
        heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
        state: dict[str, Any] = {}
        for tensor in reader.tensors:
            name, role = _transformers_name(tensor.name, path)
            weight = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy()).to(torch.float16)
            state[name] = _half_split(weight, heads[role]) if role in heads else weight.contiguous()
        return cls(config, state)


def _config_of(reader: Any, path: Path) -> dict[str, Any]:
    def value(key: str) -> Any:
        found = reader.get_field(key)
        if found is None:
            raise InvalidInput("expected this GGUF key; the file is not a Llama model", field=key, file=str(path))
        return found.contents()

    if value("general.architecture") != "llama":
        raise InvalidInput(
            f"expected 'llama', got {value('general.architecture')!r}; use a transformers folder with local:PATH",
            field="general.architecture",
            file=str(path),
        )
    return {
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": value("llama.vocab_size"),
        "hidden_size": value("llama.embedding_length"),
        "intermediate_size": value("llama.feed_forward_length"),
        "num_hidden_layers": value("llama.block_count"),
        "num_attention_heads": value("llama.attention.head_count"),
        "num_key_value_heads": value("llama.attention.head_count_kv"),
        "max_position_embeddings": value("llama.context_length"),
        "rms_norm_eps": value("llama.attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"rope_type": "default", "rope_theta": value("llama.rope.freq_base")},
        "bos_token_id": value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": value("tokenizer.ggml.eos_token_id"),
        "pad_token_id": value("tokenizer.ggml.padding_token_id"),
        "tie_word_embeddings": all(tensor.name != "output.weight" for tensor in reader.tensors),
    }


def _transformers_name(name: str, path: Path) -> tuple[str, str]:
    """Return the transformers parameter name and the GGUF role of a tensor, `blk.3.attn_q.weight` for instance."""
    try:
        if name.startswith("blk."):
            _, layer, role, kind = name.split(".")
            return f"model.layers.{layer}.{_LAYER_NAMES[role]}.{kind}", role
        role, kind = name.split(".")
        return f"{_TOP_NAMES[role]}.{kind}", role
    except (KeyError, ValueError) as error:
        raise InvalidInput("not a tensor of a Llama model", field=name, file=str(path)) from error


def _half_split(weight: Any, heads: int) -> Any:
    """Undo GGUF's interleaved order of rotary pairs: transformers keeps the two halves of a head apart."""
    rows, columns = weight.shape
    paired = weight.reshape(heads, rows // heads // 2, 2, columns)
    return paired.transpose(1, 2).reshape(rows, columns).contiguous()
