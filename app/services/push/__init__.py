"""Notifications on the devices of people (Web Push), for customers who wait and for messages to whom they belong.

`subscriptions` stores the devices that people allowed it for. `notice` finds who is to be told of what, once, and
writes jobs in the same transaction. `send` carries them out: encrypted for the device, posted to its vendor's push
service through the guard against internal addresses. Nothing of a customer is in a notification.
"""

from app.services.push.notice import NoticePushes
from app.services.push.send import DEADLINE_SECONDS, SendPushes
from app.services.push.subscriptions import PushSubscriptions

__all__ = ["DEADLINE_SECONDS", "NoticePushes", "PushSubscriptions", "SendPushes"]
