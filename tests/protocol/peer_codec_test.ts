/**
 * Messages between nodes as bytes: golden vectors both ways, every truncation,
 * and whatever else may come in.
 *
 * A failure prints its seed; run it again with `SEED=... deno test`.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import {
  decodePeerMessage,
  PEER_MESSAGES,
  PeerDecoder,
  type PeerMessage,
  ProtocolError,
  WireReader,
} from "../../protocol/mod.ts";
import { B, PEER_SAMPLES, peerFrame, peerMessages } from "./peer_messages.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

const decoder = new PeerDecoder();

/** Reads a message with a decoder that has seen others, and with a new one. */
function decode(body: Uint8Array): PeerMessage {
  const reader = new WireReader();
  reader.reset(body, { start: 0, end: body.length });
  const message = decoder.decode(reader);
  reader.reset(body, { start: 0, end: body.length });
  assertEquals(decodePeerMessage(reader), message);
  return message;
}

Deno.test("each type of message is written as the vectors say", () => {
  for (const [hex, message] of PEER_SAMPLES) {
    const frame = peerFrame(message);
    assertEquals(frame.subarray(4).toHex(), hex, message.type);
    const length = new DataView(frame.buffer).getUint32(0);
    assertEquals(length, frame.length - 4);
    assertEquals(decode(frame.subarray(4)), message);
  }
  const types = new Set(PEER_SAMPLES.map(([, { type }]) => type));
  assertEquals(types.size, Object.keys(PEER_MESSAGES).length);
});

Deno.test("a message that ends too early is refused, wherever it ends", () => {
  for (const [hex, message] of PEER_SAMPLES) {
    const body = Uint8Array.fromHex(hex);
    for (let length = 0; length < body.length; length++) {
      let found: PeerMessage;
      try {
        found = decode(body.subarray(0, length));
      } catch (error) {
        assert(error instanceof ProtocolError, String(error));
        continue;
      }
      // The only fields that may be missing are those of which there are many.
      assert(found.type === "learned" || found.type === "promise", hex);
      assertEquals(found.type, message.type);
    }
  }
});

Deno.test("values do not change with the memory that they were read from", () => {
  for (const [hex, message] of PEER_SAMPLES) {
    const body = Uint8Array.fromHex(hex);
    const found = decode(body);
    body.fill(0xff);
    assertEquals(found, message);
  }
});

Deno.test("what messages hold is their own", () => {
  const values = [Uint8Array.of(1), Uint8Array.of(2)];
  const learned: PeerMessage = {
    ...{ type: "learned", from: 1, first: 1, decided: 2 },
    values,
  };
  const first = decode(peerFrame(learned).subarray(4));
  const second = decode(peerFrame({ ...learned, values: [] }).subarray(4));
  assertEquals([first, second], [learned, { ...learned, values: [] }]);
});

Deno.test("a ballot that comes again is not made again", () => {
  const accepted = (seqn: number, round: number) =>
    decode(
      peerFrame({
        ...{ type: "accepted", seqn, position: 0 },
        ballot: { round, node: B },
      }).subarray(4),
    ) as Extract<PeerMessage, { type: "accepted" }>;
  const [a, b, c] = [accepted(1, 5), accepted(2, 5), accepted(3, 6)];
  assertStrictEquals(a.ballot, b.ballot);
  assertEquals([a.ballot.round, c.ballot.round], [5, 6]);
});

