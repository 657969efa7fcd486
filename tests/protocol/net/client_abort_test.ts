/**
 * Giving up: an AbortSignal, or close(), ends every kind of request, and leaves
 * nothing behind.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type Client,
  connect,
  type RequestOptions,
} from "../../../protocol/net/mod.ts";
import type { ErrorCode, Rev } from "../../../store/mod.ts";
import { Proxy } from "./proxy.ts";
import { serveNode, serveScript } from "./servers.ts";
import { codeOf, connectTo, withTwoWays } from "./ways.ts";

/** What a request is given: a rev that is never reached, and how to end. */
type Ask = (client: Client, options: RequestOptions) => Promise<unknown>;

const NEVER: Rev = 2 ** 40;

/** Every kind of request, and what it is when it is given up on its way. */
const REQUESTS: readonly [name: string, ask: Ask, code: ErrorCode][] = [
  ["get", (c, o) => c.get("/a", o), "UNAVAILABLE"],
  ["get of a rev", (c, o) => c.get("/a", { ...o, rev: NEVER }), "UNAVAILABLE"],
  ["stat", (c, o) => c.stat("/a", o), "UNAVAILABLE"],
  ["rev", (c, o) => c.rev(o), "UNAVAILABLE"],
  ["self", (c, o) => c.self(o), "UNAVAILABLE"],
  ["status", (c, o) => c.status(o), "UNAVAILABLE"],
  ["walk", (c, o) => c.walk("/**", o).next(), "UNAVAILABLE"],
  ["getdir", (c, o) => c.getdir("/", o).next(), "UNAVAILABLE"],
  ["entries", (c, o) => c.entries("/", o).next(), "UNAVAILABLE"],
  ["access", (c, o) => c.access("secret", o), "UNAVAILABLE"],
  ["backup", (c, o) => c.backup(o).next(), "UNAVAILABLE"],
  ["set", (c, o) => c.set("/a", "1", o), "UNKNOWN"],
  ["del", (c, o) => c.del("/a", o), "UNKNOWN"],
  ["nop", (c, o) => c.nop(o), "UNKNOWN"],
  ["recover", (c, o) => c.recover(o), "UNKNOWN"],
  ["wait", (c, o) => c.wait("/a", { ...o, rev: NEVER }), "TIMEOUT"],
  ["watch", (c, o) => c.watch("/a", { ...o, rev: NEVER }).next(), "TIMEOUT"],
];

/** What finding out where to begin is given up with. */
const FROM_NOW: readonly [name: string, ask: Ask, code: ErrorCode][] = [
  ["wait from now", (c, o) => c.wait("/a", o), "TIMEOUT"],
  ["watch from now", (c, o) => c.watch("/a", o).next(), "TIMEOUT"],
  [
    "watch with a snapshot",
    (c, o) => c.watch("/a", { ...o, snapshot: true }).next(),
    "TIMEOUT",
  ],
];

/** A client with a session, of a server that says nothing any more. */
async function withSilence(
  use: (
    client: Client,
    silence: { sent: () => Promise<void>; proxy: Proxy },
  ) => Promise<void>,
): Promise<void> {
  await withTwoWays(async ({ first }) => {
    using client = await connectTo([first.addr]);
    await client.set("/a", "0");
    let arrived = Promise.withResolvers<void>();
    first.onAnswer = () => "swallow";
    first.onRequest = () => {
      arrived.resolve();
      return "swallow";
    };
    // Resolves when the next request has left the client.
    const sent = async () => {
      await arrived.promise;
      arrived = Promise.withResolvers();
    };
    await use(client, { sent, proxy: first });
  });
}

Deno.test("every request on its way is given up when its signal aborts", () =>
  withSilence(async (client, { sent }) => {
    for (const [name, ask, code] of [...REQUESTS, ...FROM_NOW]) {
      const controller = new AbortController();
      const asked = codeOf(ask(client, { signal: controller.signal }));
      await sent();
      controller.abort();
      assertEquals([name, await asked], [name, code]);
    }
  }));

Deno.test("finding out where to begin takes no longer than the time that is given", () =>
  withSilence(async (client) => {
    const timeoutMs = 20;
    for (const [name, ask] of FROM_NOW) {
      const asked = codeOf(ask(client, { timeoutMs }));
      assertEquals([name, await asked], [name, "TIMEOUT"]);
    }
  }));

Deno.test("no request begins whose signal was aborted before", () =>
  withTwoWays(async ({ first }) => {
    using client = await connectTo([first.addr]);
    const before = first.verbs.length;
    for (const [name, ask] of [...REQUESTS, ...FROM_NOW]) {
      const asked = ask(client, { signal: AbortSignal.abort() });
      const code = /wait|watch/.test(name) ? "TIMEOUT" : "UNAVAILABLE";
      assertEquals([name, await codeOf(asked)], [name, code]);
    }
    await client.self();
    assertEquals(first.verbs.slice(before), ["SELF"]);
  }));

Deno.test("every request that no server has seen certainly did nothing", async () => {
  await using node = await serveNode();
  await using proxy = new Proxy(node.addr);
  const lost = Promise.withResolvers<void>();
  using client = await connectTo([proxy.addr], {
    onNotice: ({ type }) => type === "lost" && lost.resolve(),
  });
  await client.set("/a", "0");
  proxy.cut();
  await lost.promise;
  for (const [name, ask, code] of [...REQUESTS, ...FROM_NOW]) {
    const controller = new AbortController();
    const asked = codeOf(ask(client, { signal: controller.signal }));
    controller.abort();
    const wanted = code === "UNKNOWN" ? "UNAVAILABLE" : code;
    assertEquals([name, await asked], [name, wanted]);
  }
});

Deno.test("close() ends all that is under way, and leaves nothing", () =>
  withSilence(async (client, { sent, proxy }) => {
    const all = [...REQUESTS, ...FROM_NOW];
    const asked = all.map(([, ask]) => codeOf(ask(client, {})));
    await sent();
    client.close();
    const codes = await Promise.all(asked);
    await proxy.idle();
    const wanted = all.map(([, , code]) =>
      code === "UNKNOWN" ? "UNKNOWN" : "CLOSED"
    );
    const names = all.map(([name]) => name);
    const told = names.map((name, n) => [name, codes[n]]);
    assertEquals(told, names.map((name, n) => [name, wanted[n]]));
    for (const [name, ask] of all) {
      assertEquals([name, await codeOf(ask(client, {}))], [name, "CLOSED"]);
    }
  }));

Deno.test("a client that is closed while it is connecting again leaves nothing", async () => {
  await using silent = serveScript(() => {});
  await using node = await serveNode();
  await using proxy = new Proxy(node.addr);
  const lost = Promise.withResolvers<void>();
  using client = await connectTo([proxy.addr], {
    onNotice: ({ type }) => type === "lost" && lost.resolve(),
  });
  const reading = codeOf(client.get("/a", { rev: NEVER }));
  await client.rev();
  proxy.cut();
  await lost.promise;
  client.close();
  assertEquals(await reading, "CLOSED");
  await proxy.idle();
  // And one that has never been connected.
  const controller = new AbortController();
  const { signal } = controller;
  const connecting = codeOf(connect(silent.uri, { signal }));
  controller.abort();
  assertEquals(await connecting, "UNAVAILABLE");
});
