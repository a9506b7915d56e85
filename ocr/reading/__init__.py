"""From an image to its text."""
