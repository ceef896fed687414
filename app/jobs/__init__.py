"""The worker: what happens after the answer."""
