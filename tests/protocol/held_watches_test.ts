/**
 * The watches of one connection: what is told when, and what is not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { WINDOW_MAX } from "../../protocol/asked_watch.ts";
import { HeldWatches, type WatchOwner } from "../../protocol/held_watches.ts";
import { ResponseEncoder, WireWriter } from "../../protocol/mod.ts";
import { compileGlob, type Rev, Store } from "../../store/mod.ts";
import { splitFrames } from "./fake_backend.ts";
import { decodeRawResponse, type RawResponse } from "./raw_client.ts";

/** A connection that has room, or not, as the test says. */
class Owner implements WatchOwner {
  writer = new WireWriter();
  answers = new ResponseEncoder(this.writer);
  /** How many events it has room for. */
  room = Infinity;
  tells = true;
  sees = true;
  announced = 0;

  get hasRoom(): boolean {
    return this.room > 0;
  }

  mayTell(): boolean {
    return this.tells;
  }

  maySee(): boolean {
    return this.sees;
  }

  announceOutput(): void {
    this.announced++;
    this.room--;
  }

  read(): RawResponse[] {
    const bytes = this.writer.written().slice();
    this.writer.clear();
    return splitFrames(bytes)
      .map((body) => decodeRawResponse(body, { extended: true }).response);
  }
}

interface Wish {
  path?: string;
  from?: Rev;
  window?: number;
  progressMs?: number;
}

function begin(store = new Store()): {
  store: Store;
  owner: Owner;
  watches: HeldWatches;
  start: (tag: number, wish?: Wish) => void;
  set: (path: string, value?: string) => void;
  told: () => [tag: number | undefined, rev: number | undefined][];
} {
  const owner = new Owner();
  const watches = new HeldWatches(owner, store);
  const start = (tag: number, wish: Wish = {}) => {
    const { path = "/**", from = 1, window, progressMs } = wish;
    const glob = compileGlob(path);
    const kinds = ["set", "del", "nop"] as const;
    const bounds = { window, progressMs };
    const asked = { glob, from, kinds, previous: false, ...bounds, want: 0 };
    assertEquals(watches.start(tag, asked), undefined);
  };
  const set = (path: string, value = "") => {
    const body = new TextEncoder().encode(value);
    store.apply({ type: "set", path, rev: -1, body });
  };
  const told = () => {
    while (store.waits.behind) store.waits.catchUp(1000);
    return owner.read().map(({ tag, rev }) =>
      [tag, rev] as [number | undefined, number | undefined]
    );
  };
  return { store, owner, watches, start, set, told };
}

Deno.test("each watch is told with its tag, at once or from the past", () => {
  const { start, set, told, watches, owner } = begin();
  start(1);
  start(-2, { path: "/a" });
  set("/a");
  set("/b");
  assertEquals(told(), [[-2, 1], [1, 1], [1, 2]]);
  assertEquals(owner.announced, 3);
  start(3);
  assertEquals(told(), [[3, 1], [3, 2]]);
  assertEquals([watches.size, watches.has(3), watches.has(4)], [
    3,
    true,
    false,
  ]);
});

/** The bytes of a frame of an event as these tests make it. */
const FRAME = 4 + 2 + 2 + 2 + 4 + 2 + 3;

Deno.test("an event may overdraw the window once, and credit goes on", () => {
  const { store, owner, watches, start, set, told } = begin();
  start(1, { window: FRAME + 1 });
  set("/a");
  assertEquals(owner.writer.length, FRAME, "what an event costs");
  for (let i = 0; i < 4; i++) set("/a");
  assertEquals(told(), [[1, 1], [1, 2]]);
  // It has overdrawn by a frame less one byte, so that much brings nothing.
  assertEquals(watches.credit(1, FRAME - 1), undefined);
  assertEquals(store.waits.behind, false, "it does not even look");
  assertEquals(told(), []);
  assertEquals(watches.credit(1, 1), undefined);
  assertEquals(told(), [[1, 3]]);
  assertEquals(watches.credit(1, 10 * FRAME), undefined);
  assertEquals(told(), [[1, 4], [1, 5]]);
  set("/a");
  assertEquals(told(), [[1, 6]], "current again");
  assertEquals(store.waits.count(), 1);
});

