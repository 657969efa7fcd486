/**
 * The client library against a real node: every verb, and lists that stay
 * consistent while others write.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ChangeEvent,
  type Client,
  connect,
} from "../../../protocol/net/mod.ts";
import { DoozerError, type ErrorCode, LIMITS } from "../../../store/mod.ts";
import { type LocalNode, serveNode } from "./servers.ts";

async function withClient(
  use: (client: Client, node: LocalNode) => Promise<void>,
  options: { historyRevs?: number } = {},
): Promise<void> {
  await using node = await serveNode(options);
  using client = await connect(node.uri);
  await use(client, node);
}

async function codeOf(asked: Promise<unknown>): Promise<ErrorCode> {
  return (await assertRejects(() => asked, DoozerError)).code;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

Deno.test("Client writes and reads files", () =>
  withClient(async (client) => {
    const rev = await client.set("/d/a", "one", { rev: 0 });
    const value = bytes("one");
    assertEquals(await client.get("/d/a"), { path: "/d/a", rev, value });
    assertEquals(await client.stat("/d/a"), { path: "/d/a", rev, len: 3 });
    assertEquals(await client.stat("/d"), { path: "/d", rev: -2, len: 1 });
    assertEquals(await client.rev(), rev);
    const next = await client.set("/d/a", Uint8Array.of(0, 255), { rev });
    assertEquals(next, rev + 1);
    assertEquals((await client.get("/d/a")).value, Uint8Array.of(0, 255));
    assertEquals((await client.get("/d/a", { rev })).value, value);
    assertEquals(await client.set("/d/a", ""), rev + 2);
    await client.del("/d/a", { rev: rev + 2 });
    const missing = { path: "/d/a", rev: 0 };
    const empty = new Uint8Array();
    assertEquals(await client.get("/d/a"), { ...missing, value: empty });
    assertEquals(await client.stat("/d/a"), { ...missing, len: 0 });
    await client.nop();
    assertEquals(await client.rev(), rev + 4);
  }));

Deno.test("Client tells refusals by their codes", () =>
  withClient(async (client) => {
    const rev = await client.set("/d/a", "v");
    const big = new Uint8Array(LIMITS.valueBytes + 1);
    const long = "/" + "x".repeat(LIMITS.pathBytes);
    const rows: [() => Promise<unknown>, ErrorCode][] = [
      [() => client.set("/d/a", "w", { rev: 0 }), "REV_MISMATCH"],
      [() => client.set("/d/a", "w", { rev: rev - 1 }), "REV_MISMATCH"],
      [() => client.del("/d/a", { rev: 0 }), "REV_MISMATCH"],
      [() => client.set("/a b", ""), "BAD_PATH"],
      [() => client.del("/a b"), "BAD_PATH"],
      [() => client.set("/d/a/b", ""), "NOTDIR"],
      [() => client.set("/d", ""), "ISDIR"],
      [() => client.get("/d"), "ISDIR"],
      [() => client.set("/b", big), "LIMIT"],
      [() => client.set(long, ""), "LIMIT"],
      [() => client.get(long), "LIMIT"],
      [() => client.wait("/[", { rev: 1 }), "BAD_GLOB"],
      [() => client.walk("/[").next(), "BAD_GLOB"],
      [() => client.getdir("/none").next(), "NOENT"],
      [() => client.getdir("/d/a").next(), "NOTDIR"],
      [() => client.access("x"), "DENIED"],
    ];
    for (const [ask, code] of rows) assertEquals(await codeOf(ask()), code);
    assertEquals(await client.rev(), rev, "none of these took a rev");
  }));

Deno.test("Client reads revs that are gone, and those to come", () =>
  withClient(async (client) => {
    const rev = await client.set("/a", "1");
    for (let i = 0; i < 10; i++) await client.set("/a", `${i}`);
    assertEquals(await codeOf(client.get("/a", { rev })), "TOO_LATE");
    assertEquals(await codeOf(client.wait("/a", { rev })), "TOO_LATE");
    const come = client.get("/a", { rev: rev + 11 });
    await client.set("/a", "come");
    assertEquals(text((await come).value), "come");
    const never = client.get("/a", { rev: rev + 1000, timeoutMs: 10 });
    assertEquals(await codeOf(never), "UNAVAILABLE");
  }, { historyRevs: 5 }));

Deno.test("Client waits for a change, past or to come", () =>
  withClient(async (client) => {
    const rev = await client.set("/a/b", "1");
    const set = { path: "/a/b", rev, kind: "set", value: bytes("1") };
    const first = await client.wait("/a/*", { rev });
    assertEquals(first, set as ChangeEvent);
    // Without a rev: what comes after now.
    const waiting = client.wait("/a/*");
    const deleted = (async () => {
      while (await client.rev() === rev) {
        await client.del("/a/b");
      }
    })();
    const event = await waiting;
    await deleted;
    const value = new Uint8Array();
    const del = { path: "/a/b", rev: rev + 1, kind: "del", value } as const;
    assertEquals(event, del);
    await client.nop();
    const nop = await client.wait("/**", { rev: rev + 2 });
    assertEquals(nop, { path: "/", rev: rev + 2, kind: "nop", value });
    const late = client.wait("/a/*", { timeoutMs: 5 });
    assertEquals(await codeOf(late), "TIMEOUT");
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = client.wait("/a/*", { rev: rev + 9, signal });
    controller.abort();
    assertEquals(await codeOf(aborted), "TIMEOUT");
  }));

Deno.test("Client watches without a gap, however fast others write", () =>
  withClient(async (client, node) => {
    using writer = await connect(node.uri);
    const rev = await client.rev() + 1;
    const count = 500;
    const writes = Array.from(
      { length: count },
      (_, i) => writer.set(i % 3 === 0 ? "/other" : `/w/${i % 7}`, `${i}`),
    );
    const seen: string[] = [];
    const onTooLate = "fail";
    for await (const event of client.watch("/w/*", { rev, onTooLate })) {
      seen.push(text(event.value));
      if (event.value.length > 0 && Number(seen.at(-1)) === count - 1) break;
    }
    await Promise.all(writes);
    const wanted = Array.from({ length: count }, (_, i) => i)
      .filter((i) => i % 3 !== 0).map(String);
    assertEquals(seen, wanted);
  }));

Deno.test("Client lists at one rev while others write", () =>
  withClient(async (client, node) => {
    using writer = await connect(node.uri);
    const names = Array.from({ length: 200 }, (_, i) => `n${1000 + i}`);
    const stable = names.map((name) => `${name}-stable`);
    const files = [...names, ...stable];
    await Promise.all(files.map((name) => writer.set(`/l/${name}`, "old")));
    let stop = false;
    const writing = (async () => {
      for (let i = 0; !stop; i++) {
        await Promise.all([
          writer.del(`/l/${names[i % 200]}`),
          writer.set(`/l/new${i}`, "new"),
          writer.set(`/l/${names[(i + 100) % 200]}`, "new"),
        ]);
      }
    })();
    for (let round = 0; round < 3; round++) {
      const rev = await client.rev();
      const found: string[] = [];
      for await (const file of client.walk("/l/*", { rev })) {
        assert(file.rev <= rev, `${file.path} is of rev ${file.rev}`);
        found.push(file.path.slice(3));
      }
      const listed = await Array.fromAsync(client.getdir("/l", { rev }));
      assertEquals(found, listed);
      assertEquals(listed, listed.toSorted());
      assertEquals((await client.stat("/l", { rev })).len, listed.length);
      // Without a rev it is one as well: nothing is passed over, or seen twice.
      const now = await Array.fromAsync(client.getdir("/l"));
      const kept = now.filter((name) => name.endsWith("-stable"));
      assertEquals(kept, stable);
    }
    stop = true;
    await writing;
  }));

Deno.test("Client walks in tree order, and may stop early", () =>
  withClient(async (client) => {
    const paths = ["/w/a/x", "/w/a-b", "/w/a.b/y", "/w/ab", "/w/b"];
    for (const path of paths.toReversed()) await client.set(path, path);
    const walked: string[] = [];
    for await (const { path, value } of client.walk("/w/**")) {
      assertEquals(text(value), path);
      walked.push(path);
    }
    assertEquals(walked, paths);
    for await (const { path } of client.walk("/w/**")) {
      assertEquals(path, "/w/a/x");
      break;
    }
    assertEquals(await Array.fromAsync(client.getdir("/w")), [
      "a",
      "a-b",
      "a.b",
      "ab",
      "b",
    ]);
    assertEquals(await Array.fromAsync(client.walk("/none/*")), []);
    assert(await client.rev() > 0, "the connection is in order");
  }));

Deno.test("Client's lists of large files do not overwhelm anybody", () =>
  withClient(async (client) => {
    const value = new Uint8Array(LIMITS.valueBytes).fill(1);
    for (let i = 0; i < 40; i++) await client.set(`/big/${i}`, value);
    let count = 0;
    for await (const file of client.walk("/big/*")) {
      assertEquals(file.value.length, value.length);
      count++;
    }
    assertEquals(count, 40);
  }));

Deno.test("Client's writes take effect in the order made", () =>
  withClient(async (client) => {
    const first = await client.rev() + 1;
    const made = Array.from(
      { length: 3000 },
      (_, i) => client.set("/o", `${i}`),
    );
    const revs = await Promise.all(made);
    assertEquals(revs, revs.map((_, i) => first + i));
    assertEquals(text((await client.get("/o")).value), "2999");
  }));

Deno.test("Client is closed by close() and at the end of its scope", () =>
  withClient(async (client, node) => {
    let kept: Client;
    {
      using scoped = await connect(node.uri);
      kept = scoped;
      assert(await scoped.rev() > 0);
    }
    assertEquals(await codeOf(kept.rev()), "CLOSED");
    await client.set("/a", "");
    const waiting = client.wait("/never", { rev: 2 ** 40 });
    const writing = client.set("/a", "");
    client.close();
    client.close();
    const codes = await Promise.all([waiting, writing].map(codeOf));
    assertEquals(codes, ["CLOSED", "UNKNOWN"]);
    assertEquals(await codeOf(client.set("/a", "")), "CLOSED");
  }));

Deno.test("Client goes on trying where all servers have ended", async () => {
  const node = await serveNode();
  const lost = Promise.withResolvers<void>();
  using client = await connect(node.uri, {
    onNotice: ({ type }) => type === "lost" && lost.resolve(),
  });
  const rev = 2 ** 40;
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = codeOf(client.wait("/never", { rev, signal }));
  const watching = codeOf(client.watch("/never", { rev, signal }).next());
  await client.rev();
  await node[Symbol.asyncDispose]();
  await lost.promise;
  assertEquals(await codeOf(client.rev({ timeoutMs: 5 })), "UNAVAILABLE");
  const write = client.set("/a", "", { timeoutMs: 5 });
  assertEquals(await codeOf(write), "UNAVAILABLE");
  controller.abort();
  assertEquals([await waiting, await watching], ["TIMEOUT", "TIMEOUT"]);
});

Deno.test("Client.wait() that is given up is taken back", async () => {
  await using node = await serveNode();
  using client = await connect(node.uri);
  const from = await client.set("/a", "1") + 1;
  for (let i = 0; i < 2 * LIMITS.waitsPerConnection; i++) {
    const aborted = new AbortController();
    const { signal } = aborted;
    const waiting = client.wait("/a", { rev: from, signal });
    aborted.abort();
    assertEquals(await codeOf(waiting), "TIMEOUT");
  }
  // None of them stands any more: so many are the limit.
  const waits = Array.from(
    { length: LIMITS.waitsPerConnection },
    () => client.wait("/a", { rev: from }),
  );
  await client.set("/a", "2");
  for (const { rev } of await Promise.all(waits)) assertEquals(rev, from);
});
