/**
 * Responses for the tests of their bytes: by the method that is made for each.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { EventBytes } from "../../protocol/event_bytes.ts";
import {
  type ClientResponse,
  decodeResponse,
  EVENT_FLAGS,
  LIST_FLAGS,
  type ListEntry,
  MARK_FLAGS,
  ResponseEncoder,
  WANTS,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";
import { type BodyView, ERROR_CODES, type ErrorCode } from "../../store/mod.ts";
import type { FileState, StoreEvent } from "../../store/mod.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";
import type { Vector } from "./vectors.ts";

/** All codes. */
export const CODES: readonly ErrorCode[] = Object.keys(
  ERROR_CODES,
) as ErrorCode[];

/** What the original numbered; all others travel as OTHER. */
export const NUMBERED: Readonly<Partial<Record<ErrorCode, number>>> = {
  TAG_IN_USE: 1,
  UNKNOWN_VERB: 2,
  READONLY: 3,
  TOO_LATE: 4,
  REV_MISMATCH: 5,
  BAD_PATH: 6,
  MISSING_ARG: 7,
  RANGE: 8,
  NOTDIR: 20,
  ISDIR: 21,
  NOENT: 22,
};

/** Reads a response from its first byte on. */
export function decode(bytes: Uint8Array): ClientResponse {
  const reader = new WireReader();
  reader.reset(bytes, { start: 0, end: bytes.length });
  return decodeResponse(reader);
}

/** What was sent, without the fields that were not. */
export function present(response: ClientResponse): Partial<ClientResponse> {
  return Object.fromEntries(
    Object.entries(response).filter(([, value]) => value !== undefined),
  );
}

/** The message that the encoder writes, without its frame's length. */
export function encoded(write: (encoder: ResponseEncoder) => void): Uint8Array {
  const writer = new WireWriter(0);
  write(new ResponseEncoder(writer));
  const written = writer.written();
  const header = new DataView(written.buffer, written.byteOffset, 4);
  assertEquals(header.getUint32(0), written.length - 4, "the frame's length");
  return written.slice(4);
}

/** A body as the encoder takes it. */
export function viewOf(value: Uint8Array): BodyView {
  return { bytes: value, start: 0, length: value.length };
}

/** Answers with these fields, by the method that is made for them. */
export function answer(encoder: ResponseEncoder, wanted: ClientResponse): void {
  const { tag, flags, rev, path, value, len, errCode, errDetail } = wanted;
  encoder.at = wanted.at;
  if (errCode !== undefined && rev !== undefined) {
    return encoder.watchEnded(tag!, { code: "TOO_LATE" }, rev);
  }
  if (errCode !== undefined) {
    const known = CODES.find((code) => NUMBERED[code] === errCode);
    return encoder.error(tag, known ?? "OTHER", errDetail);
  }
  if (answerExtended(encoder, wanted)) return;
  if (flags !== undefined) {
    const event = { flags, rev: rev!, path: path!, body: viewOf(value!) };
    return encoder.event(tag, event);
  }
  if (len !== undefined) return encoder.stat(tag, { rev: rev!, len });
  if (path !== undefined) return encoder.name(tag, path);
  if (rev === undefined && value === undefined) return encoder.done(tag);
  if (value === undefined) return encoder.rev(tag, rev!);
  if (rev !== undefined) {
    return encoder.file(tag, { rev, body: viewOf(value) });
  }
  encoder.text(tag, new TextDecoder().decode(value));
}

/** The same for answers that only extended requests have; tells whether. */
function answerExtended(
  encoder: ResponseEncoder,
  wanted: ClientResponse,
): boolean {
  const { tag, flags, rev, path, session, entries } = wanted;
  if (session !== undefined) encoder.session(tag, session);
  else if (path !== undefined && wanted.prevRev !== undefined) {
    encoder.watched(tag!, eventBytes(wanted));
  } else if (flags === undefined || path !== undefined) return false;
  else if (wanted.value !== undefined) return false;
  else if (entries === undefined && flags === MARK_FLAGS) {
    encoder.mark(tag!, rev!);
  } else {
    const last = flags === LIST_FLAGS.last;
    const list = viewOf(listBytes(entries ?? []));
    encoder.list(tag, { rev: rev!, last, entries: list });
  }
  return true;
}

/** An event as a store tells it. */
function eventBytes(wanted: ClientResponse): BodyView {
  const { flags, rev, path, value, prevRev, prevValue, time } = wanted;
  const kinds = Object.entries(EVENT_FLAGS);
  const kind = kinds.find(([, number]) => number === flags)?.[0];
  const want = (value === undefined ? WANTS.noBody : 0) |
    (prevValue === undefined ? 0 : WANTS.previous) |
    (time === undefined ? 0 : WANTS.stamp);
  const event: StoreEvent = {
    kind: kind as StoreEvent["kind"],
    rev: rev!,
    path: path!,
    body: viewOf(value ?? new Uint8Array()),
    previousRev: prevRev!,
    time: time ?? 0,
    origin: wanted.origin ?? "",
  };
  const state: FileState = {
    type: "file",
    rev: prevRev!,
    ...viewOf(prevValue ?? new Uint8Array()),
  };
  return new EventBytes().of(event, { want, store: { before: () => state } });
}

/** Entries as another implementation writes them. */
function listBytes(entries: readonly ListEntry[]): Uint8Array {
  return concatBytes(entries.map(({ path, rev, value, len }) => {
    const last = value === undefined
      ? encodeNumber(4, len)
      : encodeBytes(3, value);
    const parts = [encodeBytes(1, path), encodeNumber(2, rev), last];
    return encodeBytes(21, concatBytes(parts));
  }));
}

/** What a golden response says. */
export function meaningOf({ meaning }: Vector): Partial<ClientResponse> {
  const response = JSON.parse(meaning);
  for (const name of ["value", "prevValue"]) {
    const text = response[name];
    if (text !== undefined) response[name] = Uint8Array.fromHex(text);
  }
  for (const entry of response.entries ?? []) {
    const { value } = entry;
    entry.value = value === undefined ? undefined : Uint8Array.fromHex(value);
    entry.len ??= 0;
  }
  return response;
}
