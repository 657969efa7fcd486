/**
 * Whatever bytes or words come in: decoders refuse them with their own error
 * or read them, and a connection over a store takes everything, answers each
 * request once, and holds no more than it may.
 *
 * At least 100,000 inputs, random ones and mutations of good ones. A failure
 * prints its seed; run it again with `SEED=... deno test`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodeBatch,
  decodeRequest,
  decodeResponse,
  DEFAULT_URI,
  emptyRequest,
  encodeRequest,
  errorOf,
  formatAddress,
  FrameDecoder,
  parseAddress,
  parseUri,
  ProtocolError,
  UnreadAnswers,
  VERBS,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";
import {
  AssertionError,
  compileGlob,
  DoozerError,
  LIMITS,
  Store,
} from "../../store/mod.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";
import { concatBytes, frame, frameHeader } from "./raw_client.ts";
import { encodeRawRequest, type RawRequest } from "./raw_client.ts";
import { bytesOf, vectorsOf } from "./vectors.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const INPUTS_LEAST = 100_000;

let inputs = 0;

/** Gives the predicate so many inputs, and counts them. */
function fuzz<T>(
  arbitrary: fc.Arbitrary<T>,
  count: number,
  predicate: (input: T) => void,
): void {
  const counted = (input: T): void => {
    inputs++;
    predicate(input);
  };
  fc.assert(fc.property(arbitrary, counted), { numRuns: count, seed: SEED });
}

/** Runs it; anything but an error of these classes is a failure. */
function allowing<T>(
  classes: readonly (new (...args: never[]) => Error)[],
  run: () => T,
): T | undefined {
  try {
    return run();
  } catch (error) {
    if (classes.some((one) => error instanceof one)) return undefined;
    throw error;
  }
}

type Mutation = [kind: number, at: number, byte: number];

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.tuple(fc.nat(4), fc.nat(60), fc.nat(255)),
  { minLength: 1, maxLength: 4 },
);

/** Changes, removes, adds or repeats a byte, or cuts off what follows. */
function mutate(bytes: Uint8Array, [kind, place, byte]: Mutation): Uint8Array {
  const at = bytes.length === 0 ? 0 : place % bytes.length;
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case 0:
      return concatBytes([head, Uint8Array.of(byte), tail.subarray(1)]);
    case 1:
      return concatBytes([head, tail.subarray(1)]);
    case 2:
      return concatBytes([head, Uint8Array.of(byte), tail]);
    case 3:
      return concatBytes([head, tail.subarray(0, byte % 8), tail]);
    default:
      return head;
  }
}

/** Bytes of any kind, and golden ones with a few changes. */
function messages(kind: string): fc.Arbitrary<Uint8Array> {
  const golden = vectorsOf(kind).map(bytesOf);
  const mutated = fc.tuple(fc.nat(golden.length - 1), mutations)
    .map(([index, changes]) =>
      changes.reduce<Uint8Array>(mutate, golden[index]!)
    );
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 3, arbitrary: mutated },
  );
}

function readerOf(bytes: Uint8Array): WireReader {
  const reader = new WireReader();
  reader.reset(bytes, { start: 0, end: bytes.length });
  return reader;
}

function isInt32(value: number | undefined): boolean {
  return value === undefined || (value | 0) === value;
}

/** Reads frames of requests; what is read can be written and read again. */
function fuzzRequests(body: Uint8Array, header: number | undefined): void {
  const decoder = new FrameDecoder();
  const head = header === undefined ? [] : [frameHeader(header)];
  decoder.push(concatBytes([frame(body), ...head, body]));
  const request = emptyRequest();
  const reader = new WireReader();
  allowing([ProtocolError], () => {
    while (decoder.next()) {
      reader.reset(decoder.bytes, decoder);
      decodeRequest(reader, request);
      const { tag, verb, offset, rev = 0 } = request;
      assert(isInt32(tag) && isInt32(verb) && isInt32(offset));
      assert(Number.isSafeInteger(rev));
      const writer = new WireWriter();
      encodeRequest(writer, request);
      const again = emptyRequest();
      decodeRequest(readerOf(writer.written().subarray(4)), again);
      assertEquals(again, request);
    }
  });
  assert(decoder.bytes.length <= LIMITS.frameBytes, "memory is bounded");
}

