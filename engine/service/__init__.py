"""Deciding, recording outcomes, learning and publishing; no transport."""
