"""Receive requests and send answers: limits for every client, before anything is read."""
