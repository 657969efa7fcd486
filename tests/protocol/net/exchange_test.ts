/**
 * The exchange against servers that follow a script: late answers, none,
 * wrong ones, garbage. Every request gets exactly one outcome, and its code
 * says what the caller may conclude.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Exchange } from "../../../protocol/net/exchange.ts";
import { VERBS } from "../../../protocol/mod.ts";
import { DoozerError, type ErrorCode, LIMITS } from "../../../store/mod.ts";
import {
  concatBytes,
  encodeBytes,
  encodeNumber,
  frame,
  frameHeader,
} from "../raw_client.ts";
import { serveScript } from "./servers.ts";

const ROOM = 64 << 10;

/** Plays the script to an exchange. */
async function withScript(
  script: (conn: Deno.TcpConn) => Promise<void> | void,
  use: (exchange: Exchange) => Promise<void>,
): Promise<void> {
  await using server = serveScript(script);
  const [hostname = "", port] = server.addr.split(":");
  const socket = await Deno.connect({ hostname, port: Number(port) });
  const options = { address: server.addr, timeoutMs: 0 };
  const exchange = new Exchange(socket, options);
  try {
    await use(exchange);
  } finally {
    exchange.end(new DoozerError("CLOSED", "The client is closed"));
  }
}

/** Reads until so many requests have come; returns their tags. */
async function readTags(conn: Deno.TcpConn, count: number): Promise<number[]> {
  let bytes = new Uint8Array();
  const tags: number[] = [];
  const room = new Uint8Array(ROOM);
  while (tags.length < count) {
    const read = await conn.read(room);
    if (read === null) throw new Error("The client has left");
    bytes = concatBytes([bytes, room.subarray(0, read)]) as typeof bytes;
    while (bytes.length >= 4) {
      const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      if (bytes.length < end) break;
      // The tag comes first, and the tests have few.
      tags.push(bytes[5]!);
      bytes = bytes.slice(end);
    }
  }
  return tags;
}

function answer(tag: number, rev = tag): Uint8Array {
  return frame(concatBytes([encodeNumber(1, tag), encodeNumber(3, rev)]));
}

/** Answers nothing, ever. */
const SILENT = (): void => {};

async function codeOf(asked: Promise<unknown>): Promise<ErrorCode> {
  return (await assertRejects(() => asked, DoozerError)).code;
}

Deno.test("answers find their requests in whatever order they come", async () => {
  const count = 20;
  await withScript(async (conn) => {
    const tags = await readTags(conn, count);
    const frames = tags.toReversed().map((tag) => answer(tag));
    const bytes = concatBytes(frames);
    // In pieces that heed no frame.
    for (let at = 0; at < bytes.length; at += 7) {
      await conn.write(bytes.subarray(at, at + 7));
    }
  }, async (exchange) => {
    const asked = Array.from(
      { length: count },
      () => exchange.ask("REV", {}, {}),
    );
    const answers = await Promise.all(asked);
    assertEquals(
      answers.map(({ tag, rev }) => [tag, rev]),
      answers.map((_, index) => [index + 1, index + 1]),
    );
  });
});

Deno.test("requests of one turn leave in one write, in order", async () => {
  const came: number[][] = [];
  await withScript(async (conn) => {
    const room = new Uint8Array(ROOM);
    const read = await conn.read(room) ?? 0;
    came.push([...room.subarray(0, read)]);
    await conn.write(concatBytes([1, 2, 3].map((tag) => answer(tag))));
  }, async (exchange) => {
    await Promise.all(
      [1, 2, 3].map(() => exchange.ask("REV", {}, {})),
    );
  });
  const request = (tag: number) => [0, 0, 0, 4, 8, tag, 16, VERBS.REV];
  assertEquals(came, [[...request(1), ...request(2), ...request(3)]]);
});

