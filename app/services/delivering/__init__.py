"""Delivering events to the user's apps: claim what is due, post it, write down what came of it."""
