/**
 * What hostile or broken clients send. Each abuse ends in the specified answer
 * or in a closed connection with a log line, and another client, connected
 * all the while, notices nothing. Abuse by quantity is in overload_test.ts.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import {
  concatBytes,
  encodeBytes,
  encodeNumber,
} from "../protocol/raw_client.ts";
import { encodeRawRequest, encodeVarint } from "../protocol/raw_client.ts";
import { frame, frameHeader, frameRequest } from "../protocol/raw_client.ts";
import { RawClient, type RawRequest } from "../protocol/raw_client.ts";
import type { RawResponse } from "../protocol/raw_client.ts";
import { type LocalNode, withLocalNode, Witness } from "./witness.ts";

const REV = encodeRawRequest({ tag: 1, verb: "REV" });
const EMPTY = new Uint8Array();

/** Runs an abuse beside a witness that checks before and after it. */
function testAbuse(
  name: string,
  abuse: (node: LocalNode, witness: Witness) => Promise<void>,
): void {
  Deno.test(`bad input: ${name}`, () =>
    withLocalNode(async (node) => {
      using witness = await Witness.connect(node.addr);
      await abuse(node, witness);
      await witness.check();
    }));
}

const FATAL_BYTES: [string, Uint8Array][] = [
  ["negative length", frameHeader(-1)],
  ["most negative length", frameHeader(-(2 ** 31))],
  ["huge length", frameHeader(2 ** 31 - 1)],
  ["length just above the limit", frameHeader(LIMITS.frameBytes + 1)],
  ["another protocol", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
  ["varint without end", frame(Uint8Array.from([8, ...Array(11).fill(255)]))],
  ["varint cut off", frame(Uint8Array.from([8, 0x80]))],
  ["key without value", frame(Uint8Array.from([8]))],
  ["path longer than its message", frame(Uint8Array.from([0x22, 9, 47]))],
  [
    "path of 2^63 bytes",
    frame(concatBytes([Uint8Array.from([0x22]), encodeVarint(2n ** 63n)])),
  ],
  ["field number 0", frame(Uint8Array.from([0, 1]))],
  ["wire type 6", frame(Uint8Array.from([0x0e, 1]))],
  ["wire type 7", frame(Uint8Array.from([0x0f, 1]))],
  ["group without end", frame(Uint8Array.from([0x93, 3, 8, 1]))],
  ["end of a group that never began", frame(Uint8Array.from([0x94, 3]))],
];

for (const [name, bytes] of FATAL_BYTES) {
  testAbuse(`${name} closes the connection`, async (node) => {
    using client = await RawClient.connect(node.addr);
    await client.sendBytes(bytes);
    await assertClosed(client, node);
  });
}

testAbuse("a frame cut off closes the connection", async (node) => {
  const whole = frame(REV);
  for (let length = 1; length < whole.length; length++) {
    using client = await RawClient.connect(node.addr);
    await client.sendBytes(whole.subarray(0, length));
    await client.closeWrite();
    await assertClosed(client, node);
  }
});

testAbuse("an empty frame is a request without a verb", async (node) => {
  using client = await RawClient.connect(node.addr);
  await client.sendBytes(frame(EMPTY));
  const answer = await client.receive();
  assertEquals(answer?.response, { err_code: "UNKNOWN_VERB" });
});

testAbuse("a frame of the full size is taken", async (node) => {
  using client = await RawClient.connect(node.addr);
  const overhead = REV.length + encodeBytes(50, EMPTY).length + 2;
  const padding = encodeBytes(50, new Uint8Array(LIMITS.frameBytes - overhead));
  const body = concatBytes([REV, padding]);
  assertEquals(body.length, LIMITS.frameBytes);
  await client.sendBytes(frame(body));
  assertEquals((await client.receive())?.response.tag, 1);
});

testAbuse("a byte at a time is a request like any other", async (node) => {
  using client = await RawClient.connect(node.addr);
  for (const byte of frame(REV)) await client.sendBytes(Uint8Array.of(byte));
  assertEquals((await client.receive())?.response.tag, 1);
});

testAbuse("unknown verbs answer UNKNOWN_VERB", async (node) => {
  using client = await RawClient.connect(node.addr);
  for (const verb of [-1, 0, 4, 8, 15, 98, 100, 2 ** 31 - 1, -(2 ** 31)]) {
    const answer = await client.ask({ tag: 1, verb, path: "/", rev: 1 });
    assertEquals(answer, { tag: 1, err_code: "UNKNOWN_VERB" }, `verb ${verb}`);
  }
});

testAbuse("unknown fields are passed over", async (node) => {
  using client = await RawClient.connect(node.addr);
  const unknown = [
    encodeNumber(3, 7),
    encodeBytes(8, "odd"),
    encodeNumber(15, -1),
    encodeBytes(2 ** 20, "far"),
    Uint8Array.from([0xa9, 6, 1, 2, 3, 4, 5, 6, 7, 8]),
    Uint8Array.from([0xad, 6, 1, 2, 3, 4]),
  ];
  await client.sendBytes(frame(concatBytes([...unknown, REV, ...unknown])));
  assertEquals((await client.receive())?.response.tag, 1);
});

/** A field under a wire type that is not its own counts as absent. */
const WRONG_TYPES: [string, RawRequest, Uint8Array, RawResponse][] = [
  ["tag", { verb: "NOP" }, encodeBytes(1, "x"), {}],
  ["verb", {}, encodeBytes(2, "x"), { err_code: "UNKNOWN_VERB" }],
  ["path", { verb: "GET" }, encodeNumber(4, 1), { err_code: "MISSING_ARG" }],
  [
    "offset",
    { verb: "WALK", path: "/**" },
    encodeBytes(7, "x"),
    { err_code: "MISSING_ARG" },
  ],
  [
    "rev",
    { verb: "SET", path: "/a", value: "v" },
    encodeBytes(9, "x"),
    { err_code: "MISSING_ARG" },
  ],
  ["secret", { verb: "ACCESS" }, encodeNumber(5, 1), {}],
];

testAbuse("a field of the wrong wire type counts as absent", async (node) => {
  using client = await RawClient.connect(node.addr);
  for (const [name, request, field, expected] of WRONG_TYPES) {
    const body = concatBytes([encodeRawRequest(request), field]);
    await client.sendBytes(frame(body));
    assertEquals((await client.receive())?.response, expected, name);
  }
});

const MISSING: [string, string][] = [
  ["GET", "MISSING_ARG"],
  ["SET", "MISSING_ARG"],
  ["DEL", "MISSING_ARG"],
  ["WAIT", "MISSING_ARG"],
  ["WALK", "MISSING_ARG"],
  ["GETDIR", "MISSING_ARG"],
];

testAbuse("missing fields answer MISSING_ARG", async (node) => {
  using client = await RawClient.connect(node.addr);
  for (const [verb, err_code] of MISSING) {
    assertEquals(await client.ask({ tag: 1, verb }), { tag: 1, err_code });
  }
});

const BAD_PATHS: (string | Uint8Array)[] = [
  "",
  "a",
  "//",
  "/a//b",
  "/a/",
  "/a/../b",
  "/..",
  "/.",
  "/a/./b",
  "/\0",
  "/a\0b",
  "/a b",
  "/a\n",
  "/é",
  "/世界",
  "/\u202e",
  "/\u{1f600}",
  "/%2e%2e",
  "/a\\b",
  "/*",
  "/a?",
  "/a".repeat(LIMITS.pathBytes),
  "/" + "a".repeat(LIMITS.pathBytes),
  Uint8Array.of(47, 0xff),
  Uint8Array.of(47, 0xc0, 0x80),
  Uint8Array.of(47, 0xed, 0xa0, 0x80),
];

function refusalOf(path: string | Uint8Array): RawResponse {
  const { pathBytes } = LIMITS;
  if (path.length <= pathBytes) return { tag: 1, err_code: "BAD_PATH" };
  const detail = `LIMIT: The path has ${path.length} bytes, the limit is ` +
    `${pathBytes}`;
  return { tag: 1, err_code: "OTHER", err_detail: detail };
}

testAbuse("bad paths are refused by writes, missing in reads", async (node) => {
  using client = await RawClient.connect(node.addr);
  const before = await client.ask({ verb: "REV" });
  for (const path of BAD_PATHS) {
    const refused = refusalOf(path);
    const set = { tag: 1, verb: "SET", path, value: "v", rev: -1 };
    const del = { tag: 1, verb: "DEL", path, rev: -1 };
    assertEquals(await client.ask(set), refused, `SET ${path}`);
    assertEquals(await client.ask(del), refused, `DEL ${path}`);
    assertEquals(
      await client.ask({ tag: 1, verb: "GET", path }),
      { tag: 1, rev: 0, value: EMPTY },
      `GET ${path}`,
    );
    assertEquals(
      await client.ask({ tag: 1, verb: "STAT", path }),
      { tag: 1, rev: 0, len: 0 },
      `STAT ${path}`,
    );
    assertEquals(
      await client.ask({ tag: 1, verb: "GETDIR", path, offset: 0 }),
      { tag: 1, err_code: "NOENT" },
      `GETDIR ${path}`,
    );
  }
  assertEquals(await client.ask({ verb: "REV" }), before);
});

testAbuse("names of JavaScript's own are plain names", async (node) => {
  using client = await RawClient.connect(node.addr);
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  for (const name of names) {
    for (const path of [`/${name}`, `/${name}/${name}`, `/js/${name}`]) {
      const missing = { tag: 1, rev: 0, value: EMPTY };
      assertEquals(await client.ask({ tag: 1, verb: "GET", path }), missing);
    }
    const path = `/js/${name}/${name}`;
    const set = await client.ask({ verb: "SET", path, value: name, rev: 0 });
    assertEquals(set, { rev: set.rev });
    const value = new TextEncoder().encode(name);
    assertEquals(await client.ask({ verb: "GET", path }), { ...set, value });
  }
});

const BAD_GLOBS = [
  "",
  "a",
  "/[ab]",
  "/{a,b}",
  "/a//b",
  "/a/",
  "/\0",
  "/世",
  "/" + "*".repeat(LIMITS.pathBytes),
  "/**a".repeat(5000),
];

testAbuse("bad globs answer OTHER with a reason", async (node) => {
  using client = await RawClient.connect(node.addr);
  for (const path of BAD_GLOBS) {
    for (const verb of ["WALK", "WAIT"]) {
      const request = { tag: 1, verb, path, offset: 0, rev: 1 };
      const answer = await client.ask(request);
      assertEquals(answer.err_code, "OTHER", `${verb} ${path.slice(0, 20)}`);
      assertStringIncludes(answer.err_detail ?? "", "glob");
      assert((answer.err_detail ?? "").length < 2 * LIMITS.pathBytes);
    }
  }
});

testAbuse(
  "a value of the full size is taken, a larger refused",
  async (node) => {
    using client = await RawClient.connect(node.addr);
    const value = new Uint8Array(LIMITS.valueBytes + 1);
    const request = { tag: 1, verb: "SET", path: "/big", rev: 0 };
    const refused = await client.ask({ ...request, value });
    assertEquals(refused.err_code, "OTHER");
    const digits = (refused.err_detail ?? "").replace(/[,_ ]/g, "");
    assertStringIncludes(digits, String(LIMITS.valueBytes));
    assertStringIncludes(digits, String(LIMITS.valueBytes + 1));
    const taken = await client.ask({ ...request, value: value.subarray(1) });
    assertEquals(taken, { tag: 1, rev: taken.rev });
    const stat = await client.ask({ tag: 1, verb: "STAT", path: "/big" });
    assertEquals(stat, { ...taken, len: LIMITS.valueBytes });
  },
);

testAbuse("numbers at the edges change nothing", async (node) => {
  using client = await RawClient.connect(node.addr);
  const edges = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n)];
  for (const rev of edges) {
    const missing = await client.ask({ verb: "SET", path: "/e", rev });
    const expected = rev > 0n ? undefined : "REV_MISMATCH";
    assertEquals(missing.err_code, expected, `SET at ${rev}`);
  }
  for (const offset of [-1, 2 ** 31 - 1, -(2 ** 31)]) {
    const walk = { verb: "WALK", path: "/**", offset };
    assertEquals(await client.ask(walk), { err_code: "RANGE" });
    const getdir = { verb: "GETDIR", path: "/", offset };
    assertEquals(await client.ask(getdir), { err_code: "RANGE" });
  }
});

