"""A reader as one HTML file, which reads in the browser: no server, no network access."""
