"""Catalogue titles, made fit to be read: cases by hand, as a shop's editor would write them."""

from __future__ import annotations

import pytest

from generators.brief import Brief
from generators.product import Product
from generators.product_names import ProductNames


def names(title: str, brand: str, language: str) -> ProductNames:
    return ProductNames.of(Brief("b", Product(title, 100, "CNY", brand), language=language))


@pytest.mark.parametrize(
    ("title", "brand", "name"),
    [
        ("CHANDO/自然堂 雪域精粹纯粹滋润霜50g 补水保湿 滋润水润面霜", "自然堂", "自然堂雪域精粹纯粹滋润霜50g"),
        ("CHANDO/自然堂 雪域精粹纯粹滋润霜50g 补水保湿 滋润水润面霜", "", "自然堂雪域精粹纯粹滋润霜50g"),
        ("自然堂 凝时鲜颜洁面霜110g 洁面保湿滋润不紧绷 洗面奶专柜正品", "自然堂", "自然堂凝时鲜颜洁面霜110g"),
        ("【11-11预售】植村秀洁颜油系列450ml 卸妆油清洁多效护肤", "植村秀", "植村秀洁颜油系列450ml"),
        ("maxam/美加净美加净面霜银耳珍珠滋养蜜100ml*3 滋养润泽柔滑", "美加净", "美加净面霜"),
        ("L'OREAL欧莱雅 男士水能护肤两件套装 滋润乳洁面膏", "欧莱雅", "欧莱雅男士水能护肤两件套装"),
        ("专柜正品相宜本草光彩立现白茶睡眠面膜补水保湿女滋润", "相宜本草", "相宜本草光彩立现白茶睡眠面膜"),
        ("【2支包邮】德国妮维雅润唇膏女滋润保湿补水淡化唇纹", "妮维雅", "德国妮维雅润唇膏"),
        ("倩碧Clinique 雾面小方唇膏 晓彤色", "倩碧", "倩碧雾面小方唇膏"),
        ("手作陶杯 320毫升", "山野集", "手作陶杯320毫升"),
        ("羊毛盖毯", "小满家", "羊毛盖毯"),
    ],
)
def test_a_chinese_title_loses_its_keywords(title: str, brand: str, name: str) -> None:
    assert names(title, brand, "zh").all[0] == name


def test_a_long_chinese_title_is_cut_at_the_thing_and_a_set_stays_a_set() -> None:
    found = names("CHANDO/自然堂雪润晶采裸透气垫霜+替换装保湿水润贴妆BB霜套装", "自然堂", "zh")
    assert found.all == ("自然堂雪润晶采裸透气垫霜套装", "自然堂套装")


@pytest.mark.parametrize(
    "title", ["佰草集新玉润保湿眼部ㄠ20g果冻", "悦诗风吟生机花鹅挪嗜蟠礁喑.5g", "满200减30面霜", "双11面霜特价"]
)
def test_what_cannot_be_read_or_reads_as_an_offer_is_no_name(title: str) -> None:
    assert all(title not in name and "减" not in name and "ㄠ" not in name for name in names(title, "", "zh").all)


@pytest.mark.parametrize(
    ("title", "brand", "found"),
    [
        ("Water Bottle - Orange", "Mastercook", ("Water Bottle (Orange)", "Water Bottle")),
        ("Oil - Gingelly", "Idhayam", ("Gingelly Oil",)),
        ("Powder - Sindhi Biryani Masala", "Eastern", ("Sindhi Biryani Masala", "Biryani Masala")),
        ("Original Deodorant For Women", "Dove", ("Original Deodorant for Women", "Original Deodorant")),
        ("Dove Soap Bar", "Dove", ("Soap Bar",)),
        ("Green Planter - No. 1 (Pack of 6)", "Kr", ("Green Planter (No. 1)", "Green Planter")),
        ("Stoneware Mug, Oat Glaze", "Halden", ("Stoneware Mug, Oat Glaze", "Stoneware Mug")),
        ("Mug 20% off", "", ()),
    ],
)
def test_an_english_title_reads_as_a_name(title: str, brand: str, found: tuple[str, ...]) -> None:
    assert names(title, brand, "en").all == found
