/**
 * Links between nodes over real sockets: who is reported up and down, and
 * when; dialling at once, dialling again, and a lineage that changes.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { PeerMessage } from "../../../protocol/mod.ts";
import { LinkError } from "../../../protocol/net/mod.ts";
import { A, B, C } from "../peer_messages.ts";
import { certificate, NO_OPENSSL } from "./certificate.ts";
import { PeerNode } from "./peer_nodes.ts";
import { RAW_HELLO, RawPeer } from "./raw_peer.ts";
import { serveScript } from "./servers.ts";

/** A test that hangs must fail instead; none comes near. */
const HANG_MS = 30_000;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, timeout: HANG_MS, fn });
}

function learn(from: number): PeerMessage {
  return { type: "learn", from };
}

test("a node is linked with the one it keeps, both ways", async () => {
  using a = await PeerNode.start(A);
  using b = await PeerNode.start(B);
  a.keep(a, b);
  await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
  assertEquals([a.links.linked(), b.links.linked()], [[B], [A]]);
  assertEquals(b.peers, [
    { id: A, addr: a.addr, lineage: "L1", cluster: "c", list: [] },
  ]);
  a.links.send(B, learn(1));
  b.links.send(A, learn(2));
  await Promise.all([
    a.until(() => a.messages.length > 0),
    b.until(() => b.messages.length > 0),
  ]);
  assertEquals(a.messages, [{ from: B, message: learn(2) }]);
  assertEquals(b.messages, [{ from: A, message: learn(1) }]);
  assertEquals(a.links.dropped, 0);
  a.links.send(C, learn(3));
  assertEquals(a.links.dropped, 1, "there is no link with that node");
  // Other nodes are no clients.
  assertEquals([a.server.connections, b.server.connections], [0, 0]);
  assertEquals([a.failures, b.failures], [[], []]);
});

test("messages arrive in the order in which they were sent", async () => {
  using a = await PeerNode.start(A);
  using b = await PeerNode.start(B);
  a.keep(b);
  await a.reported(`up ${B}`);
  const value = new Uint8Array(2 << 20).fill(7);
  const accept = (seqn: number): PeerMessage => ({
    type: "accept",
    seqn,
    ballot: { round: 1, node: A },
    value: seqn % 100 === 50 ? value : value.subarray(0, 100),
  });
  const sent: PeerMessage[] = [];
  for (let seqn = 1; seqn <= 300; seqn++) {
    sent.push(accept(seqn));
    a.links.send(B, sent.at(-1)!);
    // Some leave while others are on their way.
    if (seqn % 70 === 0) {
      await new Promise((done) => queueMicrotask(() => done(0)));
    }
  }
  await b.until(() => b.messages.length === sent.length);
  assertEquals(b.messages.map(({ message }) => message), sent);
  assertEquals(a.links.dropped, 0);
});

test("nodes that dial at once have one link in the end, and never none", async () => {
  const pong =
    (node: () => PeerNode | undefined) =>
    (from: string, message: PeerMessage) => {
      if (message.type !== "learn") return;
      node()?.links.send(from, learn(message.from + 1));
    };
  let doubles = 0;
  for (let round = 0; round < 12; round++) {
    const timing = { silenceMs: 150, sweepMs: 10 };
    let [one, two]: (PeerNode | undefined)[] = [];
    using a = await PeerNode.start(A, { timing, onMessage: pong(() => one) });
    using b = await PeerNode.start(B, { timing, onMessage: pong(() => two) });
    [one, two] = [a, b];
    a.keep(b);
    b.keep(a);
    await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
    // Messages go to and fro, over whatever link each takes for the right one.
    a.links.send(B, learn(1));
    b.links.send(A, learn(1));
    let both = false;
    const isOne = () => {
      both ||= a.links.open === 2 || b.links.open === 2;
      return a.links.open === 1 && b.links.open === 1;
    };
    const before = a.messages.length + 200;
    await a.until(() => isOne() && a.messages.length > before);
    if (both) doubles++;
    assertEquals([a.reports, b.reports], [[`up ${B}`], [`up ${A}`]]);
  }
  assert(doubles > 0, "they never dialled at once: nothing was tested");
});

test("a link that ends is reported at once, and made again", async () => {
  using a = await PeerNode.start(A);
  const b = await PeerNode.start(B);
  a.keep(b);
  await a.reported(`up ${B}`);
  b[Symbol.dispose]();
  await a.reported(`down ${B}`);
  assertEquals(a.links.linked(), []);
  // It is dialled in vain, and told once.
  await a.log.find(/^warn: No link with BBBB.*connection refused/);
  using again = await PeerNode.start(B);
  a.keep(again);
  await a.reported(`up ${B}`, 2);
  assertEquals(a.reports, [`up ${B}`, `down ${B}`, `up ${B}`]);
});

