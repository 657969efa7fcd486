/**
 * Sockets: what is owed is sent, who keeps the node waiting is cut off, and
 * nobody's misbehaviour is anybody else's concern.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect } from "../../../protocol/net/mod.ts";
import { DoozerError, LIMITS, Store } from "../../../store/mod.ts";
import {
  concatBytes,
  frame,
  frameHeader,
  frameRequest,
  RawClient,
  type RawRequest,
} from "../raw_client.ts";
import { type FakeNode, serveFake, serveNode } from "./servers.ts";

const SET: RawRequest = { verb: "SET", path: "/a", value: "v", rev: -1 };
const WAIT: RawRequest = { verb: "WAIT", path: "/a", rev: 2 ** 40 };
const REV: RawRequest = { tag: 1, verb: "REV" };
const GARBAGE = frame(Uint8Array.of(0));

function tagged(request: RawRequest, count: number): RawRequest[] {
  return Array.from({ length: count }, (_, tag) => ({ ...request, tag }));
}

/** The tags of all answers until the server closes. */
async function tagsToTheEnd(client: RawClient): Promise<number[]> {
  const tags: number[] = [];
  for (;;) {
    const answer = await client.receive();
    if (answer === null) return tags;
    tags.push(answer.response.tag ?? NaN);
  }
}

