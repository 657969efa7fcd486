/**
 * The disk on real files: what the operations do, in which order, what stays
 * open, and what a failure stops. A file that cannot be synced is a link to
 * /dev/null, of which the system says so.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DirectoryDisk } from "../../cli/disk.ts";
import { AdvisedError } from "../../cli/failure.ts";
import { isFull } from "../../cli/file_failure.ts";
import type { DiskFailure, DiskLane, DiskOp } from "../../consensus/disk.ts";

const needsLinux = Deno.build.os === "linux" ? "" : "; needs Linux";
/** Who else looks at it must not be let in. */
const PRIVATE = 0o600;

/** A disk in a directory of its own, for one test. */
class Scene {
  readonly path = Deno.makeTempDirSync({ prefix: "doozer-disk-" });
  readonly disk = new DirectoryDisk(this.path);

  /** Carries operations out. */
  run(ops: readonly DiskOp[], lane: DiskLane = "log"): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.disk.perform(lane, { ops, done: resolve });
    return promise;
  }

  text(file: string): string {
    return Deno.readTextFileSync(`${this.path}/${file}`);
  }

  /** The files of the directory that this process has open, as often. */
  openFiles(): string[] {
    // By a command, for what is in /proc needs rights that tests have not.
    const { stdout } = new Deno.Command("ls", {
      args: ["-l", `/proc/${Deno.pid}/fd`],
    }).outputSync();
    const lines = new TextDecoder().decode(stdout).split("\n");
    const paths = lines.map((line) => line.split(" -> ")[1] ?? "");
    return paths.filter((path) => path.startsWith(`${this.path}/`))
      .map((path) => path.slice(this.path.length + 1)).sort();
  }

  [Symbol.dispose](): void {
    this.disk.close();
    Deno.removeSync(this.path, { recursive: true });
  }
}

type Outcome = DiskFailure | undefined;

function append(file: string, text: string): DiskOp {
  return { type: "append", file, bytes: new TextEncoder().encode(text) };
}

const create = (file: string): DiskOp => ({ type: "create", file });
const sync = (file: string): DiskOp => ({ type: "sync", file });
const remove = (file: string): DiskOp => ({ type: "remove", file });
const rename = (file: string, to: string): DiskOp => ({
  type: "rename",
  file,
  to,
});
const truncate = (file: string, length: number): DiskOp => ({
  type: "truncate",
  file,
  length,
});
const SYNC_DIRECTORY: DiskOp = { type: "syncDirectory" };

for (const lane of ["log", "snapshot"] as const) {
  Deno.test(`the operations do what they say (${lane})`, async () => {
    using scene = new Scene();
    Deno.writeTextFileSync(`${scene.path}/old`, "old,");
    const ops = [
      create("a.part"),
      append("a.part", "one,"),
      append("a.part", "two,"),
      sync("a.part"),
      rename("a.part", "a"),
      append("a", "three"),
      truncate("a", 9),
      append("a", "!"),
      append("old", "new"),
      sync("old"),
      create("b"),
      create("c"),
      remove("b"),
      remove("never was"),
      SYNC_DIRECTORY,
    ];
    assertEquals(await scene.run(ops, lane), undefined);
    assertEquals(scene.disk.list().sort(), ["a", "c", "old"]);
    assertEquals(scene.text("a"), "one,two,t!");
    assertEquals(scene.disk.size("a"), 10);
    assertEquals(scene.text("old"), "old,new");
    // In place of what is there.
    const again = [
      create("a"),
      append("a", "x"),
      rename("old", "c"),
      append("c", "."),
    ];
    assertEquals(await scene.run(again, lane), undefined);
    assertEquals([scene.text("a"), scene.text("c")], ["x", "old,new."]);
  });
}

