/**
 * The client library over networks that fail: answers that are lost, servers
 * that fall silent, lag behind, or are of another history.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Client, Notice } from "../../../protocol/net/mod.ts";
import { DoozerError } from "../../../store/mod.ts";
import { Proxy } from "./proxy.ts";
import { serveFake, serveNode } from "./servers.ts";
import { codeOf, connectTo, text, withTwoWays } from "./ways.ts";

for (const how of ["cut", "tear"] as const) {
  Deno.test(`a write whose answer is lost (${how}) takes effect once`, () =>
    withTwoWays(async ({ first, second, direct }) => {
      using client = await connectTo([first.addr, second.addr]);
      const before = await client.set("/a", "1");
      first.loseAnswer("SET", how);
      // Written again from rev 0 it would meet itself: REV_MISMATCH.
      const rev = await client.set("/new", "2", { rev: 0 });
      assertEquals(rev, before + 1);
      assertEquals(client.address, second.addr);
      const file = await direct.get("/new");
      assertEquals([file.rev, text(file.value)], [rev, "2"]);
      assertEquals(await direct.rev(), rev, "it took one rev");
    }));
}

Deno.test("removals, NOPs and failures whose answers are lost happen once", () =>
  withTwoWays(async ({ first, second, direct }) => {
    using client = await connectTo([first.addr, second.addr]);
    let rev = await client.set("/a", "1");
    const lose = () => {
      const [from, to] = client.address === first.addr
        ? [first, second]
        : [second, first];
      to.refuses = false;
      return from;
    };
    lose().loseAnswer("DEL");
    assertEquals(await client.del("/a", { rev }), ++rev);
    lose().loseAnswer("NOP");
    assertEquals(await client.nop(), ++rev);
    await direct.set("/b", "1");
    rev++;
    lose().loseAnswer("SET");
    // The first outcome is that it failed; what is so now does not matter.
    const failed = codeOf(client.set("/b", "2", { rev: 0 }));
    assertEquals(await failed, "REV_MISMATCH");
    assertEquals(await direct.rev(), rev);
    assertEquals(await client.set("/b", "3"), ++rev, "the session goes on");
  }));

Deno.test("many writes under way when a server is lost keep their order", () =>
  withTwoWays(async ({ first, second, direct }) => {
    using client = await connectTo([first.addr, second.addr]);
    const before = await direct.rev();
    let answers = 0;
    first.onAnswer = ({ verb }) => {
      if (verb !== "SET" || ++answers < 100) return "pass";
      first.refuses = true;
      return "cut";
    };
    const writes = Array.from(
      { length: 1_000 },
      (_, n) => client.set("/many", String(n)),
    );
    const revs = await Promise.all(writes);
    assertEquals(revs, revs.map((_, n) => before + 1 + n));
    assertEquals(client.address, second.addr);
    assertEquals(await direct.rev(), before + 1_000);
  }));

Deno.test("connect() leaves a server that accepts and is silent", () =>
  withTwoWays(async ({ first, second }) => {
    first.silence();
    using client = await connectTo([first.addr, second.addr]);
    assertEquals(client.address, second.addr);
    assertEquals(first.verbs, ["HELLO"]);
  }));

Deno.test("what is under way when a server falls silent is done at another", () =>
  withTwoWays(async ({ first, second, direct }) => {
    const notices: Notice[] = [];
    const onNotice = (notice: Notice) => notices.push(notice);
    const addrs = [first.addr, second.addr];
    using client = await connectTo(addrs, { onNotice });
    const from = await client.set("/a", "1") + 1;
    const waiting = client.wait("/a", { rev: from });
    await client.rev();
    first.silence();
    const began = performance.now();
    const reading = client.get("/a");
    const rev = await client.set("/b", "2");
    const ms = performance.now() - began;
    assert(ms < 20_000, `It took ${ms} ms; 2 s are the limit of silence`);
    assertEquals([rev, client.address], [from, second.addr]);
    assertEquals(text((await reading).value), "1");
    await direct.set("/a", "3");
    assertEquals((await waiting).rev, from + 1);
    const lost = notices.find(({ type }) => type === "lost");
    assert(lost?.type === "lost" && /silent/.test(lost.why), lost?.type);
  }));

Deno.test("a client reads nothing older than it has seen, wherever it is", async () => {
  using ahead = await serveFake();
  using behind = await serveFake();
  for (const text of ["1", "2", "3"]) ahead.backend.write("/a", text);
  behind.backend.write("/a", "1");
  await using first = new Proxy(ahead.addr);
  await using second = new Proxy(behind.addr);
  using client = await connectTo([first.addr, second.addr]);
  const read = "local";
  const seen = await client.get("/a", { read });
  assertEquals([text(seen.value), client.seen], ["3", 3]);
  const asked = Promise.withResolvers<number | undefined>();
  second.onRequest = ({ verb, request }) => {
    if (verb === "GET") asked.resolve(request.minRev);
    return "pass";
  };
  first.cut();
  const reading = client.get("/a", { read });
  assertEquals(await asked.promise, 3);
  // Behind the read, and answered at once: the read is held, not late.
  await client.self();
  behind.backend.write("/a", "2");
  behind.backend.write("/a", "3, too");
  const file = await reading;
  assertEquals([file.rev, text(file.value)], [3, "3, too"]);
  assertEquals(client.address, second.addr);
});

Deno.test("a server of another history is not used, and fails all alone", async () => {
  await using node = await serveNode();
  await using other = await serveNode();
  await using first = new Proxy(node.addr);
  await using second = new Proxy(other.addr);
  const lost = Promise.withResolvers<void>();
  const onNotice = ({ type }: Notice) => type === "lost" && lost.resolve();
  using client = await connectTo([first.addr, second.addr], { onNotice });
  const rev = await client.set("/a", "1");
  const { lineage } = await client.status();
  assertEquals(client.lineage, lineage);
  // What is under way when the last server of the history is gone.
  const later = rev + 1_000;
  const waiting = codeOf(client.wait("/a", { rev: later }));
  const watching = codeOf(client.watch("/a", { rev: later }).next());
  await client.rev();
  first.onRequest = () => "swallow";
  const writing = codeOf(client.set("/a", "2"));
  first.cut();
  await lost.promise;
  const asked = [
    () => client.get("/a"),
    () => client.get("/a", { read: "local" }),
    () => client.set("/a", "2"),
    () => client.del("/a"),
    () => client.nop(),
    () => client.status(),
    () => client.walk("/**").next(),
    () => client.wait("/a", { rev }),
    () => client.watch("/a", { rev }).next(),
  ];
  const codes = await Promise.all(asked.map((ask) => codeOf(ask())));
  assertEquals(codes, codes.map(() => "LINEAGE"));
  assertEquals([await waiting, await watching], ["LINEAGE", "LINEAGE"]);
  assertEquals(await writing, "UNKNOWN", "the first server may have had it");
  assertEquals([...new Set(second.verbs)], ["HELLO"], "it is only greeted");
  using stranger = await connectTo([other.addr]);
  assertEquals((await stranger.get("/a")).rev, 0);
  // The right one is there again.
  first.onRequest = () => "pass";
  first.refuses = false;
  await assertServed(client);
  assertEquals((await client.get("/a")).rev, rev);
});

/** Asks until the client is served: until then another's history is told. */
async function assertServed(client: Client): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    try {
      return void await client.rev();
    } catch (error) {
      assert(
        error instanceof DoozerError && error.code === "LINEAGE",
        `${error}`,
      );
    }
  }
  throw new Error("The client is not served");
}

Deno.test("connect() keeps to the lineage that it is told", async () => {
  await using node = await serveNode();
  await using other = await serveNode();
  using direct = await connectTo([other.addr]);
  const { lineage } = await direct.status();
  const addrs = [node.addr, other.addr];
  using client = await connectTo(addrs, { lineage });
  assertEquals([client.address, client.lineage], [other.addr, lineage]);
  assert(await client.set("/a", "1") > 0);
  const wrong = connectTo(addrs, { lineage: "AAAAAAAAAAAAAAAA" });
  assertEquals(await codeOf(wrong), "LINEAGE");
});
