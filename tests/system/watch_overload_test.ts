/**
 * Abuse of watches by quantity, against a node in a process of its own: more
 * than a client may have, those that nobody reads, names of what does not
 * exist. Another client notices nothing.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { RawClient, type RawRequest } from "../protocol/raw_client.ts";
import { assertSmall, testOverload } from "./overload.ts";

const WATCH: RawRequest = { verb: "WATCH", path: "/watched" };

async function watcher(addr: string): Promise<RawClient> {
  const client = await RawClient.connect(addr);
  client.extended = true;
  return client;
}

/** The request so many times, each with a tag of its own, from 0. */
function times(count: number, request: RawRequest): RawRequest[] {
  return Array.from({ length: count }, (_, tag) => ({ ...request, tag }));
}

testOverload(
  "thousands of watches from one client",
  async (node, witness) => {
    using client = await watcher(node.addr);
    const most = LIMITS.waitsPerConnection;
    const count = 5 * most;
    const sent = client.send(...times(count, WATCH));
    const marks = new Set<number | undefined>();
    for (let i = 0; i < count; i++) {
      const { tag, flags, err_detail } = (await client.receive())!.response;
      if (flags === 0) marks.add(tag);
      else {
        const detail = `LIMIT: The connection has ${most} waits and watches, ` +
          `the limit is ${most}`;
        assertEquals(err_detail, detail);
      }
      if (i % most === 0) await witness.check();
    }
    await sent;
    assertEquals(marks.size, most);
    await witness.set("/watched", "now");
    for (let i = 0; i < most; i++) {
      const { path, tag } = (await client.receive())!.response;
      assert(path === "/watched" && marks.delete(tag), `tag ${tag}`);
    }
    // One that ends makes room for one.
    await client.ask({ verb: "CANCEL", tag: -1, target: 7 });
    assertEquals((await client.ask({ ...WATCH, tag: count })).flags, 0);
    assert((await client.ask({ ...WATCH, tag: count + 1 })).err_detail);
  },
);

testOverload(
  "CANCEL and CREDIT of what does not exist",
  async (node, witness) => {
    using client = await watcher(node.addr);
    const count = 20_000;
    const targets = [0, -1, 7, 2 ** 31 - 1];
    const requests = times(count, { window: 1 }).map((request, at) => ({
      ...request,
      verb: at % 2 === 0 ? "CANCEL" : "CREDIT",
      target: targets[at % targets.length]!,
    }));
    const sent = client.send(...requests);
    for (let tag = 0; tag < count; tag++) {
      const answer = (await client.receive())!.response;
      assertEquals(answer, { tag, err_code: "NOENT" });
      if (tag % 5_000 === 0) await witness.check();
    }
    await sent;
  },
);

testOverload(
  "tens of thousands of watches that nobody reads",
  async (node, witness) => {
    const clients: RawClient[] = [];
    const most = LIMITS.waitsPerConnection;
    const rounds = 1_000;
    try {
      for (let i = 0; i < 30; i++) {
        const client = await watcher(node.addr);
        clients.push(client);
        await client.send(...times(most, { ...WATCH, want: 3 }));
        for (let i = 0; i < most; i++) await client.receive();
      }
      const value = new Uint8Array(1_000).fill(120);
      for (let i = 0; i < rounds; i++) {
        await witness.set("/watched", value);
        if (i % 50 !== 0) continue;
        await witness.check();
        assertSmall(node);
      }
      // Who reads after all has missed nothing, watch for watch.
      const revs = new Map<number | undefined, number>();
      for (let i = 0; i < 5 * most; i++) {
        const { tag, rev, prev_rev } = (await clients[0]!.receive())!.response;
        if (revs.has(tag)) assertEquals(prev_rev, revs.get(tag));
        revs.set(tag, rev!);
      }
      await witness.check();
    } finally {
      for (const client of clients) client.close();
    }
  },
);

testOverload(
  "watches of long histories, given up at once",
  async (node, witness) => {
    const value = new Uint8Array(1_000).fill(120);
    for (let i = 0; i < 5_000; i++) await witness.set("/watched", value);
    const past = { ...WATCH, rev: 1 };
    for (let i = 0; i < 20; i++) {
      using client = await watcher(node.addr);
      await client.send(...times(LIMITS.waitsPerConnection, past));
      await client.receive();
      if (i % 5 === 0) await witness.check();
    }
    assertSmall(node);
  },
);