Deno.test("perform() calls done() later, list by list, lanes side by side", async () => {
  using scene = new Scene();
  const order: string[] = [];
  const note = (name: string) => (failure?: DiskFailure) => {
    order.push(failure?.detail ?? name);
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  const { disk } = scene;
  disk.perform("log", { ops: [create("a")], done: note("created") });
  for (let i = 0; i < 20; i++) {
    const ops = [append("a", `${i},`), sync("a")];
    disk.perform("log", { ops, done: note(String(i)) });
  }
  disk.perform("log", { ops: [], done: () => resolve() });
  disk.perform("snapshot", { ops: [create("b")], done: note("beside") });
  assertEquals(order, []);
  await promise;
  const numbers = Array.from({ length: 20 }, (_, i) => String(i));
  assertEquals(scene.text("a"), numbers.map((number) => `${number},`).join(""));
  assert(order.indexOf("beside") < 5, order.join());
  const log = order.filter((name) => name !== "beside");
  assertEquals(log, ["created", ...numbers]);
});

Deno.test("done() may hand over the next list", async () => {
  using scene = new Scene();
  const { disk } = scene;
  const { promise, resolve } = Promise.withResolvers<number>();
  let calls = 0;
  let within = false;
  const done = () => {
    assert(!within, "called within perform");
    if (++calls === 50) return resolve(calls);
    within = true;
    disk.perform("log", { ops: [append("a", ".")], done });
    within = false;
  };
  disk.perform("log", { ops: [create("a")], done });
  assertEquals(await promise, 50);
  assertEquals(scene.text("a").length, 49);
});

Deno.test({
  name: `files have mode 600, whatever the umask${needsLinux}`,
  ignore: needsLinux !== "",
  fn: async () => {
    using scene = new Scene();
    Deno.writeTextFileSync(`${scene.path}/had`, "x", { mode: 0o644 });
    for (const umask of [0, 0o277]) {
      const before = Deno.umask(umask);
      try {
        const files = [`new ${umask}`, "had"];
        assertEquals(await scene.run(files.map(create)), undefined);
        for (const file of files) {
          const { mode } = Deno.statSync(`${scene.path}/${file}`);
          assertEquals((mode ?? 0) & 0o777, PRIVATE, file);
        }
      } finally {
        Deno.umask(before);
      }
    }
  },
});

Deno.test("list() leaves out what is no data", async () => {
  using scene = new Scene();
  for (const folder of ["set-aside", "lost+found", "folder"]) {
    Deno.mkdirSync(`${scene.path}/${folder}`);
  }
  for (const file of ["lock", ".hidden", "log-000000000001", "other"]) {
    await scene.run([create(file)]);
  }
  assertEquals(scene.disk.list().sort(), ["log-000000000001", "other"]);
});

Deno.test("read() gives what there is of a range", async () => {
  using scene = new Scene();
  const { disk } = scene;
  await scene.run([create("a"), append("a", "0123456789")]);
  const rows: [number, number, string][] = [
    [0, 10, "0123456789"],
    [3, 4, "3456"],
    [8, 4, "89"],
    [10, 1, ""],
    [11, 1, ""],
    [2, 0, ""],
    [0, 2 ** 50, "0123456789"],
  ];
  const read = (file: string, offset: number, length: number) =>
    new TextDecoder().decode(disk.read(file, { offset, length }));
  for (const [offset, length, wanted] of rows) {
    assertEquals(read("a", offset, length), wanted, `${offset} ${length}`);
  }
  // It follows what becomes of a file that it has read before.
  await scene.run([append("a", "ab")]);
  assertEquals(read("a", 9, 9), "9ab");
  await scene.run([create("b"), append("b", "other")]);
  assertEquals([read("b", 0, 9), read("a", 0, 3)], ["other", "012"]);
  await scene.run([rename("b", "a")]);
  assertEquals(read("a", 0, 9), "other");
  await scene.run([remove("a")]);
  const error = assertThrows(() => read("a", 0, 9), AdvisedError);
  assertStringIncludes(error.detail, `Cannot read "${scene.path}/a": No such`);
  assertThrows(
    () => disk.size("a"),
    AdvisedError,
    `Cannot read "${scene.path}`,
  );
});

Deno.test({
  name: `one handle a file is kept open, as long as there is one${needsLinux}`,
  ignore: needsLinux !== "",
  fn: async () => {
    using scene = new Scene();
    const { disk } = scene;
    await scene.run([create("a"), append("a", "x"), sync("a"), create("b")]);
    await scene.run([append("a", "x"), sync("a"), SYNC_DIRECTORY]);
    assertEquals(scene.openFiles(), ["a", "b"]);
    await scene.run([rename("a", "b")]);
    assertEquals(scene.openFiles(), ["b"]);
    await scene.run([append("b", "x"), truncate("b", 2)]);
    assertEquals(scene.openFiles(), ["b"]);
    await scene.run([create("b")]);
    assertEquals(scene.openFiles(), ["b"]);
    disk.read("b", { offset: 0, length: 1 });
    disk.read("b", { offset: 0, length: 1 });
    assertEquals(scene.openFiles(), ["b", "b"]);
    // A file that is removed takes space as long as it is open.
    await scene.run([remove("b")]);
    assertEquals(scene.openFiles(), []);
    await scene.run([create("c")], "snapshot");
    disk.read("c", { offset: 0, length: 1 });
    disk.closeFiles();
    assertEquals(scene.openFiles(), []);
    assertEquals(await scene.run([append("c", "y")]), undefined);
    disk.close();
    assertEquals(scene.openFiles(), []);
  },
});

Deno.test("after a failure nothing is done any more", async () => {
  using scene = new Scene();
  const ops = [
    create("a"),
    append("a", "x"),
    append("missing", "x"),
    create("b"),
  ];
  const failure = await scene.run(ops);
  const detail = `Cannot append to "${scene.path}/missing": ` +
    "No such file or directory (os error 2)";
  assertEquals(failure, { at: 2, kind: "broken", detail });
  for (const lane of ["log", "snapshot"] as const) {
    const later = await scene.run([create("c"), create("d")], lane);
    assertEquals(later, { at: 0, kind: "broken", detail });
  }
  assertEquals(scene.disk.list(), ["a"]);
});

Deno.test("a failure of one lane stops the list under way in the other", async () => {
  using scene = new Scene();
  assertEquals(await scene.run([create("a"), append("a", "x")]), undefined);
  // The second list fails while the first one waits for the disk.
  const first = scene.run([sync("a"), create("b")], "snapshot");
  const second = scene.run([rename("missing", "c")]);
  const detail = `Cannot rename "${scene.path}/missing" to "c": ` +
    "No such file or directory (os error 2)";
  assertEquals(await second, { at: 0, kind: "broken", detail });
  assertEquals(await first, { at: 1, kind: "broken", detail });
  assertEquals(scene.disk.list(), ["a"]);
});

Deno.test("a sync that failed is not tried again", async () => {
  using scene = new Scene();
  const file = `${scene.path}/a`;
  Deno.symlinkSync("/dev/null", file);
  const failure = await scene.run([append("a", "x"), sync("a"), create("b")]);
  const detail = `Cannot sync "${file}": Invalid argument (os error 22)`;
  assertEquals(failure, { at: 1, kind: "broken", detail });
  // Now it could be done, and would hide what was lost.
  Deno.removeSync(file);
  Deno.writeTextFileSync(file, "");
  scene.disk.closeFiles();
  const later = await scene.run([sync("a")]);
  assertEquals(later, { at: 0, kind: "broken", detail });
});

Deno.test("a directory that cannot be synced is named", async () => {
  using scene = new Scene();
  Deno.removeSync(scene.path);
  const failure = await scene.run([SYNC_DIRECTORY]);
  const detail = `Cannot sync "${scene.path}": ` +
    "No such file or directory (os error 2)";
  assertEquals(failure, { at: 0, kind: "broken", detail });
  const error = assertThrows(() => scene.disk.list(), AdvisedError);
  assertStringIncludes(error.detail, `the data directory "${scene.path}"`);
  Deno.mkdirSync(scene.path);
});

Deno.test("isFull() knows a full disk and a used up quota", () => {
  const rows: [unknown, boolean][] = [
    [{ code: "ENOSPC" }, true],
    [{ code: "EDQUOT" }, true],
    [{ code: "EIO" }, false],
    [{ code: "EFBIG" }, false],
    [{}, false],
  ];
  for (const [fields, wanted] of rows) {
    const error = Object.assign(new Error("x"), fields);
    assertEquals(isFull(error), wanted, JSON.stringify(fields));
  }
  assertEquals(isFull("ENOSPC"), false);
});

Deno.test({
  name: `close() lets what is under way end, and no more${needsLinux}`,
  ignore: needsLinux !== "",
  fn: async () => {
    using scene = new Scene();
    const { disk } = scene;
    await scene.run([create("a")]);
    const done = () => {
      throw new Error("done() was called after close()");
    };
    const ops = [append("a", "x"), sync("a"), append("a", "y")];
    disk.perform("log", { ops, done });
    disk.perform("log", { ops: [append("a", "z")], done });
    disk.close();
    disk.perform("log", { ops: [append("a", "z")], done });
    disk.perform("snapshot", { ops: [create("b")], done });
    while (scene.openFiles().length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals([scene.text("a"), disk.list()], ["x", ["a"]]);
  },
});

Deno.test("freeBytes() is what the system says", () => {
  using scene = new Scene();
  const { stdout } = new Deno.Command("df", {
    args: ["-P", "-k", scene.path],
  }).outputSync();
  const line = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  const free = Number(line.split(/\s+/)[3]) * 1024;
  const told = scene.disk.freeBytes() ?? NaN;
  // Others use the disk at the same time.
  assert(Math.abs(told - free) < 0.1 * free, `${told}, df: ${free}`);
});
