"""Everything we draw ourselves."""
