/**
 * What a request says of the session that its command belongs to, checked as
 * far as that can be done without the session.
 *
 * Numbers that no session can have are refused here: the log need not carry
 * them.
 *
 * @module
 */
import { LIMITS, type Refusal, type SessionNumber } from "../store/mod.ts";
import type { ClientRequest } from "./request.ts";
import { decodeText, encodeText } from "./wire.ts";

/** Which of its session's commands the request brings; both are present. */
export function sessionNumberOf(
  { session, number, acknowledged = 0 }: ClientRequest,
): SessionNumber | Refusal {
  if (session! < 1) {
    const detail = `There is no session ${session}: they count from 1`;
    return { code: "SESSION", detail };
  }
  if (number! < 1 || acknowledged < 0) {
    const detail = `Command ${number} of session ${session}, acknowledged up ` +
      `to ${acknowledged}: commands count from 1`;
    return { code: "NUMBER", detail };
  }
  return { session: session!, number: number!, acknowledged };
}

/** The name that a client gives the session that it opens. */
export function sessionNameOf(
  value: Uint8Array | undefined,
): { readonly name: string } | Refusal {
  if (value === undefined) return { name: "" };
  const { length } = value;
  if (length > LIMITS.sessionNameBytes) {
    const detail = `The session's name has ${length} bytes, the limit is ` +
      `${LIMITS.sessionNameBytes}`;
    return { code: "LIMIT", detail };
  }
  const name = decodeText(value, 0, length);
  if (isSame(encodeText(name), value)) return { name };
  return { code: "OTHER", detail: "The session's name is not UTF-8" };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((b, at) => b === other[at]);
}
