/**
 * Which directories are taken as data directory, and in what state they are
 * then. What takes another process is in tests/system/data_directory_test.ts.
 *
 * @module
 */

import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type DataDirectory,
  openDataDirectory,
} from "../../cli/data_directory.ts";
import { AdvisedError } from "../../cli/failure.ts";
import type { DiskFailure, DiskOp } from "../../consensus/disk.ts";

const LOG = "log-000000000001";

/** An existing, empty directory; `at` is where tests make their own. */
class Place {
  readonly at = Deno.makeTempDirSync({ prefix: "doozer-place-" });

  /** Makes a file, and its directory. */
  write(file: string, text = ""): void {
    const path = `${this.at}/${file}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(path, text);
  }

  mode(file: string): string {
    const { mode } = Deno.statSync(`${this.at}/${file}`);
    return ((mode ?? 0) & 0o7777).toString(8);
  }

  names(folder: string): string[] {
    const entries = Deno.readDirSync(`${this.at}/${folder}`);
    return Array.from(entries, ({ name }) => name).sort();
  }

  async refuse(folder: string): Promise<{ why: string; hint: string }> {
    const path = `${this.at}/${folder}`;
    const opening = openDataDirectory(path);
    const error = await assertRejects(() => opening, AdvisedError);
    const [before, why] = error.detail.split(`"${path}": `);
    assertEquals(before, "Cannot use the data directory ");
    return { why: why ?? "", hint: error.hint };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.at, { recursive: true });
  }
}

async function make(data: DataDirectory, files: string[]): Promise<void> {
  const ops = files.map((file): DiskOp => ({ type: "create", file }));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  data.disk.perform("log", { ops, done: resolve });
  assertEquals(await promise, undefined);
}

Deno.test("the directory is made, for its user only", async () => {
  using place = new Place();
  for (const umask of [0, 0o277]) {
    const before = Deno.umask(umask);
    const folder = `data${umask}`;
    try {
      const data = await openDataDirectory(`${place.at}/x/../${folder}/`);
      data.close();
      assertEquals(data.path, `${place.at}/${folder}`);
    } finally {
      Deno.umask(before);
    }
    const modes = [place.mode(folder), place.mode(`${folder}/lock`)];
    assertEquals(modes, ["700", "600"]);
    assertEquals(place.names(folder), ["lock"]);
  }
});

Deno.test("one that others could read is closed to them", async () => {
  using place = new Place();
  for (const mode of [0o755, 0o770, 0o701, 0o2700, 0o500]) {
    // A user who is not root cannot write into the last one.
    if (mode === 0o500 && Deno.uid() !== 0) continue;
    Deno.mkdirSync(`${place.at}/data`, { recursive: true });
    Deno.chmodSync(`${place.at}/data`, mode);
    (await openDataDirectory(`${place.at}/data`)).close();
    const wanted = mode === 0o2700 ? "2700" : "700";
    assertEquals(place.mode("data"), wanted);
    assertEquals(place.names("data"), ["lock"]);
  }
});

Deno.test("a missing parent is named", async () => {
  using place = new Place();
  const { why, hint } = await place.refuse("a/data");
  assertEquals(why, `there is no directory "${place.at}/a" to make it in`);
  assertEquals(hint, `Make that one first: mkdir -p "${place.at}/a"`);
  assertEquals(place.names("."), []);
});

Deno.test("a file is no directory", async () => {
  using place = new Place();
  place.write("data", "x");
  for (const folder of ["data", "data/in/it"]) {
    const { why, hint } = await place.refuse(folder);
    assertEquals(why, "it is not a directory", folder);
    assertEquals(hint, "Name a directory with --data");
  }
});

Deno.test("a directory with others' files is refused, and left alone", async () => {
  using place = new Place();
  const rows: [string[], string | undefined][] = [
    [["notes"], "notes"],
    [["folder/notes"], "folder"],
    // A file of that name does not make it ours.
    [["notes", "lock"], "notes"],
    [[`${LOG}.bak`], `${LOG}.bak`],
    [[".hidden", "lost+found/x"], undefined],
    [["lock"], undefined],
    [["notes", LOG], undefined],
    [["notes", `${LOG}.part`], undefined],
    [["notes", "set-aside-1/x"], undefined],
    [["notes", "contacts"], undefined],
  ];
  for (const [index, [files, foreign]] of rows.entries()) {
    const folder = `data${index}`;
    for (const file of files) place.write(`${folder}/${file}`);
    Deno.chmodSync(`${place.at}/${folder}`, 0o755);
    const before = place.names(folder);
    if (foreign === undefined) {
      (await openDataDirectory(`${place.at}/${folder}`)).close();
      continue;
    }
    const { why, hint } = await place.refuse(folder);
    assertEquals(why, `it holds files that are not doozer's, as "${foreign}"`);
    assertEquals(
      hint,
      `Name an empty directory, or a new one: --data "${place.at}/${folder}/doozer"`,
    );
    assertEquals([place.mode(folder), place.names(folder)], ["755", before]);
  }
});

