/**
 * Recovery: how a node goes on with what is found on its disk.
 *
 * @module
 */
import { logName, parseName } from "../protocol/mod.ts";
import { Store } from "../store/mod.ts";
import { DirectoryReader } from "./directory_reader.ts";
import type { Disk, DiskOp } from "./disk.ts";
import type { Found } from "./found.ts";
import { Machine } from "./machine.ts";
import type { WalPlace } from "./wal.ts";

/**
 * Reads a data directory; undefined where it is empty.
 *
 * Nothing is changed: {@linkcode placeAfter} says what is to be done before
 * the log goes on.
 *
 * @throws {DoozerError} where another version of the program has written it.
 */
export function readDirectory(disk: Disk): Found | undefined {
  const names = disk.list();
  const whole = names.map((name) => ({ name, ...parseName(name) }))
    .filter(({ kind, part }) => kind !== undefined && !part);
  if (whole.length === 0) return undefined;
  const numbersOf = (wanted: string) =>
    whole.filter(({ kind }) => kind === wanted).map(({ number }) => number!);
  const reader = new DirectoryReader(disk);
  reader.read(numbersOf("snapshot"), numbersOf("log"));
  const oldest = Math.min(...whole.map(({ number }) => number!));
  const parts = names.filter((name) => parseName(name)?.part === true);
  return reader.found(oldest, parts);
}

/** Where the log goes on after what was found, which has no damage. */
export function placeAfter(found: Found): WalPlace {
  const { torn, leftover, sizes, nextBatch, decided } = found;
  const before: DiskOp[] = [];
  // C26: who was killed may have left names that are not on the disk yet.
  if (leftover.length > 0) before.push({ type: "syncDirectory" });
  for (const file of leftover) before.push({ type: "remove", file });
  if (torn !== undefined) {
    before.push({ type: "truncate", file: torn.file, length: torn.offset });
  }
  const segment = Math.max(0, ...sizes.keys());
  // A process that was killed has left what was read, but not on the disk.
  before.push({ type: "sync", file: logName(segment) });
  return { segment, nextBatch, marked: decided, sizes, before };
}

/**
 * The state that was found, up to where it is whole. The image is adopted:
 * this can be done once.
 *
 * @param adoptAccepted takes what was accepted next, without a gap, for decided.
 */
export function replay(
  found: Found,
  { store = new Store(), adoptAccepted = false }: {
    store?: Store;
    adoptAccepted?: boolean;
  } = {},
): Machine {
  const machine = new Machine(store);
  if (found.image !== undefined) {
    machine.adopt(found.image.head, found.image.store);
  } else if (found.header.founder) machine.members.found(found.header.node);
  for (const value of found.values) {
    machine.apply({ seqn: machine.applied + 1, value }, () => {});
  }
  if (!adoptAccepted) return machine;
  for (const { seqn, value } of found.accepted) {
    if (seqn !== machine.applied + 1) break;
    machine.apply({ seqn, value }, () => {});
  }
  return machine;
}
