// Sends a span, a log record and a data point over OTLP/HTTP in JSON to the URL that is given.
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const url = process.argv[2];

const spans = new OTLPTraceExporter({ url: `${url}/v1/traces` });
const tracing = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const span = tracing.getTracer("node").startSpan("from node");
span.setAttribute("items", 3);
span.end();
await tracing.shutdown();

const records = new OTLPLogExporter({ url: `${url}/v1/logs` });
const processors = [new SimpleLogRecordProcessor({ exporter: records })];
const logging = new LoggerProvider({ processors });
logging.getLogger("node").emit({ body: "from node", severityNumber: 9 });
await logging.forceFlush();
await logging.shutdown();

const points = new OTLPMetricExporter({ url: `${url}/v1/metrics` });
const reader = new PeriodicExportingMetricReader({ exporter: points });
const metering = new MeterProvider({ readers: [reader] });
metering.getMeter("node").createCounter("sent").add(7);
await metering.shutdown();
