/**
 * The parts of a node: each works on the same state, and speaks by one mouth.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { NodeParts } from "../../consensus/mod.ts";
import type { NodeOptions } from "../../consensus/mod.ts";
import { Store } from "../../store/mod.ts";
import { State } from "./state.ts";

function partsOf(settings: NodeOptions["settings"] = {}) {
  const store = new Store();
  const posted: string[] = [];
  const options: NodeOptions = {
    id: "A",
    store,
    about: { addr: "A:1", hostname: "host", version: "1" },
    onInput: () => {},
    send: () => {},
    random: () => 0,
    now: () => 0,
    settings,
  };
  const parts = new NodeParts(options, {
    peers: new Set(["B"]),
    post: (to, message) => void posted.push(`${to} ${message.type}`),
    install: () => {},
    enqueue: () => {},
  });
  return { parts, posted, store };
}

Deno.test("the machine works on the node's own store, and the others on its members", () => {
  const { parts, store } = partsOf();
  assert(parts.machine.store === store);
  new State(parts.machine).fill("AB");
  parts.replica.skipTo(parts.machine.applied);
  parts.replica.campaign();
  assertEquals(parts.replica.campaigning, true);
  assertEquals(parts.upkeep.serving, false);
});

Deno.test("the election speaks through the node, to its peers", () => {
  const { parts, posted } = partsOf();
  parts.election.showLife();
  assertEquals(posted, ["B alive"]);
});

Deno.test("settings that are not given have their defaults", () => {
  assertEquals(partsOf().parts.settings, {
    seatTimeoutTicks: 0,
    requestTimeoutTicks: 500,
    checkpointBytes: 4 << 20,
  });
  assertEquals(partsOf({ seatTimeoutTicks: 7 }).parts.settings, {
    seatTimeoutTicks: 7,
    requestTimeoutTicks: 500,
    checkpointBytes: 4 << 20,
  });
});
