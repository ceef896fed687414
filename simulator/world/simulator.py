"""The simulated Meta as one thing: its state, its clock and its post."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import current_app

from simulator.faults.rules import WEBHOOKS
from simulator.settings import BusinessNumber, SimulatorSettings
from simulator.webhooks.postman import Address, Answered, Postman
from simulator.world.scheduler import Scheduler
from simulator.world.world import World


@dataclass(frozen=True)
class Simulator:
    """What the routes work with. `close` it when done: it owns threads."""

    settings: SimulatorSettings
    world: World
    scheduler: Scheduler
    postman: Postman

    def tell(self, number: BusinessNumber, field: str, value: dict[str, Any], answered: Answered | None = None) -> None:
        """Send a change of a number's to every app that hears of it."""
        self._tell(number.waba_id, number, field, value, answered)

    def tell_account(self, waba_id: str, field: str, value: dict[str, Any]) -> None:
        """Send a change of an account's to every app that hears of it."""
        self._tell(waba_id, None, field, value, None)

    def _tell(
        self, waba_id: str, number: BusinessNumber | None, field: str, value: dict[str, Any], answered: Answered | None
    ) -> None:
        if not self.world.standing.account(waba_id).sends_webhooks:
            return
        for app, url in self.world.subscriptions.routes(waba_id, number, field):
            change = {"field": field, "value": value}
            fault = self.world.faults.draw(WEBHOOKS)
            held = fault.seconds if fault and fault.kind == "reorder" else 0.0
            bring = partial(self.postman.bring, Address(app.app_secret, url), waba_id, change)
            self.scheduler.later(held, partial(bring, answered))
            if fault and fault.kind == "duplicate":
                self.scheduler.later(held, bring)

    def close(self) -> None:
        """Stop the threads; what was still to be sent is forgotten."""
        self.world.close()
        self.scheduler.close()


def build(settings: SimulatorSettings) -> Simulator:
    """Put a simulated Meta together; it starts no thread before something is to be sent."""
    scheduler = Scheduler()
    return Simulator(settings, World(settings), scheduler, Postman(settings.pace, scheduler))


def current() -> Simulator:
    """The simulator behind the current request."""
    simulator: Simulator = current_app.extensions["simulator"]
    return simulator
