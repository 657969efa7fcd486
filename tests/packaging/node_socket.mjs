/**
 * Node's sockets in the shape that the client library wants: a module within
 * the package, run by npm_test.ts as node_client.mjs is.
 *
 * @module
 */
import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";

const HOME = new URL(
  "./node_modules/@doozer/doozer/protocol/net/",
  import.meta.url,
);
const { openSocket, reasonOf } = await import(new URL("dial.js", HOME));

/** A test that hangs must fail instead; none comes near. */
const within = { timeout: 30_000 };

/** Runs with an open socket and the server's end of it. */
async function withPair(run, options = {}) {
  const server = net.createServer({ allowHalfOpen: true });
  const accepted = new Promise((resolve) => server.once("connection", resolve));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = { hostname: "127.0.0.1", port: server.address().port };
  try {
    const socket = await openSocket(address, options);
    const far = (await accepted).on("error", () => {});
    try {
      return await run(socket, far);
    } finally {
      socket.close();
      far.destroy();
    }
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

test(
  "a read takes what there is room for; the end is null",
  within,
  () =>
    withPair(async (socket, far) => {
      far.end(Buffer.from("abcdefghij"));
      const room = new Uint8Array(4);
      const pieces = [];
      for (;;) {
        const count = await socket.read(room);
        if (count === null) break;
        pieces.push(Buffer.from(room.subarray(0, count)).toString());
      }
      assert.equal(pieces.join(""), "abcdefghij");
      assert.equal(pieces[0], "abcd");
      assert.equal(await socket.read(room), null);
    }),
);

test("a read awaits what comes", within, () =>
  withPair(async (socket, far) => {
    const room = new Uint8Array(10);
    for (let n = 0; n < 5; n++) {
      const reading = socket.read(room);
      far.write(Uint8Array.of(n));
      assert.equal(await reading, 1);
      assert.equal(room[0], n);
    }
  }));

test(
  "a write has left when it is done",
  within,
  () =>
    withPair(async (socket, far) => {
      const bytes = new Uint8Array(8 << 20).fill(1);
      let received = 0;
      let others = 0;
      far.on("data", (chunk) => {
        received += chunk.length;
        others += chunk.filter((byte) => byte === 9).length;
      });
      for (let at = 0; at < bytes.length;) {
        at += await socket.write(bytes.subarray(at));
      }
      bytes.fill(9); // Who wrote it may use it again.
      const ended = new Promise((resolve) => far.on("end", resolve));
      socket.close();
      await ended;
      assert.deepEqual([received, others], [bytes.length, 0]);
    }),
);

test(
  "who does not read holds the sender back",
  within,
  () =>
    withPair((slow, sender) =>
      withPair(async (socket, far) => {
        let sent = false;
        sender.write(new Uint8Array(64 << 20), () => sent = true);
        assert.equal(await slow.read(new Uint8Array(1)), 1);
        // Time passes: a thousand times there and back.
        far.pipe(far);
        const room = new Uint8Array(1);
        for (let n = 0; n < 1000; n++) {
          await socket.write(room);
          await socket.read(room);
        }
        assert.equal(sent, false);
      })
    ),
);

test(
  "close() ends what is under way, and is done twice",
  within,
  () =>
    withPair(async (socket, far) => {
      far.pause();
      const room = new Uint8Array(1);
      const reading = socket.read(room);
      const writing = socket.write(new Uint8Array(64 << 20));
      const both = Promise.all([
        assert.rejects(reading, /closed/),
        assert.rejects(writing, /closed/),
      ]);
      socket.close();
      socket.close();
      await both;
      await assert.rejects(socket.read(room), /closed/);
      await assert.rejects(socket.write(room), /closed/);
    }),
);

test(
  "a reset by the server fails the read",
  within,
  () =>
    withPair(async (socket, far) => {
      const reading = socket.read(new Uint8Array(1));
      far.resetAndDestroy();
      await assert.rejects(reading, { code: "ECONNRESET" });
      await assert.rejects(socket.write(new Uint8Array(1)), {
        code: "ECONNRESET",
      });
    }),
);

test("an abort after opening changes nothing", within, async () => {
  const ending = new AbortController();
  await withPair(async (socket, far) => {
    ending.abort();
    far.pipe(far);
    await socket.write(Uint8Array.of(7));
    const room = new Uint8Array(1);
    assert.equal(await socket.read(room), 1);
    assert.equal(room[0], 7);
  }, { signal: ending.signal, timeoutMs: 30_000 });
});

test("reasonOf() finds words for Node's errors", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED ::1:1"), {
    code: "ECONNREFUSED",
  });
  const rows = [
    [refused, "nothing listens there (connection refused)"],
    [new DOMException("x", "TimeoutError"), "no answer within the time-out"],
    [new Error("no route\n"), "no route"],
    [new AggregateError([new Error("a"), new Error("b")]), "a, b"],
    ["text", "text"],
  ];
  for (const [error, words] of rows) assert.equal(reasonOf(error), words);
});