Deno.test("an answer that nobody awaits is passed over", async () => {
  await withScript(async (conn) => {
    await readTags(conn, 1);
    const nobodys = [
      answer(99),
      frame(encodeNumber(3, 5)),
      frame(new Uint8Array()),
      answer(1, 7),
      answer(1, 8),
    ];
    await conn.write(concatBytes(nobodys));
    const [tag = 0] = await readTags(conn, 1);
    await conn.write(answer(tag, 9));
  }, async (exchange) => {
    assertEquals((await exchange.ask("REV", {}, {})).rev, 7);
    assertEquals((await exchange.ask("REV", {}, {})).rev, 9);
  });
});

Deno.test("an answer that comes too late is not the next one's", async () => {
  const late = Promise.withResolvers<void>();
  await withScript(async (conn) => {
    const [tag = 0] = await readTags(conn, 1);
    await late.promise;
    await conn.write(answer(tag, 1));
    const [next = 0] = await readTags(conn, 1);
    await conn.write(answer(next, 2));
  }, async (exchange) => {
    const asked = exchange.ask("REV", {}, { timeoutMs: 5 });
    assertEquals(await codeOf(asked), "UNAVAILABLE");
    late.resolve();
    assertEquals((await exchange.ask("REV", {}, {})).rev, 2);
  });
});

/** What a request without an answer means, by its verb. */
const UNANSWERED = {
  GET: "UNAVAILABLE",
  SET: "UNKNOWN",
  DEL: "UNKNOWN",
  REV: "UNAVAILABLE",
  WAIT: "TIMEOUT",
  NOP: "UNKNOWN",
  WALK: "UNAVAILABLE",
  GETDIR: "UNAVAILABLE",
  STAT: "UNAVAILABLE",
  SELF: "UNAVAILABLE",
  ACCESS: "UNAVAILABLE",
} as const;
const VERB_NAMES = Object.keys(UNANSWERED) as (keyof typeof UNANSWERED)[];

Deno.test("a time-out says what may be concluded", async () => {
  await withScript(SILENT, async (exchange) => {
    for (const verb of VERB_NAMES) {
      const asked = exchange.ask(verb, {}, { timeoutMs: 2 });
      const error = await assertRejects(() => asked, DoozerError);
      assertEquals(error.code, UNANSWERED[verb]);
      const begin = `The answer to ${verb} did not come: none came in 2 ms`;
      assert(error.detail.startsWith(begin), error.detail);
    }
  });
});

Deno.test("an abort says what may be concluded", async () => {
  await withScript(SILENT, async (exchange) => {
    for (const verb of VERB_NAMES) {
      const controller = new AbortController();
      const asked = exchange.ask(verb, {}, { signal: controller.signal });
      controller.abort();
      assertEquals(await codeOf(asked), UNANSWERED[verb]);
      // Nothing was sent: even a write has certainly not taken effect.
      const { signal } = controller;
      const after = exchange.ask(verb, {}, { signal });
      assertEquals(await codeOf(after), "UNAVAILABLE");
    }
  });
});

Deno.test("a connection lost says what may be concluded", async () => {
  await withScript(async (conn) => {
    await readTags(conn, VERB_NAMES.length);
    conn.close();
  }, async (exchange) => {
    const asked = VERB_NAMES.map((verb) => exchange.ask(verb, {}, {}));
    const codes = await Promise.all(asked.map(codeOf));
    const lost = VERB_NAMES.map((verb) =>
      UNANSWERED[verb] === "TIMEOUT" ? "UNAVAILABLE" : UNANSWERED[verb]
    );
    assertEquals(codes, lost);
    // Now it is known that nothing is sent.
    for (const verb of VERB_NAMES) {
      assertEquals(await codeOf(exchange.ask(verb, {}, {})), "UNAVAILABLE");
    }
  });
});

