/**
 * How recent the client library's reads are: what it asks of a server, and
 * what it makes of the answers.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import {
  type Client,
  connect,
  type RequestOptions,
} from "../../../protocol/net/mod.ts";
import { DoozerError } from "../../../store/mod.ts";
import { STATUS } from "../fake_backend.ts";
import { type FakeNode, serveFake, serveNode } from "./servers.ts";

async function withClient(
  use: (client: Client, node: FakeNode) => Promise<void>,
): Promise<void> {
  using node = await serveFake();
  node.backend.write("/d/a", "1");
  node.backend.write("/d/b", "2");
  using client = await connect(`doozer:?ca=${node.addr}`);
  await use(client, node);
}

/** Everything that reads. */
function reads(client: Client): ((o: RequestOptions) => Promise<unknown>)[] {
  return [
    (options) => client.get("/d/a", options),
    (options) => client.stat("/d", options),
    (options) => client.rev(options),
    (options) => Array.fromAsync(client.getdir("/d", options)),
    (options) => Array.fromAsync(client.walk("/d/*", options)),
  ];
}

Deno.test("reads ask for a quorum once, unless told or pinned otherwise", () =>
  withClient(async (client, { backend }) => {
    const rows: [RequestOptions, asked: number][] = [
      [{}, 1],
      [{ read: "linearizable" }, 1],
      [{ read: "local" }, 0],
      [{ minRev: 2 }, 0],
      [{ minRev: 2, read: "linearizable" }, 1],
      [{ rev: 2, read: "linearizable" }, 1],
      [{ rev: 2, minRev: 1 }, 0],
    ];
    for (const [options, asked] of rows) {
      for (const [index, read] of reads(client).entries()) {
        backend.asked = 0;
        await read(options);
        const label = `${index} with ${JSON.stringify(options)}`;
        assertEquals(backend.asked, asked, label);
      }
    }
    backend.asked = 0;
    await client.get("/d/a", { rev: 1 });
    await Array.fromAsync(client.walk("/d/*", { rev: 1 }));
    assertEquals(backend.asked, 0, "a rev never changes");
  }));

Deno.test("waits and watches ask for no quorum", () =>
  withClient(async (client, { backend }) => {
    backend.readRefusal = { code: "UNAVAILABLE", detail: "No quorum answers" };
    const late = client.wait("/x", { timeoutMs: 20 });
    const error = await assertRejects(() => late, DoozerError);
    assertEquals(error.code, "TIMEOUT");
    for await (const { rev } of client.watch("/d/*", { rev: 1 })) {
      if (rev === 2) break;
    }
    assertEquals(backend.asked, 0);
  }));

Deno.test("what the server refuses has its code", () =>
  withClient(async (client, { backend }) => {
    backend.readRefusal = { code: "UNAVAILABLE", detail: "No quorum answers" };
    for (const read of reads(client)) {
      const asked = read({});
      const error = await assertRejects(() => asked, DoozerError);
      const { code, detail } = error;
      assertEquals([code, detail], ["UNAVAILABLE", "No quorum answers"]);
      await read({ read: "local" });
    }
    const bad = client.get("/d/a", { minRev: 1.5 });
    await assertRejects(() => bad, DoozerError, "Cannot use the rev 1.5");
  }));

Deno.test("status() and recover() speak to the node", () =>
  withClient(async (client, { backend }) => {
    assertEquals(await client.status(), STATUS);
    await client.recover();
    assertEquals(backend.recovered, 1);
    backend.recovery = { code: "OTHER", detail: "It leads" };
    const asked = client.recover();
    await assertRejects(() => asked, DoozerError, "It leads");
  }));

Deno.test("a real node confirms, and tells its status", async () => {
  await using node = await serveNode({ clusterName: "here" });
  using client = await connect(node.uri);
  const rev = await client.set("/a", "v");
  const [{ rev: seen }, current] = await Promise.all([
    client.get("/a"),
    client.rev({ minRev: rev }),
  ]);
  assertEquals([seen, current], [rev, rev]);
  const status = await client.status();
  assertEquals([status.id, status.rev], [node.id, rev]);
  assertEquals([status.role, status.ready], ["leader", true]);
});
