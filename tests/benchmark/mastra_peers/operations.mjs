// The operations of the benchmark on @mastra/duckdb: prints what each took as JSON.
// It has no updates: a span that ends is created again, whole, and that is measured in their place.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { DuckDBStore } from "@mastra/duckdb";

const [work, path] = process.argv.slice(2);
const lines = createInterface({ input: createReadStream(work) })[Symbol.asyncIterator]();
const facts = JSON.parse((await lines.next()).value);
const store = new DuckDBStore({ id: "bench", path });
await store.init();
const spans = await store.getStore("observability");
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function timed(call) {
  const began = performance.now();
  await call();
  return (performance.now() - began) / 1000;
}

async function asked(call) {
  await call(facts.asked[0]);
  const times = [];
  for (const id of facts.asked.slice(1)) {
    times.push(await timed(() => call(id)));
  }
  return median(times) * 1000;
}

const dated = (span) => ({ ...span, startedAt: new Date(span.startedAt) });
const ended = (span, updates) => ({
  ...dated(span), ...updates, endedAt: new Date(updates.endedAt),
});
let creating = 0;
let updating = 0;
for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  const { created, changed } = JSON.parse(line);
  const records = created.map(dated);
  creating += await timed(() => spans.batchCreateSpans({ records }));
  const whole = created.map((span, number) => ended(span, changed[number].updates));
  updating += await timed(() => spans.batchCreateSpans({ records: whole }));
}
const filters = { metadata: { plan: "gold" }, entityName: "Agent 1" };
const figures = {
  create: facts.spans / creating,
  update: facts.spans / updating,
  list: await asked(() => spans.listTraces({})),
  filtered: await asked(() => spans.listTraces({ filters })),
  trace: await asked((traceId) => spans.getTrace({ traceId })),
  delete: await timed(() => spans.batchDeleteTraces({ traceIds: facts.deleted })),
};
console.log(JSON.stringify(figures));
await store.close();
