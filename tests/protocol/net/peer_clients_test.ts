/**
 * Nodes and clients at the same port: each is told from the other, and
 * however many clients there are, nodes find room.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { LIMITS } from "../../../store/mod.ts";
import { A, B } from "../peer_messages.ts";
import { frameRequest, RawClient } from "../raw_client.ts";
import { certificate, NO_OPENSSL } from "./certificate.ts";
import { PeerNode } from "./peer_nodes.ts";
import { RAW_HELLO, RawPeer } from "./raw_peer.ts";

/** A test that hangs must fail instead; none comes near. */
const HANG_MS = 30_000;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, timeout: HANG_MS, fn });
}

const LIMIT = /has 2 connections, the limit is 2/;
const REV = { tag: 7, verb: "REV" };

test("a client is served, however it sends its first request", async () => {
  using node = await PeerNode.start(A);
  const request = frameRequest(REV);
  for (const size of [1, 2, 3, 4, 5, request.length]) {
    using client = await RawClient.connect(node.addr);
    client.conn.setNoDelay(true);
    for (let at = 0; at < request.length; at += size) {
      await client.sendBytes(request.subarray(at, at + size));
    }
    assertEquals((await client.receive())?.response.tag, 7, `${size}`);
  }
  // A request without fields, of which there is no fifth byte.
  using client = await RawClient.connect(node.addr);
  await client.sendBytes(new Uint8Array(4));
  assertEquals((await client.receive())?.response.err_code, "UNKNOWN_VERB");
  await client.sendBytes(new Uint8Array(4));
  assertEquals((await client.receive())?.response.err_code, "UNKNOWN_VERB");
  assertEquals((await client.ask(REV)).tag, 7);
});

test("a node is taken in, however it sends its hello", async () => {
  using node = await PeerNode.start(A);
  using peer = await RawPeer.connect(node.addr);
  const { sendBytes } = peer;
  peer.sendBytes = async (bytes) => {
    for (const byte of bytes) {
      await sendBytes.call(peer, Uint8Array.of(byte));
    }
  };
  assertEquals(await peer.shakeHands(), "up");
  await node.reported(`up ${RAW_HELLO.id}`);
  assertEquals(node.server.connections, 0);
});

test("where all places of clients are taken, nodes still link", async () => {
  const limits = LIMITS as { connections: number };
  const { connections } = limits;
  limits.connections = 2;
  try {
    using a = await PeerNode.start(A);
    using b = await PeerNode.start(B);
    using one = await RawClient.connect(a.addr);
    using two = await RawClient.connect(a.addr);
    assertEquals((await one.ask(REV)).tag, 7);
    assertEquals((await two.ask(REV)).tag, 7);
    b.keep(a);
    await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
    assertEquals(a.server.connections, 2);
    // A client is told at once when it speaks, and soon where it does not.
    using three = await RawClient.connect(a.addr);
    await three.sendBytes(frameRequest(REV));
    assertMatch((await three.receive())?.response.err_detail, LIMIT);
    using four = await RawClient.connect(a.addr);
    assertMatch((await four.receive())?.response.err_detail, LIMIT);
    // Nobody waits for one that has not shown what it is.
    using _five = await RawClient.connect(a.addr);
    assertEquals((await one.ask(REV)).tag, 7);
  } finally {
    limits.connections = connections;
  }
});

Deno.test({
  name: `TLS: where all places of clients are taken${NO_OPENSSL}`,
  ignore: NO_OPENSSL !== "",
  timeout: HANG_MS,
  fn: async () => {
    const limits = LIMITS as { connections: number };
    const { connections } = limits;
    limits.connections = 1;
    try {
      const tls = await certificate();
      using a = await PeerNode.start(A, { tls });
      using b = await PeerNode.start(B, { tls });
      const [hostname = "", port] = a.addr.split(":");
      using client = await Deno.connectTls({
        ...{ hostname, port: Number(port), caCerts: [tls.cert] },
      });
      await client.write(frameRequest(REV));
      await client.read(new Uint8Array(100));
      b.keep(a);
      await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
      assertEquals(a.server.connections, 1);
    } finally {
      limits.connections = connections;
    }
  },
});
