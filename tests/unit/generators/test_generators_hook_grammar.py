"""Every line that the grammar can write may be sent, for every kind of product; variants walk through all."""

from __future__ import annotations

import pytest

from generators.brief import LANGUAGES, TONES, Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.draft import Draft
from generators.hook_grammar import grammar_hook, hook_pairs
from generators.hooks import HookScreen
from generators.product import Product
from generators.product_kind import ProductKind
from generators.verification import FactCheck, LengthCheck, ToneCheck

KINDS = [
    (language, kind) for language in LANGUAGES for kind in load_toml(f"kinds_{language}.toml") if kind != "general"
]
TITLES = {
    "alcohol": ("Red Wine", "红酒"),
    "supplement": ("Vitamin tablets", "维生素"),
    "infant_formula": ("Infant formula", "婴儿奶粉"),
}


def product(kind: str, language: str) -> Brief:
    title = TITLES.get(kind, ("Lipstick soap snack", "口红面膜饼干"))[language == "zh"]
    return Brief("b", Product(title, 2400, "USD", category="Food and beauty"), language=language)


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_every_line_may_be_sent(language: str, kind: str) -> None:
    brief, screen = product(kind, language), HookScreen()
    limit = FieldLimit("push", "title", max_characters=64, max_width=50 if language == "zh" else 80)
    for tone in TONES:
        for scene, line in hook_pairs(kind, language, tone):
            hook = scene + line
            form = ("expected one or two", "names something", "repeats a word", "expected 4-24", "expected 3-14")
            assert [r for r in screen.reasons(hook, brief) if not r.startswith(form)] == [], hook
            assert FactCheck().reasons(hook, brief, limit) == [], hook
            assert LengthCheck().reasons(hook.rstrip(".。"), brief, limit) == [], hook
            draft = Draft({"push": {"title": hook}}, hook, tone, "hook")
            assert ToneCheck().findings(draft, brief) == [], hook


@pytest.mark.parametrize("language", LANGUAGES)
def test_variants_walk_through_every_pair(language: str) -> None:
    brief = product("", language)
    pairs = hook_pairs(ProductKind.of(brief).name, language, "warm")
    hooks = [grammar_hook(brief, "warm", index, 3) for index in range(len(pairs))]
    assert sorted(hooks) == sorted(a + b for a, b in pairs)
    assert len(pairs) >= 50


@pytest.mark.parametrize(
    ("title", "category", "language", "kind"),
    [
        ("CHANDO/自然堂 雪域精粹纯粹滋润霜50g 补水保湿", "", "zh", "cream"),
        ("自然堂雪润深澈洁面膏洗面奶", "", "zh", "cleanser"),
        ("自然堂纤长浓密养护睫毛膏", "", "zh", "eyes"),
        ("羊毛盖毯", "家居", "zh", "bedding"),
        ("婴儿配方奶粉", "", "zh", "infant_formula"),
        ("无名之物", "", "zh", "other"),
        ("Water Bottle - Orange", "Kitchen, Garden & Pets", "en", "kitchen"),
        ("Garlic Oil - Vegetarian Capsule 500 mg", "Beauty & Hygiene", "en", "supplement"),
        ("Banana - Red", "Fruits & Vegetables", "en", "fruit_veg"),
        ("Original Deodorant For Women", "", "en", "fragrance"),
        ("Thing", "Bakery, Cakes & Dairy", "en", "bakery"),
        ("Corner Rack", "Kitchen, Garden & Pets", "en", "kitchen"),
    ],
)
def test_kinds_are_told_by_words(title: str, category: str, language: str, kind: str) -> None:
    assert ProductKind.of(Brief("b", Product(title, 100, "CNY", category=category), language=language)).name == kind
