"""Inference: preprocess images, run a network, decode its output."""
