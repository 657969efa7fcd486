/**
 * A client of the library that was told of one node finds the others, and goes
 * on when that one is gone.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../protocol/net/connect.ts";
import { Cluster, until } from "./cluster_nodes.ts";

/** Longer than anything takes on a machine that has much to do. */
const timeoutMs = 60_000;

Deno.test("a client that knows one node goes on when that one is killed", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const told = cluster.nodes[0]!;
  using client = await connect(`doozer:?ca=${told.addr}`, { timeoutMs });
  const addrs = cluster.addrs.toSorted();
  await until("the client knows all nodes", () => {
    const known = client.servers.toSorted();
    return Promise.resolve(known.join() === addrs.join());
  });
  const rev = await client.set("/a", "1", { rev: 0 });
  const watch = client.watch("/a", { rev, onTooLate: "fail" });
  assertEquals((await watch.next()).value?.rev, rev);
  const next = watch.next();
  await cluster.kill(told);
  const second = await client.set("/a", "2", { rev });
  const { value } = await next;
  assertEquals([value?.rev, value?.previousRev], [second, rev]);
  assert(cluster.addrs.includes(client.address), client.address);
  assertEquals((await client.get("/a")).rev, second);
  await watch.return();
});

Deno.test("a client that is not to look for others knows one node", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const { addr } = cluster.nodes[0]!;
  const discover = false;
  using client = await connect(`doozer:?ca=${addr}`, { discover, timeoutMs });
  assert(await client.set("/a", "1") > 0);
  assertEquals(client.servers, [addr]);
});