testAbuse("a client that ends writing gets its answers", async (node) => {
  using client = await RawClient.connect(node.addr);
  const set = { verb: "SET", path: "/half", value: "v", rev: -1 };
  const sets = Array.from({ length: 500 }, (_, tag) => ({ ...set, tag }));
  const wait = { tag: 600, verb: "WAIT", path: "/half", rev: 2 ** 40 };
  await client.send(wait, ...sets, { tag: 700, verb: "GET", path: "/half" });
  await client.closeWrite();
  const tags = new Set<number | undefined>();
  for (let i = 0; i < 501; i++) {
    tags.add((await client.receive())?.response.tag);
  }
  assertEquals(tags.size, 501);
  // Nothing tells a half-closed client from one that left: no one waits on.
  assertEquals(await client.receive(), null);
});

testAbuse(
  "clients that vanish, or say nothing, or half a frame",
  async (node, witness) => {
    const silent: RawClient[] = [];
    try {
      for (let i = 0; i < 30; i++) {
        const client = await RawClient.connect(node.addr);
        const wait = { tag: i, verb: "WAIT", path: "/**", rev: 2 ** 40 };
        await client.send(wait, { tag: i, verb: "GET", path: "/ctl/name" });
        await client.sendBytes(frame(REV).subarray(0, i % 6));
        if (i % 2 === 0) client.close();
        else silent.push(client);
        silent.push(await RawClient.connect(node.addr));
        await witness.check();
      }
    } finally {
      for (const client of silent) client.close();
    }
  },
);

