/**
 * Watches over sockets: what a client gets whose watch has always more to say,
 * and what becomes of those that nobody can end any more.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { RawClient, type RawRequest } from "../raw_client.ts";
import { type FakeNode, serveFake } from "./servers.ts";

const WATCH: RawRequest = { tag: 5, verb: "WATCH", path: "/**", rev: 1 };
const KIB = new Uint8Array(1000);
/** Some 30 MB of events: more than all buffers between the two can hold. */
const EVENTS = 30_000;

/** A node with so much history that a watch of it takes a while. */
async function serveHistory(): Promise<FakeNode> {
  const node = await serveFake();
  for (let i = 0; i < EVENTS; i++) node.backend.write("/a", KIB);
  return node;
}

async function extendedClient(node: FakeNode): Promise<RawClient> {
  const client = await RawClient.connect(node.addr);
  client.extended = true;
  return client;
}

Deno.test("who ends writing is not told of a long history before it ends", async () => {
  using node = await serveHistory();
  using client = await extendedClient(node);
  const wait = { tag: 6, verb: "WAIT", path: "/x", rev: 1 };
  await client.send(WATCH, wait, { tag: 7, verb: "GET", path: "/a" });
  await client.closeWrite();
  let events = 0;
  const others: (number | undefined)[] = [];
  for (;;) {
    const answer = await client.receive();
    if (answer === null) break;
    const { tag, prev_rev } = answer.response;
    if (prev_rev !== undefined) events++;
    else others.push(tag);
  }
  assertEquals(others, [5, 7], "the mark, and what is owed");
  assert(events < EVENTS / 2, `${events} events`);
  assertEquals(node.backend.store.waits.count(), 0);
  assertEquals(node.failures, []);
});

Deno.test("who ends writing is answered what is owed, watches or not", async () => {
  using node = await serveFake();
  using client = await extendedClient(node);
  const set = { tag: 8, verb: "SET", path: "/b", rev: -1 };
  const wait = { tag: 6, verb: "WAIT", path: "/a", rev: 1 };
  await client.send(WATCH, wait, set, { tag: 1, verb: "REV" });
  assertEquals((await client.receive())?.response.tag, 5);
  assertEquals((await client.receive())?.response.tag, 1);
  await client.closeWrite();
  // Its watch is gone once the node has seen that, and its write is not.
  const { store } = node.backend;
  using other = await extendedClient(node);
  for (let i = 0; store.waits.count() > 1; i++) {
    assert(i < 1000, "the watch is still there");
    await other.ask({ verb: "REV" });
  }
  node.backend.write("/a");
  node.backend.settle();
  assertEquals((await client.receive())?.response.tag, 6);
  assertEquals((await client.receive())?.response.tag, 8);
  assertEquals(await client.receive(), null);
});

Deno.test("who is told of a long history is heard meanwhile, each time", async () => {
  using node = await serveHistory();
  using client = await extendedClient(node);
  await client.send(WATCH);
  const asked = [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000];
  const answered: number[] = [];
  for (let events = 0; events < EVENTS;) {
    const { tag, path } = (await client.receive())!.response;
    if (tag !== 5) answered.push(tag!);
    else if (path !== undefined) events++;
    if (asked[0] !== events) continue;
    await client.send({ tag: asked.shift()!, verb: "REV" });
  }
  assertEquals(answered, [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]);
});

Deno.test("who is told of a long history can end that", async () => {
  using node = await serveHistory();
  using client = await extendedClient(node);
  await client.send(WATCH);
  const cancel = { tag: 6, verb: "CANCEL", target: 5 };
  let events = 0;
  for (;; events++) {
    const { tag } = (await client.receive())!.response;
    if (tag === 6) break;
    // The node reads something else first.
    if (events === 1000) await client.send({ tag: 8, verb: "REV" });
    if (events === 2000) await client.send(cancel);
  }
  assert(events < EVENTS / 2, `${events} events`);
  node.backend.write("/a");
  const after = await client.ask({ tag: 7, verb: "REV" });
  assertEquals(after, { tag: 7, rev: EVENTS + 1 });
});

Deno.test("a watcher that does not read holds up nobody, and costs little", async () => {
  using node = await serveFake();
  using deaf = await extendedClient(node);
  using other = await extendedClient(node);
  await deaf.send(...Array.from({ length: 1000 }, (_, tag) => (
    { ...WATCH, tag }
  )));
  await other.ask(WATCH);
  // It is heard, and then reads no more.
  for (let i = 0; i < 1000; i++) await deaf.receive();
  const { waits } = node.backend.store;
  for (let rev = 1; rev <= 2000; rev++) {
    node.backend.write("/a", KIB);
    assertEquals((await other.receive())?.response.rev, rev);
  }
  assertEquals(waits.count(), 1001);
  // Each of its watches goes on where it was.
  const next = new Map<number | undefined, number>();
  for (let i = 0; i < 20_000; i++) {
    const { tag, rev } = (await deaf.receive())!.response;
    const wanted = next.get(tag) ?? 1;
    assertEquals(rev, wanted);
    next.set(tag, wanted + 1);
  }
  assertEquals(next.size, 1000);
});