test("a node that is no longer registered is not dialled again", async () => {
  using a = await PeerNode.start(A);
  using b = await PeerNode.start(B);
  using c = await PeerNode.start(C);
  a.keep(b, c);
  await Promise.all([a.reported(`up ${B}`), a.reported(`up ${C}`)]);
  a.keep(c);
  for (const node of [b, c]) {
    node.lineage = "L2";
    node.links.lineageChanged();
  }
  await Promise.all([a.reported(`down ${B}`), a.reported(`down ${C}`)]);
  for (const node of [b, c]) node.lineage = "L1";
  await a.reported(`up ${C}`, 2);
  assertEquals(a.count(`up ${B}`), 1);
});

test("a lineage that changes ends the links of the old one", async () => {
  using a = await PeerNode.start(A);
  using b = await PeerNode.start(B);
  a.keep(b);
  b.keep(a);
  await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
  b.lineage = "L2";
  b.links.lineageChanged();
  await Promise.all([a.reported(`down ${B}`), b.reported(`down ${A}`)]);
  await a.log.find(/^warn: No link with BBBB.*share no history/);
  await b.until(() => b.refused.length > 0);
  assertEquals(b.refused[0]?.code, "LINEAGE");
  a.lineage = "L2";
  a.links.lineageChanged();
  await Promise.all([a.reported(`up ${B}`, 2), b.reported(`up ${A}`, 2)]);
});

test("a node that attaches learns the lineage, and keeps its link", async () => {
  using a = await PeerNode.start(A, { cluster: "prod" });
  using b = await PeerNode.start(B, { cluster: "local", lineage: "" });
  const found = await b.links.dialOnce(a.addr);
  const { addr } = a;
  const list: string[] = [];
  assertEquals(found, { id: A, addr, lineage: "L1", cluster: "prod", list });
  await a.reported(`up ${B}`);
  assertEquals(a.peers[0]?.lineage, "");
  b.lineage = found.lineage;
  b.cluster = found.cluster;
  b.links.lineageChanged();
  b.links.send(A, learn(1));
  await a.until(() => a.messages.length === 1);
  // A further link, as a member, is no news.
  b.keep(a);
  a.keep(b);
  assertEquals((await b.links.dialOnce(a.addr)).id, A);
  assertEquals([a.reports, b.reports], [[`up ${B}`], [`up ${A}`]]);
});

test("nodes without history meet by their lists", async () => {
  using a = await PeerNode.start(A, { lineage: "", list: ["x:1", "y:2"] });
  using b = await PeerNode.start(B, { lineage: "", list: ["x:1"] });
  const found = await a.links.dialOnce(b.addr);
  assertEquals([found.lineage, found.list], ["", ["x:1"]]);
  await b.reported(`up ${A}`);
  assertEquals(b.peers[0]?.list, ["x:1", "y:2"]);
  // One of them founds the cluster: to the other it is another peer now.
  b.lineage = "L1";
  b.links.lineageChanged();
  await a.reported(`down ${B}`);
  assertEquals((await a.links.dialOnce(b.addr)).lineage, "L1");
  assertEquals(a.reports, [`up ${B}`, `down ${B}`, `up ${B}`]);
});

test("a newer link takes over from a dead one, silently", async () => {
  // The side with the smaller id takes the newest link, the other one the
  // link where it is spoken to: here either is under test.
  for (const [own, other] of [[A, B], [B, A]] as const) {
    using node = await PeerNode.start(own);
    const hello = { id: other };
    using old = await RawPeer.link(node.addr, { hello });
    await node.reported(`up ${other}`);
    using newer = await RawPeer.link(node.addr, { hello });
    await newer.send(learn(1));
    await node.until(() => node.messages.length === 1);
    assertEquals(node.links.open, 2);
    node.links.send(other, learn(2));
    assertEquals(await newer.receive(), learn(2));
    old.conn.close();
    await newer.send(learn(3));
    await node.until(() => node.links.open === 1);
    node.links.send(other, learn(4));
    assertEquals(await newer.receive(), learn(4));
    assertEquals(node.reports, [`up ${other}`]);
    newer.conn.close();
    await node.reported(`down ${other}`);
  }
});

test("of two nodes, the one with the smaller id chooses the link", async () => {
  for (const [own, other] of [[A, B], [B, A]] as const) {
    using node = await PeerNode.start(own);
    using old = await RawPeer.link(node.addr, { hello: { id: other } });
    using newer = await RawPeer.link(node.addr, { hello: { id: other } });
    await newer.send(learn(1));
    await node.until(() => node.messages.length === 1);
    await old.send(learn(2));
    await node.until(() => node.messages.length === 2);
    node.links.send(other, learn(3));
    // The newest is the choice; who does not choose answers where it is asked.
    const chosen = own === A ? newer : old;
    assertEquals(await chosen.receive(), learn(3), own);
  }
});

