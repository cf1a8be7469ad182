"""A shop with known truth that talks to the real service."""

from simulator.shop.in_process import InProcess
from simulator.shop.ledger import Ledger
from simulator.shop.loop import Loop
from simulator.shop.presets import PRESETS, read_scenario
from simulator.shop.remote import Remote
from simulator.shop.scenario import Scenario
from simulator.shop.service_port import Answer, ServicePort
from simulator.shop.shop import Shop
from simulator.shop.simulated import Simulated

__all__ = [
    "PRESETS",
    "Answer",
    "InProcess",
    "Ledger",
    "Loop",
    "Remote",
    "Scenario",
    "ServicePort",
    "Shop",
    "Simulated",
    "read_scenario",
]
