"""Who may call, how much, and over which kind of connection."""

from engine.server.access.client_rates import ClientRates, NoRates, Rates
from engine.server.access.peer_gate import PeerGate
from engine.server.access.permissions import Permissions
from engine.server.access.server_credentials import server_credentials
from engine.server.access.sizes import Sizes
from engine.server.access.token_gate import TokenGate
from engine.server.access.tokens import Tokens

__all__ = [
    "ClientRates",
    "NoRates",
    "PeerGate",
    "Permissions",
    "Rates",
    "Sizes",
    "TokenGate",
    "Tokens",
    "server_credentials",
]
