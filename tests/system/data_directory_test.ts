/**
 * The data directory and other processes: one at a time has it, and who may
 * not write there is told why.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openDataDirectory } from "../../cli/data_directory.ts";
import { AdvisedError } from "../../cli/failure.ts";
import { findObstacle, READ_ONLY, runConfined } from "./namespace.ts";

const SCRIPT = new URL("open_directory.ts", import.meta.url).pathname;

/** A process that opens a data directory. */
class Other {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(path: string, ...words: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", SCRIPT, path, ...words],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#reader = this.#child.stdout.getReader();
  }

  /** What it says came of it. */
  async said(): Promise<unknown> {
    const { value } = await this.#reader.read();
    return JSON.parse(new TextDecoder().decode(value));
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended();
  }

  async ended(): Promise<void> {
    await this.#child.status;
    await this.#reader.cancel();
    await this.#child.stdin.close().catch(() => {});
  }
}

/** Runs it with a directory that is removed afterwards. */
async function inPlace(run: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "doozer-data-" });
  try {
    await run(path);
  } finally {
    await Deno.chmod(path, 0o700);
    await Deno.remove(path, { recursive: true });
  }
}

const IN_USE = "another process has it open";

for (const words of [[], ["old"]]) {
  const how = words.length === 0 ? "" : ", with Deno 2.4's means";
  Deno.test(`a second process is refused${how}`, () =>
    inPlace(async (path) => {
      const data = await openDataDirectory(path);
      const second = new Other(path, ...words);
      const { why } = await second.said() as { why: string };
      assertStringIncludes(why, IN_USE);
      await second.ended();
      data.close();
      const third = new Other(path, ...words);
      assertEquals(await third.said(), "opened");
      await third.ended();
    }));

  Deno.test(`kill -9 frees the directory${how}`, () =>
    inPlace(async (path) => {
      const first = new Other(path, "hold", ...words);
      assertEquals(await first.said(), "opened");
      const refused = await assertRejects(
        () => openDataDirectory(path),
        AdvisedError,
      );
      assertStringIncludes(refused.detail, IN_USE);
      await first.kill();
      (await openDataDirectory(path)).close();
    }));
}

Deno.test("a process that was started meanwhile does not keep the lock", () =>
  inPlace(async (path) => {
    const data = await openDataDirectory(path);
    const child = new Deno.Command("cat", { stdin: "piped", stdout: "null" })
      .spawn();
    data.close();
    try {
      (await openDataDirectory(path)).close();
    } finally {
      await child.stdin.close();
      await child.status;
    }
  }));

const cannotMount = await findObstacle(READ_ONLY);

Deno.test({
  name: `a read-only file system is named as the reason${cannotMount}`,
  ignore: cannotMount !== "",
  fn: () =>
    inPlace(async (path) => {
      const script = "open_directory.ts";
      const [told] = await runConfined({ script, path, mount: READ_ONLY });
      assertEquals(told, {
        why: `Cannot use the data directory "${path}": ` +
          "its file system is read-only",
        hint: "Mount it for writing, or name another directory with --data",
      });
    }),
});

const cannotConfine = await findObstacle();

Deno.test({
  name: `who may not write is told so${cannotConfine}`,
  ignore: cannotConfine !== "",
  fn: () =>
    inPlace(async (path) => {
      for (const mode of [0o500, 0o300, 0]) {
        await Deno.chmod(path, mode);
        const [told] = await runConfined({ script: "open_directory.ts", path });
        assertEquals(told, {
          why: `Cannot use the data directory "${path}": ` +
            "the user that runs doozer lacks the right to read and write there",
          hint: 'Give it to that user with "chown", or name another ' +
            "directory with --data",
        });
      }
    }),
});
