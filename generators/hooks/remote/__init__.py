"""Hooks from an OpenAI-compatible endpoint: one call for a line, with retries, limits on rate and money, time-outs."""

from generators.hooks.remote.endpoint import Endpoint
from generators.hooks.remote.rate_limit import RateLimit
from generators.hooks.remote.remote_hooks import RemoteHooks
from generators.hooks.remote.settings import RemoteSettings
from generators.hooks.remote.spending import CeilingReached, Spending

__all__ = ["CeilingReached", "Endpoint", "RateLimit", "RemoteHooks", "RemoteSettings", "Spending"]
