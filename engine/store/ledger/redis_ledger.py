"""The ledger of several hosts, in Redis: one hash an account, each step one script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput, Unavailable
from engine.extras import require
from engine.store.ledger.checkpoint import Checkpoint
from engine.store.ledger.holding import Holding
from engine.store.ledger.request import Request
from engine.store.ledger.statement import Statement
from engine.store.ledger.turn import out_of_turn, taken_over, too_much

if TYPE_CHECKING:
    import redis

TIMEOUT_S = 5.0

# Fields of an account's hash: `amount`, `revision`, `leased` (over all holders), and for each holder `e:` epoch,
# `n:` number, `g:` granted, `r:` returned, `c:` checkpoint. Numbers in a script are doubles, exact up to 2^53.
_STATE = """
local function state(holder)
  local got = redis.call('HMGET', KEYS[1], 'e:'..holder, 'n:'..holder, 'g:'..holder, 'r:'..holder, 'c:'..holder)
  return {'ok', got[1] or '0', got[2] or '0', got[3] or '0', got[4] or '0', got[5] or ''}
end
"""
_OPEN = (
    _STATE
    + """
redis.call('HINCRBY', KEYS[1], 'e:'..ARGV[1], 1)
redis.call('HSET', KEYS[1], 'n:'..ARGV[1], 0)
return state(ARGV[1])
"""
)
_TRANSFER = (
    _STATE
    + """
local holder, epoch, number, quantity, amount, revision, kind = unpack(ARGV)
local now = state(holder)
if now[2] ~= epoch then return {'taken_over'} end
if now[3] == number then return now end
if tonumber(now[3]) + 1 ~= tonumber(number) then return {'out_of_turn'} end
local leased = tonumber(redis.call('HGET', KEYS[1], 'leased') or '0')
if kind == 'lease' then
  if tonumber(revision) >= tonumber(redis.call('HGET', KEYS[1], 'revision') or '0') then
    redis.call('HSET', KEYS[1], 'revision', revision, 'amount', amount)
  end
  local left = tonumber(redis.call('HGET', KEYS[1], 'amount')) - leased
  local granted = string.format('%.0f', math.max(0, math.min(tonumber(quantity), left)))
  redis.call('HINCRBY', KEYS[1], 'g:'..holder, granted)
  redis.call('HINCRBY', KEYS[1], 'leased', granted)
else
  if tonumber(quantity) > leased then return {'too_much'} end
  redis.call('HINCRBY', KEYS[1], 'r:'..holder, quantity)
  if quantity ~= '0' then redis.call('HINCRBY', KEYS[1], 'leased', '-'..quantity) end
