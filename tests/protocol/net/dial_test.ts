/**
 * Dialling: one server after the other, each with its time.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../../../protocol/mod.ts";
import { dial, type Dialled } from "../../../protocol/net/dial.ts";
import { DoozerError } from "../../../store/mod.ts";
import { deadAddress, serveScript } from "./servers.ts";

function dialAll(
  addrs: readonly string[],
  options: { timeoutMs?: number; signal?: AbortSignal; tls?: boolean } = {},
): Promise<Dialled> {
  return dial(addrs.map(parseAddress), { tls: false, ...options });
}

Deno.test("dial() takes the first server that answers", async () => {
  await using first = serveScript(() => {});
  await using second = serveScript(() => {});
  const rows: [addrs: string[], taken: string][] = [
    [[first.addr, second.addr], first.addr],
    [[second.addr, first.addr], second.addr],
    [[deadAddress(), first.addr], first.addr],
    [[deadAddress(), deadAddress(), second.addr, first.addr], second.addr],
  ];
  for (const [addrs, taken] of rows) {
    const { socket, address } = await dialAll(addrs);
    socket.close();
    assertEquals(address, taken);
  }
});

Deno.test("dial() tells of each server why it cannot be reached", async () => {
  const dead = [deadAddress(), deadAddress()];
  const error = await assertRejects(() => dialAll(dead), DoozerError);
  assertEquals(error.code, "UNAVAILABLE");
  const reasons = dead.map((addr) =>
    `${addr}: nothing listens there (connection refused)`
  );
  const wanted = `No server can be reached: ${reasons.join("; ")}`;
  assertEquals(error.detail, wanted);
});

Deno.test("dial() goes on after a server that keeps it waiting", async () => {
  await using silent = serveScript(() => {});
  const error = await assertRejects(
    () => dialAll([silent.addr, silent.addr], { timeoutMs: 20, tls: true }),
    DoozerError,
  );
  assertEquals(error.code, "UNAVAILABLE");
  const each = `${silent.addr}: no answer within the time-out`;
  assertEquals(error.detail, `No server can be reached: ${each}; ${each}`);
});

Deno.test("dial() tries no more servers once it is aborted", async () => {
  for (const tls of [false, true]) {
    let tried = 0;
    await using server = serveScript(() => {
      tried++;
    });
    const signal = AbortSignal.abort(new Error("Enough"));
    const addrs = [server.addr, server.addr];
    const error = await assertRejects(
      () => dialAll(addrs, { signal, tls, timeoutMs: 0 }),
      DoozerError,
    );
    assertEquals(error.code, "UNAVAILABLE");
    assert(error.detail.endsWith(`${server.addr}: Enough`), error.detail);
    assertEquals(error.detail.split(";").length, 1);
    assertEquals(tried, 0);
  }
});

Deno.test("dial() leaves nothing behind that an abort could still end", async () => {
  await using server = serveScript((conn) =>
    conn.readable.pipeTo(conn.writable)
  );
  const controller = new AbortController();
  const { signal } = controller;
  const { socket } = await dialAll([server.addr], { signal });
  controller.abort();
  await socket.write(Uint8Array.of(7));
  assertEquals(await socket.read(new Uint8Array(1)), 1);
  socket.close();
});
