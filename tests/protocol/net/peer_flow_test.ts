/**
 * How much waits for a peer that does not read, and how long one may be
 * silent.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { PeerMessage } from "../../../protocol/mod.ts";
import { PeerOutput } from "../../../protocol/net/peer_output.ts";
import { AssertionError, LIMITS } from "../../../store/mod.ts";
import { A, B } from "../peer_messages.ts";
import { assertThrows } from "@std/assert";
import { PeerNode } from "./peer_nodes.ts";
import { RAW_HELLO, RawPeer } from "./raw_peer.ts";

/** A test that hangs must fail instead; none comes near. */
const HANG_MS = 60_000;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, timeout: HANG_MS, fn });
}

const LARGE = new Uint8Array(2 << 20).fill(3);

function accept(seqn: number): PeerMessage {
  const ballot = { round: 1, node: A };
  return { type: "accept", seqn, ballot, value: LARGE };
}

test("a peer that does not read costs a bounded amount of memory", async () => {
  const timing = { silenceMs: HANG_MS };
  using node = await PeerNode.start(A, { timing });
  using peer = await RawPeer.link(node.addr);
  const { id } = RAW_HELLO;
  await node.reported(`up ${id}`);
  let sent = 0;
  while (node.links.dropped === 0) node.links.send(id, accept(++sent));
  // What is being sent, and what waits.
  assert(sent * LARGE.length > LIMITS.peerQueueBytes, `${sent}`);
  assert(sent * LARGE.length < LIMITS.peerQueueBytes + (8 << 20), `${sent}`);
  for (let i = 0; i < 100; i++) node.links.send(id, accept(0));
  assertEquals(node.links.dropped, 101);
  // Once it reads, it gets all that was not dropped, whole and in order.
  for (let seqn = 1; seqn < sent; seqn++) {
    const message = await peer.receive();
    assertEquals(message?.type === "accept" && message.seqn, seqn);
  }
  node.links.send(id, { type: "learn", from: 7 });
  assertEquals(await peer.receive(), { type: "learn", from: 7 });
  assertEquals([node.links.dropped, node.failures], [101, []]);
});

Deno.test("PeerOutput takes no message that the other side would refuse", () => {
  const output = new PeerOutput();
  const piece = (bytes: number): PeerMessage => ({
    ...{ type: "piece", image: 1, index: 1, last: false },
    bytes: new Uint8Array(bytes),
  });
  assert(output.add(piece(LIMITS.peerFrameBytes - 100)));
  assertThrows(() => output.add(piece(LIMITS.peerFrameBytes)), AssertionError);
});

test("a peer that is silent is given up", async () => {
  const timing = { silenceMs: 100 };
  using node = await PeerNode.start(A, { timing });
  using peer = await RawPeer.link(node.addr);
  await node.reported(`up ${RAW_HELLO.id}`);
  const reading = peer.readToTheEnd();
  await node.reported(`down ${RAW_HELLO.id}`);
  await reading;
  await node.log.find(/nothing was heard of it for 100 ms$/);
});

test("nodes that have nothing to say let each other know", async () => {
  const timing = { silenceMs: 200 };
  using a = await PeerNode.start(A, { timing });
  using b = await PeerNode.start(B, { timing });
  a.keep(b);
  await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
  // Meanwhile others are given up, one after the other.
  for (let times = 1; times <= 3; times++) {
    using _peer = await RawPeer.link(a.addr);
    await a.reported(`down ${RAW_HELLO.id}`, times);
  }
  assertEquals([a.links.linked(), b.links.linked()], [[B], [A]]);
  assertEquals(b.reports, [`up ${A}`]);
  assertEquals([a.messages, b.messages], [[], []]);
});

test("a pause of this node is not taken for the others' silence", async () => {
  const timing = { silenceMs: 100, sweepMs: 10 };
  using a = await PeerNode.start(A, { timing });
  using b = await PeerNode.start(B, { timing: { ...timing, silenceMs: 800 } });
  a.keep(b);
  await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
  for (let pause = 0; pause < 3; pause++) {
    // Both nodes are in this process, and so both stand still.
    for (let from = 1; from <= 5; from++) {
      b.links.send(A, { type: "learn", from });
    }
    const before = a.messages.length;
    await Promise.resolve();
    for (const end = performance.now() + 300; performance.now() < end;);
    await a.until(() => a.messages.length >= before + 5);
  }
  assertEquals(a.reports, [`up ${B}`]);
});
