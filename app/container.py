"""The composition root: builds every service of one process with its collaborators, once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from app.cache import open_cache
from app.clock import utc_now
from app.config.settings import Config
from app.db.database import Database
from app.domain import opt_outs
from app.graph import loop_guard
from app.graph.client import GraphClient
from app.graph.send_calls import Caller, CallResult
from app.graph.send_process import SendProcess
from app.handlers.environment import without_secrets
from app.handlers.pool import HandlerPool
from app.security.encryption import Encryptor
from app.security.media_links import MediaLinks
from app.services.alerts import Alerts, NotifyAlerts, channel_kinds
from app.services.audit_log import AuditLog, SealAuditLog
from app.services.backups import TakeSnapshots
from app.services.contacts import EditContact, EraseContact, HandOver, ReadContacts
from app.services.conversations import (
    AnswerConversation,
    ConversationActs,
    LiveNews,
    ManageLabels,
    ManageQuickReplies,
    NotePresence,
    ReadConversations,
    ReadNews,
    ReadThread,
)
from app.services.delivering import DispatchDelivery, HandlerActions, HandlerDelivery, HttpDelivery, SendReplies
from app.services.doctor import Doctor, DoctorContext
from app.services.endpoints import DetectSilence, GraphSubscriptions, ManageEndpoints, SyncHandlers
from app.services.erasures import ErasureLedger
from app.services.events import EventLog, EventWaiters
from app.services.graph_proxy import GraphProxy, GraphUploads
from app.services.health_checks import RunHealthChecks
from app.services.idempotency import IdempotentRequests
from app.services.media import MediaWork, MetaFiles, ReadMedia
from app.services.messages import MarkRead, is_revoked
from app.services.numbers import CheckNumber, RecordApiUsage
from app.services.operations import FailingWork, NightlyBalance, SharedSettings, TellWebSettings
from app.services.outbound_media import PutAtMeta, RetryFailedLinks, SendsAwaitingMedia, UploadMedia
from app.services.people import ManagePeople, SignIn
from app.services.processing import ProcessingOptions, ProcessNotifications
from app.services.push import PushSubscriptions
from app.services.registries import ApiKeys, EndpointDirectory, NumberDirectory, RecordKeyUse, Registry
from app.services.retention import PruneExpired
from app.services.sending import (
    Batches,
    BulkActions,
    DatabaseUse,
    HoldSends,
    ProbeNumbers,
    SendActions,
    SendMessage,
    SendQueue,
    SweepSends,
    TemplateCategories,
)
from app.services.templates import ReadTemplates
from app.services.webhooks import ReceiveNotification
from app.subscribers.client import SubscriberClient
from app.subscribers.link_client import LinkClient
from app.subscribers.poster import Poster
from app.subscribers.proof import prove_guard
from app.vault import vault_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The services of one process. Building it opens no connection."""

    config: Config
    now: Callable[[], datetime]
    database: Database
    encryptor: Encryptor
    graph: GraphClient
    directory: NumberDirectory
    endpoints: EndpointDirectory
    post_event: HttpDelivery
    handlers: HandlerPool | None
    sync_handlers: SyncHandlers
    deliver: DispatchDelivery
    manage_endpoints: ManageEndpoints
    api_keys: ApiKeys
    record_key_use: RecordKeyUse
    audit_log: AuditLog
    seal_audit_log: SealAuditLog
    nightly_balance: NightlyBalance
    take_snapshots: TakeSnapshots
    prune_expired: PruneExpired
    receive: ReceiveNotification
    process: ProcessNotifications
    send: SendMessage
    mark_read: MarkRead
    media: ReadMedia
    upload_media: UploadMedia
    sends_awaiting_media: SendsAwaitingMedia
    retry_failed_links: RetryFailedLinks
    media_work: MediaWork | None
    sends: SendQueue
    start_caller: Callable[[Callable[[CallResult], None]], Caller]
    actions: SendActions
    batches: Batches
    graph_proxy: GraphProxy
    graph_uploads: GraphUploads
    graph_subscriptions: GraphSubscriptions
    check_number: CheckNumber
    doctor: Doctor
    sweep_sends: SweepSends
    alerts: Alerts
    run_health_checks: RunHealthChecks
    notify_alerts: NotifyAlerts
    contacts: ReadContacts
    edit_contact: EditContact
    erasures: ErasureLedger
    erase_contact: EraseContact
    hand_over: HandOver
    conversations: ReadConversations
    templates: ReadTemplates
    threads: ReadThread
    conversation_acts: ConversationActs
    answer: AnswerConversation
    labels: ManageLabels
    quick_replies: ManageQuickReplies
    news: ReadNews
    live_news: LiveNews
    note_presence: NotePresence
    event_waiters: EventWaiters
    idempotent_requests: IdempotentRequests
    database_use: DatabaseUse
    hold_sends: HoldSends
    bulk_actions: BulkActions
    probe_numbers: ProbeNumbers
    shared_settings: SharedSettings
    failing_work: FailingWork
    tell_web_settings: TellWebSettings
    people: ManagePeople
    push: PushSubscriptions
    sign_in: SignIn

    @classmethod
    def build(cls, config: Config, version: str, *, now: Callable[[], datetime] = utc_now) -> Gateway:
        """Build the services from the settings. `now` is the clock that every service reads.

        Raises `ConfigError` if the guard against requests to internal addresses does not work on this machine.
        """
        prove_guard()
        silence, idle = timedelta(hours=config.handover_hours), timedelta(hours=config.inbox_idle_hours)
        database = Database(config.database_url, config.database_pool_size)
        encryptor, registry = Encryptor(config.encryption_key), Registry(database)
        directory = NumberDirectory(config, database, encryptor, registry)
        endpoints = EndpointDirectory(config, database, encryptor, registry, now)

        record_api_usage = RecordApiUsage(database, directory, now)
        graph = GraphClient(**(graph_options := _graph_options(config, version)), on_usage=record_api_usage)
        probe_numbers = ProbeNumbers(database, directory, graph, now)
        categories = TemplateCategories(directory, graph, shared=open_cache(config.cache_url, config.secret_key))
        erasures = ErasureLedger(database, encryptor, Path(config.erasure_ledger))
        send = SendMessage(database, directory, graph, categories, now, probe=probe_numbers.probe)
        hold_sends = HoldSends(database, now)
        database_use = DatabaseUse(database, config.log_dir, hold_sends, now)
        mark_read = MarkRead(database, directory, graph, now)
        hand_over = HandOver(database, directory, silence, now)
        vault, meta_files = vault_of(config), MetaFiles(graph, directory)
        media_work = MediaWork.of(database, vault, meta_files, now)
        media = ReadMedia(database, vault, MediaLinks(config.secret_key), meta_files)
        graph_proxy = GraphProxy(directory, graph, mark_read, media)
        put_at_meta = _put_at_meta(config, version, media, graph)
        alerts = Alerts(database, channel_kinds(config), now)
        handlers = _handler_pool(config)
        client: dict[str, Any] = {"user_agent": f"whatsapp-service/{version}", "allowed": config.forward_allow_nets}
        subscribers = SubscriberClient(**client, pool_size=config.worker_threads)
        with_a_person, revoked = hand_over.with_a_person, partial(is_revoked, database)
        post_event = HttpDelivery(
            subscribers, now, SendReplies(send, with_a_person), with_a_person=with_a_person, is_revoked=revoked,
            with_links=media.links.in_body, poster=Poster(**client, pool_size=config.worker_threads),
        )  # fmt: skip
        upload_media = UploadMedia(database, directory, vault, now)
        region = config.default_region or None
        acts = HandlerActions(send, mark_read, hand_over, files=media, uploads=upload_media, region=region)
        call_handler = None if handlers is None else HandlerDelivery(
            handlers, acts, with_a_person=with_a_person, now=now, is_revoked=revoked
        )  # fmt: skip
        manage_endpoints = ManageEndpoints(
            config, database, encryptor, endpoints, post=post_event,
            detect_silence=DetectSilence(config, database, now), now=now,
        )  # fmt: skip
        conversations = ReadConversations(database, silence, region, now)
        conversation_acts = ConversationActs(database, now)
        rules = ProcessingOptions(opt_outs.normalise_words(config.opt_out_words), silence, config.keeps_media)
        news = ReadNews(database, now)
        failing_work = FailingWork(now)
        return cls(
            config=config,
            now=now,
            database=database,
            encryptor=encryptor,
            graph=graph,
            directory=directory,
            endpoints=endpoints,
            post_event=post_event,
            handlers=handlers,
            sync_handlers=SyncHandlers(database, endpoints, alerts, handlers, now),
            deliver=DispatchDelivery(post_event, call_handler),
            manage_endpoints=manage_endpoints,
            api_keys=ApiKeys(config, database, registry, now),
            record_key_use=RecordKeyUse(database, now),
            audit_log=AuditLog(database, now),
            seal_audit_log=SealAuditLog(database),
            nightly_balance=NightlyBalance(database, now),
            prune_expired=PruneExpired(config, database, now),
            take_snapshots=TakeSnapshots(config, database, erasures, vault, version, now),
            receive=ReceiveNotification(database, directory, now),
            process=ProcessNotifications(database, directory, EventLog(endpoints), now, rules),
            send=send,
            mark_read=mark_read,
            media=media,
            upload_media=upload_media,
            sends_awaiting_media=SendsAwaitingMedia(database, directory, put_at_meta, now),
            retry_failed_links=RetryFailedLinks(database, now),
            media_work=media_work,
            sends=SendQueue(database, directory, now, database_use.is_known),
            start_caller=partial(
                SendProcess, graph_options, config.worker_threads, without_secrets(os.environ),
                on_usage=record_api_usage,
            ),  # fmt: skip
            actions=SendActions(database, categories, now),
            batches=Batches(database, directory, categories, now),
            graph_proxy=graph_proxy,
            graph_uploads=GraphUploads(directory, graph, encryptor),
            graph_subscriptions=GraphSubscriptions(manage_endpoints, endpoints, subscribers),
            check_number=CheckNumber(config, directory, graph, now),
            doctor=Doctor(partial(DoctorContext, config, database, lambda: directory.current, graph, now)),
            sweep_sends=SweepSends(config, database, now),
            alerts=alerts,
            run_health_checks=RunHealthChecks(config, database, directory, graph, alerts, now),
            notify_alerts=NotifyAlerts(config, database, now, version),
            contacts=ReadContacts(database, silence, now),
            erasures=erasures,
            edit_contact=EditContact(database, directory, now),
            erase_contact=EraseContact(database, erasures, now, media_work.discard if media_work else None),
            hand_over=hand_over,
            conversations=conversations,
            templates=ReadTemplates(directory, graph, cache=open_cache(config.cache_url, config.secret_key)),
            threads=ReadThread(database, conversations),
            conversation_acts=conversation_acts,
            answer=AnswerConversation(database, conversations, conversation_acts, send, hand_over),
            labels=ManageLabels(database, now),
            quick_replies=ManageQuickReplies(database, directory, now),
            news=news,
            live_news=LiveNews(database, news, now),
            note_presence=NotePresence(database, now),
            event_waiters=EventWaiters(database),
            idempotent_requests=IdempotentRequests(database, encryptor, now),
            database_use=database_use,
            hold_sends=hold_sends,
            bulk_actions=BulkActions(database, now),
            probe_numbers=probe_numbers,
            shared_settings=SharedSettings(config, database, endpoints, alerts, now, failing_work),
            failing_work=failing_work,
            tell_web_settings=TellWebSettings(config, database, now),
            people=ManagePeople(database, now, idle),
            push=PushSubscriptions(config, database, encryptor, now),
            sign_in=SignIn(database, now, idle=idle, lifetime=timedelta(days=config.inbox_session_days)),
        )


def _graph_options(config: Config, version: str) -> dict[str, Any]:
    """Return the arguments of the Graph API client, for this process and for the child process that sends messages."""
    return {
        "base_url": config.graph_api_url,
        "version": config.graph_api_version,
        "service_version": version,
        "timeout_seconds": config.graph_timeout_seconds,
        "proxy": config.graph_proxy or None,
        "pool_size": max(16, config.worker_threads),
        "gateway_id": loop_guard.gateway_id(config.secret_key),
    }


def _put_at_meta(config: Config, version: str, media: ReadMedia, graph: GraphClient) -> PutAtMeta:
    links = LinkClient(user_agent=f"whatsapp-service/{version}", allowed=config.media_fetch_allow_nets)
    return PutAtMeta(media, graph, links, shrinks=config.media_shrink_images)


def _handler_pool(config: Config) -> HandlerPool | None:
    """Return the pool of processes for the user's Python handlers, not started; None without `HANDLERS`."""
    if not config.handlers:
        return None
    count, seconds = config.handler_processes, config.handler_seconds
    return HandlerPool(config.handlers, without_secrets(os.environ), processes=count, seconds=seconds)
