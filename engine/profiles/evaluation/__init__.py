"""How well profiles foresee what shoppers do next, beside popularity and habit."""