test("a node that has a lineage now is another peer", async () => {
  const hello = { lineage: "", purpose: "join" } as const;
  const { id } = RAW_HELLO;
  using node = await PeerNode.start(A, { lineage: "", list: ["x:1"] });
  using blank = await RawPeer.link(node.addr, { hello });
  await node.reported(`up ${id}`);
  await using founder = serveScript(async (conn) => {
    await new RawPeer(conn, { role: "acceptor" }).shakeHands();
    await conn.read(new Uint8Array(100));
  });
  assertEquals((await node.links.dialOnce(founder.addr)).lineage, "L1");
  assertEquals(node.reports, [`up ${id}`, `down ${id}`, `up ${id}`]);
  assertEquals(await blank.receive(), null);
});

test("a link that ends hands over to the one that is left", async () => {
  using node = await PeerNode.start(A);
  using old = await RawPeer.link(node.addr);
  using newer = await RawPeer.link(node.addr);
  await newer.send(learn(1));
  await node.until(() => node.messages.length === 1);
  newer.conn.close();
  await old.send(learn(2));
  await node.until(() => node.messages.length === 2 && node.links.open === 1);
  node.links.send("ZZZZZZZZZZZZZZZZ", learn(3));
  assertEquals(await old.receive(), learn(3));
  assertEquals(node.reports, ["up ZZZZZZZZZZZZZZZZ"]);
});

test("one node has four links at most", async () => {
  using node = await PeerNode.start(A);
  const peers: RawPeer[] = [];
  for (let i = 0; i < 6; i++) peers.push(await RawPeer.link(node.addr));
  await peers[5]!.send(learn(1));
  await node.until(() => node.messages.length === 1);
  assertEquals(node.links.open, 4);
  assertEquals(await peers[0]!.receive(), null);
  assertEquals(await peers[1]!.receive(), null);
  assertEquals(node.reports, ["up ZZZZZZZZZZZZZZZZ"]);
  for (const peer of peers) peer[Symbol.dispose]();
  await node.reported("down ZZZZZZZZZZZZZZZZ");
});

test("nothing is reported once the links are closed", async () => {
  using a = await PeerNode.start(A);
  using b = await PeerNode.start(B);
  a.keep(b);
  await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialling = a.links.dialOnce(`127.0.0.1:${silent.addr.port}`);
  const accepted = await silent.accept();
  a.links.close();
  a.links.close();
  const error = await assertRejects(() => dialling, LinkError);
  assert(error.detail.endsWith("this node stops"), error.detail);
  await b.reported(`down ${A}`);
  a.keep(b);
  a.links.send(B, learn(1));
  assertEquals(a.reports, [`up ${B}`]);
  const late = await RawPeer.connect(a.addr);
  await late.begin();
  assertEquals(await late.readFrame(), null);
  late[Symbol.dispose]();
  accepted.close();
  silent.close();
});

test("a bug in what takes the messages stops the node", async () => {
  using a = await PeerNode.start(A, {
    onMessage() {
      throw new Error("a bug");
    },
  });
  using peer = await RawPeer.link(a.addr);
  await peer.send(learn(1));
  const failed = new Promise<void>((resolve) => {
    const { push } = a.failures;
    a.failures.push = (...errors) => {
      resolve();
      return push.apply(a.failures, errors);
    };
  });
  await failed;
  assertEquals(a.failures.map(String), ["Error: a bug"]);
});

Deno.test({
  name: `nodes link over TLS${NO_OPENSSL}`,
  ignore: NO_OPENSSL !== "",
  timeout: HANG_MS,
  fn: async () => {
    const tls = await certificate();
    const secret = "hush";
    using a = await PeerNode.start(A, { tls, secret });
    using b = await PeerNode.start(B, { tls, secret });
    a.keep(b);
    await Promise.all([a.reported(`up ${B}`), b.reported(`up ${A}`)]);
    const value = new Uint8Array(2 << 20).fill(5);
    const forward: PeerMessage = {
      ...{ type: "forward", hops: 1, seats: false },
      batch: value,
    };
    a.links.send(B, forward);
    b.links.send(A, forward);
    await a.until(() => a.messages.length === 1);
    await b.until(() => b.messages.length === 1);
    assertEquals(a.messages, [{ from: B, message: forward }]);
    using plain = await PeerNode.start(C, { secret });
    const error = await assertRejects(
      () => plain.links.dialOnce(a.addr),
      LinkError,
    );
    assertEquals(error.code, "UNAVAILABLE");
  },
});
