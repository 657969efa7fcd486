/**
 * Handshakes over real sockets that end badly: each refusal with its sentence
 * on both sides, garbage at each stage, the slow, the many, and the replayed.
 * Meanwhile a link that is up stays up.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Hello, RefusalCode } from "../../../protocol/mod.ts";
import { encodeHelloMessage, WireWriter } from "../../../protocol/mod.ts";
import { LinkError, PeerLinks, Turn } from "../../../protocol/net/mod.ts";
import { type ErrorCode, LIMITS } from "../../../store/mod.ts";
import { A, B, C } from "../peer_messages.ts";
import { frame, frameHeader, RawClient } from "../raw_client.ts";
import { FakeConn } from "./fake_conn.ts";
import { KeptLog } from "./kept_log.ts";
import { PeerNode, type PeerNodeOptions } from "./peer_nodes.ts";
import { RAW_HELLO, RawPeer } from "./raw_peer.ts";
import { deadAddress, serveScript } from "./servers.ts";

/** A test that hangs must fail instead; none comes near. */
const HANG_MS = 30_000;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, timeout: HANG_MS, fn });
}

/** How a node was refused. */
interface Row {
  readonly name: string;
  readonly dialler: PeerNodeOptions & { id?: string };
  readonly acceptor: PeerNodeOptions;
  readonly refusal: RefusalCode;
  readonly code: ErrorCode;
  readonly text: string;
  /** Whether the nodes learn who was there. */
  readonly proved: boolean;
}

const BLANK = { lineage: "" };
const NO_SECRET = "the peer secret does not fit";

const ROWS: readonly Row[] = [
  {
    name: "another secret",
    ...{ dialler: { secret: "a" }, acceptor: { secret: "b" } },
    ...{ refusal: "SECRET", code: "DENIED", text: NO_SECRET, proved: false },
  },
  {
    name: "no secret",
    ...{ dialler: {}, acceptor: { secret: "b" } },
    ...{ refusal: "SECRET", code: "DENIED", text: NO_SECRET, proved: false },
  },
  {
    name: "a secret where there is none",
    ...{ dialler: { secret: "a" }, acceptor: {} },
    ...{ refusal: "SECRET", code: "DENIED", text: NO_SECRET, proved: false },
  },
  {
    name: "another cluster",
    ...{ dialler: { cluster: "d" }, acceptor: {} },
    ...{ refusal: "CLUSTER", code: "OTHER", proved: true },
    text: 'the node dialled is of the cluster "c", the one dialling of "d"',
  },
  {
    name: "another history",
    ...{ dialler: { lineage: "L2" }, acceptor: {} },
    ...{ refusal: "LINEAGE", code: "OTHER", proved: true },
    text: "the nodes share no history: the one dialled has the lineage " +
      '"L1", the one dialling "L2"',
  },
  {
    name: "the same id",
    ...{ dialler: { id: A }, acceptor: {} },
    ...{ refusal: "DUPLICATE", code: "OTHER", proved: true },
    text: `both nodes have the id ${A}`,
  },
  {
    name: "nobody to attach to",
    ...{ dialler: BLANK, acceptor: BLANK },
    ...{ refusal: "NOT_READY", code: "UNAVAILABLE", proved: true },
    text: "the node dialled belongs to no cluster yet",
  },
];

for (const row of ROWS) {
  test(`dialOnce() is refused: ${row.name}`, async () => {
    using acceptor = await PeerNode.start(A, row.acceptor);
    using dialler = await PeerNode.start(row.dialler.id ?? B, row.dialler);
    const error = await assertRejects(
      () => dialler.links.dialOnce(acceptor.addr),
      LinkError,
    );
    const { refusal, code, detail } = error;
    assertEquals([refusal, code], [row.refusal, row.code]);
    assertEquals(detail, `Cannot link to ${acceptor.addr}: ${row.text}`);
    const line = await acceptor.log.find(/^warn: /);
    assert(line.endsWith(`: ${row.text}`), line);
    const codes = row.proved ? [row.refusal] : [];
    assertEquals(acceptor.refused.map(({ code }) => code), codes);
    assertEquals(dialler.refused.map(({ code }) => code), codes);
    assertEquals([acceptor.reports, dialler.reports], [[], []]);
  });
}

