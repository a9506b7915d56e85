"""Draw forms: blank ones, filled in by people and machines, and scans of them with known truth."""