Deno.test("what is no message is refused with a reason", () => {
  const id = (field: number, text: string) => encodeBytes(field, text);
  const accepted = [encodeNumber(2, 3), id(3, B)];
  const claim = (incarnation: number, start: number) => [
    ...[encodeNumber(24, incarnation), encodeNumber(25, start)],
    encodeNumber(26, 9),
  ];
  const rows: [string, Uint8Array[]][] = [
    ["does not begin with its type", []],
    ["does not begin with its type", [encodeNumber(4, 7), encodeNumber(1, 13)]],
    ["message of type 0", [encodeNumber(1, 0)]],
    ["message of type 25", [encodeNumber(1, 25), encodeNumber(4, 1)]],
    ["message of type 18446744073709552000", [encodeNumber(1, -1)]],
    ["type 13 lacks a field", [encodeNumber(1, 13)]],
    // Of another wire type it is another field.
    ["type 13 lacks a field", [encodeNumber(1, 13), encodeBytes(4, "7")]],
    ["above 2^53-1", [encodeNumber(1, 13), encodeNumber(4, 2n ** 53n)]],
    ["above 2^53-1", [encodeNumber(1, 13), encodeNumber(4, -1)]],
    ["id of a node", [encodeNumber(1, 22), encodeNumber(2, 1), id(3, "a")]],
    [
      "id of a node",
      [encodeNumber(1, 22), encodeNumber(2, 1), id(3, "A".repeat(17))],
    ],
    [
      "id of a node",
      [encodeNumber(1, 22), encodeNumber(2, 1), id(3, "1".repeat(16))],
    ],
    [
      "ballot of round 1 has no node",
      [encodeNumber(1, 22), encodeNumber(2, 1), id(3, "")],
    ],
    [
      "A node has no id",
      [encodeNumber(1, 21), encodeNumber(15, 1), id(16, "")],
    ],
    ["An accepted value lacks a field", [
      encodeNumber(1, 2),
      ...accepted,
      encodeNumber(18, 1),
      encodeBytes(23, concatBytes(accepted)),
    ]],
    ["A text has 1025 bytes", [
      ...[encodeNumber(1, 20), encodeNumber(15, 1), id(16, B)],
      ...[id(20, "x".repeat(1025)), id(21, ""), id(22, "")],
    ]],
    ["type 24 lacks a field", [encodeNumber(1, 24), ...claim(1, 0).slice(1)]],
    ["first incarnation is 1", [encodeNumber(1, 24), ...claim(0, 0)]],
    ["start 4294967296 is above", [encodeNumber(1, 24), ...claim(1, 2 ** 32)]],
    ["id of a node", [encodeNumber(1, 20), id(28, "a")]],
    ["more than 65536 values", [
      encodeNumber(1, 14),
      ...Array<Uint8Array>(65_537).fill(encodeBytes(9, "")),
    ]],
    ["more than 65536 values", [
      ...[encodeNumber(1, 2), ...accepted, encodeNumber(18, 1)],
      ...Array<Uint8Array>(65_537).fill(
        encodeBytes(
          23,
          concatBytes([...accepted, encodeNumber(4, 1), encodeBytes(9, "")]),
        ),
      ),
    ]],
  ];
  for (const [reason, parts] of rows) {
    const error = assertThrows(() => decode(concatBytes(parts)), ProtocolError);
    assert(error.message.includes(reason), `${error.message}: ${reason}`);
  }
});

Deno.test("who attaches says which of its starts that is", () => {
  const attach = [
    ...[encodeNumber(1, 20), encodeNumber(15, 1), encodeBytes(16, B)],
    ...[20, 21, 22, 28].map((field) => encodeBytes(field, "")),
    encodeNumber(24, 1),
  ];
  const rows: [string, Uint8Array[]][] = [
    ["type 20 lacks a field", []],
    ["start 4294967296 is above", [encodeNumber(25, 2 ** 32)]],
  ];
  for (const [reason, parts] of rows) {
    const bytes = concatBytes([...attach, ...parts]);
    assertThrows(() => decode(bytes), ProtocolError, reason);
  }
  const message = decode(concatBytes([...attach, encodeNumber(25, 7)]));
  assertEquals(message.type === "attach" && message.start, 7);
});

Deno.test("fields that are not known are passed over", () => {
  for (const [hex, message] of PEER_SAMPLES) {
    const more = concatBytes([
      Uint8Array.fromHex(hex),
      encodeNumber(30, 9),
      encodeBytes(100, "later"),
      Uint8Array.fromHex("f1f82e0000000000000000"),
    ]);
    assertEquals(decode(more), message);
  }
});

Deno.test("entries in entries do not nest", () => {
  let body = new Uint8Array(0);
  for (let depth = 0; depth < 20_000; depth++) {
    if (body.length > 60_000) break;
    body = new Uint8Array(encodeBytes(23, body));
  }
  const bytes = concatBytes([encodeNumber(1, 2), body]);
  assertThrows(() => decode(bytes), ProtocolError);
});

Deno.test("any message comes out as it went in", () => {
  fc.assert(
    fc.property(peerMessages, (message) => {
      assertEquals(decode(peerFrame(message).subarray(4)), message);
    }),
    { numRuns: 2_000, seed: SEED },
  );
});

Deno.test("whatever comes in, a message comes out or a ProtocolError", () => {
  const mutations = fc.array(
    fc.tuple(fc.nat(2), fc.nat(80), fc.nat(255)),
    { minLength: 1, maxLength: 4 },
  );
  const inputs = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.tuple(peerMessages, mutations).map(([message, changes]) =>
      mutate(peerFrame(message).subarray(4), changes)
    ),
  );
  let read = 0;
  const run = (body: Uint8Array): void => {
    try {
      decode(body);
      read++;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  };
  fc.assert(fc.property(inputs, run), { numRuns: 20_000, seed: SEED });
  assert(read > 100, `only ${read} of the inputs were messages, seed ${SEED}`);
});

/** Changes a byte, puts one in, or takes one out. */
function mutate(
  body: Uint8Array,
  changes: [number, number, number][],
): Uint8Array {
  const bytes = [...body];
  for (const [kind, at, byte] of changes) {
    const place = at % (bytes.length + 1);
    if (kind === 0) bytes[place] = byte;
    else if (kind === 1) bytes.splice(place, 0, byte);
    else bytes.splice(place, 1);
  }
  return Uint8Array.from(bytes);
}