end
redis.call('HSET', KEYS[1], 'n:'..holder, number)
return state(holder)
"""
)
_CHECKPOINT = """
if (redis.call('HGET', KEYS[1], 'e:'..ARGV[1]) or '0') ~= ARGV[2] then return {'taken_over'} end
redis.call('HSET', KEYS[1], 'c:'..ARGV[1], ARGV[3])
return {'ok'}
"""
_ERRORS = {"taken_over": taken_over, "out_of_turn": out_of_turn}


class RedisLedger:
    """See `Ledger`.

    A ledger that forgets grants everything once more. So Redis must write every change to disk before it answers
    (`appendonly yes`, `appendfsync always`) and evict nothing (`maxmemory-policy noeviction`); opening checks it. A
    fail-over to a replica that lags forgets too: let replicas take over only by hand, or with `min-replicas-to-write`.
    """

    def __init__(self, url: str, prefix: str = "armsreach", *, unsafe: bool = False) -> None:
        """Connect.

        Args:
            url: For instance `redis://localhost:6379/0`, or `rediss://` with TLS; it may carry a password.
            prefix: Stands before every key.
            unsafe: Use it though it may forget, as in a trial.

        Raises:
            FailedPrecondition: If Redis may forget what it acknowledged.
            InvalidInput: If the URL is none.
            Unavailable: If Redis cannot be reached.
            ModuleNotFoundError: If the extra `redis` is not installed.
        """
        require("redis", "redis")
        import redis

        self._prefix = prefix
        try:
            self._client: redis.Redis = redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, decode_responses=True
            )
        except ValueError:
            raise InvalidInput("expected a URL such as redis://localhost:6379/0", field="ledger.url") from None
        place = self._client.connection_pool.connection_kwargs
        self._name = f"redis {place.get('host', place.get('path', ''))}:{place.get('port', '')}"
        try:
            with self._translated():
                if not unsafe:
                    self._require_durable()
        except BaseException:
            self._client.close()
            raise

    def open(self, holder: str, accounts: Sequence[str]) -> list[Holding]:
        """See `Ledger`."""
        return [_holding(answer) for answer in self._scripts(_OPEN, [(account, (holder,)) for account in accounts])]

    def lease(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """See `Ledger`."""
        return self._transfers(holder, requests, "lease")

    def give_back(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """See `Ledger`."""
        return self._transfers(holder, requests, "give_back")

    def checkpoint(self, holder: str, epochs: Mapping[str, int], checkpoints: Mapping[str, Checkpoint]) -> None:
        """See `Ledger`."""
        calls = [(account, (holder, epochs[account], kept.dumps())) for account, kept in checkpoints.items()]
        for (account, _), answer in zip(calls, self._scripts(_CHECKPOINT, calls), strict=True):
            _check(answer, holder, account)

    def checkpoints(self, account: str) -> Mapping[str, Checkpoint]:
        """See `Ledger`."""
        with self._translated():
            fields: Any = self._client.hgetall(self._key(account))
        return {name[2:]: Checkpoint.loads(text) for name, text in fields.items() if name.startswith("c:")}

    def statement(self, account: str) -> Statement:
        """See `Ledger`."""
        with self._translated():
            fields: Any = self._client.hgetall(self._key(account))
        kept = [Checkpoint.loads(text).spent for name, text in fields.items() if name.startswith("c:")]
        return Statement(int(fields.get("leased", 0)), sum(kept), sum(name.startswith("e:") for name in fields))

    def close(self) -> None:
        """See `Ledger`."""
        self._client.close()

    def _transfers(self, holder: str, requests: Sequence[Request], kind: str) -> list[Holding]:
        for request in requests:
            if request.quantity < 0:
                raise InvalidInput(f"expected a quantity ≥ 0, got {request.quantity}", field=request.account)
        calls = [(r.account, (holder, r.epoch, r.number, r.quantity, r.amount, r.revision, kind)) for r in requests]
        answers = self._scripts(_TRANSFER, calls)
        for request, answer in zip(requests, answers, strict=True):
            _check(answer, holder, request.account)
        return [_holding(answer) for answer in answers]

    def _scripts(self, script: str, calls: Sequence[tuple[str, tuple[Any, ...]]]) -> list[list[str]]:
        """Run a script for each account: one round trip, each atomic in itself."""
        if not calls:
            return []
        with self._translated(), self._client.pipeline(transaction=False) as pipeline:
            for account, arguments in calls:
                pipeline.eval(script, 1, self._key(account), *arguments)
            return list(pipeline.execute())

    def _key(self, account: str) -> str:
        return f"{self._prefix}:ledger:{account}"

    def _require_durable(self) -> None:
        import redis

        info: Any = self._client.info()
        problems = [] if info.get("aof_enabled") else ["appendonly no"]
        if info.get("maxmemory_policy", "noeviction") != "noeviction":
            problems.append(f"maxmemory-policy {info['maxmemory_policy']}")
        try:
            settings: Any = self._client.config_get("appendfsync")
        except redis.exceptions.ResponseError:
            settings = {}  # a managed Redis may not say; its operator must
        if settings.get("appendfsync", "always") != "always":
            problems.append(f"appendfsync {settings['appendfsync']}")
        if problems:
            raise FailedPrecondition(
                f"{self._name}: expected appendonly yes, appendfsync always and maxmemory-policy noeviction, got"
                f" {', '.join(problems)}; a budget that Redis forgets is spent twice: change its settings"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import redis

        try:
            yield
        except redis.exceptions.AuthenticationError:
            raise Unavailable(f"{self._name}: the credentials were refused; check user and password") from None
        except redis.exceptions.RedisError as error:
            if "WRONGTYPE" in str(error):
                raise CorruptState(
                    f"{self._name}: a key under {self._prefix}: is another program's; give another prefix"
                ) from error
            raise Unavailable(
                f"{self._name}: expected an answer, got {type(error).__name__}: {error}; see that Redis runs and can be"
                " reached, nothing more is granted until then"
            ) from error


def _check(answer: Sequence[str], holder: str, account: str) -> None:
    if answer[0] in _ERRORS:
        raise _ERRORS[answer[0]](holder, account)
    if answer[0] == "too_much":
        raise too_much(account)


def _holding(answer: Sequence[str]) -> Holding:
    _, epoch, number, granted, returned, checkpoint = answer
    kept = Checkpoint.loads(checkpoint) if checkpoint else None
    return Holding(int(epoch), int(number), int(granted), int(returned), kept)
