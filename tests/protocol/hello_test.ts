/**
 * The messages of the handshake as bytes, and how a node's connection is told
 * from a client's.
 *
 * A failure prints its seed; run it again with `SEED=... deno test`.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  decodeHelloMessage,
  decodeRequest,
  emptyRequest,
  encodeHelloMessage,
  type Hello,
  HELLO_BYTES,
  HELLO_LIST_MAX,
  type HelloMessage,
  ProtocolError,
  senderOf,
  VERBS,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";
import { A, B, PEER_SAMPLES } from "./peer_messages.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";
import { frame, frameRequest } from "./raw_client.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

const HELLO: Hello = {
  versions: { min: 1, max: 2 },
  id: A,
  nonce: new Uint8Array(32).fill(7),
  cluster: "c",
  lineage: "l",
  addr: "h:1",
  purpose: "join",
  expects: B,
  list: ["h:1", "h:2"],
};

const hex = (text: string) => new TextEncoder().encode(text).toHex();

/** The messages, and the bytes of their frames' bodies. */
const SAMPLES: readonly (readonly [string, HelloMessage])[] = [
  [
    "0001" + "0801" + "1002" + "1a10" + hex(A) + "2220" + "07".repeat(32) +
    "2a0163" + "32016c" + "3a03683a31" + "4003" + "4a10" + hex(B) +
    "5203683a31" + "5203683a32",
    { kind: "hello", hello: HELLO },
  ],
  [
    "0001" + "0801" + "1002" + "1a10" + hex(A) + "2220" + "07".repeat(32) +
    "2a00" + "3200" + "3a00" + "4001" + "4a00",
    {
      kind: "hello",
      hello: {
        ...HELLO,
        ...{ cluster: "", lineage: "", addr: "", expects: "", list: [] },
        purpose: "link",
      },
    },
  ],
  [
    "0002" + "5a20" + "09".repeat(32),
    { kind: "proof", proof: new Uint8Array(32).fill(9) },
  ],
  ["0002" + "5a00", { kind: "proof", proof: new Uint8Array(0) }],
  ["0003", { kind: "welcome" }],
  [
    "0004" + "6002" + "6a026e6f",
    { kind: "refusal", refusal: { code: "SECRET", text: "no" } },
  ],
];

function decode(body: Uint8Array): HelloMessage {
  const reader = new WireReader();
  reader.reset(body, { start: 0, end: body.length });
  return decodeHelloMessage(reader);
}

function encode(message: HelloMessage): Uint8Array {
  const writer = new WireWriter();
  encodeHelloMessage(writer, message);
  return writer.written();
}

function helloOf(message: HelloMessage): Hello {
  if (message.kind === "hello") return message.hello;
  throw new Error(`Not a hello: ${message.kind}`);
}

Deno.test("the handshake's messages are written as the vectors say", () => {
  for (const [body, message] of SAMPLES) {
    assertEquals(
      encode(message).toHex(),
      frame(Uint8Array.fromHex(body)).toHex(),
    );
    assertEquals(decode(Uint8Array.fromHex(body)), message);
  }
});

Deno.test("a hello that ends too early is refused, wherever it ends", () => {
  for (const [body, message] of SAMPLES) {
    const bytes = Uint8Array.fromHex(body);
    for (let length = 0; length < bytes.length; length++) {
      try {
        // What may be missing is what may be empty: never id and nonce.
        assertEquals(decode(bytes.subarray(0, length)).kind, message.kind);
        if (message.kind === "hello") assert(length >= 56, `${length}`);
      } catch (error) {
        assert(error instanceof ProtocolError, String(error));
      }
    }
  }
});

Deno.test("what is no message of the handshake is refused with a reason", () => {
  const kind = (number: number) => Uint8Array.of(0, number);
  const nonce = encodeBytes(4, new Uint8Array(32));
  const rows: [string, Uint8Array[]][] = [
    ["must begin with byte 0", []],
    ["must begin with byte 0", [encodeNumber(1, 1)]],
    ["ends in a number", [Uint8Array.of(0)]],
    ["of the kind 0", [kind(0)]],
    ["of the kind 5", [kind(5)]],
    ["has no node's id", [kind(1), nonce]],
    ["has no node's id", [kind(1), encodeBytes(3, "me"), nonce]],
    ["nonce has 0 bytes", [kind(1), encodeBytes(3, A)]],
    [
      "nonce has 31 bytes",
      [kind(1), encodeBytes(3, A), encodeBytes(4, new Uint8Array(31))],
    ],
    [
      "expects what is no node's id",
      [kind(1), encodeBytes(3, A), nonce, encodeBytes(9, "you")],
    ],
    [
      "more than 64 nodes",
      [kind(1), ...Array(HELLO_LIST_MAX + 1).fill(encodeBytes(10, "h:1"))],
    ],
    ["has 1025 characters", [kind(1), encodeBytes(5, "x".repeat(1025))]],
  ];
  for (const [reason, parts] of rows) {
    const error = assertThrows(() => decode(concatBytes(parts)), ProtocolError);
    assert(error.message.includes(reason), `${error.message}: ${reason}`);
  }
});

