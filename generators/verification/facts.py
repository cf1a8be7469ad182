"""Every figure that copy states must be one of the brief's, in its role."""

from __future__ import annotations

from decimal import Decimal

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.product_names import ProductNames
from generators.verification.statement import Statement, StatementKind, normalised, statements


class FactCheck:
    """Parses a finished string and compares each statement with the brief.

    A correct number in the wrong role fails too: "was 409, now 969" states two true figures and a false offer.
    """

    name = "facts"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:
        """Return each statement that the brief does not bear out, and each term that is missing."""
        names = ProductNames.of(brief)
        stated = statements(text, code=brief.offer.code, facts=(*names.all, names.brand))
        wrong = [reason for statement in stated if (reason := _mistake(statement, brief))]
        return wrong + _missing(stated, brief, limit)


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
    decimals = brief.currency.decimals
    payable, reference = brief.payable_minor, brief.reference_minor
    money = {StatementKind.PAYABLE: payable, StatementKind.REFERENCE: reference}
    if payable is not None and reference is not None:
        money[StatementKind.SAVING] = reference - payable
    values = {
        kind: format(Decimal(minor).scaleb(-decimals).normalize(), "f")
        for kind, minor in money.items()
        if minor is not None
    }
    if brief.percent:
        values[StatementKind.PERCENT] = str(brief.percent)
    if brief.offer.ends:
        values[StatementKind.DATE] = brief.offer.ends.isoformat()
    return values


def _missing(stated: list[Statement], brief: Brief, limit: FieldLimit) -> list[str]:
    kinds = {statement.kind for statement in stated}
    wanted = {
        StatementKind.CODE: limit.states_code and bool(brief.offer.code),
        StatementKind.DATE: limit.states_end and brief.offer.ends is not None,
    }
    return [f"does not state the {kind.value}" for kind, needed in wanted.items() if needed and kind not in kinds]
