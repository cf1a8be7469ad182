"""Turns decision logs into other people's formats."""
