/**
 * The handshake of two nodes: who is let in, who is refused, and by whom.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FrameDecoder,
  Handshake,
  type HandshakeOptions,
  type Hello,
  judgeLink,
  ProtocolError,
  type RefusalCode,
  WireWriter,
} from "../../protocol/mod.ts";
import { A, B, C, PEER_SAMPLES } from "./peer_messages.ts";

const MEMBER: Hello = {
  versions: { min: 1, max: 1 },
  id: A,
  nonce: new Uint8Array(32).fill(1),
  cluster: "c",
  lineage: "L1",
  addr: "a:1",
  purpose: "link",
  expects: "",
  list: [],
};
const OTHER: Hello = {
  ...MEMBER,
  id: B,
  nonce: new Uint8Array(32).fill(2),
  addr: "b:1",
};

/** Stands for an HMAC here: depends on the secret and on every byte. */
function prove(secret: string, transcript: Uint8Array): Uint8Array {
  if (secret === "") return new Uint8Array(0);
  let hash = 0x811c9dc5;
  for (const byte of [...new TextEncoder().encode(secret), ...transcript]) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return Uint8Array.from({ length: 32 }, (_, i) => hash >>> (i % 24));
}

interface SideOptions {
  hello?: Hello;
  secret?: string;
  isLocal?: boolean;
  isOwnNonce?: HandshakeOptions["isOwnNonce"];
}

/** One side of a handshake: frames in, frames out. */
class Side {
  readonly handshake: Handshake;
  readonly #secret: string;
  readonly #writer = new WireWriter();

  constructor(role: HandshakeOptions["role"], options: SideOptions) {
    this.#secret = options.secret ?? "";
    this.handshake = new Handshake({
      role,
      hello: options.hello ?? (role === "dialler" ? MEMBER : OTHER),
      hasSecret: this.#secret !== "",
      isLocal: options.isLocal ?? true,
      isOwnNonce: options.isOwnNonce ?? (() => false),
    });
  }

  /** Begins, or takes what has come; returns what is to be sent. */
  step(input?: Uint8Array): Uint8Array[] {
    const { handshake } = this;
    const writer = this.#writer;
    writer.clear();
    if (input === undefined) handshake.start(writer);
    else handshake.receive(input, writer);
    if (handshake.phase === "keys") {
      const { own, theirs } = handshake.transcripts();
      const secret = this.#secret;
      handshake.giveProofs(
        { own: prove(secret, own), theirs: prove(secret, theirs) },
        writer,
      );
    }
    return bodiesOf(writer.written().slice());
  }
}

function bodiesOf(bytes: Uint8Array): Uint8Array[] {
  const decoder = new FrameDecoder();
  decoder.push(bytes);
  const bodies: Uint8Array[] = [];
  while (decoder.next()) {
    bodies.push(decoder.bytes.slice(decoder.start, decoder.end));
  }
  assertEquals(decoder.waiting, 0);
  return bodies;
}

/** Lets two sides talk until neither has more to say. */
function shake(dialler: Side, acceptor: Side): void {
  acceptor.step();
  let toAcceptor = dialler.step();
  while (toAcceptor.length > 0) {
    const toDialler = toAcceptor.flatMap((body) => acceptor.step(body));
    toAcceptor = toDialler.flatMap((body) => dialler.step(body));
  }
}

function meet(dialler: SideOptions, acceptor: SideOptions = {}): [Side, Side] {
  const sides: [Side, Side] = [
    new Side("dialler", dialler),
    new Side("acceptor", acceptor),
  ];
  shake(...sides);
  return sides;
}

/** Both sides are refused for the same reason. */
function assertRefused(sides: [Side, Side], code: RefusalCode): string {
  const [dialler, acceptor] = sides.map(({ handshake }) => handshake);
  assertEquals(dialler?.phase, "refused");
  assertEquals(dialler?.refusal?.code, code);
  if (acceptor?.phase !== "hello") {
    assertEquals(acceptor?.refusal, dialler?.refusal);
  }
  return dialler?.refusal?.text ?? "";
}

Deno.test("two members of a cluster link, with a secret and without", () => {
  for (const secret of ["", "hush"]) {
    const [dialler, acceptor] = meet({ secret }, { secret });
    for (const side of [dialler, acceptor]) {
      assertEquals(side.handshake.phase, "up");
      assertEquals(side.handshake.refusal, undefined);
      assert(side.handshake.authenticated);
    }
    assertEquals(dialler.handshake.peer, OTHER);
    assertEquals(acceptor.handshake.peer, MEMBER);
  }
});

