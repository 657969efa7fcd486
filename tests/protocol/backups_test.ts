/**
 * Backups: what comes out is what was there when they were begun, and nobody
 * holds more of them, or longer, than is allowed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  Backup,
  type BackupPart,
  BackupSlots,
  decodeImageHead,
  ImageReader,
} from "../../protocol/mod.ts";
import { LIMITS, type Refusal, Store } from "../../store/mod.ts";
import { FakeBackend, FakeClient, STATUS } from "./fake_backend.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

const BIG = new Uint8Array(LIMITS.valueBytes).fill(7);
const FIRST: RawRequest = { tag: 1, verb: "BACKUP", offset: 0 };

/** A backend whose image has several pieces. */
function largeBackend(): FakeBackend {
  const backend = new FakeBackend();
  for (const name of ["a", "b", "c"]) backend.write(`/d/${name}`, BIG);
  return backend;
}

function isPart(found: BackupPart | Refusal): asserts found is BackupPart {
  assert("bytes" in found, `refused: ${JSON.stringify(found)}`);
}

/** Pulls a whole backup through a connection. */
function pull(client: FakeClient): RawResponse[] {
  const answers: RawResponse[] = [];
  for (let offset = 0;; offset++) {
    const [answer] = client.ask({ tag: 1, verb: "BACKUP", offset });
    assertEquals(answer?.err_detail ?? answer?.err_code, undefined);
    answers.push(answer!);
    if (answer?.flags === 1) return answers;
  }
}

/** The store that the answers make. */
function restored(answers: readonly RawResponse[]): Store {
  const reader = new ImageReader();
  for (const { value, flags } of answers) reader.add(value!, flags === 1);
  assertEquals(decodeImageHead(reader.head).cluster, STATUS.cluster);
  const store = new Store();
  store.adopt(reader.finish());
  return store;
}

Deno.test("a backup holds the state of when it was begun", () => {
  const backend = largeBackend();
  const client = new FakeClient(backend);
  const answers = client.ask(FIRST);
  assertEquals(Object.keys(answers[0]!), ["tag", "flags", "rev", "value"]);
  const { hash, rev } = backend.store;
  backend.write("/d/a", "later");
  for (let offset = 1; answers.at(-1)?.flags === 0; offset++) {
    answers.push(...client.ask({ ...FIRST, offset }));
  }
  assert(answers.length >= 4, `${answers.length} pieces`);
  for (const answer of answers) assertEquals(answer.rev, rev);
  const store = restored(answers);
  assertEquals([store.rev, store.hash], [rev, hash]);
  assert(backend.store.hash !== hash);
});

Deno.test("the largest file there can be fits into an answer", () => {
  const backend = new FakeBackend();
  const path = "/" + "x".repeat(LIMITS.pathBytes - 1);
  backend.write(path, BIG);
  backend.write(path, BIG);
  const answers = pull(new FakeClient(backend));
  const sizes = answers.map(({ value }) => value!.length);
  const largest = Math.max(...sizes);
  assert(largest > LIMITS.valueBytes, `${largest}`);
  // An answer's other fields take less than 64 bytes.
  assert(largest + 64 <= LIMITS.frameBytes, `${largest}`);
  assertEquals(restored(answers).rev, 2);
});

Deno.test("a head of many sessions comes in pieces, too", () => {
  const backend = new FakeBackend();
  backend.write("/a");
  const length = 3 * LIMITS.frameBytes;
  backend.headBytes = new Uint8Array(length).fill(9);
  const answers = pull(new FakeClient(backend));
  const reader = new ImageReader();
  for (const { value, flags } of answers) reader.add(value!, flags === 1);
  assertEquals(reader.head.length, length);
});

Deno.test("pieces come in order, each once, and past the last is RANGE", () => {
  const client = new FakeClient(largeBackend());
  const code = (offset: number) => {
    const [answer] = client.ask({ ...FIRST, offset });
    return answer?.err_detail ?? answer?.err_code;
  };
  const again = "begin it again";
  assert(code(1)?.endsWith(again), "none is open");
  assertEquals(code(0), undefined);
  assert(code(2)?.endsWith("it comes in order, and the next one is 1"));
  assertEquals(code(1), undefined);
  assert(code(1)?.endsWith("the next one is 2"));
  assert(code(-1)?.endsWith("the next one is 2"));
  const count = pull(client).length;
  assertEquals([code(count), code(count + 3)], ["RANGE", "RANGE"]);
  assert(code(count - 1)?.endsWith(again), "an old piece");
});

