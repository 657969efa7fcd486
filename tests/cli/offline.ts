/**
 * Backups and data directories for the tests of the offline commands.
 *
 * @module
 */

import { readCommandLine } from "../../cli/command_line.ts";
import type { Call } from "../../cli/command.ts";
import type { DataTools, ReadDirectory } from "../../cli/data_tools.ts";
import { explain, renderFailure } from "../../cli/failure.ts";
import { Output, wantsJson } from "../../cli/output.ts";
import { joinBytes } from "../../cli/output.ts";
import { COMMANDS } from "../../cli/table.ts";
import type { Disk, Found, NewDirectory } from "../../consensus/mod.ts";
import { replay } from "../../consensus/mod.ts";
import {
  type DataFileHeader,
  decodeImageHead,
  encodeHeader,
  ImageReader,
  ImageWriter,
  pieceHead,
} from "../../protocol/mod.ts";
import { FakeBackend, STATUS } from "../protocol/fake_backend.ts";
import { FakeIo, type FakeOptions } from "./fake_io.ts";

export const HEADER: DataFileHeader = {
  kind: "backup",
  number: 0,
  node: STATUS.id,
  lineage: STATUS.lineage,
  parent: "",
  cluster: STATUS.cluster,
  founder: false,
  salt: new Uint8Array(8),
  firstBatch: 0,
  contacts: [STATUS.addr],
};

/** A node with a seat and some files; at rev 4. */
export function smallBackend(): FakeBackend {
  const backend = new FakeBackend();
  backend.write("/ctl/cal/0", STATUS.id);
  for (const value of ["1", "2", "3"]) backend.write("/d/a", value);
  return backend;
}

/** The pieces of a node's image. */
function piecesOf({ store, headBytes }: FakeBackend): Uint8Array[] {
  const writer = new ImageWriter(store, { head: headBytes });
  const pieces: Uint8Array[] = [];
  while (true) {
    const { bytes, last } = writer.next()!;
    pieces.push(bytes);
    if (last) return pieces;
  }
}

/** A backup of it. */
export function backupOf(
  backend: FakeBackend,
  header: DataFileHeader = HEADER,
): Uint8Array {
  const pieces = piecesOf(backend).flatMap((
    piece,
  ) => [pieceHead(piece), piece]);
  return joinBytes([encodeHeader(header), ...pieces]);
}

/** What would be found in a directory with that node's state. */
export function foundOf(backend: FakeBackend): Found {
  const reader = new ImageReader();
  const pieces = piecesOf(backend);
  for (const [i, piece] of pieces.entries()) {
    reader.add(piece, i === pieces.length - 1);
  }
  const head = decodeImageHead(reader.head);
  return {
    header: { ...HEADER, kind: "log", number: 2 },
    claim: { incarnation: 3, start: 1, position: 9 },
    image: { head, store: reader.finish() },
    promised: head.leadership,
    accepted: [],
    values: [],
    applied: head.applied,
    decided: head.applied,
    peers: new Map(),
    torn: undefined,
    damage: undefined,
    snapshotBytes: 3 << 10,
    sizes: new Map([[2, 1024], [3, 1024]]),
    nextBatch: 7,
    repeated: [],
    oldest: 2,
    contacts: [],
    alone: true,
    leftover: [],
  };
}

const NO_DISK: Disk = {
  list: () => ["log-000000000002", "snapshot-000000000002", "lock", "x"],
  size: () => 0,
  read: () => new Uint8Array(0),
  perform: () => {},
};

/** Directories that hold what the test says, and what is done to them. */
export class FakeTools implements DataTools {
  found: Found | undefined;
  /** In order: open, write, close. */
  readonly done: string[] = [];
  written: NewDirectory | undefined;
  /** What writing fails with. */
  failure: Error | undefined;
  readonly replay = replay;

  look(path: string): ReadDirectory {
    const close = () => this.done.push("close");
    return { disk: NO_DISK, path, [Symbol.dispose]: close };
  }

  open(path: string): ReturnType<DataTools["open"]> {
    this.done.push("open");
    Deno.mkdirSync(path, { recursive: true });
    Deno.writeTextFileSync(`${path}/lock`, "");
    return Promise.resolve({
      disk: NO_DISK,
      path,
      close: () => void this.done.push("close"),
    });
  }

  read(): Found | undefined {
    return this.found;
  }

  write(_disk: Disk, state: NewDirectory): Promise<void> {
    this.done.push("write");
    this.written = state;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve();
  }
}

/** Runs a command with these tools, as the command line would. */
export async function runWith(
  run: (call: Call) => Promise<number>,
  { args, ...options }: FakeOptions & { args: readonly string[] },
): Promise<FakeIo & { status: number }> {
  const io = Object.assign(new FakeIo(options), { status: -1 });
  const line = readCommandLine(args, COMMANDS);
  const json = wantsJson(line.flags);
  const output = new Output(io, { json });
  const command = line.command!;
  try {
    const call = { ...line, command, io, output, commands: COMMANDS };
    io.status = await run(call);
    await output.flush();
  } catch (error) {
    const failure = explain(error, { deed: command.name });
    io.say(renderFailure(failure, { json }));
    io.status = failure.exit;
  }
  return io;
}
