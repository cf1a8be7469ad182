"""Each family writes what its bare model would, whatever stands beside a request in the batch."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.hooks import CausalHooks, HookRequest, LineSettings, LocalModel, Seq2SeqHooks, hook_model
from generators.product import Product

MUG = Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"))
LONG = Brief("tea", Product("Very Long Winter Evening Tea Assortment", 900, "USD", "", "Kitchen"))
ZH = Brief("zh", Product("手工马克杯", 9900, "CNY", "", "厨房"), language="zh")
GREEDY = LineSettings(candidates=1, temperature=0.0)
FAMILIES = ["gpt2", "llama", "t5"]


def requests(*briefs: Brief) -> list[HookRequest]:
    return [HookRequest(brief, tone, i, 5) for i, tone in enumerate(("warm", "plain")) for brief in briefs]


def hooks_of(family: str, models: dict[str, Path], settings: LineSettings | None = None) -> Any:
    local = LocalModel.load(models[family])
    kind = Seq2SeqHooks if local.reads_first else CausalHooks
    return kind(local, settings=settings, languages={"en"})


def by_hand(hooks: Any, request: HookRequest, steps: int) -> tuple[float, str]:
    """Greedy choice among allowed tokens that end nothing, by whole forward passes without cache, batch or padding."""
    import torch

    local, mask = hooks._local, hooks._writer.mask("en")
    allowed = sorted(set(mask.allowed) - set(mask.stop_ids))
    inputs = hooks.inputs("en", [request])
    start = [[0]] if local.reads_first else inputs["input_ids"].tolist()
    written: list[int] = []
    total = 0.0
    with torch.no_grad():
        while len(written) < steps:
            ids = torch.tensor([start[0] + written])
            answer = (
                local.model(**inputs, decoder_input_ids=ids) if local.reads_first else local.model(ids, use_cache=False)
            )
            scores = torch.full_like(answer.logits[0, -1], float("-inf"))
            scores[allowed] = answer.logits[0, -1][allowed]
            best = int(scores.argmax())
            total += float(scores.log_softmax(0)[best])
            written.append(best)
    return total / steps, " ".join(local.tokenizer.decode(written).split())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_padded_batch_writes_what_the_bare_model_writes(family: str, tiny_models: dict[str, Path]) -> None:
    hooks = hooks_of(family, tiny_models, GREEDY)
    asked = requests(MUG, LONG)
    lengths = {int(hooks.inputs("en", [request])["input_ids"].shape[1]) for request in asked}
    assert len(lengths) > 1, "nothing is padded"
    written = hooks.write("en", [(request, 0) for request in asked], steps=12)
    for request, (score, text) in zip(asked, written, strict=True):
        expected_score, expected = by_hand(hooks, request, steps=12)
        assert len(expected) > 12
        assert text == expected
        assert score == pytest.approx(expected_score, abs=2e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_request_gives_the_same_lines_in_any_batch(family: str, tiny_models: dict[str, Path]) -> None:
    hooks = hooks_of(family, tiny_models, LineSettings(temperature=0.8, batch=5))
    asked = requests(MUG, LONG)
    together = hooks.propose(asked)
    assert [hooks.propose([request])[0] for request in reversed(asked)] == together[::-1]
    assert together == hooks.propose(asked)
    assert all(together)
    assert not re.search(r"\d", " ".join(line for lines in together for line in lines))


def test_both_languages_of_one_model_keep_to_their_script(tiny_models: dict[str, Path]) -> None:
    hooks = hook_model(f"local:{tiny_models['llama']}")
    assert hooks.languages == {"en", "zh"}
    english, chinese = hooks.propose([HookRequest(MUG, "warm", 0, 1), HookRequest(ZH, "warm", 0, 1)])
    assert english
    assert chinese
    assert all(re.fullmatch(r"[A-Za-z ,.!?'-]+", line) for line in english)
    assert all(re.fullmatch(r"[\u4e00-\u9fff，。！？、；：…—\ufffd]+", line) for line in chinese)


def test_chinese_is_found_where_the_tokenizer_spells_it_cheaply(tiny_models: dict[str, Path]) -> None:
    assert hook_model(f"local:{tiny_models['gpt2']}").languages == {"en"}
    assert hook_model(f"local:{tiny_models['llama']}?languages=zh").languages == {"zh"}
    with pytest.raises(InvalidInput, match="fr"):
        hook_model(f"local:{tiny_models['llama']}?languages=fr")


def test_the_chat_template_is_followed_to_the_letter(tiny_models: dict[str, Path]) -> None:
    hooks = hook_model(f"local:{tiny_models['llama']}?chat=1")
    assert isinstance(hooks, CausalHooks)
    request = HookRequest(MUG, "warm", 0, 1)
    prompt = hooks._prompts["en"]
    whole = hooks._local.tokenizer.apply_chat_template(
        prompt.messages(prompt.question(request)), tokenize=False, add_generation_prompt=True
    )
    assert hooks._local.tokenizer.decode(hooks.inputs("en", [request])["input_ids"][0]) == whole
    assert whole.endswith("Tone: warm<|end|><|assistant|>")
    assert hooks.version != hook_model(f"local:{tiny_models['llama']}").version
    with pytest.raises(InvalidInput, match="chat template"):
        hook_model(f"local:{tiny_models['gpt2']}?chat=1")


def test_a_family_is_found_by_its_configuration(tiny_models: dict[str, Path]) -> None:
    assert isinstance(hook_model(f"local:{tiny_models['t5']}"), Seq2SeqHooks)
    assert isinstance(hook_model(f"seq2seq:{tiny_models['t5']}"), Seq2SeqHooks)
    with pytest.raises(InvalidInput, match="local:PATH"):
        hook_model(f"seq2seq:{tiny_models['gpt2']}")
    with pytest.raises(InvalidInput, match="did you mean int8"):
        hook_model(f"local:{tiny_models['gpt2']}?int9=1")


def test_other_weights_are_another_version(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from transformers import GPT2LMHeadModel

    folder = tmp_path / "gpt2"
    shutil.copytree(tiny_models["gpt2"], folder)
    before = hook_model(f"local:{folder}").version
    assert before == hook_model(f"local:{tiny_models['gpt2']}").version
    model: Any = GPT2LMHeadModel.from_pretrained(folder)
    with torch.no_grad():
        model.transformer.wpe.weight[7, 3] += 0.5
    model.save_pretrained(folder)
    assert hook_model(f"local:{folder}").version != before
    assert hook_model(f"local:{folder}?int8=1").version != hook_model(f"local:{folder}").version


def test_a_short_context_gets_fewer_examples_or_is_refused(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    whole = hook_model(f"local:{tiny_models['gpt2']}")
    assert isinstance(whole, CausalHooks)
    model: Any = GPT2LMHeadModel.from_pretrained(tiny_models["gpt2"])
    folder = tmp_path / "short"
    for positions, fits in ((260, True), (64, False)):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tiny_models["gpt2"], folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"n_positions": positions}))
        weights = model.state_dict()
        cut = {name: w[:positions] if name == "transformer.wpe.weight" else w for name, w in weights.items()}
        model.save_pretrained(folder, state_dict=cut)
        (folder / "config.json").write_text(json.dumps(config | {"n_positions": positions}))
        if not fits:
            with pytest.raises(InvalidInput, match="room"):
                hook_model(f"local:{folder}")
            continue
        short = hook_model(f"local:{folder}")
        assert isinstance(short, CausalHooks)
        assert 0 < len(short._prompts["en"].shots) < len(whole._prompts["en"].shots)
        assert short.propose(requests(MUG))[0]


def test_eight_bits_are_close_and_rows_do_not_mix(tiny_models: dict[str, Path]) -> None:
    import torch

    full, small = LocalModel.load(tiny_models["llama"]), LocalModel.load(tiny_models["llama"], int8=True)
    ids = torch.tensor([full.tokenizer("Line: Slow evenings feel warm with a mug of tea.")["input_ids"]] * 2)
    ids[1] = ids[1].flip(0)
    with torch.no_grad():
        right, close, alone = full.model(ids).logits, small.model(ids).logits, small.model(ids[:1]).logits
    assert torch.equal(close[0], alone[0]) or (close[0] - alone[0]).abs().max() < 1e-4
    error = (close - right).norm() / right.norm()
    assert 1e-5 < float(error) < 0.05
    assert (close[0].argmax(-1) == right[0].argmax(-1)).float().mean() > 0.8
