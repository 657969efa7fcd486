/**
 * A fixed set of seeds over the real nodes, and that a seed gives the same run
 * again. `deno task sim` runs others; README.md tells how.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Node } from "../../consensus/mod.ts";
import { throughBytes } from "./bytes.ts";
import { simulate, type SimulationResult } from "./simulation.ts";

const FIRST = 1;
const LAST = 20;

function run(seed: number, write?: (line: string) => void): SimulationResult {
  return simulate({
    seed,
    make: (options) => new Node(options),
    codec: throughBytes,
    write,
  });
}

for (let seed = FIRST; seed <= LAST; seed++) {
  Deno.test(`simulate() finds nothing: deno task sim --seed ${seed}`, () => {
    const { violation, counts } = run(seed);
    assertEquals(violation?.message, undefined);
    assert(counts.operations > 0, "clients have asked for something");
  });
}

Deno.test("simulate() gives the same run of real nodes for a seed", () => {
  const lines: string[] = [];
  const first = run(FIRST);
  const again = run(FIRST, (line) => lines.push(line));
  assertEquals([again.hash, again.events], [first.hash, first.events]);
  assert(lines.length > 100, "the trace is written");
});
