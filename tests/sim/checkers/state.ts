/**
 * Whole states: what a node holds at its rev is what the order of events makes
 * of it, its retained history included.
 *
 * @module
 */
import type { Rev } from "../../../store/mod.ts";
import { fail } from "../violation.ts";
import type { Applied, Canon } from "./canon.ts";

/** What is looked at of a store. */
export interface StateView {
  readonly rev: Rev;
  readonly firstRev: Rev;
  eventAt(rev: Rev): Applied;
  listFiles(): Iterable<{ path: string; rev: Rev; hash: number }>;
}

/** At most so many retained events are compared, the newest ones. */
const COMPARED = 500;

/** Compares a node's state with the order of events. */
export function checkState(
  canon: Canon,
  of: { name: string; store: StateView },
): void {
  const { name, store } = of;
  if (store.rev > canon.rev) {
    fail("one order", `${name} took over rev ${store.rev} of ${canon.rev}`);
  }
  const first = Math.max(store.firstRev, store.rev - COMPARED, 1);
  const by = { name, firstRev: store.firstRev };
  for (let rev = first; rev <= store.rev; rev++) {
    canon.apply(store.eventAt(rev), by);
  }
  checkFiles(canon, of);
}

/** Compares a node's files with those that the order of events leaves. */
export function checkFiles(
  canon: Canon,
  { name, store }: { name: string; store: StateView },
): void {
  let found = 0;
  for (const { path, rev, hash } of store.listFiles()) {
    found++;
    const file = canon.fileAt(path, store.rev);
    if (file?.rev === rev && file.hash === hash) continue;
    fail("equal trees", `${name} has ${path} of ${rev}, not ${file?.rev}`);
  }
  let right = 0;
  for (const path of canon.paths) {
    if (canon.fileAt(path, store.rev) !== undefined) right++;
  }
  if (found === right) return;
  fail(
    "equal trees",
    `${name} has ${found} files at ${store.rev}, not ${right}`,
  );
}
