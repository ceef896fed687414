"""What all commands share: the services, made when they are needed, and errors in words."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from app.actors import CLI, acting
from app.config.environment import load_environment
from app.config.errors import ConfigError
from app.config.settings import Config, load_config
from app.db import statement_timeout
from app.errors import GatewayError, Unavailable

if TYPE_CHECKING:
    from flask import Flask

    from app.container import Gateway
    from app.db.database import Database
    from app.security.encryption import Encryptor
    from app.services.registries import NumberDirectory, Registry

# Services are imported where they are made: most commands need one or two, and all of them take a second to import.


class Services:
    """What a command may work with. Each is made at its first use; none opens a connection before it is used."""

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.app = app
            self.gateway = app.extensions["gateway"]

    @cached_property
    def gateway(self) -> Gateway:
        """All services. A command that can do with one of those below starts in half the time."""
        from app import __version__
        from app.container import Gateway

        return Gateway.build(self.config, __version__)

    @cached_property
    def app(self) -> Flask:
        """The WSGI application, for commands that ask the API. Its services are those of `gateway`."""
        from app import create_app
        from app.logs import configure_logging

        made = create_app(load_config(load_environment()))
        self.gateway = made.extensions["gateway"]
        configure_logging(self.gateway.config, "command")
        return made

    @cached_property
    def config(self) -> Config:
        """The settings. Raises `ConfigError`."""
        if self._is_whole:
            return self.gateway.config
        from app.logs import configure_logging

        config = load_config(load_environment())
        configure_logging(config, "command")
        return config

    @cached_property
    def database(self) -> Database:
        """The database."""
        if self._is_whole:
            return self.gateway.database
        from app.db.database import Database

        return Database(self.config.database_url, self.config.database_pool_size)

    @cached_property
    def registry(self) -> Registry:
        """The version of what is kept in memory of endpoints, numbers and keys."""
        from app.services.registries import Registry

        return Registry(self.database)

    @cached_property
    def encryptor(self) -> Encryptor:
        """What encrypts stored secrets."""
        if self._is_whole:
            return self.gateway.encryptor
        from app.security.encryption import Encryptor

        return Encryptor(self.config.encryption_key)

    @cached_property
    def directory(self) -> NumberDirectory:
        """The numbers and app secrets."""
        if self._is_whole:
            return self.gateway.directory
        from app.services.registries import NumberDirectory

        return NumberDirectory(self.config, self.database, self.encryptor, self.registry)

    @property
    def _is_whole(self) -> bool:
        return "gateway" in self.__dict__


def services() -> Services:
    """The services of the command that runs: of Flask's application under `flask`, else made from the settings."""
    context = click.get_current_context().find_root()
    if not isinstance(context.obj, Services):
        load_app = getattr(context.obj, "load_app", None)  # Flask's ScriptInfo
        context.obj = Services(load_app() if load_app else None)
    return context.obj


HERE_ALONE = frozenset(
    "audit balance,audit export,audit verify,backup,connect,db copy,doctor,graph certificate,handlers check,restore,"
    "secrets check,secrets rotate,sends cancel,sends hold,sends list,sends release,sends retry".split(",")
)
"""Commands that would speak of this machine's gateway to somebody who has named another."""


class Command(click.Command):
    """A command whose errors are said in words: what is wrong, and what to do about it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Exits with 2 for settings that cannot work, and with 1 for what the gateway refuses."""
        name = ctx.command_path.partition(" ")[2]
        if name in HERE_ALONE and os.environ.get("GATEWAY_URL"):
            raise click.UsageError(
                f"`{name}` needs a database and settings on this machine, and GATEWAY_URL names another gateway: give"
                " the command there, or unset GATEWAY_URL."
            )
        try:
            # An audit of millions of rows may take its time; nobody waits behind it.
            with acting(CLI), statement_timeout.of(None):
                return super().invoke(ctx)
        except ConfigError as error:
            raise WrongSettings(error) from error
        except Unavailable as error:
            raise click.ClickException(_why_unavailable(error) or error.reason) from error
        except GatewayError as error:
            raise click.ClickException(in_words(error)) from error
        except Exception as error:
            raise _refusal(error) or error from error


class CommandGroup(click.Group):
    """Commands of one subject."""

    command_class = Command


class WrongSettings(click.ClickException):
    """Settings that cannot work."""

    exit_code = 2

    def __init__(self, error: ConfigError) -> None:
        super().__init__(str(error))


def in_words(error: GatewayError) -> str:
    """Say what was refused, and of each field why."""
    fields = (f"\n  {name}: {_reasons(reasons)}" for name, reasons in (error.fields or {}).items())
    return error.message + "".join(fields)


def _refusal(error: Exception) -> click.ClickException | None:
    """What the API refused, in words; None for what is no error of the API's."""
    client_errors = sys.modules.get("whatsapp_service_client.errors")
    if client_errors is None or not isinstance(error, client_errors.GatewayError):
        return None
    from app.cli.api import explain

    return click.ClickException(explain(error))


def _why_unavailable(error: Unavailable) -> str | None:
    from app.db.remedies import explain

    return explain(error.__cause__, services().database.url)


def _reasons(reasons: Any) -> str:
    return ", ".join(str(each) for each in reasons) if isinstance(reasons, list) else str(reasons)
