/**
 * Copies a store by an image of it, and tells all that can be read of one.
 *
 * @module
 */
import {
  compileGlob,
  type ImportedStore,
  type Refusal,
  type Stamp,
  Store,
  type StoreEvent,
  type StoreImage,
  StoreImporter,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import { textOf } from "./changes.ts";
import { randomOf } from "./model.ts";

const NOBODY: Waiter = { waitEnded: () => {}, revReached: () => {} };

/** Reads an image to its end, and builds up a copy. */
export function importImage(image: StoreImage, budget = 500): ImportedStore {
  const importer = new StoreImporter(image);
  while (feed(image, importer, budget) === "more");
  image.close();
  return finished(importer);
}

/** What was imported, which must be whole. */
export function finished(importer: StoreImporter): ImportedStore {
  const imported = importer.finish();
  if (typeof imported === "string") throw new Error(imported);
  return imported;
}

/** Hands one part of the image to the importer. */
export function feed(
  image: StoreImage,
  importer: StoreImporter,
  budget: number,
): "more" | "done" | "lost" {
  const take = (wrong: string | undefined) => {
    if (wrong !== undefined) throw new Error(wrong);
  };
  return image.next(budget, {
    base: (base) => take(importer.base(base)),
    revision: (event) => take(importer.revision(event)),
  });
}

/** A store that has adopted an image of the other as it is now. */
export function copyOf(store: Store, historyRevs = 100_000): Store {
  const copy = new Store({ historyRevs });
  copy.adopt(importImage(store.openImage()));
  return copy;
}

/** The event of a rev that can be read. */
export function eventAt(store: Store, rev: number): StoreEvent {
  const wish = { glob: compileGlob("/**"), from: rev, ticket: 1 };
  const result: StoreEvent | Refusal | undefined = store.waits.start(
    new Wait(NOBODY, wish),
  );
  if (result === undefined || !("kind" in result)) throw new Error("no event");
  return result;
}

/** What the paths were at the rev, each directory's entries, all files. */
export function pictureAt(
  store: Store,
  rev: number,
  paths: readonly string[],
): unknown[] {
  const seen: unknown[] = paths.map((path) => {
    const state = store.get(path, rev);
    const text = state.type === "file" ? textOf(state) : "";
    const names: string[] = [];
    for (let offset = 0; state.type === "directory"; offset++) {
      const name = store.entry(path, { offset, rev });
      if (name === undefined) break;
      names.push(name);
    }
    const count = store.countEntries(path, rev);
    return [path, state.type, state.rev, text, names, count];
  });
  for (const text of ["/**", "/*", "/a/**", "/b/*/*"]) {
    const glob = compileGlob(text);
    for (let offset = 0;; offset++) {
      const match = store.match(glob, { offset, rev });
      if (match === undefined) break;
      seen.push([text, match.path, match.rev, textOf(match)]);
    }
  }
  return seen;
}

/** An event as plain values. */
export function showEvent(event: StoreEvent): unknown[] {
  const { rev, path, kind, previousRev, time, origin, body } = event;
  return [rev, path, kind, previousRev, time, origin, textOf(body)];
}

/** All that can be read of the store, rev by rev, from `from` on. */
export function pictureOf(
  store: Store,
  paths: readonly string[],
  from = store.firstRev,
): unknown[] {
  const { rev, files, liveBytes, hash } = store;
  const seen: unknown[] = [{ rev, from, files, liveBytes, hash }];
  for (let at = from; at <= rev; at++) {
    seen.push(showEvent(eventAt(store, at)), pictureAt(store, at, paths));
  }
  return seen;
}

/** A stamp like those of a cluster of a few nodes, one clock being wrong. */
export function randomStamp(random: () => number): Stamp {
  const time = 1_700_000_000_000 + Math.floor(random() * 1e6);
  const origin = `NODE${Math.floor(random() * 20)}`;
  return { time: random() < 0.05 ? Math.floor(time / 3) : time, origin };
}

/** The paths that a random change may name. */
export const FEW_PATHS: readonly string[] = [
  "/a",
  "/a/b",
  "/a/b/c",
  "/a/b/c/d",
  "/a/d",
  "/b",
  "/b/a/a",
  "/b/a/b",
  "/b/c",
  "/c/d/e/f",
];

/** Changes the stores at random, all in the same way. */
export function changeAtRandom(
  stores: readonly Store[],
  how: { seed: number; changes: number },
): void {
  const { seed, changes } = how;
  const random = randomOf(seed);
  for (let i = 0; i < changes; i++) {
    const path = FEW_PATHS[Math.floor(random() * FEW_PATHS.length)]!;
    const body = new Uint8Array(Math.floor(random() * 4) ** 4).fill(
      65 + i % 26,
    );
    const kind = random();
    const stamp = randomStamp(random);
    for (const store of stores) {
      if (kind < 0.1) store.apply({ type: "nop" }, stamp);
      else if (kind < 0.5) store.apply({ type: "del", path, rev: -1 }, stamp);
      else store.apply({ type: "set", path, rev: -1, body }, stamp);
    }
  }
}
