"""Train networks and save them as readers."""
