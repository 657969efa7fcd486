/**
 * One of three nodes with disks is stopped, a file of it damaged, and it is
 * started again: how all that can be done to its disk is read, and a sample of
 * it in a running cluster. All of it there: `deno task sim --damage`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { StoppedDisks, tryDamage } from "./damage.ts";
import { Random } from "./random.ts";
import type { Verdict } from "./verdict.ts";

const SEED = 1;
const SAMPLES = 150;
/** Of the host whose files are tried byte by byte. */
const HOST = 0;

const disks = new StoppedDisks(SEED);
const damages = [...disks.damages()];

Deno.test("each byte that is another is seen, or nobody needs it", () => {
  const counts = new Map<Verdict, number>();
  for (const damage of damages.filter(({ host }) => host === HOST)) {
    const verdict = disks.judge(damage);
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    assert(verdict !== "believed" && verdict !== "lost", show(damage));
    if (verdict !== "torn" && verdict !== "older") continue;
    assert(damage.file === disks.lastLog(damage.host), show(damage));
  }
  for (const verdict of ["as it was", "torn", "older", "damaged"] as const) {
    assert((counts.get(verdict) ?? 0) > 0, verdict);
  }
});

Deno.test("three cals are three again whatever is damaged of one", () => {
  const draw = Math.floor(Math.random() * 2 ** 31);
  console.log(`damage is drawn with seed ${draw}`);
  const random = new Random(draw);
  for (let i = 0; i < SAMPLES; i++) {
    const damage = random.pick(damages);
    const violation = tryDamage(SEED, damage);
    assertEquals(violation?.message, undefined, show(damage));
  }
});

function show(damage: unknown): string {
  return JSON.stringify(damage);
}
