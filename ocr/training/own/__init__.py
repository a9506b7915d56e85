"""Train readers on your own images: audit, train, evaluate, compare, save; few images or many."""
