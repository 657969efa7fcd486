/**
 * `doozer restore`: makes the data directory of a first node of a backup.
 *
 * @module
 */

import { Machine } from "../consensus/mod.ts";
import { type ReadBackup, readBackup } from "./backup_reader.ts";
import type { Call, Command } from "./command.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import { DATA_TOOLS, type DataTools, newSalt } from "./data_tools.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { AdvisedError } from "./failure.ts";
import { catchInterrupt, type Interrupt } from "./interrupt.ts";
import { cannot } from "./io.ts";
import { Progress, renderBytes } from "./progress.ts";
import { randomId } from "./random_id.ts";
import { UsageError } from "./usage_error.ts";
import { allOfHistory, nameOf, openBackup } from "./verify.ts";

/** `doozer restore`. */
export const restoreCommand: Command = {
  name: "restore",
  summary: "make a data directory of a backup",
  args: [{ name: "file", optional: true }],
  flags: [
    {
      long: "data",
      takes: "DIR",
      help: "the data directory to make; it must be absent or empty",
    },
    ...COMMON_FLAGS,
  ],
  about: "Reads a backup from <file>; or, where that is - or left out, from " +
    "standard input; checks all of it, and then makes a data directory with " +
    "all its files, revs and history. If anything is wrong, nothing is left " +
    "behind.\n\n" +
    "The node that is started in it is a new one, alone, with the only taken " +
    "seat; the history has a new lineage, and /ctl/lineage/parent names that " +
    "of the backup. Revs that were given out after the backup are given out " +
    "again, for other changes: clients that name the lineage are told " +
    "(--lineage), others cannot be, and should be started anew.\n\n" +
    "What writers of before do not know the outcome of stays unknown.",
  examples: [
    {
      line: "doozer restore monday.doozer --data /var/lib/doozer",
      does: "makes the directory",
    },
    {
      line: "doozer serve --data /var/lib/doozer",
      does: 'starts the node; others, with empty directories and "-a"',
    },
    {
      line: "gunzip <monday.doozer.gz | doozer restore --data /var/lib/doozer",
      does: "restores one that is packed",
    },
  ],
  synonyms: ["import", "load"],
  run: (call) => restore(call, DATA_TOOLS),
};

/** Restores what the argument names. */
export async function restore(
  call: Call,
  tools: DataTools,
): Promise<ExitStatus> {
  const { args: [path = "-"], flags, io } = call;
  const data = flags.text("data");
  if (data === undefined || data === "") {
    throw new UsageError(
      "Missing directory to restore to",
      "Name it with --data DIR",
    );
  }
  if (path === "-" && io.inputIsTerminal) {
    throw new UsageError(
      "Cannot read a backup from the terminal",
      'Name its file: "doozer restore FILE --data DIR"',
    );
  }
  using interrupt = catchInterrupt();
  const wasThere = checkEmpty(data);
  // All of it is checked before anything is made.
  const backup = await read(call, { path, interrupt });
  const made = await write({ data, wasThere, tools, backup, interrupt });
  await report(call, { data, backup, ...made });
  return EXIT.done;
}

/** Tells whether the directory is there; fails where it is not empty. */
function checkEmpty(path: string): boolean {
  try {
    for (const { name } of Deno.readDirSync(path)) {
      const detail = `Cannot restore to "${path}": it is not empty, it ` +
        `holds "${name}"`;
      const hint = "Name a new directory, or move away what is there";
      throw new AdvisedError("OTHER", detail, { hint });
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof AdvisedError) throw error;
    throw cannot(`restore to "${path}"`, error);
  }
}

async function read(
  call: Call,
  { path, interrupt }: { path: string; interrupt: Interrupt },
): Promise<ReadBackup> {
  const progress = new Progress({ io: call.io, json: call.output.json });
  const onBytes = (bytes: number): void => {
    interrupt.check();
    progress.show(() => `${renderBytes(bytes)} are read`);
  };
  try {
    const stream = openBackup(call, path);
    return await readBackup(stream, { what: nameOf(path), onBytes });
  } finally {
    await progress.end();
  }
}

/** What came to be. */
interface Made {
  readonly id: string;
  readonly lineage: string;
  readonly rev: number;
  readonly firstRev: number;
  readonly files: number;
}

async function write(
  { data, wasThere, tools, backup, interrupt }: {
    data: string;
    wasThere: boolean;
    tools: DataTools;
    backup: ReadBackup;
    interrupt: Interrupt;
  },
): Promise<Made> {
  const store = allOfHistory();
  const machine = new Machine(store);
  machine.adopt(backup.state.head, backup.state.store);
  const { lineage: parent } = backup.header;
  const id = randomId();
  const lineage = randomId();
  // The new node has the only seat, and no writer of before a session.
  machine.recover(id, { time: Date.now(), parent });
  interrupt.check();
  const directory = await tools.open(data);
  try {
    const { disk } = directory;
    const made = { machine, node: id, lineage, parent };
    await tools.write(disk, { ...made, number: 1, salt: newSalt() });
    interrupt.check();
  } catch (error) {
    directory.close();
    leaveNothing(data, wasThere);
    throw error;
  }
  directory.close();
  const { rev, firstRev, files } = store;
  return { id, lineage, rev, firstRev, files };
}

/** It was empty or absent, so all that is there is ours. */
function leaveNothing(path: string, wasThere: boolean): void {
  try {
    if (!wasThere) return Deno.removeSync(path, { recursive: true });
    for (const { name } of Deno.readDirSync(path)) {
      Deno.removeSync(`${path}/${name}`, { recursive: true });
    }
  } catch {
    // What went wrong before is told.
  }
}

async function report(
  call: Call,
  { data, backup, ...made }: Made & { data: string; backup: ReadBackup },
): Promise<void> {
  const { id, lineage, rev, firstRev, files } = made;
  const { cluster, lineage: parent } = backup.header;
  await call.output.print(
    `Restored "${cluster}" at rev ${rev}, kept from ${firstRev}: ${files} ` +
      `files, lineage ${lineage}, from ${parent}.\n` +
      `Now start the node ${id}: doozer serve --data ${data}\n` +
      "Start others anew, with empty directories and -a ADDR\n",
    { cluster, parent, ...made, data },
  );
}
