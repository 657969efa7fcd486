/**
 * Whatever a client sends, and whenever: a connection over a store takes
 * everything, answers each request once, and holds no more than it may.
 *
 * A failure prints its seed; run it again with `SEED=... deno test`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ClientRequest,
  decodeRequest,
  emptyRequest,
  FrameDecoder,
  ProtocolError,
  UnreadAnswers,
  VERBS,
} from "../../protocol/mod.ts";
import { Store } from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import { allowing, fuzz, inputsSoFar, messages, readerOf } from "./fuzz.ts";
import { concatBytes, encodeRawRequest, frame } from "./raw_client.ts";
import type { RawRequest } from "./raw_client.ts";

/** What a client, good or bad, may do next. */
type Deed =
  | { readonly bytes: Uint8Array }
  | { readonly settle: number }
  | { readonly confirm: number }
  | { readonly expire: number }
  | { readonly write: string }
  | { readonly read: true };

const PATHS = ["/a", "/a/b", "/b", "/", "", "/x y", "/c/d/e", "/c"];
const FUZZ_GLOBS = ["/**", "/*", "/a", "/[", "/c/**", "/?"];
const numbers = fc.oneof(
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 2 ** 40),
);

/** Those that are answered once each. */
const OLD_VERBS = Object.values(VERBS).filter((verb) =>
  verb < VERBS.HELLO || verb === VERBS.ACCESS
);

const requests: fc.Arbitrary<RawRequest> = fc.record({
  tag: fc.nat(9),
  verb: fc.constantFrom(...OLD_VERBS, 0, 4, 100),
  path: fc.constantFrom(...PATHS, ...FUZZ_GLOBS),
  value: fc.constantFrom("", "v", "secret"),
  offset: numbers,
  rev: numbers,
  read: fc.constantFrom(0, 1, 1, 2),
  min_rev: numbers,
}, { requiredKeys: ["verb"] });

const extended: fc.Arbitrary<RawRequest> = fc.record({
  tag: fc.nat(3),
  verb: fc.constantFrom(
    ...["WATCH", "WATCH", "WATCH", "CANCEL", "CREDIT", "SESSION", "SET"],
    ...["WALK", "GETDIR", "WAIT", "HELLO", "DEL", "NOP", "GET"],
  ),
  path: fc.constantFrom(...PATHS, ...FUZZ_GLOBS),
  value: fc.constantFrom("", "v"),
  offset: numbers,
  rev: numbers,
  window: fc.constantFrom(1, 40, 2 ** 31, 0, -1, 2 ** 53),
  progress: numbers,
  want: fc.integer({ min: -1, max: 65 }),
  target: fc.nat(3),
  session: numbers,
  number: numbers,
  acknowledged: numbers,
  limit: numbers,
  min_rev: numbers,
  lineage: fc.constantFrom("5F3KQZPTWJ7XGY2A", "OTHER"),
}, { requiredKeys: ["verb"] });

const deeds = deedsOf(requests);
const extendedDeeds = deedsOf(extended);

function deedsOf(requests: fc.Arbitrary<RawRequest>): fc.Arbitrary<Deed[]> {
  return fc.array(oneDeed(requests), { maxLength: 20 });
}

function oneDeed(requests: fc.Arbitrary<RawRequest>): fc.Arbitrary<Deed> {
  return fc.oneof(
    {
      weight: 8,
      arbitrary: requests.map((request) => ({
        bytes: frame(encodeRawRequest(request)),
      })),
    },
    { weight: 1, arbitrary: messages("request").map((bytes) => ({ bytes })) },
    {
      weight: 1,
      arbitrary: messages("request").map((body) => ({ bytes: frame(body) })),
    },
    { weight: 2, arbitrary: fc.nat(3).map((settle) => ({ settle })) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...PATHS).map((write) => ({ write })),
    },
    { weight: 2, arbitrary: fc.nat(2).map((confirm) => ({ confirm })) },
    { weight: 1, arbitrary: fc.nat(20).map((expire) => ({ expire })) },
    { weight: 2, arbitrary: fc.constant({ read: true as const }) },
  );
}

/** The requests in what is sent, up to where it is no message any more. */
function requestsIn(deeds: readonly Deed[]): ClientRequest[] {
  const decoder = new FrameDecoder();
  decoder.push(concatBytes(
    deeds.flatMap((deed) => "bytes" in deed ? [deed.bytes] : []),
  ));
  const found: ClientRequest[] = [];
  allowing([ProtocolError], () => {
    while (decoder.next()) {
      const { start, end } = decoder;
      const request = emptyRequest();
      decodeRequest(readerOf(decoder.bytes.slice(start, end)), request);
      found.push(request);
    }
  });
  return found;
}

