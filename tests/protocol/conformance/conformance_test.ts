/**
 * Replays what was recorded from the original server over real sockets: the
 * clients written for it must find the same here. One test a fact, each with
 * a node of its own, so that any of them runs alone:
 *
 *     deno test -A tests/protocol/conformance --filter get_missing
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type RunningNode,
  startNode,
  type StartOptions,
} from "../../../cli/start.ts";
import { type Fact, loadFacts } from "./fact.ts";
import { replayFact } from "./replay.ts";

const HISTORY_REVS = 10_000;

const facts = loadFacts();

for (const fact of facts) {
  Deno.test(`conformance ${fact.class} ${fact.group}: ${fact.name}`, () => {
    if (fact.held !== undefined) return checkHeld(fact.held);
    return withNode(fact, async (node) => {
      if (fact.group !== "slave") {
        return await replayFact(fact, { a: node.addr, b: node.addr });
      }
      const beginning = { how: "attach", addresses: [node.addr] } as const;
      await withNode(
        { ...fact, beginning },
        (observer) => replayFact(fact, { a: observer.addr, b: node.addr }),
      );
    });
  });
}

/** The test that is to hold a fact is there. */
function checkHeld({ file, test }: { file: string; test: string }): void {
  const text = Deno.readTextFileSync(
    new URL(`../../../${file}`, import.meta.url),
  );
  assert(text.includes(test), `${file} has no test "${test}"`);
}

Deno.test("conformance replays every fact that clients rely on", () => {
  const counts: Record<string, number> = {};
  for (const fact of facts) {
    if (fact.class !== "rely") continue;
    counts[fact.group] = (counts[fact.group] ?? 0) + 1;
  }
  assertEquals(counts, {
    main: 126,
    access: 76,
    hist: 7,
    slave: 6,
    cluster: 3,
    ops: 3,
  });
  const names = new Set(facts.map((fact) => fact.name));
  assertEquals(names.size, facts.length, "A name stands for two facts");
});

Deno.test("conformance facts expect something of every last step", () => {
  const empty = facts.filter(({ steps, held }) => {
    const last = steps.at(-1);
    return !held &&
      !(last?.answer || last?.answers || last?.silent || last?.closed);
  });
  assertEquals(empty.map((fact) => fact.name), []);
});

async function withNode(
  fact: Fact & { beginning?: StartOptions["beginning"] },
  use: (node: RunningNode) => Promise<void>,
): Promise<void> {
  const node = await startNode({
    hostname: "127.0.0.1",
    port: 0,
    clusterName: "local",
    historyRevs: fact.historyRevs ?? HISTORY_REVS,
    pulseSeconds: 0,
    beginning: fact.beginning ?? { how: "found" },
    seatTimeoutSeconds: 60,
    requestTimeoutSeconds: 5,
    secrets: fact.secrets ?? {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  try {
    await use(node);
  } finally {
    await node.stop();
  }
}