Deno.test("what strangers say can be logged and printed", () => {
  const cluster = "a\nb\u001b[2J\u2028\u202e";
  const message = decode(
    encode({ kind: "hello", hello: { ...HELLO, cluster } }).subarray(4),
  );
  assertEquals(helloOf(message).cluster, "a?b?[2J??");
});

Deno.test("a later version's reasons are read as what gives no rights", () => {
  const hello = concatBytes([
    Uint8Array.fromHex(SAMPLES[0]![0]),
    encodeNumber(8, 9),
    encodeNumber(77, 1),
  ]);
  assertEquals(helloOf(decode(hello)).purpose, "link");
  const refusal = decode(
    concatBytes([Uint8Array.of(0, 4), encodeNumber(12, 99)]),
  );
  assertEquals(refusal, {
    kind: "refusal",
    refusal: { code: "OTHER", text: "no reason was given" },
  });
});

Deno.test("a long reason to refuse is cut, so that it can be read", () => {
  const text = "x".repeat(5_000);
  const message = encode({ kind: "refusal", refusal: { code: "SELF", text } });
  assertEquals(decode(message.subarray(4)), {
    kind: "refusal",
    refusal: { code: "SELF", text: "x".repeat(1024) },
  });
});

Deno.test("the largest hello of usual texts fits", () => {
  const text = "x".repeat(255);
  const list = Array<string>(HELLO_LIST_MAX).fill(text);
  const hello = { ...HELLO, cluster: text, lineage: text, addr: text, list };
  assert(encode({ kind: "hello", hello }).length < HELLO_BYTES);
});

Deno.test("five bytes tell a node from a client", () => {
  const hello = encode({ kind: "hello", hello: HELLO });
  for (let length = 0; length < hello.length; length++) {
    const sender = senderOf(hello.subarray(0, length));
    assertEquals(sender, length < 5 ? undefined : "peer");
  }
  for (const verb of Object.keys(VERBS)) {
    const request = frameRequest({ tag: 0, verb, path: "/a", rev: 0 });
    assertEquals(senderOf(request.subarray(0, 4)), undefined);
    assertEquals(senderOf(request), "client", verb);
  }
  // A request without fields is complete, and what follows is another one.
  assertEquals(senderOf(new Uint8Array(4)), "client");
  assertEquals(senderOf(new Uint8Array(9)), "client");
  for (let first = 1; first < 256; first++) {
    assertEquals(senderOf(Uint8Array.of(0, 0, 0, 1, first)), "client");
  }
  assertEquals(senderOf(new TextEncoder().encode("GET / HTTP/1.1")), "client");
});

Deno.test("no request begins as a node's message does", () => {
  const run = (body: Uint8Array): void => {
    if (senderOf(frame(body)) !== "peer") return;
    const reader = new WireReader();
    reader.reset(body, { start: 0, end: body.length });
    assertThrows(() => decodeRequest(reader, emptyRequest()), ProtocolError);
  };
  const bodies = fc.uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => Uint8Array.from([0, ...bytes]));
  fc.assert(fc.property(bodies, run), { numRuns: 1_000, seed: SEED });
  run(Uint8Array.of(0));
});

Deno.test("messages after the handshake do not look like a handshake", () => {
  for (const [body] of PEER_SAMPLES) {
    assertThrows(() => decode(Uint8Array.fromHex(body)), ProtocolError);
  }
});

Deno.test("whatever comes in, a message comes out or a ProtocolError", () => {
  const good = SAMPLES.map(([body]) => Uint8Array.fromHex(body));
  const changes = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), {
    maxLength: 4,
  });
  const inputs = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.uint8Array({ maxLength: 60 }).map((rest) =>
      Uint8Array.from([0, 1, ...rest])
    ),
    fc.tuple(fc.constantFrom(...good), changes).map(([body, all]) => {
      const bytes = body.slice();
      for (const [at, byte] of all) bytes[at % bytes.length] = byte;
      return bytes;
    }),
  );
  const run = (body: Uint8Array): void => {
    try {
      decode(body);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  };
  fc.assert(fc.property(inputs, run), { numRuns: 10_000, seed: SEED });
});
