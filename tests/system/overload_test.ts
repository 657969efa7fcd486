/**
 * Abuse by quantity, against a node in a process of its own so that its memory
 * can be watched: clients that never read, too many connections, too many
 * waits, patterns made to be slow. Another client notices nothing.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { RawClient, type RawRequest } from "../protocol/raw_client.ts";
import { until } from "./cluster_nodes.ts";
import type { NodeProcess } from "./node_process.ts";
import { assertSmall, testOverload } from "./overload.ts";

testOverload("clients that never read their answers", async (node, witness) => {
  const value = new Uint8Array(LIMITS.valueBytes).fill(120);
  await witness.set("/big", value);
  const clients: RawClient[] = [];
  const writes: Promise<unknown>[] = [];
  try {
    for (let i = 0; i < 8; i++) {
      const client = await RawClient.connect(node.addr);
      clients.push(client);
      // The node may leave the requests unread, so this write may never end.
      writes.push(client.send(...manyGets(3000)).catch(() => {}));
      await witness.check();
      assertSmall(node);
    }
    for (let i = 0; i < 100; i++) {
      await witness.check();
      if (i % 10 === 0) assertSmall(node);
    }
    for (const client of clients) await assertServedOrToldOff(client, node);
  } finally {
    for (const client of clients) client.close();
    await Promise.all(writes);
  }
});

testOverload("requests in flight beyond the limit", async (node, witness) => {
  using client = await RawClient.connect(node.addr);
  const count = 5 * LIMITS.requestsInFlight;
  const requests = Array.from({ length: count }, (_, tag) => ({
    tag,
    verb: "GET",
    path: "/ctl/name",
  }));
  const sent = client.send(...requests);
  const tags = new Set<number | undefined>();
  for (let i = 0; i < count; i++) {
    const answer = await client.receive();
    tags.add(answer?.response.tag);
    if (i % LIMITS.requestsInFlight === 0) await witness.check();
  }
  await sent;
  assertEquals(tags.size, count);
});

testOverload("connections beyond the limit", async (node, witness) => {
  const clients: RawClient[] = [];
  try {
    // The witness holds two.
    for (let i = 2; i < LIMITS.connections; i++) {
      clients.push(await RawClient.connect(node.addr));
    }
    await Promise.all(clients.map((client) => client.ask({ verb: "REV" })));
    using refused = await RawClient.connect(node.addr);
    const { connections } = LIMITS;
    assertEquals((await refused.receive())?.response, {
      tag: 0,
      err_code: "OTHER",
      err_detail: `LIMIT: The node has ${connections} connections, ` +
        `the limit is ${connections}`,
    });
    assertEquals(await refused.receive(), null);
    await witness.check();
    assertStringIncludes(node.stderr(), `the limit is ${LIMITS.connections}`);
  } finally {
    for (const client of clients) client.close();
  }
  await connectAgain(node);
});

testOverload(
  "waits beyond the limit of a connection",
  async (node, witness) => {
    using client = await RawClient.connect(node.addr);
    const wait = { verb: "WAIT", path: "/never", rev: 1 };
    const waits = Array.from(
      { length: LIMITS.waitsPerConnection },
      (_, tag) => ({ ...wait, tag }),
    );
    await client.send(...waits);
    const refused = await client.ask({ ...wait, tag: 5000 });
    assertEquals(refused.tag, 5000);
    assertEquals(refused.err_code, "OTHER");
    const limit = String(LIMITS.waitsPerConnection);
    const digits = (refused.err_detail ?? "").replace(/[,_ ]/g, "");
    assertStringIncludes(digits, limit);
    assertEquals((await client.ask({ tag: 5001, verb: "REV" })).tag, 5001);
    await witness.check();
    await witness.set("/never", "after all");
    for (let i = 0; i < LIMITS.waitsPerConnection; i++) {
      assertEquals((await client.receive())?.response.path, "/never");
    }
    await client.send({ ...wait, tag: 1, rev: 1 });
    assertEquals((await client.receive())?.response.tag, 1);
  },
);

testOverload(
  "waits of clients that vanish are freed",
  async (node, witness) => {
    for (let i = 0; i < 60; i++) {
      using client = await RawClient.connect(node.addr);
      await client.send(...slowWaits(), { tag: 1, verb: "REV" });
      await client.receive();
    }
    await witness.check();
  },
);

/** Requests that one change of /big answers all at once. */
const OWED: [string, (now: number) => RawRequest][] = [
  ["waits", (now) => ({ verb: "WAIT", path: "/big", rev: now + 1 })],
  ["reads of a rev to come", (now) => ({
    verb: "GET",
    path: "/big",
    rev: now + 1,
  })],
];

