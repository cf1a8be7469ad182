"""Weights that come with the text models, and lines that they are trained on."""
