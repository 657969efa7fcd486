/**
 * New directories: a state is written down as the beginning of another
 * lineage, while no node uses it: for restore and recover.
 *
 * @module
 */
import { BatchWriter, type Claim, encodeHeader } from "../protocol/mod.ts";
import { type Ballot, encodeImageHead, ImageWriter } from "../protocol/mod.ts";
import { logName, type NodeId, partOf } from "../protocol/mod.ts";
import { pieceHead, snapshotName } from "../protocol/mod.ts";
import type { DiskOp } from "./disk.ts";
import type { TornEnd } from "./found.ts";
import type { Machine } from "./machine.ts";

/** What is written down, and for whom. */
export interface NewDirectory {
  /** The state, in which the node has the only seat. */
  readonly machine: Machine;
  readonly node: NodeId;
  readonly lineage: string;
  /** The lineage that this one is cut off from. */
  readonly parent: string;
  /** Of the segment and the snapshot: above all that are there. */
  readonly number: number;
  /** What the node has claimed before; a new one begins at its first start. */
  readonly claim?: Claim;
  /** What it has promised before. */
  readonly promised?: Ballot;
  /** Random bytes. */
  readonly salt: Uint8Array;
  /** Files to be removed when all is written. */
  readonly old?: readonly string[];
  /** The end of the old log, which nothing may follow as it is. */
  readonly torn?: TornEnd | undefined;
}

/**
 * Operations, list by list: each is to be carried out before the next is
 * asked for. Until the last but one is done, what was there before counts.
 */
export function* writeDirectory(
  directory: NewDirectory,
): Generator<readonly DiskOp[]> {
  const { number, old = [], torn } = directory;
  if (torn !== undefined) {
    const { file, offset } = torn;
    yield [
      { type: "truncate", file, length: offset },
      { type: "sync", file },
    ];
  }
  yield beginLog(directory);
  const to = snapshotName(number);
  const file = partOf(to);
  yield [
    { type: "create", file },
    { type: "append", file, bytes: headerOf(directory, "snapshot") },
  ];
  const head = encodeImageHead(directory.machine.head);
  const image = new ImageWriter(directory.machine.store, { head });
  for (let piece = image.next(); piece !== undefined; piece = image.next()) {
    yield [
      { type: "append", file, bytes: pieceHead(piece.bytes) },
      { type: "append", file, bytes: piece.bytes },
    ];
    if (piece.last) break;
  }
  image.close();
  yield [
    { type: "sync", file },
    { type: "rename", file, to },
    { type: "syncDirectory" },
  ];
  yield [
    ...old.map((file): DiskOp => ({ type: "remove", file })),
    { type: "syncDirectory" },
  ];
}

/** The log comes first: without its snapshot it counts for nothing. */
function beginLog(directory: NewDirectory): DiskOp[] {
  const { claim = NOTHING, promised, number, salt } = directory;
  const writer = new BatchWriter();
  writer.add({ type: "started", claim });
  if (promised !== undefined) {
    writer.add({ type: "promised", ballot: promised, position: 0 });
  }
  const header = headerOf(directory, "log");
  const offset = header.length;
  const to = logName(number);
  const file = partOf(to);
  return [
    { type: "create", file },
    { type: "append", file, bytes: header },
    {
      type: "append",
      file,
      bytes: writer.seal({ number: 1, offset, salt }),
    },
    { type: "sync", file },
    { type: "rename", file, to },
    { type: "syncDirectory" },
  ];
}

function headerOf(
  { machine, node, lineage, parent, number, salt }: NewDirectory,
  kind: "log" | "snapshot",
): Uint8Array {
  return encodeHeader({
    kind,
    number,
    node,
    lineage,
    parent,
    cluster: machine.cluster,
    founder: false,
    salt,
    firstBatch: kind === "log" ? 1 : 0,
    contacts: [],
  });
}

const NOTHING: Claim = { incarnation: 0, start: 0, position: 0 };
