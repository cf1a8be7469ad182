"""Small language models of three families, trained in seconds and saved as any model is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generators.hooks import HookPrompt
from generators.model_libraries import model_libraries

LINES_EN = (
    "Slow evenings feel warm with a mug of tea.",
    "A calm kitchen is a good place to begin.",
    "Let the morning wait for a cup of coffee.",
    "Dinner is on the table, take a seat.",
    "Come home and let the day go.",
    "Music and tea, the evening is yours.",
)
LINES_ZH = (
    "夜里慢下来，喝一杯热茶。",
    "厨房里有光，早晨慢慢来。",
    "回到家，把一天轻轻放下。",
    "桌上有花，心里有风。",
)
CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def corpus() -> list[str]:
    prompts = [HookPrompt.load(language) for language in ("en", "zh")]
    shots = [f"{q}\n{p.line_label} {line}\n\n" for p in prompts for q, line in p.shots]
    made = [f"Product: stoneware mug (kitchen)\nTone: warm\nLine: {line}\n\n" for line in LINES_EN]
    made += [f"商品：马克杯\n语气：温暖\n文案：{line}\n\n" for line in LINES_ZH]
    return (
        shots + made * 2 + [prompt.instruction for prompt in prompts] + ["给厨房添一点暖意，今天就从一杯热茶开始。"] * 8
    )


def trained_tokenizer(chinese: bool, t5: bool = False) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    texts = [text for text in corpus() if chinese or text.isascii()]
    extra = ["<|user|>", "<|assistant|>", "<|end|>"]
    specials = ["<pad>", "</s>", "<unk>"] if t5 else ["<|endoftext|>", *extra]
    core = Tokenizer(models.BPE(unk_token="<unk>" if t5 else None))
    core.pre_tokenizer = pre_tokenizers.Metaspace() if t5 else pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.Metaspace() if t5 else decoders.ByteLevel()
    alphabet = [] if t5 else pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(texts, trainer)
    if t5:
        core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
        return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|endoftext|>")


def train(model: Any, batches: list[dict[str, Any]], steps: int) -> None:
    import torch

    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3)
    model.train()
    for step in range(steps):
        loss = model(**batches[step % len(batches)]).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.eval()


def causal_batches(tokenizer: Any, texts: list[str]) -> list[dict[str, Any]]:
    """The text in windows that begin anywhere, as a few-shot prompt is one long text."""
    import torch

    ids = torch.tensor([i for text in texts * 3 for i in tokenizer(text)["input_ids"]])
    windows = ids.unfold(0, 384, 61)
    return [{"input_ids": part, "labels": part} for part in windows.split(4)]


def made_tiny_models(folder: Path) -> dict[str, Path]:
    """Return folders: `gpt2` (learned positions, no pad token), `llama` (grouped heads, zh too, chat) and `t5`."""
    torch, transformers = model_libraries()
    paths = {name: folder / name for name in ("gpt2", "llama", "t5")}
    torch.manual_seed(0)

    tokenizer = trained_tokenizer(chinese=False)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=1024,
        n_embd=48,
        n_layer=2,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    model: Any = transformers.GPT2LMHeadModel(config)
    train(model, causal_batches(tokenizer, [text for text in corpus() if text.isascii()]), 36)
    save(model, tokenizer, paths["gpt2"])

    tokenizer = trained_tokenizer(chinese=True)
    tokenizer.chat_template = CHAT
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            bos_token_id=None,
            eos_token_id=0,
            pad_token_id=None,
        )
    )
    train(model, causal_batches(tokenizer, corpus()), 36)
    save(model, tokenizer, paths["llama"])

    tokenizer = trained_tokenizer(chinese=False, t5=True)
    model = transformers.T5ForConditionalGeneration(
        transformers.T5Config(
            vocab_size=len(tokenizer),
            d_model=48,
            d_kv=12,
            d_ff=96,
            num_layers=2,
            num_heads=4,
            dropout_rate=0.0,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )
    asked = tokenizer(["Product: stoneware mug (kitchen)\nTone: warm\nLine:"] * len(LINES_EN))["input_ids"]
    lines = tokenizer(list(LINES_EN), padding=True)
    labels = torch.tensor(lines["input_ids"]).masked_fill(torch.tensor(lines["attention_mask"]) == 0, -100)
    train(model, [{"input_ids": torch.tensor(asked), "labels": labels}], 36)
    save(model, tokenizer, paths["t5"])
    return paths


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