for (const [what, requestAt] of OWED) {
  testOverload(`a large answer owed to many ${what}`, async (node, witness) => {
    const value = new Uint8Array(LIMITS.valueBytes).fill(120);
    using client = await RawClient.connect(node.addr);
    const now = (await client.ask({ tag: 1, verb: "REV" })).rev ?? 0;
    const requests = Array.from(
      { length: LIMITS.waitsPerConnection },
      (_, tag) => ({ ...requestAt(now), tag }),
    );
    await client.send(...requests, { tag: 1, verb: "REV" });
    await client.receive();
    await witness.set("/big", value);
    assertSmall(node);
    await witness.check();
    await assertServedOrToldOff(client, node);
  });
}

const SLOW_GLOBS = [
  "/" + "**a".repeat(300) + "b",
  "/" + "*a".repeat(500) + "b",
  "/" + "*".repeat(1000) + "b",
  "/" + "?*".repeat(500) + "b",
  "/**" + "/**".repeat(300) + "/b",
  "/" + "*/".repeat(400) + "*",
];

testOverload("patterns made to be slow", async (node, witness) => {
  await witness.set("/" + "a".repeat(1000), "v");
  await witness.set("/d" + "/a".repeat(500), "v");
  using clients = new DisposableStack();
  for (const path of SLOW_GLOBS) {
    // Each has room for four of these.
    const client = clients.use(await RawClient.connect(node.addr));
    const walk = await client.ask({ tag: 1, verb: "WALK", path, offset: 0 });
    assertEquals(walk.tag, 1, path.slice(0, 20));
    await client.send({ tag: 2, verb: "WAIT", path, rev: 2 ** 40 });
    await witness.check();
  }
  await witness.set("/" + "a".repeat(999), "v");
  await witness.set("/" + "a".repeat(900) + "/b", "v");
});

testOverload(
  "as many slow patterns as a connection may wait on",
  async (node, witness) => {
    using client = await RawClient.connect(node.addr);
    await client.send(...slowWaits(), { tag: 1, verb: "REV" });
    await client.receive();
    for (let i = 0; i < 5; i++) await witness.check();
    await witness.set("/" + "a".repeat(1000), "v");
  },
);

/** As many waits as a connection may have, each on a long glob of its own. */
function slowWaits(): RawRequest[] {
  return Array.from({ length: LIMITS.waitsPerConnection }, (_, tag) => ({
    tag,
    verb: "WAIT",
    path: `/${"**a".repeat(300)}${tag}`,
    rev: 1,
  }));
}

function manyGets(count: number): RawRequest[] {
  return Array.from({ length: count }, (_, tag) => ({
    tag,
    verb: "GET",
    path: "/big",
  }));
}

/** What a slow reader reads is whole, or the node cut it off and said so. */
async function assertServedOrToldOff(
  client: RawClient,
  node: NodeProcess,
): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const answer = await client.receive().catch(() => null);
    if (answer === null) {
      // What it says may come behind the end of the connection.
      await until("it says why", () => {
        const told = node.stderr().includes("Ended the connection");
        return Promise.resolve(told);
      });
      return;
    }
    assertEquals(answer.response.value?.length, LIMITS.valueBytes);
  }
}

/** The places of closed connections are free again, once it knows of them. */
async function connectAgain(node: NodeProcess): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    using client = await RawClient.connect(node.addr);
    await client.send({ tag: 1, verb: "REV" }).catch(() => {});
    const answer = await client.receive();
    if (answer?.response.tag === 1) return;
  }
  throw new Error("No connection became free");
}
