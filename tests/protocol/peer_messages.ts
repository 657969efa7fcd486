/**
 * Messages between nodes, for tests: one of each type, and random ones.
 *
 * @module
 */
import fc from "fast-check";
import {
  type Ballot,
  type Claim,
  encodePeerMessage,
  type PeerMessage,
  WireWriter,
} from "../../protocol/mod.ts";

/** Ids of nodes, in order. */
export const A = "AAAAAAAAAAAAAAAA";
export const B = "BBBBBBBBBBBBBBBB";
export const C = "C234567ABCDEFGHI";

const ballot: Ballot = { round: 3, node: B };
const promised: Ballot = { round: 4, node: C };
const none: Ballot = { round: 0, node: "" };
const hi = Uint8Array.of(0x68, 0x69);
const empty = new Uint8Array(0);
const claim: Claim = { incarnation: 3, start: 2 ** 32 - 1, position: 300 };
const CLAIMED = "c00103" + "c801ffffffff0f" + "d001ac02";

/** One of each type or more, with the bytes of its frame in hex. */
export const PEER_SAMPLES: readonly (readonly [string, PeerMessage])[] = [
  ["08011003" + id(3, B) + "2007", { type: "prepare", ballot, from: 7 }],
  [
    "08021003" + id(3, B) + "2007" + "900102" + "d00109" + "ba011a" + "1003" +
    id(3, B) +
    "2007" + "4a026869" + "ba0108" + "1000" + "1a00" + "2008" + "4a00",
    {
      type: "promise",
      ballot,
      from: 7,
      accepted: [
        { seqn: 7, ballot, value: hi },
        { seqn: 8, ballot: none, value: empty },
      ],
      total: 2,
      position: 9,
    },
  ],
  [
    "08021003" + id(3, B) + "2001" + "900100" + "d00100",
    { type: "promise", ballot, from: 1, accepted: [], total: 0, position: 0 },
  ],
  [
    "08031003" + id(3, B) + "2007" + "4a026869",
    { type: "accept", seqn: 7, ballot, value: hi },
  ],
  [
    "08031003" + id(3, B) + "2007" + "4a00",
    { type: "accept", seqn: 7, ballot, value: empty },
  ],
  [
    "08041003" + id(3, B) + "2007" + "d001ac02",
    { type: "accepted", seqn: 7, ballot, position: 300 },
  ],
  [
    "08051003" + id(3, B) + "5004" + id(11, C),
    { type: "nack", ballot, promised },
  ],
  [
    "08061003" + id(3, B) + "28ac02",
    { type: "behind", ballot, applied: 300 },
  ],
  [
    "08071003" + id(3, B) + "2806",
    { type: "prevote", ballot, applied: 6 },
  ],
  [
    "08081003" + id(3, B) + "2806" + "5000" + "5a00" + "7001",
    { type: "prevoted", ballot, granted: true, applied: 6, promised: none },
  ],
  [
    "08081003" + id(3, B) + "2806" + "5004" + id(11, C) + "7000",
    { type: "prevoted", ballot, granted: false, applied: 6, promised },
  ],
  [
    "08091003" + id(3, B) + "3007" + "3809" + "7001" + CLAIMED + "e80107",
    {
      type: "alive",
      ballot,
      decided: 7,
      round: 9,
      claim,
      began: 7,
      full: true,
    },
  ],
  [
    "08091000" + "1a00" + "3000" + "3800" + "7000" + "c00101c80100d00100" +
    "e80100",
    {
      type: "alive",
      ballot: none,
      decided: 0,
      round: 0,
      claim: { incarnation: 1, start: 0, position: 0 },
      began: 0,
      full: false,
    },
  ],
  [
    "080a1003" + id(3, B) + "3809" + "2806" + "40ffffffff0f" + "7001" +
    "d80105",
    {
      ...{ type: "heard", ballot, round: 9, applied: 6, durable: 5 },
      hash: 2 ** 32 - 1,
      full: true,
    },
  ],
  [
    "080b1003" + id(3, B) + "20ffffffffffffff0f",
    { type: "decided", ballot, upTo: Number.MAX_SAFE_INTEGER },
  ],
  [
    "080c1003" + id(3, B) + "2007" + "4005",
    { type: "contradicted", ballot, seqn: 7, hash: 5 },
  ],
  ["080d2001", { type: "learn", from: 1 }],
  [
    "080e2001" + "980101" + "3002" + "4a026869" + "4a00",
    { type: "learned", from: 1, values: [hi, empty], first: 1, decided: 2 },
  ],
  [
    "080e2001" + "980105" + "3009",
    { type: "learned", from: 1, values: [], first: 5, decided: 9 },
  ],
  ["080f6000" + "6800", { type: "fetch", image: 0, index: 0 }],
  [
    "08106002" + "6803" + "7001" + "4a026869",
    { type: "piece", image: 2, index: 3, last: true, bytes: hi },
  ],
  [
    "08117802" + "7000" + "4a026869",
    { type: "forward", hops: 2, seats: false, batch: hi },
  ],
  [
    "08117800" + "7001" + "4a026869",
    { type: "forward", hops: 0, seats: true, batch: hi },
  ],
  [
    "08127801" + id(16, A) + "88010c",
    { type: "ask", hops: 1, asker: A, question: 12 },
  ],
  [
    "08137801" + id(16, A) + "88010c" + "2063",
    { type: "told", hops: 1, asker: A, question: 12, index: 99 },
  ],
  [
    "08147801" + id(16, A) + "a2010568c3a93a31" + "aa010168" + "b20100" +
    "c00107" + "c801ffffffff0f" + id(28, B),
    {
      type: "attach",
      hops: 1,
      node: A,
      addr: "h\u00e9:1",
      hostname: "h",
      version: "",
      incarnation: 7,
      start: 2 ** 32 - 1,
      replaces: B,
    },
  ],
  [
    "08147800" + id(16, A) + "a20100" + "aa0100" + "b20100" + "c00101" +
    "c80100" + "e20100",
    {
      ...{ type: "attach", hops: 0, node: A },
      ...{ addr: "", hostname: "", version: "" },
      ...{ incarnation: 1, start: 0, replaces: "" },
    },
  ],
  ["08157800" + id(16, A), { type: "leave", hops: 0, node: A }],
  ["08161003" + id(3, B), { type: "handover", ballot }],
  ["08177801" + id(16, A), { type: "farewell", hops: 1, node: A }],
  ["0818" + CLAIMED, { type: "outdated", claim }],
];

