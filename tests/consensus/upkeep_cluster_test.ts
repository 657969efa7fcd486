/**
 * Upkeep in whole clusters: who is away and lives, comes back, or founds.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { NOP } from "../store/changes.ts";
import { Bench } from "./bench.ts";
import { Cluster, clusterOf } from "./cluster.ts";
import { register } from "./state.ts";

/** A cluster that gives up who is silent for two seconds. */
const CLEARING = { settings: { seatTimeoutTicks: 200 } };

/** The nodes that are registered, as A sees it. */
function registered(cluster: Cluster): string {
  return cluster.of("A").status().members.map(({ id }) => id).sort().join("");
}

Deno.test("a founder seats its companions in one command, when all are there", () => {
  const cluster = new Cluster();
  const founder = cluster.add("A");
  const companions = ["B:1", "C:1"];
  founder.found({ cluster: "local", lineage: "L", companions });
  cluster.settle();
  assertEquals([founder.isOpen, cluster.seats("A")], [false, "A"]);
  cluster.attach("B");
  cluster.attach("X");
  assertEquals([founder.isOpen, cluster.seats("A")], [false, "A"]);
  cluster.attach("C");
  cluster.tick(20);
  assertEquals([founder.isOpen, cluster.seats("A")], [true, "ABC"]);
  cluster.isolate("A");
  cluster.tickUntil(() =>
    cluster.of("B").status().role === "leader" ||
    cluster.of("C").status().role === "leader"
  );
  assertEquals(founder.isOpen, true, "whoever leads then");
  const revs = [1, 2].map((n) => founder.store.get(`/ctl/cal/${n}`).rev);
  assertEquals(revs[1], revs[0]! + 1);
});

Deno.test("a founder whose companions have all gone stays open", () => {
  const cluster = new Cluster(CLEARING);
  const founder = cluster.add("A");
  const companions = ["B:1", "C:1"];
  founder.found({ cluster: "local", lineage: "L", companions });
  cluster.settle();
  cluster.attach("BC");
  cluster.tickUntil(() => founder.isOpen);
  for (const id of "BC") {
    let gone = false;
    cluster.of(id).leave(() => gone = true);
    cluster.tickUntil(() => gone);
    cluster.kill(id);
    cluster.tick(50);
  }
  assertEquals([cluster.seats("A").replaceAll("-", ""), founder.isOpen], [
    "A",
    true,
  ]);
  assertEquals(typeof cluster.write("A", "/x"), "number");
});

Deno.test("an observer that only a follower reaches stays registered", () => {
  const cluster = clusterOf("ABC", CLEARING);
  cluster.add("X").attach("L");
  cluster.link("X", "B");
  cluster.tick(50);
  const { rev } = cluster.of("A").store;
  for (let i = 0; i < 10; i++) {
    cluster.tick(100);
    assertEquals(registered(cluster), "ABCX");
    assert(cluster.of("X").status().ready);
  }
  assertEquals(cluster.of("A").store.rev, rev, "nothing is written for it");
});

Deno.test("... and is cleared when nobody hears of it any more", () => {
  const cluster = clusterOf("ABC", CLEARING);
  cluster.add("X").attach("L");
  cluster.link("X", "B");
  cluster.tick(300);
  assertEquals(registered(cluster), "ABCX");
  cluster.kill("X");
  cluster.tick(250);
  assertEquals(registered(cluster), "ABC");
});

Deno.test("a cal that lost only its link to the leader loses its vote, and no more", () => {
  const cluster = clusterOf("ABC", CLEARING);
  cluster.unlink("A", "C");
  cluster.tick(250);
  assertEquals([cluster.seats("A"), registered(cluster)], ["AB-", "ABC"]);
  const { rev } = cluster.of("A").store;
  for (let i = 1; i <= 6; i++) {
    cluster.tick(100);
    const outcomes = cluster.propose("C", NOP);
    cluster.tick(20);
    // C serves its clients, and nothing else is written.
    assertEquals(outcomes, [rev + i]);
    assertEquals([cluster.seats("A"), registered(cluster)], ["AB-", "ABC"]);
  }
  cluster.link("A", "C");
  cluster.tickUntil(() => cluster.seats("A") === "ABC");
});

Deno.test("who promised more than the leader has comes back, though it lost its vote", () => {
  const cluster = clusterOf("ABC", { observers: "D", ...CLEARING });
  // C alone hears nobody any more, campaigns, and nobody hears that.
  cluster.loses = (message, { from, to }) =>
    from === "C" && message.type === "prepare" ||
    from !== "C" && message.type === "prevote" ||
    from === "A" &&
      (to === "C" || ["accept", "alive", "decided"].includes(message.type));
  cluster.tickUntil(() => cluster.of("C").campaigns > 0);
  cluster.isolate("C");
  // A leads again, below the ballot that C has promised itself.
  cluster.loses = (message, { from }) =>
    message.type === "prevote" && from !== "A";
  cluster.tickUntil(() => cluster.leader === "A");
  cluster.loses = () => false;
  cluster.tickUntil(() => cluster.seats("A") === "ABD");
  cluster.write("A", "/ctl/cal/3", "", 0);
  cluster.join("C");
  cluster.tickUntil(() => cluster.seats("A") === "ABDC", 1_000);
  assertEquals(cluster.of("C").status().leader, "A");
  cluster.tick(400);
  assertEquals(registered(cluster), "ABCD");
});

/** How often a chore looks something up, with so many nodes that are away. */
function lookUps(bench: Bench): { reads: number; lists: number } {
  const counts = { reads: 0, lists: 0 };
  const { store, sessions } = bench.parts.machine;
  const { get } = store;
  const { all } = sessions;
  store.get = (path, rev) => {
    counts.reads++;
    return get.call(store, path, rev);
  };
  sessions.all = () => {
    counts.lists++;
    return all.call(sessions);
  };
  const { now } = bench.parts.election;
  bench.parts.upkeep.tick(now - now % 5);
  return counts;
}

Deno.test("chores cost little, however many nodes are registered and away", () => {
  const NODES = 1_000;
  const table: [name: string, seatTimeoutTicks: number, silent: number][] = [
    ["they are never cleared", 0, 100],
    ["they are away shortly", 200, 100],
    ["they are all to be cleared", 200, 300],
  ];
  for (const [name, seatTimeoutTicks, silent] of table) {
    const bench = new Bench({
      seatTimeoutTicks,
      peers: "BC",
      more: (state) => {
        for (let n = 0; n < NODES; n++) state.apply(register(`N${n}`));
      },
    }).lead();
    bench.parts.upkeep.tick(0);
    for (let i = 0; i < silent; i++) {
      bench.parts.election.tick();
      bench.answer("BC");
    }
    const { reads, lists } = lookUps(bench);
    assert(reads < 10 * NODES, `${name}: ${reads} reads`);
    assert(lists < 10, `${name}: ${lists} lists of all nodes`);
  }
});
