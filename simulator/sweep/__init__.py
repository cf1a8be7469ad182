"""Tries many settings and policies on a log: train, select, confirm.

The function is `simulator.sweep`; `simulator.sweep.run` is where it stands.
"""
