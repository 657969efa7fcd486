/**
 * The client library pulls backups: whole, in order, from the history meant.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ImageReader } from "../../../protocol/mod.ts";
import {
  type BackupPiece,
  type Client,
  connect,
} from "../../../protocol/net/mod.ts";
import { DoozerError, LIMITS, Store } from "../../../store/mod.ts";
import { STATUS } from "../fake_backend.ts";
import { type FakeNode, serveFake } from "./servers.ts";

const BIG = new Uint8Array(LIMITS.valueBytes).fill(5);
const OTHER = "AAAAAAAAAAAAAAAA";

async function withNode(
  use: (node: FakeNode, client: Client) => Promise<void>,
): Promise<void> {
  using node = await serveFake();
  // More than the pieces that are asked for ahead, and than may stay unread.
  for (let i = 0; i < 24; i++) node.backend.write(`/d/${i}`, BIG);
  using client = await connect(`doozer:?ca=${node.addr}`);
  await use(node, client);
  assertEquals(node.failures, []);
}

function storeOf(pieces: readonly BackupPiece[]): Store {
  const reader = new ImageReader();
  for (const { bytes, last } of pieces) reader.add(bytes, last);
  const store = new Store();
  store.adopt(reader.finish());
  return store;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, DoozerError)).code;
}

Deno.test("backup() gives the state of one rev, while others write", () =>
  withNode(async ({ backend }, client) => {
    const { rev, hash } = backend.store;
    const pieces: BackupPiece[] = [];
    for await (const piece of client.backup()) {
      pieces.push(piece);
      backend.write("/d/0", `${pieces.length}`);
    }
    assert(pieces.length > 24, `${pieces.length}`);
    const lasts = pieces.filter(({ last }) => last);
    assertEquals(lasts, [pieces.at(-1)!]);
    for (const piece of pieces) assertEquals(piece.rev, rev);
    const store = storeOf(pieces);
    assertEquals([store.rev, store.hash], [rev, hash]);
    assertEquals(backend.asked, 1, "one quorum for the whole");
    // And again, on the same connection.
    const again = await Array.fromAsync(client.backup({ local: true }));
    assertEquals(storeOf(again).hash, backend.store.hash);
    assertEquals(backend.asked, 1, "the copy as it is needs none");
  }));

Deno.test("backup() of nearly nothing is a few pieces", async () => {
  using node = await serveFake();
  using client = await connect(`doozer:?ca=${node.addr}`);
  const pieces = await Array.fromAsync(client.backup());
  assertEquals(storeOf(pieces).rev, 0);
});

Deno.test("backup() can be left half-way, and others be made", () =>
  withNode(async (_node, client) => {
    for (let i = 0; i < LIMITS.backups + 1; i++) {
      for await (const _ of client.backup()) break;
    }
    let count = 0;
    for await (const { rev } of client.backup()) {
      count += rev > 0 ? 1 : 0;
      if (count === 7) break;
    }
    assertEquals(await client.rev(), 24);
  }));

Deno.test("backup() tells what the server refuses", () =>
  withNode(async ({ addr, backend }, client) => {
    const all = (options = {}) => Array.fromAsync(client.backup(options));
    const clients: Client[] = [];
    for (let i = 0; i < LIMITS.backups; i++) {
      clients.push(await connect(`doozer:?ca=${addr}`));
      await clients[i]!.backup().next();
    }
    assertEquals(await codeOf(all()), "LIMIT");
    for (const other of clients) other.close();
    backend.readRefusal = { code: "UNAVAILABLE", detail: "No quorum" };
    assertEquals(await codeOf(all()), "UNAVAILABLE");
    assertEquals(await codeOf(all({ lineage: OTHER })), "UNAVAILABLE");
    assertEquals(await codeOf(all({ local: true, lineage: OTHER })), "LINEAGE");
    assertEquals(
      await codeOf(all({ signal: AbortSignal.abort() })),
      "UNAVAILABLE",
    );
  }));

Deno.test("backup() ends where the history is replaced meanwhile", () =>
  withNode(async ({ backend }, client) => {
    const pieces = client.backup({ lineage: STATUS.lineage });
    assertEquals((await pieces.next()).value?.last, false);
    backend.lineage = OTHER;
    assertEquals(await codeOf(pieces.next()), "LINEAGE");
  }));

Deno.test("a client has nothing to do with another lineage", async () => {
  using node = await serveFake({ secrets: { rw: "rw" } });
  const uri = `doozer:?ca=${node.addr}&sk=rw`;
  using here = await connect(uri, { lineage: STATUS.lineage });
  assertEquals(await here.rev(), 0);
  assertEquals(await codeOf(connect(uri, { lineage: OTHER })), "LINEAGE");
  assertEquals(node.backend.proposed, []);
  using any = await connect(uri);
  assertEquals(any.lineage, STATUS.lineage);
  assertEquals((await any.status()).lineage, STATUS.lineage);
});
