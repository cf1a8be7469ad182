"""Generators: from a brief to verified copy, ready to become arms."""
