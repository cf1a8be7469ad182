"""Turns other people's logs into decision logs."""