Deno.test("a node makes so many backups at a time, and frees all", () => {
  const backend = largeBackend();
  const backups = new BackupSlots();
  const clients = Array.from(
    { length: LIMITS.backups },
    () => new FakeClient(backend, { backups }),
  );
  for (const client of clients) assertEquals(client.ask(FIRST)[0]?.flags, 0);
  const late = new FakeClient(backend, { backups });
  const refused = () => late.ask(FIRST)[0]?.err_detail;
  const limit = "LIMIT: 4 backups of this node are being made, the limit is 4";
  assertEquals(refused(), limit);
  // Beginning anew takes no second place, and the end gives its own back.
  assertEquals(clients[0]!.ask(FIRST)[0]?.flags, 0);
  assertEquals(refused(), limit);
  pull(clients[1]!);
  assertEquals(refused(), undefined);
  clients[2]!.connection.close();
  clients[2]!.connection.close();
  const next = new FakeClient(backend, { backups });
  assertEquals(next.ask(FIRST)[0]?.flags, 0);
  assertEquals(
    new FakeClient(backend, { backups }).ask(FIRST)[0]?.rev,
    undefined,
  );
});

Deno.test("a backup that nobody asks for is closed after its time", () => {
  const backend = largeBackend();
  const client = new FakeClient(backend);
  client.ask(FIRST);
  client.connection.expire(1_000);
  client.connection.expire(1_000 + LIMITS.backupMs);
  assertEquals(client.ask({ ...FIRST, offset: 1 })[0]?.flags, 0);
  client.connection.expire(2_000 + LIMITS.backupMs);
  // Counted from the last piece, not from the first.
  assertEquals(client.ask({ ...FIRST, offset: 2 })[0]?.flags, 0);
  client.connection.expire(3_000 + LIMITS.backupMs);
  client.connection.expire(3_001 + 2 * LIMITS.backupMs);
  const [answer] = client.ask({ ...FIRST, offset: 3 });
  assert(answer?.err_detail?.startsWith("UNAVAILABLE: No backup is open"));
  assertEquals(client.ask(FIRST)[0]?.flags, 0);
});

Deno.test("a backup that the store has given up says so, and can be begun again", () => {
  const slots = new BackupSlots();
  const store = new Store({ historyRevs: 1 });
  const write = () =>
    store.apply({ type: "set", path: "/a", rev: -1, body: BIG });
  for (let i = 0; i < 3; i++) write();
  const backup = new Backup({ store, head: () => new Uint8Array(9) }, slots);
  isPart(backup.piece(0));
  const most = LIMITS.overdraftBytes / LIMITS.valueBytes + 8;
  for (let i = 0; i < most; i++) write();
  const lost = backup.piece(1);
  if (!("code" in lost)) throw new Error("It is not lost");
  assertEquals(lost.code, "UNAVAILABLE");
  assert(lost.detail?.startsWith("The backup is lost"), lost.detail);
  isPart(backup.piece(0));
  backup.close();
});

Deno.test("a node without a head cannot be backed up", () => {
  const slots = new BackupSlots();
  const backup = new Backup({ store: new Store() }, slots);
  const found = backup.piece(0);
  assert("code" in found && found.code === "UNAVAILABLE");
  for (let i = 0; i < LIMITS.backups; i++) assert(slots.take());
  assert(!slots.take());
});

Deno.test("a linearizable backup is begun after the quorum was asked", () => {
  const backend = largeBackend();
  const client = new FakeClient(backend);
  client.send({ ...FIRST, read: 1 });
  assertEquals([client.readAll(), backend.asked], [[], 1]);
  const rev = backend.write("/d/seen", "x");
  backend.confirm();
  assertEquals(client.readAll()[0]?.rev, rev);
  backend.readRefusal = { code: "UNAVAILABLE", detail: "No quorum" };
  const [refused] = client.ask({ ...FIRST, read: 1 });
  assertEquals(refused?.err_detail, "UNAVAILABLE: No quorum");
  // The backup of before goes on.
  assertEquals(client.ask({ ...FIRST, offset: 1 })[0]?.rev, rev);
});
