/**
 * The simulator on nodes that cheat: those that keep their promises pass,
 * those that break one are found. Prints nothing but failures.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { FakeLog, FakeNode, type Fault } from "./fake_node.ts";
import { simulate, type SimulationResult } from "./simulation.ts";

const SEEDS = 12;

function runFake(
  seed: number,
  fault?: Fault,
  write?: (line: string) => void,
): SimulationResult {
  const log = new FakeLog(fault);
  const make = (options: ConstructorParameters<typeof FakeNode>[1]) =>
    new FakeNode(log, options);
  return simulate({ seed, make, write, disks: false });
}

Deno.test("simulate() finds nothing where all promises are kept", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation } = runFake(seed);
    assertEquals(violation?.message, undefined, `seed ${seed}`);
  }
});

Deno.test("simulate() gives the same run for the same seed", () => {
  const lines: string[] = [];
  const first = runFake(3);
  const again = runFake(3, undefined, (line) => lines.push(line));
  assertEquals(again.hash, first.hash);
  assert(runFake(4).hash !== first.hash);
  assert(lines.length > 100, "the trace is written");
});

/** What is done, and what it shall be found as. */
const FAULTS: Record<Fault, readonly string[]> = {
  "stale read": ["stale read"],
  "applies twice": ["applied twice", "compare and set"],
  "loses a write": ["lost write"],
  "forgets a promise": ["a promise is kept"],
  "skips an event": ["one order"],
  "never answers": ["nothing hangs", "liveness"],
  "refuses what it does": ["refused but done", "applied twice"],
};

for (const [fault, rules] of Object.entries(FAULTS)) {
  Deno.test(`simulate() finds a node that breaks a promise: ${fault}`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation } = runFake(seed, fault as Fault);
      if (violation === undefined) continue;
      assert(rules.includes(violation.rule), violation.message);
      return;
    }
    throw new Error(`Not found in ${SEEDS} seeds`);
  });
}