const words = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.array(
    fc.constantFrom(
      ...["doozer:?", "ca=", "cn=", "sk=", "tls=", "&", "%", ":", "[", "]"],
      ...["127.0.0.1", "::1", "8046", "99999", "true", "h", "/", " ", "="],
    ),
    { maxLength: 8 },
  ).map((parts) => parts.join("")),
  fc.string({ maxLength: 20 }).map((text) => DEFAULT_URI + text),
);

function fuzzUri(text: string): void {
  const uri = allowing([DoozerError], () => parseUri(text));
  const address = allowing([DoozerError], () => parseAddress(text));
  const found = [...uri?.addresses ?? [], ...address ? [address] : []];
  for (const one of found) {
    assert(one.port >= 0 && one.port <= 65535 && one.hostname !== "");
    assertEquals(parseAddress(formatAddress(one)), one);
  }
}

const GLOB_PARTS = ["/", "*", "**", "?", "a", "b", "a-b", ".", "..", "[", "é"];
const globs = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.array(fc.constantFrom(...GLOB_PARTS), { maxLength: 14 })
    .map((parts) => "/" + parts.join("")),
  fc.tuple(fc.constantFrom(...GLOB_PARTS), fc.nat(1200))
    .map(([part, times]) => "/" + part.repeat(times)),
);

function fuzzGlob(text: string, path: string): void {
  const glob = allowing([DoozerError], () => compileGlob(text));
  if (glob === undefined) return;
  assertEquals(typeof glob.matches(path), "boolean");
  assertEquals(glob.literal, !/[*?]/.test(text));
  assert(!glob.literal || glob.matches(text));
}

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

/** Whether no request is one that the other fuzzing is for. */
function asksAsOldClients(deeds: readonly Deed[]): boolean {
  const decoder = new FrameDecoder();
  decoder.push(concatBytes(
    deeds.flatMap((deed) => "bytes" in deed ? [deed.bytes] : []),
  ));
  const request = emptyRequest();
  const isOld = allowing([ProtocolError], () => {
    while (decoder.next()) {
      const { start, end } = decoder;
      decodeRequest(readerOf(decoder.bytes.slice(start, end)), request);
      const { verb, session, limit } = request;
      if (verb >= VERBS.HELLO && verb <= VERBS.CREDIT) return false;
      if (session !== undefined || limit !== undefined) return false;
    }
    return true;
  });
  return isOld ?? true;
}

/** Each request has one answer, or is still waited for; nothing stays. */
function fuzzConnection(deeds: readonly Deed[], protectedBy: boolean): void {
  if (!asksAsOldClients(deeds)) return;
  const backend = new FakeBackend(new Store({ historyRevs: 5 }));
  const unread = new UnreadAnswers();
  const secrets = protectedBy ? { rw: "secret", ro: "v" } : {};
  const client = new FakeClient(backend, { unread, secrets });
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

Deno.test("fuzz: nothing that comes in does any harm", async (t) => {
  await t.step("requests", () => {
    const headers = fc.option(fc.integer(), { nil: undefined });
    const input = fc.tuple(messages("request"), headers);
    fuzz(input, 60_000, ([body, header]) => fuzzRequests(body, header));
  });
  await t.step("responses", () => {
    fuzz(messages("response"), 40_000, (bytes) => {
      const response = allowing(
        [ProtocolError],
        () => decodeResponse(readerOf(bytes)),
      );
      if (response !== undefined) errorOf(response);
    });
  });
  await t.step("batches", () => {
    // A command of a later version is meant to stop the node: AssertionError.
    const classes = [ProtocolError, AssertionError];
    fuzz(messages("batch"), 30_000, (bytes) => {
      allowing(classes, () => decodeBatch(bytes, () => {}));
    });
  });
  await t.step("URIs and addresses", () => {
    fuzz(words, 20_000, fuzzUri);
  });
  await t.step("globs", () => {
    const input = fc.tuple(globs, globs);
    fuzz(input, 20_000, ([glob, path]) => fuzzGlob(glob, path));
  });
  await t.step("connections", () => {
    const input = fc.tuple(deeds, fc.boolean());
    fuzz(input, 20_000, ([deeds, secrets]) => fuzzConnection(deeds, secrets));
  });
  await t.step("watches, sessions and lists", () => {
    fuzz(extendedDeeds, 20_000, fuzzExtensions);
  });
  assert(inputs >= INPUTS_LEAST, `only ${inputs} inputs`);
});