/** The field with a node's id. */
function id(field: number, text: string): string {
  const tag = field * 8 + 2;
  const key = tag < 128
    ? tag.toString(16).padStart(2, "0")
    : (tag % 128 + 128).toString(16) + "01";
  return key + "10" + new TextEncoder().encode(text).toHex();
}

/** The frame of a message, its length in front. */
export function peerFrame(message: PeerMessage): Uint8Array<ArrayBuffer> {
  const writer = new WireWriter();
  encodePeerMessage(writer, message);
  return writer.written().slice();
}

const seqns = fc.oneof(fc.maxSafeNat(), fc.nat(200));
const ids = fc.string({
  unit: fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
  minLength: 16,
  maxLength: 16,
});
const rounds = fc.oneof(fc.nat({ max: 200 }), fc.maxSafeNat()).map((round) =>
  Math.min(round, 2 ** 40)
);
const ballots = fc.oneof(
  fc.constant(none),
  fc.record({ round: rounds, node: ids }),
);
const values = fc.uint8Array({ maxLength: 300 });
const incarnations = seqns.map((n) => Math.max(1, n));
const starts = fc.nat({ max: 2 ** 32 - 1 });
const claims: fc.Arbitrary<Claim> = fc.record({
  incarnation: incarnations,
  start: starts,
  position: seqns,
});
const texts = fc.string({ unit: "binary", maxLength: 40 });

function messageOf<T extends PeerMessage["type"]>(
  type: T,
  fields: {
    [K in Exclude<keyof Extract<PeerMessage, { type: T }>, "type">]:
      fc.Arbitrary<Extract<PeerMessage, { type: T }>[K]>;
  },
): fc.Arbitrary<PeerMessage> {
  const all: Record<string, fc.Arbitrary<unknown>> = fields;
  const message: fc.Arbitrary<unknown> = fc.record({
    type: fc.constant(type),
    ...all,
  });
  return message as fc.Arbitrary<PeerMessage>;
}

/** Random messages of all types. */
export const peerMessages: fc.Arbitrary<PeerMessage> = fc.oneof(
  messageOf("prepare", { ballot: ballots, from: seqns }),
  messageOf("promise", {
    ballot: ballots,
    from: seqns,
    accepted: fc.array(
      fc.record({ seqn: seqns, ballot: ballots, value: values }),
      { maxLength: 5 },
    ),
    total: seqns,
    position: seqns,
  }),
  messageOf("accept", { seqn: seqns, ballot: ballots, value: values }),
  messageOf("accepted", { seqn: seqns, ballot: ballots, position: seqns }),
  messageOf("nack", { ballot: ballots, promised: ballots }),
  messageOf("behind", { ballot: ballots, applied: seqns }),
  messageOf("prevote", { ballot: ballots, applied: seqns }),
  messageOf("prevoted", {
    ballot: ballots,
    granted: fc.boolean(),
    applied: seqns,
    promised: ballots,
  }),
  messageOf("alive", {
    ballot: ballots,
    decided: seqns,
    round: seqns,
    claim: claims,
    began: seqns,
    full: fc.boolean(),
  }),
  messageOf("outdated", { claim: claims }),
  messageOf("heard", {
    ballot: ballots,
    round: seqns,
    applied: seqns,
    durable: seqns,
    hash: seqns,
    full: fc.boolean(),
  }),
  messageOf("decided", { ballot: ballots, upTo: seqns }),
  messageOf("contradicted", { ballot: ballots, seqn: seqns, hash: seqns }),
  messageOf("learn", { from: seqns }),
  messageOf("learned", {
    from: seqns,
    values: fc.array(values, { maxLength: 5 }),
    first: seqns,
    decided: seqns,
  }),
  messageOf("fetch", { image: seqns, index: seqns }),
  messageOf("piece", {
    image: seqns,
    index: seqns,
    last: fc.boolean(),
    bytes: values,
  }),
  messageOf("forward", { hops: seqns, seats: fc.boolean(), batch: values }),
  messageOf("ask", { hops: seqns, asker: ids, question: seqns }),
  messageOf("told", { hops: seqns, asker: ids, question: seqns, index: seqns }),
  messageOf("attach", {
    hops: seqns,
    node: ids,
    addr: texts,
    hostname: texts,
    version: texts,
    incarnation: incarnations,
    start: starts,
    replaces: fc.oneof(fc.constant(""), ids),
  }),
  messageOf("leave", { hops: seqns, node: ids }),
  messageOf("farewell", { hops: seqns, node: ids }),
  messageOf("handover", { ballot: ballots }),
);
