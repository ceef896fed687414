"""The house: pages on which admins see how the gateway does, and put right what is wrong.

All of them belong to one blueprint (`blueprint`), so that the navigation shows them as one part. `plots` draws, `words`
says durations and shares, `forms` reads forms by the API's schemas.
"""

from app.web.inbox.house import alerts, batches, cost, deliveries, doctor, endpoints, numbers, overview, plots, webhooks
from app.web.inbox.house.blueprint import bp

__all__ = [
    "alerts", "batches", "bp", "cost", "deliveries", "doctor", "endpoints", "numbers", "overview", "plots", "webhooks",
]  # fmt: skip
