"""Budgets and stock, leased in chunks: who has been granted how much."""

from engine.store.ledger.checkpoint import Checkpoint
from engine.store.ledger.holding import Holding
from engine.store.ledger.ledger import Ledger
from engine.store.ledger.memory_ledger import MemoryLedger
from engine.store.ledger.node_name import node_name
from engine.store.ledger.open_ledger import open_ledger
from engine.store.ledger.redis_ledger import RedisLedger
from engine.store.ledger.request import Request, account_name
from engine.store.ledger.sqlite_ledger import SqliteLedger
from engine.store.ledger.statement import Statement

__all__ = [
    "Checkpoint",
    "Holding",
    "Ledger",
    "MemoryLedger",
    "RedisLedger",
    "Request",
    "SqliteLedger",
    "Statement",
    "account_name",
    "node_name",
    "open_ledger",
]
