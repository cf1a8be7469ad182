"""How much traffic, or which exploration floor, a question needs."""

from simulator.planning.plan import plan
from simulator.planning.plan_report import FloorPlan, Plan, PolicyPlan, Wait
from simulator.planning.traffic import Traffic

__all__ = ["FloorPlan", "Plan", "PolicyPlan", "Traffic", "Wait", "plan"]