Deno.test("a directory for the files of all is refused", async () => {
  using place = new Place();
  Deno.mkdirSync(`${place.at}/tmp`);
  Deno.chmodSync(`${place.at}/tmp`, 0o1777);
  const { why, hint } = await place.refuse("tmp");
  assertEquals(why, "it is there for the files of all users");
  assertEquals(
    hint,
    `Name a new directory in it: --data "${place.at}/tmp/doozer"`,
  );
  assertEquals([place.mode("tmp"), place.names("tmp")], ["1777", []]);
});

const needsRoot = Deno.build.os === "linux" && Deno.uid() === 0
  ? ""
  : "; needs Linux and root";

Deno.test({
  name: `a directory of another user is refused${needsRoot}`,
  ignore: needsRoot !== "",
  fn: async () => {
    using place = new Place();
    Deno.mkdirSync(`${place.at}/data`, { mode: 0o755 });
    Deno.chownSync(`${place.at}/data`, 1234, 1234);
    const { why, hint } = await place.refuse("data");
    assertEquals(why, "it belongs to another user: to uid 1234, this is 0");
    assertEquals(
      hint,
      "Run doozer as that user, or name a new directory in it: " +
        `--data "${place.at}/data/doozer"`,
    );
    assertEquals([place.mode("data"), place.names("data")], ["755", []]);
  },
});

Deno.test("it is opened once, until it is closed", async () => {
  using place = new Place();
  const data = await openDataDirectory(`${place.at}/data`);
  const { why, hint } = await place.refuse("data");
  assertEquals(why, "another process has it open");
  assertEquals(
    hint,
    "Stop that process, or give this node a directory of its own with " +
      `--data; "fuser ${place.at}/data/lock" tells the process`,
  );
  // A lock that is given up in that time is waited for.
  const opening = openDataDirectory(`${place.at}/data`);
  data.close();
  (await opening).close();
});

Deno.test("setAside() moves the data files, and only them", async () => {
  using place = new Place();
  place.write("data/notes");
  place.write(`data/${LOG}`);
  place.write("data/set-aside-1/earlier");
  const data = await openDataDirectory(`${place.at}/data`);
  await make(data, ["snapshot-000000000002", "log-000000000002.part"]);
  data.disk.read(LOG, { offset: 0, length: 1 });
  assertEquals(data.setAside(), `${place.at}/data/set-aside-2`);
  const left = ["lock", "notes", "set-aside-1", "set-aside-2"];
  assertEquals(place.names("data"), left);
  const moved = [LOG, "log-000000000002.part", "snapshot-000000000002"];
  assertEquals(place.names("data/set-aside-2"), moved);
  assertEquals(place.mode("data/set-aside-2"), "700");
  // A file that is begun now is another one.
  await make(data, [LOG]);
  assertEquals(data.disk.list().sort(), [LOG, "notes"]);
  data.setAside();
  assertEquals(place.names("data/set-aside-3"), [LOG]);
  // What was there before may be the only copy of somebody's data.
  assertEquals(place.names("data/set-aside-1"), ["earlier"]);
  assertEquals(place.names("data/set-aside-2"), moved);
  // Nothing more gets into one that was moved.
  const append: DiskOp = {
    type: "append",
    file: LOG,
    bytes: new Uint8Array(1),
  };
  const { promise, resolve } = Promise.withResolvers<DiskFailure | undefined>();
  data.disk.perform("log", { ops: [append], done: resolve });
  assertStringIncludes((await promise)?.detail ?? "", "No such file");
  data.close();
});

Deno.test("discard() removes the data files, and only them", async () => {
  using place = new Place();
  place.write("data/contacts");
  place.write(`data/${LOG}`);
  place.write("data/set-aside-1/earlier");
  const data = await openDataDirectory(`${place.at}/data`);
  data.discard();
  assertEquals(place.names("data"), ["contacts", "lock", "set-aside-1"]);
  data.close();
});

Deno.test("setAside() says what stands in its way", async () => {
  using place = new Place();
  const data = await openDataDirectory(`${place.at}/data`);
  Deno.removeSync(`${place.at}/data`, { recursive: true });
  const error = assertThrows(() => data.setAside(), AdvisedError);
  assertEquals(
    error.detail,
    `Cannot use the data directory "${data.path}": ` +
      "No such file or directory (os error 2)",
  );
  data.close();
});
