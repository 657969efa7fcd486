/**
 * Status: what a node says of itself, and whether that is true.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { addressesOf, statusOf } from "../../consensus/mod.ts";
import { Bench } from "./bench.ts";
import { Cluster, clusterOf } from "./cluster.ts";
import { register, stateOf } from "./state.ts";

Deno.test("a serving leader is ready, and knows who can be lost", () => {
  const cluster = clusterOf("ABC", { observers: "D" });
  const status = cluster.of("A").status();
  const { rev, applied, members } = status;
  assertEquals({ ...status, members: [] }, {
    id: "A",
    addr: "A:1",
    version: "1.0.0",
    cluster: "local",
    lineage: "L",
    role: "leader",
    ready: true,
    reason: "",
    leader: "A",
    rev,
    firstRev: 1,
    applied,
    decided: applied,
    durable: false,
    members: [],
    seats: [
      { name: "0", id: "A" },
      { name: "1", id: "B" },
      { name: "2", id: "C" },
    ],
    canLose: 1,
  });
  assertEquals([rev, applied], [
    cluster.of("A").store.rev,
    cluster.of("A").applied,
  ]);
  assertEquals(members[3], {
    id: "D",
    addr: "D:1",
    hostname: "host-D",
    version: "1.0.0",
    seat: null,
    leader: false,
    reachable: true,
  });
  assertEquals(members.map(({ seat }) => seat), ["0", "1", "2", null]);
  assertEquals(members.map(({ leader }) => leader), [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("roles: leader, follower, observer", () => {
  const cluster = clusterOf("AB", { observers: "C" });
  const roles = [..."ABC"].map((id) => cluster.of(id).status().role);
  assertEquals(roles, ["leader", "follower", "observer"]);
});

Deno.test("why a node is not ready", () => {
  const cluster = clusterOf("ABC");
  const reason = (id: string) => cluster.of(id).status().reason;
  cluster.add("X").attach("L");
  assertEquals(reason("X"), "it has no state yet");
  cluster.isolate("C");
  cluster.tick(40);
  assertEquals(reason("C"), "it hears no leader");
  assertEquals(reason("A"), "");
  assertEquals(cluster.of("C").status().ready, false);
});

Deno.test("a founder is not ready before it can serve", () => {
  const cluster = new Cluster();
  const node = cluster.add("A");
  assertEquals(node.status().ready, false);
  node.found({ cluster: "local", lineage: "L" });
  assertEquals(node.status().ready, false);
  cluster.settle();
  assertEquals(node.status().ready, true);
});

Deno.test("how many can be lost follows from who is reached", () => {
  const cluster = clusterOf("ABCDE");
  assertEquals(cluster.of("A").status().canLose, 2);
  cluster.kill("E");
  cluster.settle();
  assertEquals(cluster.of("A").status().canLose, 1);
  cluster.kill("D");
  cluster.settle();
  assertEquals(cluster.of("A").status().canLose, 0);
  cluster.kill("C");
  cluster.settle();
  assertEquals(cluster.of("A").status().canLose, -1);
  assertEquals(clusterOf("A").of("A").status().canLose, 0);
  assertEquals(new Cluster().add("A").status().canLose, -1);
});

Deno.test("a node says that a silent one is not reached", () => {
  const cluster = clusterOf("ABC");
  cluster.pause("C");
  cluster.tick(20);
  const reachable = (id: string) =>
    cluster.of(id).status().members.map((member) => member.reachable);
  assertEquals(reachable("A"), [true, true, false]);
  assertEquals(reachable("B"), [true, true, false]);
});

Deno.test("addressesOf() names the registered nodes", () => {
  const state = stateOf("AB", "C");
  state.apply(register("D", "d.example:8046"));
  assertEquals([...addressesOf(state.machine)], [
    ["A", "A:1"],
    ["B", "B:1"],
    ["C", "C:1"],
    ["D", "d.example:8046"],
  ]);
});

Deno.test("a node says whether its state is on a disk, too", () => {
  const { id, parts } = new Bench();
  const about = { addr: "A:1", version: "1" };
  const said = (durable: boolean) =>
    statusOf({
      ...{ id, about, lineage: "L", registered: true, durable },
      machine: parts.machine,
      replica: parts.replica,
      election: parts.election,
      upkeep: parts.upkeep,
    }).durable;
  assertEquals([said(true), said(false)], [true, false]);
});
