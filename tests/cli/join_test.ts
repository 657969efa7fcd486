/**
 * Founding and joining with nodes in this process; with real ones it is
 * tests/system/cluster_join_test.ts and cluster_refusals_test.ts.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../protocol/net/connect.ts";
import { DoozerError } from "../../store/mod.ts";
import { startLocal } from "./local_node.ts";

Deno.test("a node attaches to the first of several addresses that answers", async () => {
  const first = await startLocal({ clusterName: "prod" });
  try {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const away = `127.0.0.1:${listener.addr.port}`;
    listener.close();
    const addresses = [away, first.addr];
    const beginning = { how: "attach", addresses } as const;
    const second = await startLocal({ beginning });
    try {
      using client = await connect(`doozer:?ca=${second.addr}`);
      const { cluster, role, members } = await client.status();
      assertEquals([cluster, role], ["prod", "observer"]);
      const ids = members.map(({ id }) => id).toSorted();
      assertEquals(ids, [first.id, second.id].toSorted());
    } finally {
      await second.stop();
    }
  } finally {
    await first.stop();
  }
});

Deno.test("a list of one founds alone", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const beginning = { how: "join", list: [`127.0.0.1:${port}`] } as const;
  const node = await startLocal({ port, beginning });
  try {
    using client = await connect(`doozer:?ca=${node.addr}`);
    assertEquals((await client.status()).role, "leader");
  } finally {
    await node.stop();
  }
});

Deno.test("a node that awaits others can be told to give up", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const list = [`127.0.0.1:${port}`, "127.0.0.1:1"];
  const stop = new AbortController();
  const warned = Promise.withResolvers<void>();
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => warned.resolve(),
    error: () => {},
  };
  const beginning = { how: "join", list } as const;
  const starting = startLocal({ port, beginning, log, signal: stop.signal });
  await Promise.race([warned.promise, starting]);
  stop.abort();
  await assertRejects(() => starting, DOMException);
});

Deno.test("a node cannot attach to itself", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const addresses = [`127.0.0.1:${port}`];
  const beginning = { how: "attach", addresses } as const;
  await assertRejects(
    () => startLocal({ port, beginning }),
    DoozerError,
    "leads back to the node that dials it",
  );
});