test("dialOnce() tells of a node that dials itself", async () => {
  using node = await PeerNode.start(A);
  const error = await assertRejects(
    () => node.links.dialOnce(node.addr),
    LinkError,
  );
  assertEquals(error.refusal, "SELF");
  assert(error.detail.includes("leads back to the node that dials it"));
});

test("dialOnce() tells of an address that does not answer", async () => {
  using node = await PeerNode.start(A, { timing: { dialMs: 100 } });
  await using silent = serveScript(() => {});
  await using rude = serveScript((conn) => conn.close());
  await using web = serveScript(async (conn) => {
    await conn.read(new Uint8Array(1000));
    await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"));
  });
  const rows: [string, RegExp][] = [
    [deadAddress(), /nothing listens there \(connection refused\)$/],
    [silent.addr, /: the handshake has not ended within 100 ms$/],
    [rude.addr, /: (it left in the handshake|.*[Cc]onnection reset.*)$/],
    [web.addr, /: The frame has 1213486160 bytes/],
    ["no such address", /Cannot read the address/],
  ];
  for (const [addr, reason] of rows) {
    const error = await assertRejects(
      () => node.links.dialOnce(addr),
      LinkError,
    );
    assertEquals([error.code, error.refusal], ["UNAVAILABLE", undefined]);
    assert(reason.test(error.detail), error.detail);
  }
  assertEquals(node.failures, []);
});

test("dialOnce() tells of a version that is not shared", async () => {
  using node = await PeerNode.start(A);
  await using later = serveScript(async (conn) => {
    const hello: Partial<Hello> = { versions: { min: 2, max: 3 } };
    await new RawPeer(conn, { role: "acceptor", hello }).shakeHands();
    await conn.read(new Uint8Array(1));
  });
  const error = await assertRejects(
    () => node.links.dialOnce(later.addr),
    LinkError,
  );
  assertEquals([error.refusal, error.code], ["VERSION", "OTHER"]);
  assert(error.detail.endsWith("speaks 2 to 3, the one dialling 1"));
});

test("who finds another node at a registered address tells it so", async () => {
  using other = await PeerNode.start(C, { cluster: "local", lineage: "L9" });
  using member = await PeerNode.start(A);
  member.links.keep(new Map([[B, other.addr]]));
  await other.until(() => other.refused.length > 0);
  const [refused] = other.refused;
  assertEquals(refused?.code, "CLUSTER");
  assertEquals([refused?.id, refused?.cluster], [A, "c"]);
  assertEquals(refused?.hasOurAddress, true);
  await member.until(() => member.refused.length > 0);
  assertEquals(member.refused[0]?.hasOurAddress, false);
  // The same history, but another node.
  using same = await PeerNode.start(C);
  const error = await member.log.find(/^warn: No link with BBBB/);
  assert(error.includes('of the cluster "local"'), error);
  member.links.keep(new Map([[B, same.addr]]));
  await member.log.find(/the node dialled is C23\w+, not BBBB/);
  await same.until(() => same.refused.length > 0);
  assertEquals(same.refused[0]?.code, "OTHER_NODE");
});

