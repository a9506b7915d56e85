"""Labelled images: found, read, audited, split."""
