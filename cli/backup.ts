/**
 * `doozer backup`: writes down all that a cluster holds, while it serves.
 *
 * @module
 */

import { encodeHeader, pieceHead } from "../protocol/mod.ts";
import type { Client, NodeStatus } from "../protocol/net/mod.ts";
import { DoozerError, Store } from "../store/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS, LOCAL_FLAG } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { AdvisedError } from "./failure.ts";
import { catchInterrupt, type Interrupt } from "./interrupt.ts";
import { cannot, type Io, PipeClosed } from "./io.ts";
import { PartFile } from "./part_file.ts";
import { Progress, renderBytes } from "./progress.ts";
import { StateReader } from "./state_reader.ts";
import type { TimeLimit } from "./time_limit.ts";
import { UsageError } from "./usage_error.ts";

/** `doozer backup`. */
export const backupCommand: Command = {
  name: "backup",
  summary: "write all that a cluster holds into a file",
  args: [{ name: "file", optional: true }],
  flags: [
    LOCAL_FLAG,
    { long: "force", help: "replace the file if it is there" },
    ...CLIENT_FLAGS,
  ],
  about: "Writes all files of the cluster, with their revs and as much of " +
    "their history as the node keeps, into <file>; or, where that is - or " +
    "left out, to standard output. Clients go on meanwhile: the backup is of " +
    "one rev, and has every write that was acknowledged before it began. That " +
    "takes a quorum; --local takes what the node that is asked has: of several " +
    "addresses, the first that answers.\n\n" +
    "The file is of mode 0600, for secrets may be in it, and has its name " +
    "only when it is complete, checked and on the disk. It needs the right to " +
    'read. "doozer verify" checks it again, "doozer restore" makes a data ' +
    "directory of it.",
  examples: [
    {
      line: "doozer backup monday.doozer",
      does: "backs up the cluster of DOOZER_URI",
    },
    {
      line: "doozer backup | gzip | ssh vault 'cat >monday.doozer.gz'",
      does: "sends the backup elsewhere",
    },
    {
      line: "doozer backup --local -a 10.0.0.7:8046 last.doozer",
      does: "saves what one survivor has, without a quorum",
    },
  ],
  synonyms: ["dump", "export", "snapshot", "save"],
  deed: "back up",
  run: backUp,
};

/** Where the bytes go. */
interface Target extends Disposable {
  /** How a message calls it. */
  readonly name: string;
  write(bytes: Uint8Array): Promise<void>;
  finish(): void;
}

/** What a backup came to. */
interface Summary {
  readonly rev: number;
  readonly firstRev: number;
  readonly files: number;
  readonly bytes: number;
  readonly cluster: string;
  readonly lineage: string;
}

async function backUp(call: Call): Promise<ExitStatus> {
  const { args: [path = "-"], io } = call;
  if (path === "-" && io.outputIsTerminal) {
    throw new UsageError(
      "Cannot write a backup to the terminal: it is no text",
      'Name a file: "doozer backup FILE"',
    );
  }
  using interrupt = catchInterrupt();
  using target = path === "-" ? toOutput(io) : toFile(call, path);
  let summary: Summary | undefined;
  let failure: unknown;
  await ask(call, async (client, limit) => {
    try {
      summary = await copy(call, { client, limit, target, interrupt });
    } catch (error) {
      if (!isLost(error)) throw error;
      // It is no question of a quorum, as the connection would explain it.
      failure = error;
    }
  });
  if (summary === undefined) throw begunAgain(failure);
  target.finish();
  await report(call, { target, summary });
  return EXIT.done;
}

/** What the copying needs. */
interface Copying {
  readonly client: Client;
  readonly limit: TimeLimit;
  readonly target: Target;
  readonly interrupt: Interrupt;
}

async function copy(
  call: Call,
  { client, limit, target, interrupt }: Copying,
): Promise<Summary> {
  const local = call.flags.on("local");
  const { signal } = interrupt;
  const status = await client.status({ signal, timeoutMs: limit.nextMs() });
  const { cluster, lineage } = status;
  const progress = new Progress({ io: call.io, json: call.output.json });
  const reader = new StateReader("the backup");
  const header = headerOf(status);
  let bytes = header.length;
  let rev = 0;
  try {
    await target.write(header);
    const options = limit.forEach({ local, lineage, signal });
    for await (const piece of client.backup(options)) {
      rev = piece.rev;
      reader.add(piece.bytes, piece.last);
      const head = pieceHead(piece.bytes);
      await target.write(head);
      await target.write(piece.bytes);
      bytes += head.length + piece.bytes.length;
      progress.show(() => `${renderBytes(bytes)} of the state at rev ${rev}`);
      interrupt.check();
      limit.check();
    }
  } catch (error) {
    interrupt.check();
    throw error;
  } finally {
    await progress.end();
  }
  // However long the node keeps it, all of the history is counted.
  const store = new Store({ historyRevs: Number.MAX_SAFE_INTEGER });
  store.adopt(reader.finish().store);
  const { firstRev, files } = store;
  return { rev, firstRev, files, bytes, cluster, lineage };
}

/** The beginning of the file. */
function headerOf({ id, cluster, lineage, members }: NodeStatus): Uint8Array {
  return encodeHeader({
    kind: "backup",
    number: 0,
    node: id,
    lineage,
    parent: "",
    cluster,
    founder: false,
    salt: new Uint8Array(8),
    firstBatch: 0,
    contacts: members.map(({ addr }) => addr),
  });
}

function toOutput(io: Io): Target {
  return {
    name: "standard output",
    async write(bytes): Promise<void> {
      try {
        await io.write(bytes);
      } catch (error) {
        if (!(error instanceof PipeClosed)) throw error;
        // Other commands end well there; half a backup is none.
        throw cannot("write the backup", new Error("its reader has gone"));
      }
    },
    finish(): void {},
    [Symbol.dispose](): void {},
  };
}

function toFile(call: Call, path: string): Target {
  const force = call.flags.on("force");
  const file = PartFile.create(path, { force });
  return {
    name: `"${path}"`,
    write: (bytes) => file.write(bytes),
    finish: () => file.finish({ force }),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

/** Whether the server says that the backup cannot go on. */
function isLost(error: unknown): error is DoozerError {
  return error instanceof DoozerError && error.code === "UNAVAILABLE" &&
    /^(The backup is lost|No backup is open)/.test(error.detail);
}

function begunAgain(cause: unknown): unknown {
  if (!(cause instanceof DoozerError)) return cause;
  return new AdvisedError(cause.code, cause.detail, {
    cause,
    hint: "Write it to a faster place, as a file on this machine, and send " +
      "that on",
  });
}

async function report(
  call: Call,
  { target, summary }: { target: Target; summary: Summary },
): Promise<void> {
  const { rev, firstRev, files, bytes, cluster, lineage } = summary;
  const text = `Backed up "${cluster}" at rev ${rev}, kept from ${firstRev}: ` +
    `${files} files, ${renderBytes(bytes)}, lineage ${lineage}, to ` +
    `${target.name}\n`;
  if (target.name !== "standard output") {
    return await call.output.print(text, { ...summary });
  }
  // There is the backup: nothing may come behind it.
  call.io.say(call.output.json ? JSON.stringify(summary) + "\n" : text);
}
