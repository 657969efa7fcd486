/**
 * Events as bytes: the fields that are wanted, and each spelled once.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ANSWER_BYTES_MAX, EventBytes } from "../../protocol/event_bytes.ts";
import { WANTS } from "../../protocol/request.ts";
import { type BodyView, Store, type StoreEvent } from "../../store/mod.ts";
import { compileGlob, LIMITS, Watch, type Watcher } from "../../store/mod.ts";
import { decodeRawResponse, type RawResponse } from "./raw_client.ts";

const encoder = new TextEncoder();
const EMPTY = new Uint8Array();

function newStore(): { store: Store; last: () => StoreEvent } {
  const store = new Store();
  let last: StoreEvent | undefined;
  const watcher: Watcher = {
    watched(_, event) {
      last = event;
      return true;
    },
    watchEnded() {},
  };
  const wish = { glob: compileGlob("/**"), from: 1 };
  store.waits.watch(new Watch(watcher, wish));
  return { store, last: () => last! };
}

function decode({ bytes, start, length }: BodyView): RawResponse {
  const message = bytes.subarray(start, start + length);
  return decodeRawResponse(message, { extended: true }).response;
}

function set(store: Store, value: string): void {
  const body = encoder.encode(value);
  const stamp = { time: 1234, origin: "me" };
  store.apply({ type: "set", path: "/a", rev: -1, body }, stamp);
}

Deno.test("EventBytes has the fields that are wanted", () => {
  const { store, last } = newStore();
  const events = new EventBytes();
  const { previous, stamp, noBody } = WANTS;
  const stamped = { time: 1234, origin: "me" };
  const told = (want: number) => decode(events.of(last(), { want, store }));
  set(store, "one");
  const one = encoder.encode("one");
  const first = { flags: 4, rev: 1, path: "/a", prev_rev: 0 };
  assertEquals(told(0), { ...first, value: one });
  assertEquals(told(previous), { ...first, value: one }, "none was before");
  set(store, "");
  const second = { flags: 4, rev: 2, path: "/a", prev_rev: 1 };
  assertEquals(told(previous), { ...second, value: EMPTY, prev_value: one });
  assertEquals(told(previous | noBody), { ...second, prev_value: one });
  assertEquals(told(stamp), { ...second, value: EMPTY, ...stamped });
  assertEquals(told(stamp | noBody), { ...second, ...stamped });
  // Which events are left out is no matter of how they are spelled.
  assertEquals(told(WANTS.noSet), { ...second, value: EMPTY });
  store.apply({ type: "del", path: "/a", rev: -1 });
  const gone = { flags: 8, rev: 3, path: "/a", prev_rev: 2, value: EMPTY };
  assertEquals(told(previous), { ...gone, prev_value: EMPTY });
  store.apply({ type: "nop" });
  const nop = { flags: 0, rev: 4, path: "/", value: EMPTY };
  assertEquals(told(previous), { ...nop, prev_rev: 0 });
  store.apply({ type: "nop" });
  assertEquals(told(previous), { ...nop, rev: 5, prev_rev: 4 });
});

/** A store that tells how often it was asked. */
class CountingStore extends Store {
  asked = 0;

  override before(event: StoreEvent): ReturnType<Store["before"]> {
    this.asked++;
    return super.before(event);
  }
}

Deno.test("EventBytes spells an event once for all that want the same", () => {
  const store = new CountingStore();
  const events = new EventBytes();
  const want = WANTS.previous;
  const spelled: string[] = [];
  const watcher: Watcher = {
    watched(_, event) {
      const { bytes, start, length } = events.of(event, { want, store });
      spelled.push(bytes.subarray(start, start + length).toHex());
      return true;
    },
    watchEnded() {},
  };
  for (let i = 0; i < 3; i++) {
    const wish = { glob: compileGlob("/a"), from: 1 };
    store.waits.watch(new Watch(watcher, wish));
  }
  set(store, "one");
  set(store, "two");
  assertEquals([spelled.length, store.asked], [6, 2]);
  assertEquals(new Set(spelled).size, 2);
});

Deno.test("EventBytes tells events of one rev of two stores apart", () => {
  const events = new EventBytes();
  const [one, other] = [newStore(), newStore()];
  set(one.store, "one");
  set(other.store, "other");
  for (const { store, last } of [one, other, one]) {
    const { value } = decode(events.of(last(), { want: 0, store }));
    const wanted = store === one.store ? "one" : "other";
    assertEquals(new TextDecoder().decode(value), wanted);
  }
});

Deno.test("the longest event is within ANSWER_BYTES_MAX", () => {
  const { store, last } = newStore();
  const path = "/" + "x".repeat(LIMITS.pathBytes - 1);
  const body = new Uint8Array(LIMITS.valueBytes);
  const stamp = { time: 2 ** 52, origin: "x".repeat(LIMITS.sessionNameBytes) };
  for (const _ of [1, 2]) {
    store.apply({ type: "set", path, rev: -1, body }, stamp);
  }
  const want = WANTS.previous | WANTS.stamp;
  const { length } = new EventBytes().of(last(), { want, store });
  assert(length > LIMITS.frameBytes && length < ANSWER_BYTES_MAX);
});

Deno.test("EventBytes gives the memory of a large event back", () => {
  const { store, last } = newStore();
  const events = new EventBytes();
  const spell = () => events.of(last(), { want: 0, store }).bytes.buffer;
  set(store, "x".repeat(1 << 20));
  assert(spell().byteLength >= 1 << 20);
  set(store, "x");
  assert(spell().byteLength < 1 << 16);
});