/** Whether it is one that the other fuzzing is for. */
function isExtended({ verb, session, limit }: ClientRequest): boolean {
  if (verb >= VERBS.HELLO && verb <= VERBS.CREDIT) return true;
  return session !== undefined || limit !== undefined;
}

/** Says which answers may have a field that others may not. */
function expectReads(client: FakeClient, sent: readonly ClientRequest[]): void {
  for (const { tag, verb, read, minRev } of sent) {
    client.asked.sent({
      ...tag === undefined ? {} : { tag },
      ...read === undefined ? {} : { read },
      ...minRev === undefined ? {} : { min_rev: minRev },
      verb,
    });
  }
}

/** Each request has one answer, or is still waited for; nothing stays. */
function fuzzConnection(deeds: readonly Deed[], protectedBy: boolean): void {
  const sent = requestsIn(deeds);
  if (sent.some(isExtended)) return;
  const backend = new FakeBackend(new Store({ historyRevs: 5 }));
  const unread = new UnreadAnswers();
  const secrets = protectedBy ? { rw: "secret", ro: "v" } : {};
  const client = new FakeClient(backend, { unread, secrets });
  expectReads(client, sent);
  const { connection } = client;
  let answers = 0;
  for (const deed of deeds) {
    if ("bytes" in deed) client.sendBytes(deed.bytes);
    else if ("settle" in deed) backend.settle(deed.settle);
    else if ("confirm" in deed) backend.confirm(deed.confirm);
    else if ("expire" in deed) connection.expire(deed.expire * 1000);
    else if ("write" in deed) {
      const { write: path } = deed;
      const body = new Uint8Array(1);
      backend.store.apply({ type: "set", path, rev: -1, body });
    } else answers += client.readAll().length;
    // The longest answer is a status.
    assert(unread.total <= 1000 * deeds.length, "output is bounded");
  }
  do {
    backend.settle();
    backend.confirm();
    answers += client.readAll().length;
  } while (connection.owesAnswers);
  const waiting = backend.store.waits.count();
  if (connection.failure === undefined) {
    assertEquals(answers + waiting, connection.input.frames);
  } else assert(answers + waiting <= connection.input.frames);
  connection.close();
  assertEquals([backend.store.waits.count(), unread.total], [0, 0]);
  assertEquals(connection.hasOutput, false);
}

/**
 * Watches, sessions and lists: no event of a watch comes twice or too early,
 * and nothing stays.
 */
function fuzzExtensions(deeds: readonly Deed[]): void {
  const backend = new FakeBackend(new Store({ historyRevs: 5 }));
  const unread = new UnreadAnswers();
  const client = new FakeClient(backend, { unread, extended: true });
  expectReads(client, requestsIn(deeds));
  const { connection } = client;
  const said = new Map<number | undefined, number>();
  const read = () => {
    for (const { tag, path, rev = 0, prev_rev } of client.readAll()) {
      if (prev_rev !== undefined) {
        assert(rev > (said.get(tag) ?? Infinity), "a gap, or told twice");
        assert(prev_rev < rev);
      }
      if (prev_rev !== undefined || path === undefined) said.set(tag, rev);
    }
  };
  for (const deed of deeds) {
    if ("bytes" in deed) client.sendBytes(deed.bytes);
    else if ("settle" in deed) backend.settle(deed.settle);
    else if ("confirm" in deed) backend.store.waits.catchUp(deed.confirm);
    else if ("expire" in deed) connection.expire(deed.expire * 1000);
    else if ("write" in deed) {
      const body = new Uint8Array(1);
      backend.store.apply({ type: "set", path: deed.write, rev: -1, body });
    } else read();
    assert(unread.total <= 20_000 * deeds.length, "output is bounded");
  }
  backend.settle();
  backend.confirm();
  client.turn();
  read();
  connection.close();
  assertEquals([backend.store.waits.count(), unread.total], [0, 0]);
}

Deno.test("fuzz: nothing that a client does harms a node", async (t) => {
  await t.step("connections", () => {
    const input = fc.tuple(deeds, fc.boolean());
    fuzz(input, 20_000, ([deeds, secrets]) => fuzzConnection(deeds, secrets));
  });
  await t.step("watches, sessions and lists", () => {
    fuzz(extendedDeeds, 20_000, fuzzExtensions);
  });
  assert(inputsSoFar() >= 40_000, `only ${inputsSoFar()} inputs`);
});
