"""Read an archive on a cluster."""