Deno.test("a long time-out is not a short one", async () => {
  await withScript(async (conn) => {
    const [tag = 0] = await readTags(conn, 1);
    // More turns than a timer of no time at all needs.
    for (let i = 0; i < 5; i++) await new Promise((go) => setTimeout(go, 2));
    await conn.write(answer(tag, 5));
  }, async (exchange) => {
    const asked = exchange.ask("REV", {}, { timeoutMs: 2 ** 31 });
    assertEquals((await asked).rev, 5);
  });
});

Deno.test("garbage ends the exchange, and says what it was", async () => {
  const rows: [bytes: Uint8Array, reason: RegExp][] = [
    [frame(Uint8Array.of(0)), /Cannot take 0 for the number of a field/],
    [frame(encodeBytes(6, "x").subarray(0, 2)), /Cannot read 1 bytes/],
    [frameHeader(LIMITS.frameBytes + 1), /The frame has 1114113 bytes/],
    [frameHeader(-1), /The frame has 4294967295 bytes/],
    [new TextEncoder().encode("HTTP/1.1 400 Bad\r\n"), /The frame has/],
  ];
  for (const [bytes, reason] of rows) {
    await withScript(async (conn) => {
      await readTags(conn, 1);
      await conn.write(concatBytes([answer(99), bytes]));
    }, async (exchange) => {
      const asked = exchange.ask("REV", {}, {});
      const error = await assertRejects(() => asked, DoozerError);
      assertEquals(error.code, "UNAVAILABLE");
      assert(reason.test(error.detail), error.detail);
      assert(error.detail.includes(exchange.address), error.detail);
    });
  }
});

Deno.test("a server that dies in an answer is a connection lost", async () => {
  await withScript(async (conn) => {
    await readTags(conn, 2);
    await conn.write(answer(1).subarray(0, 5));
    conn.close();
  }, async (exchange) => {
    const asked = [
      exchange.ask("REV", {}, {}),
      exchange.ask("NOP", {}, {}),
    ];
    const codes = await Promise.all(asked.map(codeOf));
    assertEquals(codes, ["UNAVAILABLE", "UNKNOWN"]);
  });
});

Deno.test("end() fails what is pending, and all that is asked after it", async () => {
  await withScript(SILENT, async (exchange) => {
    const asked = ["GET", "SET", "WAIT"] as const;
    const pending = asked.map((verb) => exchange.ask(verb, {}, {}));
    exchange.end(new DoozerError("CLOSED", "The client is closed"));
    exchange.end(new DoozerError("OTHER", "Again"));
    const codes = await Promise.all(pending.map(codeOf));
    assertEquals(codes, ["CLOSED", "UNKNOWN", "CLOSED"]);
    assertEquals(await codeOf(exchange.ask("SET", {}, {})), "CLOSED");
  });
});

Deno.test("what cannot be sent is refused, and harms nothing else", async () => {
  await withScript(async (conn) => {
    const [tag = 0] = await readTags(conn, 1);
    await conn.write(answer(tag, 3));
  }, async (exchange) => {
    const big = new Uint8Array(LIMITS.valueBytes + 1);
    const long = "/" + "x".repeat(LIMITS.frameBytes);
    const rows = [
      [{ path: "/a", value: big }, "LIMIT", "The value has 1048577 bytes"],
      [{ path: long }, "LIMIT", `The path has ${long.length} bytes`],
      [{ path: "/a", rev: NaN }, "OTHER", "Cannot use the rev NaN"],
      [{ path: "/a", rev: Infinity }, "OTHER", "Cannot use the rev Infinity"],
      [{ path: "/a", rev: 1.5 }, "OTHER", "Cannot use the rev 1.5"],
      [{ path: "/a", rev: 2 ** 60 }, "OTHER", "Cannot use the rev 11529215046"],
    ] as const;
    for (const [ask, code, detail] of rows) {
      const asked = exchange.ask("SET", ask, {});
      const error = await assertRejects(() => asked, DoozerError, detail);
      assertEquals(error.code, code);
    }
    assertEquals((await exchange.ask("REV", {}, {})).rev, 3);
  });
});
