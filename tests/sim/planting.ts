/**
 * Plants bugs: changes a copy of the source, and simulates that in a process
 * of its own, seed after seed, until it is found.
 *
 * @module
 */
import type { Bug, Patch } from "./bugs/bug.ts";

/** What a simulation needs of the repository. */
const COPIED = [
  "deno.json",
  "deno.lock",
  "store",
  "protocol",
  "consensus",
  "tests/sim",
] as const;

const TOP = new URL("../../", import.meta.url);

/** How long a bug is looked for. */
export interface Patience {
  /** Seeds from 1 on. */
  readonly most: number;
  readonly seconds: number;
}

/** What came of a bug. */
export interface Finding {
  readonly bug: Bug;
  /** The seed that found it, undefined where none did. */
  readonly seed: number | undefined;
  /** What was violated, or why there is no seed. */
  readonly what: string;
}

/** Plants a bug, and looks for it. */
export async function plant(bug: Bug, patience: Patience): Promise<Finding> {
  const folder = await Deno.makeTempDir({ prefix: "planted-" });
  try {
    const copy = new URL(`file://${folder}/`);
    for (const name of COPIED) {
      await copyAll(new URL(name, TOP), new URL(name, copy));
    }
    for (const patch of bug.patches) {
      const file = new URL(patch.file, copy);
      const text = await Deno.readTextFile(file);
      await Deno.writeTextFile(file, applyPatch(text, patch));
    }
    return { bug, ...await look(copy, patience) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The text with the patch, which must fit in one place. */
export function applyPatch(text: string, patch: Patch): string {
  const { file, find, replace } = patch;
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(
    `Cannot patch ${file}: it has ${
      parts.length - 1
    } times, not once,\n${find}`,
  );
}

/** Reads a file of the repository. */
export function readSource(file: string): Promise<string> {
  return Deno.readTextFile(new URL(file, TOP));
}

async function look(
  copy: URL,
  { most, seconds }: Patience,
): Promise<Omit<Finding, "bug">> {
  const flags = ["run", "--quiet", "--no-check", "--allow-read", "--allow-env"];
  const program = "tests/sim/main.ts";
  const command = new Deno.Command(Deno.execPath(), {
    args: [...flags, "--no-prompt", program, "--seeds", `1-${most}`],
    cwd: copy,
    stdin: "null",
    signal: AbortSignal.timeout(seconds * 1000),
  });
  const { success, signal, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout);
  const found = /^VIOLATION in seed (\d+): (.*)/m.exec(text);
  if (found !== null) return { seed: Number(found[1]), what: found[2]! };
  if (success) return { seed: undefined, what: `not found in ${most} seeds` };
  if (signal !== null) {
    return { seed: undefined, what: `not found in ${seconds} s` };
  }
  throw new Error(
    `The simulation did not run: ${new TextDecoder().decode(stderr)}`,
  );
}

async function copyAll(from: URL, to: URL): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await copyAll(new URL(`${from}/${name}`), new URL(`${to}/${name}`));
  }
}
