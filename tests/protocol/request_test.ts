/**
 * Requests as bytes, both ways; which fields are present matters.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type ClientRequest,
  decodeRequest,
  emptyRequest,
  encodeRequest,
  ProtocolError,
  VERBS,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";
import { encodeRawRequest, VERBS as RAW_VERBS } from "./raw_client.ts";
import type { RawRequest } from "./raw_client.ts";
import { bytesOf, type Vector, vectorsOf } from "./vectors.ts";

function decode(bytes: Uint8Array): ClientRequest {
  const reader = new WireReader();
  reader.reset(bytes, { start: 0, end: bytes.length });
  const request = emptyRequest();
  decodeRequest(reader, request);
  return request;
}

/** The message of a request, without its frame's length. */
function encode(request: ClientRequest): string {
  const writer = new WireWriter();
  encodeRequest(writer, request);
  const written = writer.written();
  const header = new DataView(written.buffer, written.byteOffset, 4);
  assertEquals(header.getUint32(0), written.length - 4);
  return written.subarray(4).toHex();
}

function meaningOf(vector: Vector): ClientRequest {
  const request = { ...emptyRequest(), ...JSON.parse(vector.meaning) };
  const { value } = request;
  if (value !== undefined) request.value = Uint8Array.fromHex(value);
  return request;
}

Deno.test("decodeRequest() reads the golden requests", () => {
  for (const vector of vectorsOf("request")) {
    const { arrow, label, meaning } = vector;
    if (arrow === "!!") {
      const bytes = bytesOf(vector);
      assertThrows(() => decode(bytes), ProtocolError, meaning, label);
    } else assertEquals(decode(bytesOf(vector)), meaningOf(vector), label);
  }
});

Deno.test("encodeRequest() writes the golden requests", () => {
  for (const vector of vectorsOf("request")) {
    if (vector.arrow !== "<=>") continue;
    assertEquals(encode(meaningOf(vector)), vector.hex, vector.label);
  }
});

const int32s = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** Requests of which any field may be absent. */
const requests = fc.record({
  tag: fc.option(int32s, { nil: undefined }),
  verb: fc.oneof(fc.constantFrom(...Object.values(VERBS)), int32s),
  path: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
  value: fc.option(fc.uint8Array(), { nil: undefined }),
  offset: fc.option(int32s, { nil: undefined }),
  rev: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  read: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  minRev: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  lineage: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
  window: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  progress: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  want: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  target: fc.option(int32s, { nil: undefined }),
  session: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  number: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  acknowledged: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  limit: fc.option(fc.maxSafeInteger(), { nil: undefined }),
});

Deno.test("decodeRequest() reads what encodeRequest() writes", () => {
  fc.assert(
    fc.property(requests, (request) => {
      assertEquals(decode(Uint8Array.fromHex(encode(request))), request);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("encodeRequest() writes what another implementation does", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const present = Object.entries(request).filter(([, value]) =>
        value !== undefined
      );
      const { minRev, ...raw } = Object.fromEntries(present);
      const min = minRev === undefined ? {} : { min_rev: minRev };
      const bytes = encodeRawRequest({ ...raw, ...min } as RawRequest);
      assertEquals(encode(request), bytes.toHex());
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decodeRequest() forgets the request before", () => {
  const reader = new WireReader();
  const request = emptyRequest();
  fc.assert(fc.property(requests, (wanted) => {
    const bytes = Uint8Array.fromHex(encode(wanted));
    reader.reset(bytes, { start: 0, end: bytes.length });
    decodeRequest(reader, request);
    assertEquals(request, wanted);
  }));
});

Deno.test("decodeRequest() does not copy the value", () => {
  const bytes = encodeRawRequest({ verb: "SET", path: "/a", value: "v" });
  const { value } = decode(bytes);
  assertEquals(value?.buffer, bytes.buffer);
});

Deno.test("VERBS has the numbers of the specification", () => {
  assertEquals({ ...VERBS }, RAW_VERBS);
});
