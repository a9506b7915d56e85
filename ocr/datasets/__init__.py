"""Labelled images: find, download, read, audit and split them."""
