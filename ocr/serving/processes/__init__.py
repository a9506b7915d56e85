"""Read in processes of their own, which the requests take turns at."""