testAbuse("noise and mutated requests", async (node, witness) => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let round = 0; round < 300; round++) {
    using client = await RawClient.connect(node.addr);
    const bytes = round % 3 === 0 ? noise(random) : mutated(random);
    await client.sendBytes(bytes);
    if (random(2) === 0) await client.closeWrite();
    await witness.check();
  }
});

/** The connection ends, and the node says so. */
async function assertClosed(client: RawClient, node: LocalNode): Promise<void> {
  assertEquals(await client.receive(), null);
  const told = node.log.filter(({ level }) =>
    level === "info" || level === "warn"
  );
  assert(told.length > 0, "The node closed the connection without a word");
  node.log.length = 0;
}

/** A small generator (mulberry32): the seed tells the whole run. */
function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function noise(random: (below: number) => number): Uint8Array {
  const body = Uint8Array.from({ length: random(200) }, () => random(256));
  return random(2) === 0 ? body : frame(body);
}

function mutated(random: (below: number) => number): Uint8Array {
  const verbs = ["GET", "SET", "DEL", "REV", "WAIT", "WALK", "GETDIR", "STAT"];
  const bytes = frameRequest({
    tag: random(100),
    verb: verbs[random(verbs.length)] ?? "GET",
    path: "/fuzz/a",
    value: "value",
    offset: random(3),
    rev: random(3) - 1,
  });
  for (let i = random(4); i >= 0; i--) {
    bytes[4 + random(bytes.length - 4)] = random(256);
  }
  return bytes;
}
