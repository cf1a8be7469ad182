"""What more, or less, money on a channel would earn."""

from simulator.budget.budget import budget
from simulator.budget.budget_report import Budget, BudgetPoint, Marginal

__all__ = ["Budget", "BudgetPoint", "Marginal", "budget"]
