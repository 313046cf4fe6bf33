import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;

/** Sends a span, a log record and a data point over OTLP/gRPC to the URL that is given. */
public final class Send {
  public static void main(String[] arguments) {
    var url = arguments[0];

    var spans = OtlpGrpcSpanExporter.builder().setEndpoint(url).build();
    try (var tracing =
        SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(spans)).build()) {
      tracing.get("java").spanBuilder("from java").setAttribute("items", 3).startSpan().end();
    }

    var records = OtlpGrpcLogRecordExporter.builder().setEndpoint(url).build();
    try (var logging =
        SdkLoggerProvider.builder()
            .addLogRecordProcessor(SimpleLogRecordProcessor.create(records))
            .build()) {
      logging.get("java").logRecordBuilder().setBody("from java").setSeverity(Severity.INFO).emit();
    }

    var points = OtlpGrpcMetricExporter.builder().setEndpoint(url).build();
    try (var metering =
        SdkMeterProvider.builder()
            .registerMetricReader(PeriodicMetricReader.create(points))
            .build()) {
      metering.get("java").counterBuilder("sent").build().add(7);
    }
  }
}
