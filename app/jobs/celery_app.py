"""Celery's application: `celery -A app.jobs.celery_app worker`, `… inspect active`, `… beat`, Flower.

One task for each lane. A task carries no data: it works on what is due in its lane, as the worker without a broker
does, by the same claims. Imported only where a broker is set.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from celery import Celery, signals

from app.config.environment import load_environment
from app.config.errors import ConfigError
from app.config.settings import Config, load_config
from app.jobs import celery_process
from app.jobs.celery_settings import celery_settings
from app.jobs.lanes import LANES


class _GatewayCelery(Celery):  # type: ignore[misc]
    @cached_property
    def Worker(self) -> Any:  # noqa: N802
        """Celery's worker with this gateway's lanes in it."""
        return self.subclass_with_self("app.jobs.celery_worker:GatewayWorker")


def _configured() -> Config:
    """Return the settings; end the program with what is wrong with them, as every command does."""
    try:
        config = load_config(load_environment())
    except ConfigError as error:
        raise SystemExit("\n".join(error.problems)) from None
    if not config.broker_url:
        raise SystemExit("BROKER_URL: not set, so there is no broker; without one run `flask worker`")
    return config


def _run(name: str) -> Any:
    def run() -> str:
        runner = celery_process.runner(name)
        return "turned off by the settings" if runner is None else runner.run()

    return run


config = _configured()
app = _GatewayCelery("whatsapp-service", set_as_current=True)
app.conf.update(celery_settings(config.broker_url))
for _lane in LANES:
    if _lane.queue is not None:
        app.task(_run(_lane.name), name=_lane.name, shared=False)


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_the_others_do(**_: object) -> None:
    """Have Celery write where and how the gateway's other processes do."""
    celery_process.configure_logs(config)
