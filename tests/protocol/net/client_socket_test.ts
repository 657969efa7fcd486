/**
 * Opening sockets within their time, in Deno, and Node's in Deno. What Node's
 * do in Node is in tests/packaging/node_socket.mjs.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../../../protocol/mod.ts";
import { openInTime } from "../../../protocol/net/client_socket.ts";
import { openDenoSocket } from "../../../protocol/net/deno_socket.ts";
import { openNodeSocket } from "../../../protocol/net/node_socket.ts";
import { serveScript } from "./servers.ts";

/** Opens nothing, until it is to give up. */
function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

Deno.test("openInTime() gives up when the time is up", async () => {
  const error = await assertRejects(() => openInTime({ timeoutMs: 5 }, never));
  assert(error instanceof DOMException);
  assertEquals(error.name, "TimeoutError");
});

Deno.test("openInTime() gives up with the reason of the signal", async () => {
  for (const timeoutMs of [0, 60_000]) {
    const ending = new AbortController();
    const { signal } = ending;
    const opening = openInTime({ timeoutMs, signal }, never);
    ending.abort(new Error("Enough"));
    await assertRejects(() => opening, Error, "Enough");
    let begun = false;
    const again = openInTime({ timeoutMs, signal }, async () => {
      begun = true;
      await Promise.resolve();
    });
    await assertRejects(() => again, Error, "Enough");
    assert(!begun);
  }
});

Deno.test("openInTime() takes any time: a long one does not end at once", async () => {
  const { setTimeout } = globalThis;
  const delays: unknown[] = [];
  // Only while it begins.
  globalThis.setTimeout = ((_: unknown, ms: unknown) => {
    delays.push(ms);
  }) as unknown as typeof setTimeout;
  try {
    await openInTime({ timeoutMs: 2 ** 40 }, () => Promise.resolve());
    await openInTime({ timeoutMs: 0 }, () => Promise.resolve());
    await openInTime({}, () => Promise.resolve());
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assertEquals(delays, [2 ** 31 - 1, 5_000]);
});

Deno.test("openInTime() lets go of what is open", async () => {
  const ending = new AbortController();
  const signal = await openInTime(
    { signal: ending.signal },
    (signal) => Promise.resolve(signal),
  );
  ending.abort();
  assert(!signal.aborted);
});

Deno.test("openDenoSocket() closes what opens as it is aborted", async () => {
  const { connect } = Deno;
  const ending = new AbortController();
  let closed = false;
  const tcp = { setNoDelay: () => {}, close: () => closed = true };
  // Only while the socket is opened.
  Deno.connect = (() => {
    ending.abort(new Error("Enough"));
    return Promise.resolve(tcp);
  }) as unknown as typeof Deno.connect;
  try {
    const options = { signal: ending.signal };
    const opening = openDenoSocket(parseAddress("127.0.0.1"), options);
    await assertRejects(() => opening, Error, "Enough");
  } finally {
    Deno.connect = connect;
  }
  assert(closed);
});

Deno.test("openNodeSocket() opens one in Deno, too", async () => {
  await using server = serveScript((conn) =>
    conn.readable.pipeTo(conn.writable)
  );
  const socket = await openNodeSocket(parseAddress(server.addr), {});
  const room = new Uint8Array(8);
  for (const byte of [1, 2, 3]) {
    assertEquals(await socket.write(Uint8Array.of(byte)), 1);
    assertEquals(await socket.read(room), 1);
    assertEquals(room[0], byte);
  }
  const reading = assertRejects(() => socket.read(room), Error, "closed");
  socket.close();
  await reading;
});
