"""What a deployment must live through: bursts, batches, outages, conversations.

Like the rest of the simulator they import nothing of the gateway and see it only from outside, as Meta and an app do.
"""
