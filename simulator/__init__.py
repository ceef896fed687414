"""A stand-in for Meta: the Graph API, signed webhooks and a customer's phone, on this machine alone.

It imports nothing of the gateway, so that the two agree only where both keep to Meta's contract.
"""
