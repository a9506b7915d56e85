"""Read whole forms: a template, scans brought onto it, its fields read, rows written."""
