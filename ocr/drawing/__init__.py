"""Draw CAPTCHAs, characters and numbers; augment images to train on."""