Deno.test("credit is for a watch that is there, and has an end", () => {
  const { watches, start } = begin();
  assertEquals(watches.credit(1, 1), {
    code: "NOENT",
    detail: "No watch of this connection has tag 1",
  });
  start(1, { window: 1 });
  start(2);
  let refused = 0;
  for (let sum = 1; sum <= Number.MAX_SAFE_INTEGER; sum += WINDOW_MAX) {
    if (watches.credit(1, WINDOW_MAX) !== undefined) refused++;
  }
  assertEquals(refused, 1);
  const detail = watches.credit(1, WINDOW_MAX)?.detail ?? "";
  assert(detail.endsWith("the limit is 9007199254740991"), detail);
  assertEquals(watches.credit(2, WINDOW_MAX), undefined, "it has no bound");
});

Deno.test("without room watches are held, and go on in turn", () => {
  const { owner, watches, start, set, told } = begin();
  for (const tag of [1, 2, 3]) start(tag);
  owner.room = 0;
  for (let i = 0; i < 6; i++) set("/a");
  assertEquals([told(), watches.store.waits.behind], [[], false]);
  const tags = new Set<number | undefined>();
  for (let i = 0; i < 3; i++) {
    // Room for a few only: nobody takes all of it every time.
    owner.room = 2;
    watches.roomAgain();
    for (const [tag] of told()) tags.add(tag);
  }
  assertEquals([...tags].toSorted(), [1, 2, 3]);
  owner.room = Infinity;
  watches.roomAgain();
  assert(told().length > 0);
  watches.roomAgain();
  assertEquals(told(), [], "none is held");
});

Deno.test("who has no room is too late once history has gone on", () => {
  const { owner, watches, start, set, told } = begin(
    new Store({ historyRevs: 3 }),
  );
  start(1);
  start(2, { window: 1 });
  set("/a");
  assertEquals(told(), [[1, 1], [2, 1]]);
  owner.room = 0;
  for (let i = 0; i < 3; i++) set("/a");
  watches.expire(0);
  assertEquals([owner.read(), watches.size], [[], 2]);
  set("/a");
  watches.expire(0);
  const late = { rev: 2, err_code: "TOO_LATE" };
  assertEquals(owner.read(), [{ tag: 1, ...late }, { tag: 2, ...late }]);
  assertEquals([watches.size, watches.store.waits.count()], [0, 0]);
  set("/a");
  watches.expire(9);
  assertEquals(told(), [], "nothing follows");
});

Deno.test("progress is told where there is some, and no sooner", () => {
  const { owner, watches, start, set } = begin();
  start(1, { path: "/a", progressMs: 100 });
  start(2, { path: "/a" });
  const marks = (now: number) => {
    watches.expire(now);
    return owner.read();
  };
  assertEquals(marks(1000), []);
  set("/b");
  assertEquals(marks(1099), []);
  assertEquals(marks(1100), [{ tag: 1, flags: 0, rev: 1 }]);
  assertEquals(marks(5000), [], "nothing new");
  set("/a");
  assertEquals(owner.read().length, 2);
  assertEquals(marks(6000), [], "the event has told it");
  set("/b");
  owner.room = 0;
  assertEquals(marks(7000), [], "no room");
  owner.room = Infinity;
  assertEquals(marks(7000), [{ tag: 1, flags: 0, rev: 3 }]);
  set("/b");
  assertEquals(marks(7099), []);
});

Deno.test("a watch that is held or behind tells no progress", () => {
  const { store, owner, watches, start, set, told } = begin();
  start(1, { window: 1, progressMs: 100 });
  for (let i = 0; i < 3; i++) set("/a");
  assertEquals(told(), [[1, 1]]);
  watches.expire(0);
  watches.expire(1000);
  assertEquals(owner.read(), []);
  start(2, { progressMs: 100 });
  watches.expire(2000);
  watches.expire(3000);
  assertEquals(owner.read(), []);
  assertEquals(told(), [[2, 1], [2, 2], [2, 3]]);
  // One that has passed over some events is not there yet, either.
  for (let i = 0; i < 3000; i++) set("/b");
  owner.read();
  start(3, { path: "/x*", progressMs: 100 });
  store.waits.catchUp(500);
  assert(store.waits.behind);
  watches.expire(4000);
  watches.expire(5000);
  assertEquals(owner.read().filter(({ tag }) => tag === 3), []);
});

