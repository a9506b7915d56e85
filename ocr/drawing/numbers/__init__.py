"""Draw numbers: their texts, who writes them, the kinds that a reader is trained on."""
