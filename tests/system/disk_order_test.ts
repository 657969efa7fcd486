/**
 * What the kernel is asked for, and when it has answered: bytes are durable
 * before anybody is told so, and names are too.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";

const SCRIPT = new URL("traced_disk.ts", import.meta.url).pathname;
const CALLS = "openat,write,fsync,fdatasync,rename,renameat,renameat2," +
  "unlink,unlinkat,ftruncate";

const obstacle = await findObstacle();

Deno.test({
  name: `bytes and names are durable before done() is called${obstacle}`,
  ignore: obstacle !== "",
  fn: async () => {
    const path = await Deno.makeTempDir({ prefix: "doozer-trace-" });
    try {
      const calls = await trace(path);
      const wanted = ["log", "snapshot"].flatMap((lane) => [
        `create ${lane}.part`,
        `write ${lane}.part "for ${lane}"`,
        `fdatasync ${lane}.part`,
        `rename ${lane}.part ${lane}`,
        "fsync .",
        'write stdout "done\\n"',
        `write ${lane} "for ${lane}"`,
        `fdatasync ${lane}`,
        'write stdout "done\\n"',
        `ftruncate ${lane} 2`,
        `fdatasync ${lane}`,
        `unlink ${lane}`,
        "fsync .",
        'write stdout "done\\n"',
      ]);
      assertEquals(calls, wanted);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
});

async function findObstacle(): Promise<string> {
  try {
    const args = ["-o", "/dev/null", "true"];
    const { success } = await new Deno.Command("strace", { args }).output();
    return success ? "" : "; needs the right to trace a process";
  } catch {
    return '; needs the command "strace"';
  }
}

/** The calls that have to do with the directory, in the order they ended. */
async function trace(path: string): Promise<string[]> {
  const output = `${path}/.trace`;
  const options = ["-f", "-y", "-qq", "-e", `trace=${CALLS}`, "-o", output];
  const command = [Deno.execPath(), "run", "-A", SCRIPT, path];
  const { success, stdout } = await new Deno.Command("strace", {
    args: [...options, ...command],
  }).output();
  assert(success, new TextDecoder().decode(stdout));
  const lines = (await Deno.readTextFile(output)).split("\n");
  return joinCalls(lines).flatMap((call) => describe(call, path));
}

/** One line for each call, where it ended; it may have begun earlier. */
function joinCalls(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  const calls: string[] = [];
  for (const line of lines) {
    const [, thread = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const first = /^(.*?) *<unfinished \.\.\.>$/.exec(text)?.[1];
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    if (first !== undefined) begun.set(thread, first);
    else if (rest !== undefined) calls.push(`${begun.get(thread)}${rest}`);
    else calls.push(text);
  }
  return calls;
}

/** A call in short; nothing where it is not about the directory. */
function describe(call: string, path: string): string[] {
  const done = /^(\w+)\((.*)\) += (\d+)/.exec(call);
  if (done === null) return [];
  const [, name = "", given = ""] = done;
  const args = given.replaceAll(`${path}/`, "").replaceAll(path, ".");
  const fd = /^(\d+)<([^>]*)>(?:, (.*?))?(?:, \d+)?$/.exec(args);
  const isStdout = fd?.[1] === "1" && name === "write";
  if (!isStdout && !given.includes(path)) return [];
  if (isStdout) return [`write stdout ${fd[3]}`];
  if (name === "openat") {
    const file = /"([^"]*)", \S*O_CREAT/.exec(args)?.[1];
    return file === undefined ? [] : [`create ${file}`];
  }
  const names = [...args.matchAll(/"([^"]*)"/g)].map((match) => match[1]);
  if (name.startsWith("rename")) return [`rename ${names.join(" ")}`];
  if (name.startsWith("unlink")) return [`unlink ${names.join(" ")}`];
  return [[name, fd?.[2], fd?.[3]].filter(Boolean).join(" ")];
}
