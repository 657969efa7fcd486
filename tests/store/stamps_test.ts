/**
 * Times and origins come back as they were written, whatever they are.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { StampColumns } from "../../store/stamps.ts";
import { randomOf } from "./model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const NOW = 1_790_000_000_000;

function check(stamps: [time: number, origin: string][]): void {
  const columns = new StampColumns(stamps.length);
  // What was there before must not shine through.
  for (let i = 0; i < stamps.length; i++) columns.write(i, i * 1e12, `x${i}`);
  if (stamps.length % 2 === 0) columns.seal();
  columns.clear();
  stamps.forEach(([time, origin], row) => columns.write(row, time, origin));
  columns.seal();
  stamps.forEach(([time, origin], row) => {
    assertEquals(columns.timeOf(row), time);
    assertEquals(columns.originOf(row), origin);
  });
}

Deno.test("StampColumns gives back times that are near, and that are far", () => {
  const far = 2 ** 31;
  const deltas = [0, 1, -1, far - 1, far, far + 1, -far, -far - 1, 2 ** 40, 0];
  check(deltas.map((delta) => [NOW + delta, "o"]));
  check([[0, ""], [NOW, ""], [Number.MAX_SAFE_INTEGER, ""], [0.5, ""]]);
  check([[NOW, ""], [0, ""], [NOW + 1, "a"], [0, ""]]);
});

Deno.test("StampColumns gives back the origins, one or one for each row", () => {
  check(Array.from({ length: 4096 }, (_, i) => [NOW + i, `origin ${i}`]));
  check(Array.from({ length: 4095 }, (_, i) => [NOW + i, `x${4095 - i}`]));
  check(Array.from({ length: 4096 }, () => [NOW, "one"]));
  const random = randomOf(SEED);
  for (const origins of [2, 8, 9, 10, 300]) {
    check(Array.from({ length: 4096 }, () => {
      const origin = `o${Math.floor(random() * origins)}`;
      return [NOW + Math.floor(random() * 2 ** 33), origin];
    }));
  }
});

Deno.test("StampColumns looks up no origin that the row before had", () => {
  const columns = new StampColumns(3000);
  let searched = 0;
  const indexOf = Array.prototype.indexOf;
  Array.prototype.indexOf = function (...args): number {
    searched++;
    return indexOf.apply(this, args);
  };
  try {
    for (let i = 0; i < 3000; i++) columns.write(i, NOW, i < 2000 ? "a" : "b");
  } finally {
    Array.prototype.indexOf = indexOf;
  }
  assert(searched <= 2, `${searched} searches for two origins`);
});

Deno.test("StampColumns keeps each origin once, and none when cleared", () => {
  const columns = new StampColumns(4096);
  for (let round = 0; round < 20; round++) {
    columns.clear();
    for (let row = 0; row < 4096; row++) {
      columns.write(row, NOW, `round ${round}, origin ${row % 100}`);
    }
    assertEquals(columns.origins, 100);
  }
  columns.clear();
  assertEquals(columns.origins, 0);
});
