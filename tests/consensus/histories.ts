/**
 * Directories that real nodes have written, and what was in them at the end of
 * each batch.
 *
 * @module
 */
import {
  type FileDamage,
  formatBallot,
  type Found,
} from "../../consensus/mod.ts";
import { readDirectory, replay } from "../../consensus/mod.ts";
import { crc32c, logName, parseName } from "../../protocol/mod.ts";
import { readBatches, readHeader } from "../../protocol/mod.ts";
import { Cluster, clusterOf } from "./cluster.ts";
import { shortIds } from "./disk_words.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { showClaim } from "./words.ts";

export type Files = ReadonlyMap<string, Uint8Array>;

/** The files, one of them changed; undefined removes it. */
export function withFile(
  files: Files,
  name: string,
  bytes: Uint8Array | undefined,
): Files {
  const changed = new Map(files);
  if (bytes === undefined) changed.delete(name);
  else changed.set(name, bytes);
  return changed;
}

/** What a directory says, but for where the log goes on. */
export function summaryOf(found: Found): string {
  const { claim, promised, accepted, applied } = found;
  const machine = replay(found);
  const values = accepted.map(({ seqn, ballot, value }) =>
    `${seqn}=${crc32c(value)}@${formatBallot(ballot)}`
  );
  return shortIds(
    `claim ${showClaim(claim)}, promised ${formatBallot(promised)}, ` +
      `accepted ${values.join(" ")}, applied ${applied}: ` +
      `rev ${machine.store.rev}, hash ${machine.hash}`,
  );
}

/** What {@linkcode summaryOf} says of these files, or what is damaged. */
export function readFiles(files: Files): string | FileDamage {
  const found = readDirectory(MemoryDisk.of(files));
  if (found === undefined) return "nothing";
  return found.damage ?? summaryOf(found);
}

/** Where a batch of the last segment ends, and what is known then. */
export interface Boundary {
  readonly end: number;
  readonly summary: string;
}

/** The files of a directory, and what they say. */
export interface Sample {
  readonly name: string;
  readonly files: Files;
  /** The states that it went through. */
  readonly states: States;
  readonly summary: string;
  /** The last segment of the log. */
  readonly last: string;
  /** Of the batches of the last segment, in order. */
  readonly boundaries: readonly Boundary[];
  /** Files that are read: damage in others means nothing. */
  readonly read: readonly string[];
}

/** The machine's hash at each slot, as it was when it was alive. */
export type States = Map<number, number>;

/** Adds the states that a directory leads through. */
export function noteStates(states: States, disk: MemoryDisk): void {
  const found = readDirectory(MemoryDisk.of(disk.files()));
  if (found === undefined) return;
  for (let end = found.values.length; end >= 0; end--) {
    const again = readDirectory(MemoryDisk.of(disk.files()))!;
    const machine = replay({ ...again, values: again.values.slice(0, end) });
    const before = states.get(machine.applied);
    if (before !== undefined && before !== machine.hash) {
      throw new Error(`Slot ${machine.applied} has two states`);
    }
    states.set(machine.applied, machine.hash);
    if (before !== undefined && end < found.values.length) break;
  }
}

/** Takes the directory as it is. */
export function sampleOf(
  name: string,
  { disk, states }: { disk: MemoryDisk; states: States },
): Sample {
  const files = disk.files();
  const numbers = (wanted: string) =>
    [...files.keys()].map((file) => parseName(file))
      .flatMap((read) => read?.kind === wanted ? [read.number] : []);
  const newest = Math.max(0, ...numbers("snapshot"));
  const last = logName(Math.max(...numbers("log")));
  const bytes = files.get(last)!;
  const header = readHeader(bytes);
  if ("why" in header) throw new Error(header.why);
  const { firstBatch: number, salt } = header.header;
  const { batches } = readBatches(bytes, {
    start: header.length,
    number,
    salt,
  });
  const boundaries = batches.map(({ offset, payload }) => {
    const end = offset + 20 + payload.length;
    const summary = readFiles(withFile(files, last, bytes.slice(0, end)));
    if (typeof summary !== "string") throw new Error(summary.why);
    return { end, summary };
  });
  const read = [...files.keys()].filter((file) =>
    (parseName(file)?.number ?? -1) >= newest
  );
  const { summary } = boundaries.at(-1)!;
  return { name, files, states, summary, last, boundaries, read };
}

/** A lone node that was started so often, and wrote a little each time. */
export function lone(
  starts: number,
  states: States = new Map(),
): Cluster {
  const cluster = new Cluster({ durable: true });
  const live = () => {
    cluster.write("A", "/file", `written at ${cluster.of("A").applied}`);
    noteStates(states, cluster.diskOf("A"));
  };
  cluster.found("A");
  live();
  for (let start = 1; start < starts; start++) {
    cluster.restart("A");
    cluster.tickUntil(() => cluster.of("A").status().ready);
    live();
  }
  return cluster;
}

/** So many starts make a lone node write its state down. */
export const CHECKPOINT_STARTS = 17;

/** Three nodes that have written a little. */
export function three(): Cluster {
  const cluster = clusterOf("ABC", { durable: true });
  for (const id of "ABC") cluster.write(id, `/of/${id}`);
  return cluster;
}

/** What there is to be damaged. */
export function samples(): Sample[] {
  return [
    sampleOfLone("one start", { starts: 1 }),
    sampleOfLone("two starts", { starts: 2 }),
    sampleOfLone("a snapshot", { starts: CHECKPOINT_STARTS }),
    sampleOfLone("a snapshot, and a start after it", {
      starts: CHECKPOINT_STARTS,
      then: (cluster) => {
        cluster.restart("A");
        cluster.tickUntil(() => cluster.of("A").status().ready);
        cluster.write("A", "/later");
      },
    }),
    sampleOfLone("a snapshot, and what it replaces", {
      starts: CHECKPOINT_STARTS - 1,
      then: (cluster) => {
        const disk = cluster.diskOf("A").copy();
        disk.mayGoOn = (op) => op.type !== "remove";
        cluster.restart("A", disk);
        cluster.tick(50);
      },
    }),
    sampleOfThree("A"),
    sampleOfThree("B"),
  ];
}

function sampleOfLone(
  name: string,
  { starts, then }: {
    starts: number;
    then?: (cluster: Cluster) => void;
  },
): Sample {
  const states: States = new Map();
  const cluster = lone(starts, states);
  then?.(cluster);
  const disk = cluster.diskOf("A");
  noteStates(states, disk);
  return sampleOf(name, { disk, states });
}

function sampleOfThree(id: string): Sample {
  const states: States = new Map();
  const disk = three().diskOf(id);
  noteStates(states, disk);
  return sampleOf(`${id} of three`, { disk, states });
}
