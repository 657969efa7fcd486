/**
 * TLS from end to end, and what goes wrong before it is up: whatever comes to
 * the port, the node serves on.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Client,
  connect,
  type ConnectOptions,
} from "../../../protocol/net/mod.ts";
import { DoozerError, LIMITS } from "../../../store/mod.ts";
import { frameRequest, RawClient } from "../raw_client.ts";
import { certificate, NO_OPENSSL } from "./certificate.ts";
import {
  deadAddress,
  type FakeNode,
  type LocalNode,
  serveFake,
  serveNode,
  serveScript,
} from "./servers.ts";

/** A test that hangs must fail instead; none comes near. */
const HANG_MS = 60_000;

function testTls(name: string, fn: () => Promise<void>): void {
  Deno.test({
    timeout: HANG_MS,
    name: `TLS: ${name}${NO_OPENSSL}`,
    ignore: NO_OPENSSL !== "",
    fn,
  });
}

async function serveTls(): Promise<LocalNode> {
  return await serveNode({ tls: await certificate() });
}

async function connectTls(
  node: { addr: string },
  options: ConnectOptions = {},
): Promise<Client> {
  const { cert } = await certificate();
  return await connect(`doozer:?ca=${node.addr}`, {
    caCerts: [cert],
    ...options,
  });
}

testTls("every byte arrives, large bodies too", async () => {
  await using node = await serveTls();
  using client = await connectTls(node);
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const rev = await client.set("/a", body);
  assertEquals(await client.get("/a"), { path: "/a", rev, value: body });
  const full = new Uint8Array(LIMITS.valueBytes).fill(7);
  await client.set("/b", full);
  const answers = Array.from({ length: 20 }, () => client.get("/b"));
  for (const { value } of await Promise.all(answers)) {
    assertEquals(value.length, full.length);
  }
  assertEquals(await client.self(), node.id);
});

testTls("a secret is given over it", async () => {
  const secrets = { rw: "hush" };
  await using node = await serveNode({ tls: await certificate(), secrets });
  using client = await connectTls(node, { secret: "hush" });
  assert(await client.set("/a", "1") > 0);
  const wrong = connectTls(node, { secret: "shh" });
  assertEquals((await assertRejects(() => wrong, DoozerError)).code, "DENIED");
});

testTls("the next server is tried, too", async () => {
  await using node = await serveTls();
  const { cert } = await certificate();
  const uri = `doozer:?ca=${deadAddress()}&ca=${node.addr}&tls=true`;
  using client = await connect(uri, { caCerts: [cert] });
  assertEquals(client.address, node.addr);
});

testTls("a client does not trust a certificate it does not know", async () => {
  await using node = await serveTls();
  const uri = `doozer:?ca=${node.addr}&tls=true`;
  const error = await assertRejects(() => connect(uri), DoozerError);
  assertEquals(error.code, "UNAVAILABLE");
  assert(/certificate|UnknownIssuer/.test(error.detail), error.detail);
  await stillServes(node);
});

testTls(
  "a server that speaks none is told apart from one that is away",
  async () => {
    await using node = await serveNode();
    const error = await assertRejects(() => connectTls(node), DoozerError);
    assertEquals(error.code, "UNAVAILABLE");
    assert(error.detail.includes(node.addr), error.detail);
  },
);

testTls("a client gives up a handshake that does not end", async () => {
  await using silent = serveScript(() => {});
  const error = await assertRejects(
    () => connectTls(silent, { timeoutMs: 30 }),
    DoozerError,
  );
  assertEquals(error.code, "UNAVAILABLE");
  // The one limit is that of the whole, the other that of each server.
  assert(/silent for|within the time-out/.test(error.detail), error.detail);
  const controller = new AbortController();
  const connecting = connectTls(silent, { signal: controller.signal });
  queueMicrotask(() => controller.abort());
  const aborted = await assertRejects(() => connecting, DoozerError);
  assertEquals(aborted.code, "UNAVAILABLE");
});

