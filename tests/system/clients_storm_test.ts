/**
 * The storm: nodes are killed, frozen and told to stop at random, while clients
 * of the library count and watchers follow. Counters equal the acknowledged
 * increments; every watcher is told every rev once, in order.
 *
 * For less or more, and for the same again:
 *
 *     DOOZER_STORM_SECONDS=60 DOOZER_STORM_SEED=7 deno test -A \
 *       tests/system/clients_storm_test.ts
 *
 * The seed decides what happens to which node, and which client knows whom. It
 * does not decide how the machine runs the processes, so the same seed is a
 * storm of the same kind, not the same run.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, type WatchEvent } from "../../protocol/net/connect.ts";
import { Random } from "../sim/random.ts";
import { Cluster } from "./cluster_nodes.ts";
import { Scratch } from "./durable_nodes.ts";
import { REQUEST_MS, StormClients } from "./storm_clients.ts";
import { assertSame, HABITS, StormWatchers } from "./storm_watchers.ts";
import { storm } from "./storm_weather.ts";

const SECONDS = Number(Deno.env.get("DOOZER_STORM_SECONDS") ?? 15);
const SEED = Number(
  Deno.env.get("DOOZER_STORM_SEED") ?? Math.floor(Math.random() * 2 ** 32),
);
const COUNTERS = 8;
const WRITERS = 2;
/** More revs than any storm makes. */
const HISTORY_REVS = 2_000_000;
const LONGER = SECONDS < 60 ? " (60 s with DOOZER_STORM_SECONDS=60)" : "";

Deno.test(`clients count and watch for ${SECONDS} s of a storm${LONGER}`, async () => {
  console.log(`DOOZER_STORM_SEED=${SEED} DOOZER_STORM_SECONDS=${SECONDS}`);
  const random = new Random(SEED);
  await using scratch = await Scratch.make();
  await using cluster = await Cluster.start({
    size: 3,
    data: scratch.path,
    args: ["-hist", String(HISTORY_REVS)],
  });
  const { addrs } = cluster;
  const from = await write(addrs, "begin");
  await using watchers = await StormWatchers.start(addrs, {
    random: random.fork(),
    from,
  });
  await using clients = await StormClients.start(addrs, {
    random: random.fork(),
    counters: COUNTERS,
    writers: WRITERS,
  });
  const weathered = await storm(cluster, {
    random: random.fork(),
    seconds: SECONDS,
    check() {
      clients.throwFailure();
      watchers.throwFailure();
    },
  });
  const figures = await clients.stop();
  const end = await write(addrs, "end");
  await watchers.finish(end);
  const { failovers } = clients;
  console.log({ ...weathered, ...figures, failovers });
  console.log(`watchers went on elsewhere ${watchers.failovers} times`);
  const history = await historyOf(addrs[0]!, { from, end });
  for (const addr of addrs) {
    assertSame(await historyOf(addr, { from, end }), history, addr);
  }
  // Each mutation makes one rev, and each rev is told.
  assertEquals(history.length, end - from + 1);
  clients.ledger.check(history);
  watchers.check(history);
  assertEquals(figures.unknown, 0, clients.ledger.reasons.join("\n"));
  const { increments, writes } = figures;
  const least = SECONDS * COUNTERS;
  assert(
    increments >= least && writes > increments,
    `${increments}, ${writes}`,
  );
  assertEquals(HABITS.length, 8);
});

/** Writes a file that nobody else does, however long it takes. */
async function write(addrs: readonly string[], text: string): Promise<number> {
  const uri = `doozer:?${addrs.map((addr) => `ca=${addr}`).join("&")}`;
  using client = await connect(uri, { timeoutMs: REQUEST_MS });
  return await client.set("/weather", text);
}

/** All that has happened, as one node tells it to who asks only now. */
async function historyOf(
  addr: string,
  { from, end }: { from: number; end: number },
): Promise<WatchEvent[]> {
  using client = await connect(`doozer:?ca=${addr}`, {
    timeoutMs: REQUEST_MS,
    discover: false,
  });
  const events: WatchEvent[] = [];
  const options = { rev: from, onTooLate: "fail" } as const;
  for await (const event of client.watch("/**", options)) {
    events.push(event);
    if (event.rev >= end) break;
  }
  return events;
}
