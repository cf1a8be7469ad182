"""Numbers written in words, which copy never does: a reader takes them for facts all the same."""

from __future__ import annotations

import re

_UNITS_EN = "two|three|four|five|six|seven|eight|nine"
_TEENS_EN = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS_EN = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_LARGE_EN = "hundred|thousand|million|billion|dozen|lakh|crore"
_PARTS_EN = r"half|halves|halved|double|doubled|triple|twice|thrice|a quarter|a third|two thirds|three quarters"
_COINS_EN = "fiver|tenner|bucks?|quid|pence|cents?|dollars?|pounds sterling|euros?|rupees?|yuan|renminbi|rmb"
_COUNTED_EN = (
    "percent|per cent|dollars?|pounds?|euros?|rupees?|yuan|cents?|bucks?|off|price|days?|hours?|weeks?|months?|items?|"
    "times|left|free|per|get"
)

SPELLED = re.compile(
    rf"\b(?:zero|nil|{_UNITS_EN}|{_TEENS_EN}|(?:{_TENS_EN})(?:[\s-](?:one|{_UNITS_EN}))?|{_LARGE_EN}|{_PARTS_EN})s?\b"
    rf"|\bone(?=[\s-]+(?:{_COUNTED_EN}|hundred|thousand|million|dozen)\b)|\b(?:buy one|one for one)\b"
    rf"|\b[IVXLCDM]{{2,}}(?=\s*(?:%|percent|per cent|off|dollars?|pounds?|euros?|rupees?)\b)"
    rf"|\b(?:{_COINS_EN})\b|\b(?:por ?cento?|por ciento|pour ?cent|prozent|procent(?:o|a)?)\b",
    re.IGNORECASE,
)

_HAN_DIGIT = "零〇一二两三四五六七八九十百千万亿半廿卅"
_HAN_FORMAL = "壹贰貳叁參肆伍陆陸柒捌玖拾佰仟萬億"
_HAN_MONEY = "元|块|圆|毛钱?|角|折|成(?!功|长|为|熟|人|分|就|都|立|套)|倍|价|%|％|塊"
_HAN_COUNT = (
    r"天|日(?!常|子)|小时|分钟|个月|年(?!四季|轻)|件|份|次|瓶|盒|支|袋|片|包(?!邮|裹)|送|免|付|期|减|人团|位|名|款"
    r"|岁|斤|克|毫升|升|厘米|寸|只(?!有|是|要|想|需|为|能|好|怕)|双|对(?!比|话|视|望)|套|箱|罐"
)
# Runs that Chinese uses without counting; a unit after them still counts them.
_HAN_IDIOM = "千万|万千|万一|千百|万万|百万|三三两两|两三|三五|三两|十八|九九"

HAN_SPELLED = re.compile(
    rf"[{_HAN_DIGIT}点]*[{_HAN_DIGIT}]+(?=\s*(?:{_HAN_MONEY}))"
    rf"|[{_HAN_DIGIT[2:]}]+(?<!一)(?<!半)(?<!百)(?<!千)(?<!万)(?=\s*(?:{_HAN_COUNT}))"
    rf"|(?<![{_HAN_DIGIT}])(?!(?:{_HAN_IDIOM})(?![{_HAN_DIGIT}]))(?=[{_HAN_DIGIT}]*[十百千万亿])[{_HAN_DIGIT}]{{2,}}"
    rf"|[{_HAN_FORMAL}]+(?=\s*(?:{_HAN_MONEY}))|[{_HAN_FORMAL}]{{2,}}"
    rf"|百分之[{_HAN_DIGIT}点]+|双[十百][{_HAN_DIGIT}]|半(?=价|折)|对折|对半|骨折价|白菜价"
    rf"|[买拍][{_HAN_DIGIT}\d]+(?:送|发|得|赠)|半(?=斤|打)|(?<=[省减降])一半"
    rf"|第[二两三四]件|[十百千万](?:来|多|余)(?=块|元|人|件|个)"
)
