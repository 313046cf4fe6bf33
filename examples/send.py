"""Two spans of one trace by the OpenTelemetry SDK; prints the id of the trace."""

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(insecure=True)))
tracer = provider.get_tracer("examples.send")
with tracer.start_as_current_span("order") as span, tracer.start_as_current_span("payment"):
    print(f"{span.get_span_context().trace_id:032x}")