Deno.test("a watch that has ended is looked at no more", () => {
  const { store, owner, watches, start, set } = begin();
  let looked = 0;
  const { cutLate, isCurrent } = store.waits;
  store.waits.cutLate = (watch) => {
    looked++;
    return cutLate.call(store.waits, watch);
  };
  store.waits.isCurrent = (watch) => {
    looked++;
    return isCurrent.call(store.waits, watch);
  };
  start(1, { window: 1, progressMs: 100 });
  start(2, { progressMs: 100 });
  set("/a");
  owner.room = 0;
  set("/a");
  watches.expire(0);
  watches.expire(100);
  assertEquals(looked, 6, "for marks, and whether it is too late");
  for (const tag of [1, 2]) watches.cancel(tag);
  watches.expire(200);
  assertEquals(looked, 6);
});

Deno.test("a watch that is cancelled is told nothing, wherever it was", () => {
  const { store, owner, watches, start, set, told } = begin();
  start(1);
  start(2, { window: 1 });
  start(3);
  set("/a");
  set("/a");
  owner.room = 0;
  set("/a");
  owner.read();
  start(4);
  assertEquals(store.waits.count(), 4);
  for (const tag of [1, 2, 3, 4]) assertEquals(watches.cancel(tag), true);
  assertEquals([watches.cancel(1), store.waits.count()], [false, 0]);
  owner.room = Infinity;
  watches.roomAgain();
  watches.expire(1e6);
  set("/a");
  assertEquals([told(), watches.size], [[], 0]);
});

Deno.test("who may not see is told nothing, who is not to be told neither", () => {
  const { owner, watches, start, set, told } = begin();
  start(1, { progressMs: 100 });
  owner.sees = false;
  set("/a");
  owner.sees = true;
  set("/a");
  assertEquals(told(), [[1, 2]]);
  owner.tells = false;
  set("/a");
  watches.expire(0);
  watches.expire(1000);
  assertEquals(told(), []);
  watches.clear();
  assertEquals([watches.size, watches.store.waits.count()], [0, 0]);
});

/** What may happen to a few watches. */
const deeds = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("/a", "/b", "/c/d") },
    { weight: 2, arbitrary: fc.nat(3).map((room) => ({ room })) },
    {
      weight: 2,
      arbitrary: fc.record({ credit: fc.nat(2), bytes: fc.nat(90) }),
    },
    { weight: 2, arbitrary: fc.nat(5).map((units) => ({ units })) },
    { weight: 1, arbitrary: fc.nat(9).map((late) => ({ late })) },
  ),
  { maxLength: 60 },
);

Deno.test("every event is told once, in order, or the watch is too late", () => {
  const globs = ["/**", "/a", "/c/*"];
  fc.assert(fc.property(deeds, (deeds) => {
    const { store, owner, watches, start, set } = begin(
      new Store({ historyRevs: 8 }),
    );
    for (const [tag, path] of globs.entries()) {
      start(tag, { path, ...tag === 1 ? {} : { window: 50 } });
    }
    const paths: string[] = [];
    const told: RawResponse[] = [];
    for (const deed of deeds) {
      if (typeof deed === "string") {
        paths.push(deed);
        set(deed);
      } else if ("room" in deed) {
        owner.room = deed.room;
        watches.roomAgain();
      } else if ("credit" in deed) watches.credit(deed.credit, deed.bytes);
      else if ("units" in deed) store.waits.catchUp(deed.units);
      else watches.expire(deed.late * 1000);
      told.push(...owner.read());
    }
    owner.room = Infinity;
    watches.roomAgain();
    for (const tag of [0, 2]) watches.credit(tag, 1e9);
    while (store.waits.behind) store.waits.catchUp(100);
    told.push(...owner.read());
    for (const [tag, text] of globs.entries()) {
      const glob = compileGlob(text);
      const mine = told.filter((answer) => answer.tag === tag);
      const end = mine.findIndex(({ err_code }) => err_code !== undefined);
      const resume = end < 0 ? paths.length + 1 : mine[end]!.rev!;
      assert(end < 0 || end === mine.length - 1, "nothing follows the end");
      const revs = paths.map((_, at) => at + 1)
        .filter((rev) => glob.matches(paths[rev - 1]!) && rev < resume);
      const events = mine.filter(({ path }) => path !== undefined);
      assertEquals(events.map(({ rev }) => rev), revs);
    }
  }));
});
