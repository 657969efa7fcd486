/**
 * What all clients together may cost: time, memory, log lines.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Turn } from "../../../protocol/net/mod.ts";
import { LIMITS } from "../../../store/mod.ts";
import { FakeBackend } from "../fake_backend.ts";
import { frame, frameHeader, RawClient } from "../raw_client.ts";
import type { RawRequest } from "../raw_client.ts";
import { FakeConn, serveConn } from "./fake_conn.ts";
import { serveFake, serveNode } from "./servers.ts";

const REV: RawRequest = { tag: 1, verb: "REV" };
const GARBAGE = frame(Uint8Array.of(0));

Deno.test("clients that are reset before they are accepted delay nobody", async () => {
  const { setTimeout } = globalThis;
  const pauses: number[] = [];
  const conn = new FakeConn();
  const turn = new Turn((error) => {
    throw error;
  });
  globalThis.setTimeout = ((run: () => void, ms: number) => {
    pauses.push(ms);
    return setTimeout(run, ms);
  }) as typeof globalThis.setTimeout;
  try {
    const backend = new FakeBackend();
    const { server, log } = serveConn(conn, { backend, turn, failures: 500 });
    await log.find(/is connected$/);
    server.close();
    turn.stop();
  } finally {
    globalThis.setTimeout = setTimeout;
    conn.bring(null);
  }
  assertEquals(pauses, []);
});

Deno.test("warnings about clients are bounded, and the rest is counted", async () => {
  using node = await serveFake({ timeLimits: { sweepMs: 200 } });
  // All at once, so that a slow machine does not spread them over sweeps.
  await Promise.all(Array.from({ length: 200 }, async () => {
    using client = await RawClient.connect(node.addr);
    await client.sendBytes(GARBAGE);
    assertEquals(await client.receive(), null);
  }));
  await node.log.find(/^warn: Left out \d+ more warnings about clients$/);
  const warnings = node.log.lines.filter((line) => line.startsWith("warn"));
  const left = warnings.map((line) =>
    Number(/Left out (\d+)/.exec(line)?.[1] ?? 0)
  );
  assert(left.some((count) => count > 0), "some were left out");
});

Deno.test("a wait that reads old events is answered on an idle node", async () => {
  await using node = await serveNode();
  using client = await RawClient.connect(node.addr);
  const nops = Array<RawRequest>(600).fill({ verb: "NOP" });
  await client.send(...nops);
  for (const _ of nops) await client.receive();
  const set = await client.ask({ verb: "SET", path: "/y/z", rev: 0 });
  const wait: RawRequest = { verb: "WAIT", path: "/y/*", rev: 1 };
  assertEquals((await client.ask(wait)).rev, set.rev);
});

Deno.test("incomplete requests of all clients are bounded, the slowest ends", async () => {
  const limits: { partialBytesNode: number } = LIMITS;
  const { partialBytesNode } = limits;
  limits.partialBytesNode = 1 << 20;
  try {
    const secrets = { rw: "w", ro: "r" };
    const timeLimits = { handshakeMs: 20, sweepMs: 5 };
    using node = await serveFake({ secrets, timeLimits });
    const trusted = async () => {
      const client = await RawClient.connect(node.addr);
      assertEquals(await client.ask({ verb: "ACCESS", value: "r" }), {});
      return client;
    };
    const slow = [await trusted(), await trusted(), await trusted()];
    for (const client of slow) {
      await client.sendBytes(frameHeader(LIMITS.frameBytes));
      await client.sendBytes(new Uint8Array(200 << 10)).catch(() => {});
    }
    // Somebody without a secret is ended by a sweep that has seen them all.
    using nobody = await RawClient.connect(node.addr);
    assertEquals(await nobody.receive(), null);
    // A large request that comes to its end is not taken for the slowest,
    // though no sweep has seen it yet.
    using honest = await trusted();
    const value = new Uint8Array(600 << 10);
    for (let i = 0; i < 5; i++) {
      assertEquals((await honest.ask({ ...REV, value })).tag, 1);
    }
    await node.log.find(/incomplete requests, the limit is 1048576/);
    for (const client of slow) client.close();
  } finally {
    limits.partialBytesNode = partialBytesNode;
  }
});
