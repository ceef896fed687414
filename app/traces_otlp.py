"""Spans by the OpenTelemetry SDK. Imported only where traces are wanted: see `app.traces`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from app.ids import first_span_id, trace_id


class _Ids(RandomIdGenerator):
    """Gives the first span of a trace the ids that its request's id determines, and all others random ones."""

    def __init__(self) -> None:
        self.next = threading.local()

    def generate_trace_id(self) -> int:
        """Return the trace id of the request whose first span is being made."""
        return int(trace_id(self.next.request_id), 16)

    def generate_span_id(self) -> int:
        """Return the id of that span, or a random one."""
        request_id = getattr(self.next, "request_id", None)
        return first_span_id(request_id) if request_id else super().generate_span_id()


class Tracer:
    """Sends the spans of one process, in batches, by a thread of its own. A receiver that is away costs spans alone."""

    def __init__(self, endpoint: str, process: str, environ: Mapping[str, str]) -> None:
        """`environ` may hold `OTEL_SERVICE_NAME`, and `OTEL_TRACES_SAMPLER_ARG`, the share of traces that are sent."""
        self._ids = _Ids()
        name = environ.get("OTEL_SERVICE_NAME") or "whatsapp-service"
        provider = TracerProvider(
            sampler=TraceIdRatioBased(float(environ.get("OTEL_TRACES_SAMPLER_ARG") or 1)),
            resource=Resource.create({"service.name": name, "process.title": process}),
            id_generator=self._ids,
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = provider.get_tracer("whatsapp-service")

    def span(
        self, name: str, request_id: str, started: int, ended: int, is_first: bool, has_failed: bool,
        attributes: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """Record a span; times are nanoseconds since 1970."""
        context = Context()
        if is_first:
            self._ids.next.request_id = request_id
        else:
            first = SpanContext(
                int(trace_id(request_id), 16), first_span_id(request_id), is_remote=True,
                trace_flags=TraceFlags(TraceFlags.SAMPLED),
            )  # fmt: skip
            context = set_span_in_context(NonRecordingSpan(first), context)
        try:
            span = self._tracer.start_span(
                name, context, SpanKind.SERVER if is_first else SpanKind.INTERNAL, dict(attributes), start_time=started
            )
        finally:
            self._ids.next.request_id = None
        if has_failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)