testTls("a client that is aborted already does not connect", async () => {
  await using silent = serveScript(() => {});
  const signal = AbortSignal.abort();
  const options = { signal, timeoutMs: 0 };
  const error = await assertRejects(
    () => connectTls(silent, options),
    DoozerError,
  );
  assertEquals(error.code, "UNAVAILABLE");
});

async function stillServes(node: { addr: string }): Promise<void> {
  using client = await connectTls(node);
  assert(await client.rev() >= 0);
}

testTls("a handshake that does not end is cut off", async () => {
  const timeLimits = { handshakeMs: 50, sweepMs: 10 };
  using node = await serveFake({ tls: await certificate(), timeLimits });
  // Nothing, and the begin of a ClientHello. The descriptor is free at once,
  // which the client sees: were it kept, silent clients would use up all.
  for (const bytes of ["", "160301", "16030100"]) {
    using client = await RawClient.connect(node.addr);
    await client.sendBytes(Uint8Array.fromHex(bytes));
    await node.log.find(/^warn: Refused .*TLS handshake timeout$/);
    await readToTheEnd(client.conn);
    assertEquals(node.server.connections, 0);
    node.log.lines.length = 0;
  }
  await servesOn(node);
});

testTls("what is no handshake ends its connection, nothing else", async () => {
  using node = await serveFake({ tls: await certificate() });
  const rows = [
    frameRequest({ tag: 1, verb: "REV" }),
    new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    Uint8Array.fromHex("1603010005ffffffffff"),
    Uint8Array.fromHex("15030100020228"),
    Uint8Array.fromHex("1603ffffff"),
    crypto.getRandomValues(new Uint8Array(2000)),
    new Uint8Array(70_000).fill(0x16),
  ];
  for (const bytes of rows) {
    using client = await RawClient.connect(node.addr);
    await client.sendBytes(bytes);
    // It may answer with an alert; then it closes.
    await readToTheEnd(client.conn);
    await node.log.find(/^warn: (Refused|Ended) the connection/);
    node.log.lines.length = 0;
  }
  await servesOn(node);
});

testTls("a client may leave at any point of the handshake", async () => {
  // Who has only stopped sending might yet read: the time limit decides.
  const timeLimits = { handshakeMs: 50, sweepMs: 10 };
  using node = await serveFake({ tls: await certificate(), timeLimits });
  for (const bytes of ["", "16", "1603010005", "160301000501"]) {
    for (const half of [true, false]) {
      using client = await RawClient.connect(node.addr);
      await client.sendBytes(Uint8Array.fromHex(bytes));
      if (half) await client.closeWrite();
      else client.close();
      await node.log.find(/Refused|Ended|has left/);
      node.log.lines.length = 0;
    }
  }
  await servesOn(node);
});

testTls("a session may break off in the middle", async () => {
  using node = await serveFake({ tls: await certificate() });
  const { cert } = await certificate();
  const [hostname = "", port] = node.addr.split(":");
  for (const [index, bytes] of ["", "ff", "00000005aabb"].entries()) {
    const options = { hostname, port: Number(port), caCerts: [cert] };
    using conn = await Deno.connectTls(options);
    await conn.handshake();
    const wait = { tag: 1, verb: "WAIT", path: "/a", rev: index + 9 };
    await conn.write(frameRequest(wait));
    await conn.write(frameRequest({ tag: 2, verb: "REV" }));
    await conn.read(new Uint8Array(100));
    assertEquals(node.backend.store.waits.count(), 1);
    await conn.write(Uint8Array.fromHex(bytes));
    conn.close();
    await node.log.find(/Ended|has left/);
    node.log.lines.length = 0;
    assertEquals(node.backend.store.waits.count(), 0);
  }
  await servesOn(node);
});

async function servesOn(node: FakeNode): Promise<void> {
  await stillServes(node);
  assertEquals(node.failures, []);
}

async function readToTheEnd(conn: Deno.Conn): Promise<void> {
  const room = new Uint8Array(1000);
  try {
    while (await conn.read(room) !== null);
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}