Deno.test("a secret that does not fit is refused on both sides alike", () => {
  const rows = [["hush", "shh"], ["hush", ""], ["", "hush"]] as const;
  const texts = rows.map(([mine, yours]) => {
    const sides = meet({ secret: mine }, { secret: yours });
    assert(sides.every(({ handshake }) => !handshake.authenticated));
    return assertRefused(sides, "SECRET");
  });
  assertEquals(new Set(texts), new Set(["the peer secret does not fit"]));
});

Deno.test("without a secret, only this machine's nodes link", () => {
  const far = { isLocal: false };
  const text = "without a peer secret, only nodes on the same machine may link";
  assertEquals(assertRefused(meet(far, far), "SECRET"), text);
  assertEquals(assertRefused(meet({}, far), "SECRET"), text);
  // A dialler that may not link says nothing at all.
  assertEquals(new Side("dialler", far).step(), []);
  // With a secret, from anywhere; one that has none is told nothing more.
  const [dialler] = meet({ ...far, secret: "s" }, { ...far, secret: "s" });
  assertEquals(dialler.handshake.phase, "up");
  assertRefused(meet({ ...far, secret: "s" }, far), "SECRET");
});

Deno.test("the nodes must share a version", () => {
  const versions = (min: number, max: number): Hello => ({
    ...MEMBER,
    versions: { min, max },
  });
  for (const [min, max] of [[1, 1], [1, 9], [0, 1]] as const) {
    const [dialler] = meet({ hello: versions(min, max) });
    assertEquals(dialler.handshake.phase, "up", `${min} to ${max}`);
  }
  const text = assertRefused(meet({ hello: versions(2, 3) }), "VERSION");
  assertEquals(
    text,
    "the nodes share no version of the peer protocol: the one dialled " +
      "speaks 1, the one dialling 2 to 3",
  );
  assertRefused(meet({ hello: versions(3, 2) }), "VERSION");
});

Deno.test("a node that dials itself is told, and so are two with one id", () => {
  const hello = { ...OTHER, id: A };
  const self = meet({}, { hello, isOwnNonce: (nonce) => nonce[0] === 1 });
  assertEquals(
    assertRefused(self, "SELF"),
    "the address leads back to the node that dials it",
  );
  assertEquals(
    assertRefused(meet({}, { hello }), "DUPLICATE"),
    `both nodes have the id ${A}`,
  );
});

Deno.test("judgeLink() lets in who belongs together, and nobody else", () => {
  const blank = { lineage: "" };
  const attach = { ...blank, purpose: "attach" } as const;
  const join = { ...blank, purpose: "join" } as const;
  const rows: [Partial<Hello>, Partial<Hello>, RefusalCode | undefined][] = [
    [{}, {}, undefined],
    [{ expects: B }, {}, undefined],
    [{ expects: C }, {}, "OTHER_NODE"],
    [{ cluster: "d" }, {}, "CLUSTER"],
    [{ cluster: "local" }, {}, "CLUSTER"],
    [{}, { cluster: "local" }, "CLUSTER"],
    [{ lineage: "L2" }, {}, "LINEAGE"],
    [{ lineage: "L2", purpose: "attach" }, {}, "LINEAGE"],
    [{ lineage: "L2", purpose: "join" }, {}, "LINEAGE"],
    [{ lineage: "L2", expects: C }, {}, "LINEAGE"],
    [attach, {}, undefined],
    [join, {}, undefined],
    [blank, {}, "LINEAGE"],
    [{ ...attach, cluster: "local" }, {}, undefined],
    [{ ...join, cluster: "" }, {}, undefined],
    [{ ...attach, cluster: "d" }, {}, "CLUSTER"],
    [attach, { cluster: "local" }, "CLUSTER"],
    [{}, blank, "NOT_READY"],
    [{ purpose: "join" }, blank, "NOT_READY"],
    [attach, blank, "NOT_READY"],
    [blank, blank, "NOT_READY"],
    [join, blank, undefined],
    [join, { ...blank, cluster: "d" }, "CLUSTER"],
    [{ ...join, cluster: "local" }, blank, "CLUSTER"],
  ];
  for (const [mine, yours, code] of rows) {
    const dialler = { ...MEMBER, ...mine };
    const acceptor = { ...OTHER, ...yours };
    const what = JSON.stringify([mine, yours]);
    assertEquals(judgeLink({ dialler, acceptor })?.code, code, what);
    const sides = meet({ hello: dialler }, { hello: acceptor });
    if (code !== undefined) assertRefused(sides, code);
    assert(sides.every(({ handshake }) => handshake.authenticated), what);
  }
});

