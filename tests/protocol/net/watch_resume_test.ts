/**
 * Watches of the client library whose server is lost: they go on at another
 * one, without a gap or a duplicate; or say what is not to be had any more.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Notice, WatchItem } from "../../../protocol/net/mod.ts";
import { codeOf, connectTo, text, withTwoWays } from "./ways.ts";

for (const windowBytes of [1, 200, 1 << 20]) {
  Deno.test(`a watch with a window of ${windowBytes} resumes without gap or duplicate`, () =>
    withTwoWays(async ({ first, second, direct }) => {
      const notices: Notice[] = [];
      const onNotice = (notice: Notice) => notices.push(notice);
      const addrs = [first.addr, second.addr];
      using client = await connectTo(addrs, { onNotice });
      let cuts = 0;
      // Each in turn is lost after some events, in the middle of one or not.
      for (const [proxy, other] of [[first, second], [second, first]]) {
        let events = 0;
        proxy!.onAnswer = ({ verb, response: { path } }) => {
          if (verb !== "WATCH" || path === undefined) return "pass";
          if (cuts === 8 || ++events % 25 !== 0) return "pass";
          other!.refuses = false;
          proxy!.refuses = true;
          return ++cuts % 2 === 0 ? "cut" : "tear";
        };
      }
      const rev = await direct.set("/w", "begin") + 1;
      const count = 500;
      const writes = Array.from(
        { length: count },
        (_, n) => direct.set(n % 5 === 0 ? "/other" : "/w", String(n)),
      );
      const wanted = (await Promise.all(writes))
        .filter((_, n) => n % 5 !== 0);
      const told: number[] = [];
      const before = [rev - 1];
      const watch = client.watch("/w", {
        rev,
        windowBytes,
        onTooLate: "fail",
      });
      for await (const event of watch) {
        told.push(event.rev);
        before.push(event.previousRev);
        if (told.length === wanted.length) break;
      }
      assertEquals(told, wanted);
      assertEquals(before.slice(1), [rev - 1, ...wanted.slice(0, -1)]);
      assertEquals(cuts, 8);
      const resumed = notices.filter(({ type }) => type === "resumed");
      assertEquals(resumed.length, 8);
      for (const notice of resumed) {
        if (notice.type !== "resumed") continue;
        assertEquals(notice.glob, "/w");
        assert(notice.rev > rev && addrs.includes(notice.address));
      }
    }));
}

Deno.test("a watch for what is to come resumes where nothing was told yet", () =>
  withTwoWays(async ({ first, second, direct }) => {
    const resumed = Promise.withResolvers<Notice>();
    using client = await connectTo([first.addr, second.addr], {
      onNotice: (notice) =>
        notice.type === "resumed" && resumed.resolve(notice),
    });
    const rev = await direct.rev() + 1;
    const watch = client.watch("/w", { onTooLate: "fail" });
    const watched = Promise.withResolvers<void>();
    first.onAnswer = ({ verb }) => {
      if (verb === "WATCH") watched.resolve();
      return "pass";
    };
    const next = watch.next();
    await watched.promise;
    await client.self(); // Behind the answer: that has come.
    first.cut();
    assertEquals(await resumed.promise, {
      type: "resumed",
      glob: "/w",
      rev,
      address: second.addr,
    });
    assertEquals(await direct.set("/w", "1"), rev);
    const { value } = await next;
    assertEquals(value?.rev, rev);
    await watch.return();
  }));

Deno.test("TOO_LATE becomes a snapshot, which says what may be missing", () =>
  withTwoWays(async ({ first, second, direct }) => {
    using client = await connectTo([first.addr, second.addr]);
    const begin = await direct.set("/w/a", "1");
    await direct.set("/w/gone", "1");
    const watch = client.watch("/w/*", { rev: begin });
    assertEquals((await watch.next()).value?.rev, begin);
    assertEquals((await watch.next()).value?.rev, begin + 1);
    // While it is away, more happens than history keeps.
    const away = watch.next();
    first.cut();
    second.refuses = true;
    await direct.del("/w/gone");
    for (let n = 0; n < 50; n++) await direct.set("/w/a", `${n}`);
    const rev = await direct.set("/w/b", "new");
    second.refuses = false;
    const items: (WatchItem | void)[] = [(await away).value];
    while (items.at(-1)?.kind !== "current") {
      items.push((await watch.next()).value);
    }
    const told = items.map((item) =>
      item?.kind === "file"
        ? [item.path, item.rev, text(item.value)]
        : [item?.kind, item?.rev]
    );
    assertEquals(told, [
      ["snapshot", rev],
      ["/w/a", rev - 1, "49"],
      ["/w/b", rev, "new"],
      ["current", rev],
    ]);
    const [snapshot] = items;
    assertEquals(snapshot?.kind === "snapshot" && snapshot.from, begin + 2);
    await direct.set("/w/a", "after");
    const { value } = await watch.next();
    const before = value?.kind === "set" && value.previousRev;
    assertEquals([value?.rev, before], [rev + 1, rev - 1]);
    await watch.return();
    // Who wants no snapshot is told instead.
    const onTooLate = "fail";
    const late = client.watch("/w/*", { rev: begin, onTooLate });
    assertEquals(await codeOf(late.next()), "TOO_LATE");
  }, { historyRevs: 20 }));

Deno.test("a snapshot whose server is lost is told again, from one rev", () =>
  withTwoWays(async ({ first, second, direct }) => {
    using client = await connectTo([first.addr, second.addr]);
    const body = new Uint8Array(2_000).fill(7);
    const paths = Array.from({ length: 3_000 }, (_, n) => `/w/${10_000 + n}`);
    await Promise.all(paths.map((path) => direct.set(path, body)));
    let pieces = 0;
    first.onAnswer = ({ verb }) => {
      if (verb !== "WALK" || ++pieces < 5) return "pass";
      first.refuses = true;
      return "tear";
    };
    let told: string[] = [];
    let rev = 0;
    for await (const item of client.watch("/w/*", { snapshot: true })) {
      if (item.kind === "snapshot") {
        told = [];
        rev = item.rev;
        assertEquals(item.from, undefined);
      } else if (item.kind === "file") {
        assertEquals(item.value.length, body.length);
        told.push(item.path);
      } else {
        assertEquals([item.kind, item.rev], ["current", rev]);
        break;
      }
    }
    assertEquals(told, paths);
    assert(pieces >= 5 && client.address === second.addr);
  }));
