/**
 * Whatever bytes or words come in: decoders refuse them with their own error
 * or read them.
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
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";
import {
  AssertionError,
  compileGlob,
  DoozerError,
  LIMITS,
} from "../../store/mod.ts";
import { allowing, fuzz, inputsSoFar, messages, readerOf } from "./fuzz.ts";
import { concatBytes, frame, frameHeader } from "./raw_client.ts";

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

Deno.test("fuzz: decoders read what comes in, or refuse it", async (t) => {
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
  assert(inputsSoFar() >= 100_000, `only ${inputsSoFar()} inputs`);
});
