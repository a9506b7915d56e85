"""Label images in the browser: the page, its server and what is written to disk."""
