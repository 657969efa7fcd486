/**
 * Contacts: the addresses that are left when nothing else can be read.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Contacts, contactsOf, readDirectory } from "../../consensus/mod.ts";
import { CONTACTS_FILE, readHeader } from "../../protocol/mod.ts";
import { clusterOf } from "./cluster.ts";
import { longId } from "./disk_words.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { stateOf } from "./state.ts";

function bench() {
  const disk = new MemoryDisk();
  const broken: string[] = [];
  const world = { contacts: ["B:1"], lineage: "L" };
  const contacts = new Contacts({
    disk,
    enqueue: (act) => act(),
    onBroken: ({ detail }) => void broken.push(detail),
    header: () => ({
      node: longId("A"),
      parent: "",
      cluster: "local",
      founder: false,
      ...world,
    }),
  });
  let now = 0;
  const tick = (ticks: number) => {
    for (let n = 0; n < ticks; n++) {
      contacts.tick(++now);
      disk.runAll();
    }
  };
  return { contacts, disk, broken, world, tick };
}

/** Lineage and addresses in the file, or nothing. */
function written(disk: MemoryDisk): string[] {
  const bytes = disk.files().get(CONTACTS_FILE);
  if (bytes === undefined) return [];
  const read = readHeader(bytes);
  if ("why" in read) throw new Error(read.why);
  assertEquals([read.header.kind, read.length], ["contacts", bytes.length]);
  return [read.header.lineage, ...read.header.contacts];
}

Deno.test("contacts are written when they have changed, and only then", () => {
  const { disk, world, tick } = bench();
  tick(10);
  assertEquals(written(disk), ["L", "B:1"]);
  const { length } = disk.performed;
  tick(100);
  assertEquals(disk.performed.length, length);
  world.contacts = ["B:1", "C:1"];
  tick(10);
  assertEquals(written(disk), ["L", "B:1", "C:1"]);
  world.lineage = "M";
  tick(10);
  assertEquals(written(disk), ["M", "B:1", "C:1"]);
});

Deno.test("the file has its name only when it is whole", () => {
  const { contacts, disk, world, tick } = bench();
  tick(10);
  world.contacts = ["C:1"];
  contacts.tick(20);
  for (let n = 0; n < 3; n++) {
    assertEquals(written(disk.crash("written")), ["L", "B:1"]);
    contacts.tick(30);
  }
});

Deno.test("one write is under way at a time", () => {
  const { contacts, disk, world } = bench();
  contacts.tick(10);
  world.contacts = ["C:1"];
  contacts.tick(20);
  assertEquals(disk.waiting.length, 4);
  disk.runAll();
  assertEquals(written(disk), ["L", "B:1"]);
  contacts.tick(30);
  disk.runAll();
  assertEquals(written(disk), ["L", "C:1"]);
});

Deno.test("a full disk is tried again; a broken one is told of", () => {
  const { disk, broken, tick } = bench();
  disk.fails = ({ type }) => type === "append" ? "full" : undefined;
  tick(30);
  assertEquals([written(disk), broken], [[], []]);
  disk.fails = () => undefined;
  tick(10);
  assertEquals(written(disk), ["L", "B:1"]);
  const other = bench();
  other.disk.fails = () => "broken";
  other.tick(10);
  assertEquals(other.broken, ["Cannot create: broken"]);
});

Deno.test("contactsOf() names the other cals, and no observers", () => {
  const { machine } = stateOf("ABC", "D");
  assertEquals([...contactsOf(machine, "A")].sort(), ["B:1", "C:1"]);
  assertEquals([...contactsOf(machine, "D")].sort(), ["A:1", "B:1", "C:1"]);
});

Deno.test("a node that has lost all but this file finds the others", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(30);
  const files = new Map(cluster.diskOf("B").files());
  for (const [name, bytes] of files) {
    if (name !== CONTACTS_FILE) files.set(name, bytes.slice(0, 20));
  }
  const found = readDirectory(MemoryDisk.of(files))!;
  assertEquals(found.damage === undefined, false);
  const { header, contacts } = found;
  assertEquals([...contacts].sort(), ["A:1", "C:1"]);
  assertEquals([header.lineage, header.node], ["L", longId("B")]);
});
