// An application of Mastra without a model: a workflow runs, and spans of every kind are traced.
// Its stock exporter takes the address and the token from its own environment variables.
import { Mastra } from "@mastra/core/mastra";
import { EntityType, SpanType } from "@mastra/core/observability";
import { createStep, createWorkflow } from "@mastra/core/workflows";
import { MastraPlatformExporter, Observability } from "@mastra/observability";
import { z } from "zod";

const step = createStep({
  id: "double",
  inputSchema: z.object({ n: z.number() }),
  outputSchema: z.object({ n: z.number() }),
  execute: async ({ inputData }) => ({ n: inputData.n * 2 }),
});
const doubling = createWorkflow({
  id: "doubling",
  inputSchema: z.object({ n: z.number() }),
  outputSchema: z.object({ n: z.number() }),
})
  .then(step)
  .commit();
const observability = new Observability({
  configs: {
    default: { serviceName: "interop", exporters: [new MastraPlatformExporter()] },
  },
});
const mastra = new Mastra({ workflows: { doubling }, observability });

const run = await mastra.getWorkflow("doubling").createRun();
await run.start({ inputData: { n: 21 } });

const tracing = mastra.observability.getDefaultInstance();
const agent = tracing.startSpan({
  type: SpanType.AGENT_RUN,
  name: "agent run: 'helper'",
  entityType: EntityType.AGENT,
  entityId: "helper",
  entityName: "Helper",
  input: [{ role: "user", content: "Grüße, 'quoted' and \"double\" 🙂" }],
  attributes: { instructions: "be kind", maxSteps: 3 },
  metadata: { threadId: "thread-1", userId: "user-1", environment: "test", plan: "gold", n: 5 },
  tracingOptions: { tags: ["interop", "no model"] },
  requestContext: undefined,
});
const model = agent.createChildSpan({
  type: SpanType.MODEL_GENERATION,
  name: "llm: 'none'",
  attributes: { model: "none-1", provider: "nobody" },
  input: { messages: [{ role: "user", content: "hi" }] },
});
model.end({
  output: { text: "hello" },
  attributes: { usage: { inputTokens: 12, outputTokens: 7 } },
});
const tool = agent.createChildSpan({
  type: SpanType.TOOL_CALL,
  name: "tool: 'weather'",
  entityType: EntityType.TOOL,
  entityId: "weather",
  entityName: "weather",
  input: { city: "Paris" },
});
tool.error({ error: new Error("no such city"), endSpan: true });
agent.createEventSpan({
  type: SpanType.GENERIC,
  name: "noticed",
  output: { seen: true },
  metadata: { why: "event" },
});
agent.end({ output: { text: "hello" } });

await observability.shutdown();
