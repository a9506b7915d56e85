"""Read an archive on a cluster [scale]: Dask distributed, pyarrow."""
