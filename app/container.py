"""What a process of the gateway is made of: each service with its collaborators, built once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from app.clock import utc_now as utc_now
from app.config.settings import Config
from app.db.database import Database
from app.domain import opt_outs
from app.graph import loop_guard
from app.graph.client import GraphClient
from app.graph.send_calls import Answer, MakesCalls
from app.graph.send_process import CallerProcess
from app.handlers.environment import without_secrets
from app.handlers.pool import HandlerPool
from app.security.encryption import Vault
from app.services.alerts.notify import TellAlarms, channels
from app.services.alerts.raising import Alarms
from app.services.contacts.edit import EditContact
from app.services.contacts.erase import EraseContact
from app.services.contacts.handover import HandOver
from app.services.contacts.read import ReadContacts
from app.services.delivering.dispatch import TryDelivery
from app.services.delivering.handler_actions import HandlerActs
from app.services.delivering.handler_delivery import CallHandler
from app.services.delivering.http_delivery import PostEvent
from app.services.delivering.replies import SendReplies
from app.services.endpoints.graph_subscriptions import GraphSubscriptions
from app.services.endpoints.manage import ManageEndpoints
from app.services.endpoints.silence import SeeSilence
from app.services.endpoints.sync_handlers import FollowHandlers
from app.services.events.log import EventLog
from app.services.events.wait import EventWaiters
from app.services.graph_proxy.proxy import GraphFace
from app.services.graph_proxy.uploads import GraphUploads
from app.services.health_checks.run import Watch
from app.services.idempotency.requests import IdempotentRequests
from app.services.messages.mark_read import MarkRead
from app.services.messages.read import is_taken_back
from app.services.numbers.api_usage import NoteUsage
from app.services.numbers.check import CheckNumber
from app.services.operations.shared_settings import SharedSettings
from app.services.processing import ProcessNotifications
from app.services.processing.change_set import Rules
from app.services.registries.api_keys import ApiKeys
from app.services.registries.endpoints import EndpointDirectory
from app.services.registries.key_use import NoteKeyUse
from app.services.registries.numbers import NumberDirectory
from app.services.registries.versions import Registry
from app.services.sending.actions import SendActions
from app.services.sending.batches import Batches
from app.services.sending.bulk_actions import ManySends
from app.services.sending.database_use import DatabaseUse
from app.services.sending.holds import HoldSends
from app.services.sending.probe import ProbeNumbers
from app.services.sending.queue import SendQueue
from app.services.sending.send_message import SendMessage
from app.services.sending.sweep import SettleSends
from app.services.sending.template_categories import TemplateCategories
from app.services.webhooks.receive import ReceiveNotification
from app.subscribers.client import SubscriberClient
from app.subscribers.proof import prove_guard


@dataclass(frozen=True, slots=True)
class Gateway:
    """The services of one process. Building it opens no connection."""

    config: Config
    database: Database
    vault: Vault
    graph: GraphClient
    directory: NumberDirectory
    endpoints: EndpointDirectory
    post_event: PostEvent
    handlers: HandlerPool | None
    follow_handlers: FollowHandlers
    deliver: TryDelivery
    manage_endpoints: ManageEndpoints
    api_keys: ApiKeys
    note_key_use: NoteKeyUse
    receive: ReceiveNotification
    process: ProcessNotifications
    send: SendMessage
    mark_read: MarkRead
    sends: SendQueue
    start_calls: Callable[[Callable[[Answer], None]], MakesCalls]
    actions: SendActions
    batches: Batches
    graph_face: GraphFace
    graph_uploads: GraphUploads
    graph_subscriptions: GraphSubscriptions
    check_number: CheckNumber
    settle: SettleSends
    alarms: Alarms
    watch: Watch
    tell_alarms: TellAlarms
    contacts: ReadContacts
    edit_contact: EditContact
    erase_contact: EraseContact
    hand_over: HandOver
    event_waiters: EventWaiters
    idempotent_requests: IdempotentRequests
    database_use: DatabaseUse
    hold_sends: HoldSends
    many_sends: ManySends
    probe_numbers: ProbeNumbers
    shared_settings: SharedSettings

    @classmethod
    def build(cls, config: Config, version: str) -> Gateway:
        """Put the services together as the settings say. Raises `ConfigError` if apps cannot be called safely."""
        prove_guard()
        database = Database(config.database_url, config.database_pool_size)
        vault = Vault(config.encryption_key)
        registry = Registry(database)
        directory = NumberDirectory(config, database, vault, registry)
        endpoints = EndpointDirectory(config, database, vault, registry, utc_now)
        subscribers = SubscriberClient(
            user_agent=f"whatsapp-service/{version}", allowed=config.forward_allow_nets, pool_size=config.worker_threads
        )
        graph_options: dict[str, Any] = {
            "base_url": config.graph_api_url,
            "version": config.graph_api_version,
            "service_version": version,
            "timeout_seconds": config.graph_timeout_seconds,
            "proxy": config.graph_proxy or None,
            "pool_size": max(16, config.worker_threads),
            "gateway_id": loop_guard.gateway_id(config.secret_key),
        }
        note_usage = NoteUsage(database, directory, utc_now)
        graph = GraphClient(**graph_options, on_usage=note_usage)
        start_calls = partial(
            CallerProcess, graph_options, config.worker_threads, without_secrets(os.environ), on_usage=note_usage
        )
        silence = timedelta(hours=config.handover_hours)
        rules = Rules(opt_outs.plain_words(config.opt_out_words), silence)
        hand_over = HandOver(database, directory, silence, utc_now)
        mark_read = MarkRead(database, directory, graph, utc_now)
        alarms = Alarms(database, channels(config), utc_now)
        categories = TemplateCategories(directory, graph)
        probe = ProbeNumbers(database, directory, graph, utc_now)
        send = SendMessage(database, directory, graph, categories, utc_now, probe.ask)
        with_a_person, taken_back = hand_over.with_a_person, partial(is_taken_back, database)
        post_event = PostEvent(subscribers, utc_now, SendReplies(send, with_a_person), with_a_person, taken_back)
        see_silence = SeeSilence(config, database, utc_now)
        manage_endpoints = ManageEndpoints(config, database, vault, endpoints, post_event, see_silence, utc_now)
        handlers = _handlers(config)
        hold_sends = HoldSends(database, utc_now)
        database_use = DatabaseUse(database, config.log_dir, hold_sends, utc_now)
        graph_face = GraphFace(directory, graph, mark_read)
        acts = HandlerActs(send, mark_read, hand_over, graph_face, config.default_region or None)
        call_handler = CallHandler(handlers, acts, with_a_person, utc_now, taken_back) if handlers is not None else None
        return cls(
            config,
            database,
            vault,
            graph,
            directory,
            endpoints,
            post_event,
            handlers,
            FollowHandlers(database, endpoints, alarms, handlers, utc_now),
            TryDelivery(post_event, call_handler),
            manage_endpoints,
            ApiKeys(config, database, registry, utc_now),
            NoteKeyUse(database, utc_now),
            ReceiveNotification(database, directory, utc_now),
            ProcessNotifications(database, directory, EventLog(endpoints), utc_now, rules),
            send,
            mark_read,
            SendQueue(database, directory, utc_now, database_use.is_known),
            start_calls,
            SendActions(database, categories, utc_now),
            Batches(database, directory, categories, utc_now),
            graph_face,
            GraphUploads(directory, graph, vault),
            GraphSubscriptions(manage_endpoints, endpoints, subscribers),
            CheckNumber(config, directory, graph, utc_now),
            SettleSends(config, database, utc_now),
            alarms,
            Watch(config, database, directory, graph, alarms, utc_now),
            TellAlarms(config, database, utc_now, version),
            ReadContacts(database, silence, utc_now),
            EditContact(database, directory, utc_now),
            EraseContact(database, utc_now),
            hand_over,
            EventWaiters(database),
            IdempotentRequests(database, vault, utc_now),
            database_use,
            hold_sends,
            ManySends(database, utc_now),
            probe,
            SharedSettings(config, database, endpoints, alarms, utc_now),
        )


def _handlers(config: Config) -> HandlerPool | None:
    """What runs the user's Python handlers, if there are any. Starts no process yet."""
    if not config.handlers:
        return None
    return HandlerPool(
        config.handlers, without_secrets(os.environ), processes=config.handler_processes, seconds=config.handler_seconds
    )
