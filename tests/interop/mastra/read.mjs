// Reads with Mastra's own client all that the application published, and prints it as JSON.
import { MastraClient } from "@mastra/client-js";

const [baseUrl, token] = process.argv.slice(2);
const client = new MastraClient({
  baseUrl,
  retries: 0,
  headers: { Authorization: `Bearer ${token}` },
});
const traces = await client.listTraces({ pagination: { page: 0, perPage: 50 } });
const filtered = await client.listTraces({
  pagination: { page: 0, perPage: 5 },
  orderBy: { field: "endedAt", direction: "ASC" },
  filters: {
    entityType: "agent",
    tags: ["interop"],
    metadata: { plan: "gold", n: 5 },
    startedAt: { start: new Date("2026-01-01T00:00:00Z") },
    hasChildError: true,
  },
});
const whole = {};
for (const { traceId } of traces.spans) {
  whole[traceId] = await client.getTrace(traceId);
}
const light = await client.listTracesLight({ pagination: { page: 0, perPage: 50 } });
const [agent] = filtered.spans;
const structure = await client.getTraceLight(agent.traceId);
const span = await client.getSpan(agent.traceId, agent.spanId);
const branches = await client.listBranches({ filters: { spanType: "tool_call" } });
const [tool] = branches.branches;
const branch = await client.getBranch({ traceId: tool.traceId, spanId: tool.spanId, depth: 1 });
const now = Date.now();
const timeRange = {
  from: new Date(now - 86_400_000).toISOString(),
  to: new Date(now + 86_400_000).toISOString(),
};
const queried = await client.queryTraces({
  timeRange,
  where: { spans: { some: { op: "eq", left: { path: "status" }, right: { literal: "error" } } } },
  page: { limit: 10 },
});
const discovered = {
  types: await client.getEntityTypes(),
  names: await client.getEntityNames({ entityType: "agent" }),
  services: await client.getServiceNames(),
  environments: await client.getEnvironments(),
  tags: await client.getTags({ entityType: "agent" }),
};
let missing;
try {
  await client.getTrace("0".repeat(32));
} catch (error) {
  missing = error.message;
}
console.log(
  JSON.stringify({
    traces, filtered, whole, light, structure, span, branches, branch, queried,
    discovered, missing,
  }),
);
