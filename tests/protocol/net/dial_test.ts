/**
 * Opening sockets: within a time, until it is aborted, with reasons in words.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../../../protocol/mod.ts";
import type { SocketOptions } from "../../../protocol/net/client_socket.ts";
import { openSocket, reasonOf } from "../../../protocol/net/dial.ts";
import { deadAddress, serveScript } from "./servers.ts";

async function reasonAt(addr: string, options: SocketOptions): Promise<string> {
  const opening = () => openSocket(parseAddress(addr), options);
  return reasonOf(await assertRejects(opening));
}

Deno.test("openSocket() says why nothing listens, or answers", async () => {
  const refused = "nothing listens there (connection refused)";
  assertEquals(await reasonAt(deadAddress(), {}), refused);
  await using silent = serveScript(() => {});
  const options = { timeoutMs: 20, tls: true };
  const late = "no answer within the time-out";
  assertEquals(await reasonAt(silent.addr, options), late);
});

Deno.test("openSocket() dials nobody once it is aborted", async () => {
  for (const tls of [false, true]) {
    let tried = 0;
    await using server = serveScript(() => {
      tried++;
    });
    const signal = AbortSignal.abort(new Error("Enough"));
    const options = { signal, tls, timeoutMs: 0 };
    assertEquals(await reasonAt(server.addr, options), "Enough");
    assertEquals(tried, 0);
  }
});

Deno.test("openSocket() leaves nothing behind that an abort ends", async () => {
  await using server = serveScript((conn) =>
    conn.readable.pipeTo(conn.writable)
  );
  const controller = new AbortController();
  const { signal } = controller;
  const socket = await openSocket(parseAddress(server.addr), { signal });
  controller.abort();
  await socket.write(Uint8Array.of(7));
  assertEquals(await socket.read(new Uint8Array(1)), 1);
  socket.close();
});
