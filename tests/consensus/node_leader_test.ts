/**
 * Who leads, as a node tells whoever watches it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { FIRST_CLAIM, Node } from "../../consensus/mod.ts";
import { Store } from "../../store/mod.ts";

Deno.test("a node tells who leads when that changes, and only then", () => {
  const told: (string | null)[] = [];
  const node = new Node({
    id: "A",
    store: new Store(),
    about: { addr: "A:1", hostname: "a", version: "1" },
    onInput: () => {},
    send: () => {},
    random: () => 0,
    now: () => 0,
    onLeader: (leader) => void told.push(leader),
  });
  node.attach("L");
  node.linkUp("B");
  const alive = {
    type: "alive",
    ballot: { round: 1, node: "B" },
    decided: 0,
    round: 0,
    claim: FIRST_CLAIM,
    began: 0,
    full: false,
  } as const;
  for (let i = 0; i < 3; i++) node.receive("B", alive);
  node.run();
  assertEquals(told, ["B"]);
  node.linkDown("B");
  node.run();
  assertEquals(told, ["B", null]);
});