test("without a secret, no node of another machine is taken in", async () => {
  const turn = new Turn((error) => {
    throw error;
  });
  const log = new KeptLog();
  const unexpected = () => {
    throw new Error("Nothing should be reported");
  };
  const links = new PeerLinks({
    self: () => ({ ...RAW_HELLO, id: A }),
    ...{ turn, log, random: Math.random },
    ...{ onMessage: unexpected, onUp: unexpected, onDown: unexpected },
  });
  const conn = new FakeConn();
  Object.assign(conn.remoteAddr, { hostname: "10.1.2.3" });
  const writer = new WireWriter();
  const nonce = new Uint8Array(32);
  const hello: Hello = { ...RAW_HELLO, nonce };
  encodeHelloMessage(writer, { kind: "hello", hello });
  links.adopt(conn, writer.written().slice());
  while (!conn.finishWrite()) await Promise.resolve();
  await log.find(/^warn: .*10\.1\.2\.3:1.*only nodes on the same machine/);
  const text = new TextDecoder().decode(conn.written[0]);
  assert(text.includes("only nodes on the same machine may link"), text);
  assert(conn.closed);
  links.close();
  turn.stop();
});

/** Bytes of a stranger at a stage of the handshake, and what is logged. */
const GARBAGE: readonly [string, Uint8Array, RegExp][] = [
  ["first", frame(Uint8Array.of(0)), /ends in a number/],
  ["first", frame(Uint8Array.of(0, 9)), /of the kind 9/],
  ["first", frame(Uint8Array.of(0, 3)), /"welcome" is not due/],
  ["first", frame(Uint8Array.of(0, 1, 0x1a)), /ends in a number/],
  [
    "first",
    new Uint8Array([...frameHeader(40_000), ...new Uint8Array(40_000)]),
    /handshake has \d+ bytes or more, the limit is 32768/,
  ],
  [
    "first",
    new Uint8Array([...frameHeader(-1), 0]),
    /The frame has 4294967295 bytes/,
  ],
  ["proof", frame(Uint8Array.of(0, 1)), /no node's id/],
  ["proof", frame(new Uint8Array(0)), /begin with byte 0/],
  ["proof", frameHeader(1 << 23), /The frame has 8388608 bytes/],
  ["up", frame(Uint8Array.of(0)), /the number of a field/],
  ["up", frame(Uint8Array.of(8, 99)), /message of type 99/],
  ["up", frame(Uint8Array.of(8, 13)), /type 13 lacks a field/],
  ["up", frameHeader((4 << 20) + 1), /has 4194305 bytes, the limit is 4194304/],
  ["up", frameHeader(-5), /The frame has 4294967291 bytes/],
];

test("garbage ends its own link, with a warning, and nothing else", async () => {
  using a = await PeerNode.start(A);
  using b = await PeerNode.start(B);
  a.keep(b);
  await a.reported(`up ${B}`);
  for (const [stage, bytes, reason] of GARBAGE) {
    a.log.lines.length = 0;
    using stranger = await RawPeer.connect(a.addr);
    if (stage === "proof") {
      await stranger.begin();
      await stranger.readFrame();
    } else if (stage === "up") await stranger.shakeHands();
    await stranger.sendBytes(bytes);
    await stranger.readToTheEnd();
    const warning = await a.log.find(/^warn: /);
    assert(reason.test(warning), `${warning}: ${reason}`);
    await a.until(() => a.links.open === 1);
    const warnings = a.log.lines.filter((line) => line.startsWith("warn: "));
    assertEquals(warnings.length, 1, warnings.join("\n"));
  }
  assertEquals(a.messages, []);
  assertEquals(a.reports.filter((report) => report.endsWith(B)), [`up ${B}`]);
  assertEquals(a.failures, []);
  using client = await RawClient.connect(a.addr);
  assertEquals((await client.ask({ tag: 1, verb: "REV" })).tag, 1);
});

test("random bytes at any stage change nothing and stop nothing", async () => {
  using a = await PeerNode.start(A, { timing: { handshakeMs: 200 } });
  using b = await PeerNode.start(B);
  a.keep(b);
  await a.reported(`up ${B}`);
  for (let i = 0; i < 60; i++) {
    using stranger = await RawPeer.connect(a.addr);
    if (i % 3 > 0) {
      await stranger.begin();
      await stranger.readFrame();
    }
    if (i % 3 > 1) {
      // As far as a proof, which is wrong.
      await stranger.sendBytes(frame(Uint8Array.of(0, 2, 0x5a, 1, 7)));
    }
    const bytes = crypto.getRandomValues(new Uint8Array(1 + i * 7));
    bytes[4] = 0;
    await stranger.sendBytes(bytes).catch(() => {});
    stranger.conn.close();
  }
  b.links.send(A, { type: "learn", from: 9 });
  await a.until(() => a.messages.length > 0);
  assertEquals(a.messages, [{ from: B, message: { type: "learn", from: 9 } }]);
  assertEquals([a.reports, a.failures], [[`up ${B}`], []]);
});

test("a handshake that takes too long is cut off", async () => {
  const timing = { handshakeMs: 60 };
  using node = await PeerNode.start(A, { timing, secret: "hush" });
  for (const stage of ["a few bytes", "hello", "proof"]) {
    using slow = await RawPeer.connect(node.addr, { secret: "hush" });
    if (stage === "a few bytes") {
      await slow.sendBytes(Uint8Array.of(0, 0, 1, 0, 0, 1));
    } else await slow.begin();
    // As far as the acceptor's proof: only the last welcome is missing.
    if (stage === "proof") await slow.step();
    await slow.readToTheEnd();
    await node.log.find(/^warn: .*handshake has not ended within 60 ms$/);
  }
  assertEquals([node.reports, node.failures], [[], []]);
});

test("strangers are bounded, and do not keep the others out", async () => {
  const timing = { handshakeMs: 300 };
  using node = await PeerNode.start(A, { timing });
  const strangers: RawPeer[] = [];
  for (let i = 0; i < LIMITS.peerHandshakes; i++) {
    const stranger = await RawPeer.connect(node.addr);
    await stranger.begin();
    await stranger.readFrame();
    strangers.push(stranger);
  }
  using further = await RawPeer.connect(node.addr);
  await further.begin();
  assertEquals(await further.readFrame(), null);
  await node.log.find(/64 others have not proved to be nodes, the limit is 64/);
  for (const stranger of strangers) {
    await stranger.readToTheEnd();
    stranger[Symbol.dispose]();
  }
  using peer = await RawPeer.link(node.addr);
  assertEquals(peer.handshake.peer?.id, A);
  await node.reported(`up ${RAW_HELLO.id}`);
});

test("a handshake that was recorded is of no use later", async () => {
  const secret = "hush";
  using node = await PeerNode.start(A, { secret });
  const peer = await RawPeer.link(node.addr, { secret });
  await node.reported(`up ${RAW_HELLO.id}`);
  await peer.send({ type: "learn", from: 1 });
  await node.until(() => node.messages.length === 1);
  peer[Symbol.dispose]();
  await node.reported(`down ${RAW_HELLO.id}`);
  assertEquals(peer.sent.length, 4);
  // All at once, and each when it is due.
  for (const pieces of [[0, 1, 2, 3], [0], [0, 1], [0, 1, 2]]) {
    using thief = await RawPeer.connect(node.addr);
    for (const piece of pieces) {
      await thief.sendBytes(peer.sent[piece]!).catch(() => {});
      if (pieces.length < 4 && piece < 2) await thief.readFrame();
    }
    if (pieces.length > 1) await thief.readToTheEnd();
  }
  await node.log.find(/^warn: .*the peer secret does not fit$/);
  assertEquals(node.count(`up ${RAW_HELLO.id}`), 1);
  assertEquals([node.messages.length, node.refused, node.failures], [
    1,
    [],
    [],
  ]);
});

test("what is warned of is told once, not each time", async () => {
  using node = await PeerNode.start(A);
  for (let i = 0; i < 5; i++) {
    using stranger = await RawPeer.connect(node.addr);
    await stranger.sendBytes(frame(Uint8Array.of(0, 9)));
    await stranger.readToTheEnd();
  }
  const warnings = node.log.lines.filter((line) => line.startsWith("warn: "));
  assertEquals(warnings.length, 1, warnings.join("\n"));
});