Deno.test("a stranger learns nothing of who is refused, before the secret", () => {
  const hello = { ...MEMBER, cluster: "d", lineage: "L2" };
  const sides = meet({ hello, secret: "wrong" }, { secret: "hush" });
  assertRefused(sides, "SECRET");
});

Deno.test("what was said before is of no use in another handshake", () => {
  const secret = "hush";
  const dialler = new Side("dialler", { secret });
  const first = new Side("acceptor", { secret });
  const said: Uint8Array[] = [];
  let toAcceptor = dialler.step();
  while (toAcceptor.length > 0) {
    said.push(...toAcceptor);
    const toDialler = toAcceptor.flatMap((body) => first.step(body));
    toAcceptor = toDialler.flatMap((body) => dialler.step(body));
  }
  assertEquals(first.handshake.phase, "up");
  const nonce = new Uint8Array(32).fill(3);
  const again = new Side("acceptor", { secret, hello: { ...OTHER, nonce } });
  again.step(said[0]);
  again.step(said[1]);
  assertEquals(again.handshake.refusal?.code, "SECRET");
  assert(!again.handshake.authenticated);
});

Deno.test("an acceptor's own proof is not taken for a dialler's", () => {
  const secret = "hush";
  const dialler = new Side("dialler", { secret });
  const [hello] = dialler.step();
  // Somebody without the secret sends back whatever the node itself says.
  const mirror = new Side("acceptor", { secret: "?" });
  const [answer] = mirror.step(hello);
  const [proof] = dialler.step(answer);
  const [reply] = dialler.step(proof);
  assertEquals(dialler.handshake.refusal?.code, "SECRET");
  assert(reply !== undefined, "the other side is told");
});

Deno.test("a hello that was changed on its way does not pass", () => {
  const secret = "hush";
  const rows: Partial<Hello>[] = [
    { cluster: "d" },
    { lineage: "" },
    { addr: "evil:1" },
    { id: C },
    { list: ["evil:1"] },
    { purpose: "attach" },
    { versions: { min: 0, max: 1 } },
  ];
  for (const change of rows) {
    const dialler = new Side("dialler", { secret });
    const acceptor = new Side("acceptor", { secret });
    const changed = new Side("dialler", {
      secret,
      hello: { ...MEMBER, ...change },
    });
    dialler.step();
    const [hello] = changed.step();
    const [answer] = acceptor.step(hello);
    const [proof] = dialler.step(answer);
    acceptor.step(proof);
    assertEquals(acceptor.handshake.refusal?.code, "SECRET");
  }
});

Deno.test("messages that are not due are refused, and nothing is proved", () => {
  const dialler = new Side("dialler", {});
  const acceptor = new Side("acceptor", {});
  const welcome = Uint8Array.of(0, 3);
  const proof = Uint8Array.of(0, 2);
  for (const side of [dialler, acceptor]) {
    side.step();
    for (const body of [welcome, proof, Uint8Array.of(0), Uint8Array.of(1)]) {
      assertThrows(() => side.step(body), ProtocolError);
    }
    for (const [hex] of PEER_SAMPLES) {
      assertThrows(() => side.step(Uint8Array.fromHex(hex)), ProtocolError);
    }
    assertEquals(side.handshake.phase, "hello");
    assert(!side.handshake.authenticated);
  }
  const [hello] = new Side("dialler", {}).step();
  acceptor.step(hello);
  assertThrows(() => acceptor.step(hello), ProtocolError, "not due");
  assertThrows(() => acceptor.step(welcome), ProtocolError, "not due");
  assert(!acceptor.handshake.authenticated);
});

Deno.test("a dialler takes no welcome before the proof", () => {
  const dialler = new Side("dialler", { secret: "hush" });
  const acceptor = new Side("acceptor", { secret: "hush" });
  const [hello] = dialler.step();
  const [answer] = acceptor.step(hello);
  dialler.step(answer);
  assertThrows(() => dialler.step(Uint8Array.of(0, 3)), ProtocolError);
  assert(!dialler.handshake.authenticated);
});
