/**
 * What a store shows of itself, and mutations to compare stores by.
 *
 * @module
 */
import fc from "fast-check";
import { compileGlob, type Mutation, type Store } from "../../store/mod.ts";
import { Wait } from "../../store/mod.ts";
import { NOP } from "../store/changes.ts";

/** All revisions of a store that can be seen, and its files. */
export function picture(store: Store): unknown {
  const events: unknown[] = [];
  for (let rev = store.firstRev; rev <= store.rev; rev++) {
    const wait = new Wait(NOBODY, {
      glob: compileGlob("/**"),
      from: rev,
      ticket: 0,
    });
    const event = store.waits.start(wait);
    if (event === undefined || "code" in event) throw new Error("no event");
    const { path, kind, previousRev, body, time, origin } = event;
    const { bytes, start, length } = body;
    const copy = bytes.slice(start, start + length);
    events.push([event.rev, path, kind, previousRev, time, origin, copy]);
  }
  return [events, store.files, store.liveBytes];
}

export const NOBODY = { waitEnded(): void {}, revReached(): void {} };

const PATHS = ["/a", "/a/b", "/b", "/b/c/d", "/no//path"];
/** Of a few paths, so that they meet. */
export const mutations: fc.Arbitrary<Mutation> = fc.record({
  type: fc.constantFrom("set", "set", "set", "del", "nop"),
  path: fc.constantFrom(...PATHS),
  rev: fc.oneof(fc.constant(-1), fc.nat(40)),
  length: fc.oneof(fc.nat(40), fc.nat(40_000), fc.nat(900_000)),
  byte: fc.nat(255),
}).map(({ type, path, rev, length, byte }): Mutation => {
  if (type === "nop") return NOP;
  if (type === "del") return { type, path, rev };
  return { type: "set", path, rev, body: new Uint8Array(length).fill(byte) };
});
