/**
 * `doozer verify`: says whether a data directory, or a backup, is whole.
 *
 * @module
 */

import type { Found } from "../consensus/mod.ts";
import { Store } from "../store/mod.ts";
import { BadBackup, readBackup } from "./backup_reader.ts";
import type { Call, Command } from "./command.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import { DATA_TOOLS, type DataTools } from "./data_tools.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { AdvisedError } from "./failure.ts";
import { cannot } from "./io.ts";
import { alignColumns } from "./member_rows.ts";
import type { JsonFields } from "./output.ts";
import { Progress, renderBytes } from "./progress.ts";

/** `doozer verify`. */
export const verifyCommand: Command = {
  name: "verify",
  summary: "check a data directory or a backup, offline",
  args: [{ name: "file" }],
  flags: COMMON_FLAGS,
  about: "Reads <file>, the data directory of a node that does not run, or a " +
    'backup ("-" is one from standard input), all of it, and says what it ' +
    "holds. It changes nothing.\n\n" +
    "A log that ends within its last batch is whole: a loss of power does " +
    "that. That end was never acknowledged, and is cut at the next start.\n\n" +
    "The exit status is 0 if all is whole, and 2 if something is damaged: " +
    "which file, at which byte, and what can be done.",
  examples: [
    {
      line: "doozer verify /var/lib/doozer",
      does: "checks what a stopped node has on disk",
    },
    { line: "doozer verify monday.doozer", does: "checks a backup" },
    {
      line: "gunzip <monday.doozer.gz | doozer verify -",
      does: "checks one that is packed",
    },
  ],
  synonyms: ["fsck", "validate"],
  run: (call) => verify(call, DATA_TOOLS),
};

/** Checks what the argument names. */
export async function verify(
  call: Call,
  tools: DataTools,
): Promise<ExitStatus> {
  const [path = ""] = call.args;
  const isBackup = path === "-" || !isDirectory(path);
  return await (isBackup ? verifyBackup(call) : verifyDirectory(call, tools));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    throw cannot(`verify "${path}"`, error);
  }
}

async function verifyDirectory(
  call: Call,
  tools: DataTools,
): Promise<ExitStatus> {
  const [path = ""] = call.args;
  using directory = tools.look(path);
  const found = tools.read(directory);
  if (found === undefined) {
    throw new AdvisedError("OTHER", `There are no data in "${path}"`, {
      hint: "Name the directory that a node was given with --data",
    });
  }
  const state = stateOf(found, tools);
  const { damage } = found;
  const fields = { ...directoryFields(found, state), whole: !damage };
  const text = alignColumns(directoryRows(found, state)).join("\n") + "\n" +
    (damage === undefined ? "" : advice(path));
  await call.output.print(text, fields);
  return damage === undefined ? EXIT.done : EXIT.failed;
}

/** What the files make, up to where they are whole. */
interface State {
  readonly cluster: string;
  readonly rev: number;
  readonly firstRev: number;
  readonly files: number;
  readonly applied: number;
}

function stateOf(found: Found, tools: DataTools): State {
  const store = allOfHistory();
  const machine = tools.replay(found, { store, adoptAccepted: false });
  const { rev, firstRev, files } = store;
  const { applied, cluster } = machine;
  return { cluster, rev, firstRev, files, applied };
}

/** A store that forgets nothing of what it is given. */
export function allOfHistory(): Store {
  return new Store({ historyRevs: Number.MAX_SAFE_INTEGER });
}

function logBytes({ sizes }: Found): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function directoryRows(found: Found, state: State): string[][] {
  const { header, claim, snapshotBytes, torn, damage } = found;
  const { node, lineage, parent } = header;
  const { cluster } = state;
  const from = parent === "" ? "" : `, from ${parent}`;
  const log = renderBytes(logBytes(found));
  const rows = [
    ["node", `${node}, starts: ${claim.incarnation}`],
    ["cluster", `${cluster}, lineage ${lineage}${from}`],
    ...stateRows(state),
    ["log", `slot ${state.applied} is the last that is whole`],
    ["size", `snapshot ${renderBytes(snapshotBytes)}, log ${log}`],
  ];
  if (torn !== undefined) {
    const { file, offset, bytes } = torn;
    const end = `${bytes} bytes from byte ${offset} of "${file}" on`;
    rows.push([
      "torn",
      `${end}: never acknowledged, and cut at the next start`,
    ]);
  }
  if (damage === undefined) rows.push(["health", "whole"]);
  else {
    const { file, offset, why } = damage;
    rows.push(["health", `DAMAGED: "${file}", at byte ${offset}: ${why}`]);
  }
  return rows;
}

function stateRows(
  { rev, firstRev, files }: Omit<State, "cluster" | "applied">,
): string[][] {
  return [["rev", `${rev}, kept from ${firstRev}`], ["files", `${files}`]];
}

function directoryFields(found: Found, state: State): JsonFields {
  const { header, claim, snapshotBytes, torn, damage } = found;
  const { node: id, lineage, parent } = header;
  return {
    kind: "directory",
    id,
    lineage,
    parent,
    incarnation: claim.incarnation,
    ...state,
    snapshotBytes,
    logBytes: logBytes(found),
    torn: torn ?? null,
    damage: damage ?? null,
  };
}

function advice(path: string): string {
  return "What is told above is what stands before the damage. A node of a " +
    "cluster repairs itself:\n" +
    "start it as ever, and it copies the state from the others. If it is " +
    "alone, restore a\n" +
    'backup ("doozer help restore"), or go on from before the damage:\n' +
    `  doozer recover --data ${path}\n`;
}

async function verifyBackup(call: Call): Promise<ExitStatus> {
  const [path = ""] = call.args;
  const what = nameOf(path);
  const progress = new Progress({ io: call.io, json: call.output.json });
  const onBytes = (bytes: number): void =>
    progress.show(() => `${renderBytes(bytes)} are whole`);
  try {
    const read = await readBackup(openBackup(call, path), { what, onBytes })
      .finally(() => progress.end());
    const { node: id, cluster, lineage } = read.header;
    const store = allOfHistory();
    store.adopt(read.state.store);
    const { rev, firstRev, files } = store;
    const { applied } = read.state.head;
    const rows = [
      ["node", id],
      ["cluster", `${cluster}, lineage ${lineage}`],
      ...stateRows({ rev, firstRev, files }),
      ["size", renderBytes(read.bytes)],
      ["health", "whole"],
    ];
    const state = { rev, firstRev, files, applied, bytes: read.bytes };
    await call.output.print(alignColumns(rows).join("\n") + "\n", {
      ...{ kind: "backup", id, cluster, lineage, ...state },
      ...{ damage: null, whole: true },
    });
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof BadBackup) || !call.output.json) throw error;
    const { offset, why } = error;
    const damage = { file: path, offset, why };
    await call.output.print("", { kind: "backup", damage, whole: false });
    return EXIT.failed;
  }
}

/** How a message calls a backup. */
export function nameOf(path: string): string {
  return path === "-" ? "the backup" : `the backup "${path}"`;
}

/** The bytes of a backup. */
export function openBackup(
  { io }: Call,
  path: string,
): AsyncIterable<Uint8Array> {
  if (path === "-") return io.input;
  try {
    return Deno.openSync(path).readable;
  } catch (error) {
    throw cannot(`read "${path}"`, error);
  }
}