/** Resolves when the server has made an end of all its clients. */
async function allEnded({ server, log }: FakeNode): Promise<void> {
  while (server.connections > 0) {
    log.lines.length = 0;
    await log.find(/has left|Ended the connection/);
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

Deno.test("a client that ends writing gets all its writes answered", async () => {
  await using node = await serveNode();
  // So short that one read brings more than twice what may be in flight.
  const counts = [2600, 2600, 3000, 5 * LIMITS.requestsInFlight + 7];
  for (const count of counts) {
    using client = await RawClient.connect(node.addr);
    await client.send(...Array<RawRequest>(count).fill({ verb: "NOP" }));
    await client.closeWrite();
    assertEquals((await tagsToTheEnd(client)).length, count);
  }
  const count = 3 * LIMITS.requestsInFlight + 7;
  using client = await RawClient.connect(node.addr);
  await client.send(...tagged(SET, count));
  await client.closeWrite();
  assertEquals(await tagsToTheEnd(client), upTo(count));
  assertEquals(node.log.lines.filter((line) => line.startsWith("warn")), []);
});

Deno.test("a client that ends writing gets what comes later, too", async () => {
  using node = await serveFake();
  using client = await RawClient.connect(node.addr);
  await client.send(...tagged(SET, 3), { ...WAIT, tag: 9 }, REV);
  await client.closeWrite();
  assertEquals((await client.receive())?.response, { tag: 1, rev: 0 });
  for (let i = 0; i < 3; i++) {
    node.backend.settle(1);
    assertEquals((await client.receive())?.response, { tag: i, rev: i + 1 });
  }
  // Waits are not owed: nothing tells it from one that has gone.
  assertEquals(await client.receive(), null);
  assertEquals(node.backend.store.waits.count(), 0);
});

Deno.test("a client that ends writing gets large answers whole", async () => {
  using node = await serveFake();
  node.backend.write("/a", new Uint8Array(200_000));
  using client = await RawClient.connect(node.addr);
  await client.send(...tagged({ verb: "GET", path: "/a" }, 50));
  await client.closeWrite();
  assertEquals(await tagsToTheEnd(client), upTo(50));
});

Deno.test("garbage ends a connection when what came before is answered", async () => {
  using node = await serveFake();
  using client = await RawClient.connect(node.addr);
  const sets = tagged(SET, 2).map(frameRequest);
  const rest = frameRequest(REV);
  await client.sendBytes(concatBytes([rest, ...sets, GARBAGE, rest]));
  assertEquals((await client.receive())?.response, { tag: 1, rev: 0 });
  // Their outcome is still open, and will be told.
  node.backend.settle();
  assertEquals(await tagsToTheEnd(client), [0, 1]);
  const line = await node.log.find(/^warn: Ended/);
  assert(line.includes(": Cannot take 0 for the number of a field"), line);
  assertEquals(node.failures, []);
});

Deno.test("a connection cut in a frame ends, with a line that says so", async () => {
  using node = await serveFake();
  using client = await RawClient.connect(node.addr);
  await client.sendBytes(concatBytes([frameRequest(REV), frameHeader(5)]));
  await client.closeWrite();
  assertEquals(await tagsToTheEnd(client), [1]);
  await node.log.find(/The client has left in the middle of a frame$/);
});

Deno.test("waits of a client that resets its connection are given up", async () => {
  using node = await serveFake();
  node.backend.write("/a", new Uint8Array(100_000));
  using client = await RawClient.connect(node.addr);
  await client.send(...tagged(WAIT, 10), { verb: "GET", path: "/a" });
  await client.conn.read(new Uint8Array(1));
  assertEquals(node.backend.store.waits.count(), 10);
  // With bytes unread, closing is resetting.
  client.close();
  await allEnded(node);
  assertEquals(node.backend.store.waits.count(), 0);
  assertEquals(node.failures, []);
});

Deno.test("a client may leave while its writes are in flight", async () => {
  using node = await serveFake();
  const client = await RawClient.connect(node.addr);
  await client.send(...tagged(SET, 10), REV);
  await client.receive();
  client.close();
  await node.log.find(/./);
  using other = await RawClient.connect(node.addr);
  await other.ask(REV);
  node.backend.settle();
  assertEquals((await other.ask(REV)).rev, 10);
  other.close();
  await allEnded(node);
  assertEquals(node.failures, []);
});

Deno.test("a slow reader gets everything, and others do not wait for it", async () => {
  using node = await serveFake();
  const value = new Uint8Array(LIMITS.valueBytes).fill(7);
  node.backend.write("/a", value);
  using slow = await RawClient.connect(node.addr);
  const count = 40;
  const sent = slow.send(...tagged({ verb: "GET", path: "/a" }, count));
  using other = await RawClient.connect(node.addr);
  for (let i = 0; i < 100; i++) assertEquals((await other.ask(REV)).tag, 1);
  for (let tag = 0; tag < count; tag++) {
    const answer = await slow.receive();
    assertEquals(answer?.response.tag, tag);
    assertEquals(answer?.response.value?.length, value.length);
  }
  await sent;
  assertEquals((await slow.ask(REV)).tag, 1);
});

Deno.test("a paused connection goes on when its writes are settled", async () => {
  using node = await serveFake();
  using client = await RawClient.connect(node.addr);
  const most = LIMITS.requestsInFlight;
  const sent = client.send(...tagged(SET, 3 * most), REV);
  for (let tag = 0; tag < 3 * most; tag++) {
    while (node.backend.held === 0) await macrotask();
    assert(node.backend.held <= most, `${node.backend.held} are in flight`);
    node.backend.settle(1);
  }
  const tags = new Set<number | undefined>();
  for (let i = 0; i <= 3 * most; i++) {
    tags.add((await client.receive())?.response.tag);
  }
  await sent;
  assertEquals(tags.size, 3 * most);
});

Deno.test("a client with many lists to make does not hold up the others", async () => {
  using node = await serveFake();
  for (let i = 0; i < 200; i++) node.backend.write(`/d/${i}`);
  let made = 0;
  const { match } = node.backend.store;
  node.backend.store.match = (glob, place) => {
    made++;
    return match.call(node.backend.store, glob, place);
  };
  using other = await RawClient.connect(node.addr);
  await other.ask(REV);
  using client = await RawClient.connect(node.addr);
  const walks = tagged({ verb: "WALK", offset: 0 }, 300)
    .map((walk) => ({ ...walk, path: `/d/*${walk.tag}` }));
  await client.send(...walks);
  while (made === 0) await macrotask();
  await other.ask(REV);
  assert(made < 100, `${made} lists were made before another had its turn`);
  await client.closeWrite();
  assertEquals(await tagsToTheEnd(client), upTo(300));
  assertEquals(made, 300);
});

Deno.test("reads of a rev that has come are owed to a half-closed client", async () => {
  using node = await serveFake();
  using client = await RawClient.connect(node.addr);
  const walk = { tag: 1, verb: "WALK", path: "/a*", offset: 0, rev: 1 };
  await client.send(walk, { ...walk, tag: 2, path: "/*" }, REV);
  await client.receive();
  node.backend.write("/a");
  await client.closeWrite();
  assertEquals(await tagsToTheEnd(client), [1, 2]);
  assertEquals(node.failures, []);
});

/** Lets sockets have a turn. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("who has a frame unfinished for too long is cut off", async () => {
  using node = await serveFake({ timeLimits: { frameMs: 30, sweepMs: 10 } });
  const parts = [frameHeader(5), frameHeader(5).subarray(0, 1)];
  for (const part of parts) {
    using client = await RawClient.connect(node.addr);
    await client.sendBytes(concatBytes([frameRequest(REV), part]));
    assertEquals((await client.receive())?.response.tag, 1);
    assertEquals(await client.receive(), null);
  }
  await node.log.find(/It has not finished a frame in 30 ms$/);
});

Deno.test("who says nothing, or waits for its writes, is not cut off", async () => {
  using node = await serveFake({ timeLimits: { frameMs: 20, sweepMs: 5 } });
  using silent = await RawClient.connect(node.addr);
  using paused = await RawClient.connect(node.addr);
  using cut = await RawClient.connect(node.addr);
  const most = LIMITS.requestsInFlight;
  await silent.ask(REV);
  await paused.send(...tagged(SET, most + 1));
  for (let i = 0; i < 3; i++) {
    using cut = await RawClient.connect(node.addr);
    await cut.sendBytes(frameHeader(5));
    assertEquals(await cut.receive(), null);
  }
  cut.close();
  assertEquals((await silent.ask(REV)).tag, 1);
  while (node.backend.proposed.length <= most) {
    node.backend.settle();
    await macrotask();
  }
  node.backend.settle();
  for (let tag = 0; tag <= most; tag++) {
    assertEquals((await paused.receive())?.response.tag, tag);
  }
});

Deno.test("who gives no secret in time is cut off where reading needs one", async () => {
  const timeLimits = { handshakeMs: 30, sweepMs: 10 };
  const secrets = { rw: "w", ro: "r" };
  using node = await serveFake({ timeLimits, secrets });
  using trusted = await RawClient.connect(node.addr);
  assertEquals(await trusted.ask({ verb: "ACCESS", value: "r" }), {});
  using wrong = await RawClient.connect(node.addr);
  const denied = await wrong.ask({ verb: "ACCESS", value: "x" });
  assertEquals(denied.err_detail, "permission denied");
  assertEquals(await wrong.receive(), null);
  await node.log.find(/It has not given a secret in 30 ms$/);
  assertEquals((await trusted.ask(REV)).tag, 1);
  using open = await serveFake({ timeLimits, secrets: { rw: "w" } });
  using reader = await RawClient.connect(open.addr);
  using cut = await RawClient.connect(node.addr);
  assertEquals(await cut.receive(), null);
  assertEquals((await reader.ask(REV)).tag, 1);
});

Deno.test("connections beyond the limit are closed, until one has left", async () => {
  const limits: { connections: number } = LIMITS;
  const { connections } = limits;
  limits.connections = 2;
  try {
    using node = await serveFake();
    using first = await RawClient.connect(node.addr);
    using second = await RawClient.connect(node.addr);
    await Promise.all([first.ask(REV), second.ask(REV)]);
    using third = await RawClient.connect(node.addr);
    assertEquals((await third.receive())?.response, {
      tag: 0,
      err_code: "OTHER",
      err_detail: "LIMIT: The node has 2 connections, the limit is 2",
    });
    assertEquals(await third.receive(), null);
    const uri = `doozer:?ca=${node.addr}`;
    const refused = await assertRejects(() =>
      connect(uri).then((client) => client.set("/a", "never tried"))
    );
    assert(refused instanceof DoozerError);
    assertEquals(refused.code, "UNAVAILABLE", refused.message);
    await node.log.find(/^warn: Refused .*: 2 are open, the limit is 2$/);
    assertEquals((await first.ask(REV)).tag, 1);
    second.close();
    await node.log.find(/has left$/);
    using fourth = await RawClient.connect(node.addr);
    assertEquals((await fourth.ask(REV)).tag, 1);
  } finally {
    limits.connections = connections;
  }
});

Deno.test("SocketServer.close() ends all clients and frees the port", async () => {
  using node = await serveFake();
  const clients = [
    await RawClient.connect(node.addr),
    await RawClient.connect(node.addr),
  ];
  const [first, second] = clients;
  await first?.send({ ...WAIT, tag: 1 }, SET, REV);
  await first?.receive();
  await second?.ask(REV);
  assertEquals(node.server.connections, 2);
  node.server.close();
  node.server.close();
  for (const client of clients) {
    assertEquals(await client.receive(), null);
    client.close();
  }
  assertEquals(node.server.connections, 0);
  assertEquals(node.backend.store.waits.count(), 0);
  node.backend.settle();
  const { hostname, port } = node.server.address;
  Deno.listen({ hostname, port }).close();
});

Deno.test("SocketServer says who else has the port", async () => {
  using node = await serveFake();
  const { address } = node.server;
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert(other.addr.port !== address.port);
  assertThrows(
    () => Deno.listen({ ...address }),
    Deno.errors.AddrInUse,
  );
});

class BrokenStore extends Store {
  override get(): never {
    throw new Error("A bug");
  }
}

Deno.test("a bug of ours stops the node, and is no client's fault", async () => {
  using node = await serveFake({ store: new BrokenStore() });
  using client = await RawClient.connect(node.addr);
  await client.send({ verb: "GET", path: "/a" });
  while (node.failures.length === 0) await macrotask();
  assertEquals(String(node.failures[0]), "Error: A bug");
});
