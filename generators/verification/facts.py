"""Every figure and term that copy states must be one of the brief's, in its role."""

from __future__ import annotations

from decimal import Decimal

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.product import Product
from generators.product_names import ProductNames
from generators.verification.plain_text import normalised
from generators.verification.reading import read
from generators.verification.statement import Statement, StatementKind
from generators.verification.term_reader import region_key
from generators.verification.vouched import shop_talk, unvouched


class FactCheck:
    """Parses a finished string and compares each statement with the brief.

    A correct number in the wrong role fails too: "was 409, now 969" states two true figures and a false offer. So does
    a saving without the minimum spend that it needs, and a right figure beside words that may change it ("$18 a pair").
    """

    name = "facts"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:
        """Return each statement that the brief does not bear out, and each term that is missing."""
        names = ProductNames.of(brief)
        own = (*names.verbatim, brief.sender)
        stated, rest = read(text, code=brief.offer.code, facts=own)
        wrong = [reason for statement in stated if (reason := _mistake(statement, brief))]
        # A figure that is wrong by itself needs no second reason.
        if not wrong:
            own = (*own, *_words_of(brief.product))
            wrong = [f"says {words!r} beside a figure, which no fact needs" for words in unvouched(rest, own)]
            wrong += [f"says {words!r}, which no figure of the brief bears out" for words in shop_talk(rest, own)]
        return wrong + _missing(stated, text, brief, limit)


def _words_of(product: Product) -> tuple[str, ...]:
    """Return the catalogue's own words, whole and one by one; a short one may be a preposition and is left out."""
    whole = (product.title, product.brand, product.category)
    single = (word for text in whole for word in text.split() if len(word) > (3 if word.isascii() else 1))
    # "Sugar Free Biscuits" may not take a word out of "free delivery".
    return (*whole, *(word for word in single if word.casefold() not in ("free", "delivery")))


def _mistake(statement: Statement, brief: Brief) -> str:
    if statement.kind is StatementKind.CODE:
        return ""
    expected = _expected(brief).get(statement.kind, "")
    if statement.kind is StatementKind.DATE and expected:
        right = statement.value in (expected, expected[5:])
    else:
        right = bool(expected) and statement.value == expected
    if right and statement.unit:
        right = statement.unit in {normalised(symbol) for symbol in brief.currency.symbols}
    return "" if right else f"states {statement.kind.value} {statement.text!r}; the brief has {expected or 'none'}"


def _expected(brief: Brief) -> dict[StatementKind, str]:
    """Return the values that statements must have; a kind that is absent may not be stated at all."""
    decimals, terms = brief.currency.decimals, brief.offer.terms
    money = {
        StatementKind.PAYABLE: brief.payable_minor,
        StatementKind.REFERENCE: brief.reference_minor,
        StatementKind.SAVING: brief.saving_minor,
        StatementKind.MIN_SPEND: terms.min_spend_minor or None,
    }
    values = {
        kind: format(Decimal(minor).scaleb(-decimals).normalize(), "f")
        for kind, minor in money.items()
        if minor is not None
    }
    if brief.percent:
        values[StatementKind.PERCENT] = str(brief.percent)
    if brief.offer.ends:
        values[StatementKind.DATE] = brief.offer.ends.isoformat()
    if terms.per_customer:
        values[StatementKind.PER_CUSTOMER] = str(terms.per_customer)
    if terms.new_customers:
        values[StatementKind.NEW_CUSTOMERS] = "yes"
    if terms.regions:
        values[StatementKind.REGIONS] = region_key(",".join(map(normalised, terms.regions)))
    return values


def _missing(stated: list[Statement], text: str, brief: Brief, limit: FieldLimit) -> list[str]:
    kinds, terms = {statement.kind for statement in stated}, brief.offer.terms
    speaks_of_offer = (
        bool(kinds & {StatementKind.SAVING, StatementKind.PERCENT}) or "包邮" in text or "free" in text.lower()
    )
    wanted = {
        StatementKind.CODE: limit.states_code and bool(brief.offer.code),
        StatementKind.DATE: limit.states_end and brief.offer.ends is not None,
        # A reduction that most orders do not reach is no reduction without its threshold, whatever the room.
        StatementKind.MIN_SPEND: brief.is_on_order and (limit.states_terms or speaks_of_offer),
        StatementKind.PER_CUSTOMER: limit.states_terms and bool(terms.per_customer),
        StatementKind.NEW_CUSTOMERS: limit.states_terms and terms.new_customers,
        StatementKind.REGIONS: limit.states_terms and bool(terms.regions),
    }
    return [f"does not state the {kind.value}" for kind, needed in wanted.items() if needed and kind not in kinds]
