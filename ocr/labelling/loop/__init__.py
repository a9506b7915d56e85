"""The loop behind the labelling page: train, read the rest again, measure, look twice."""
