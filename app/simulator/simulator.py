"""The simulated Meta as one thing: its state, its clock and its post."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app

from app.simulator.postman import Answered, Postman
from app.simulator.scheduler import Scheduler
from app.simulator.settings import BusinessNumber, SimulatorSettings
from app.simulator.world import World


@dataclass(frozen=True)
class Simulator:
    """What the routes work with. `close` it when done: it owns threads."""

    settings: SimulatorSettings
    world: World
    scheduler: Scheduler
    postman: Postman

    def tell(self, number: BusinessNumber, field: str, value: dict[str, Any], answered: Answered | None = None) -> None:
        """Send a change of a number's to every app that is subscribed to its account."""
        for app in self.settings.apps:
            if not app.waba_ids or number.waba_id in app.waba_ids:
                self.postman.bring(app, number.waba_id, {"field": field, "value": value}, answered)

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
