/**
 * Paxos in words: messages and records as one line of text, and back, so that
 * tests read as dialogues.
 *
 * A ballot is `2.B` (round 2 of node B) or `0`; a proposal is `7=x` (value x
 * in slot 7), an accepted one `7=x@2.B`; the empty value is `no-op`.
 *
 * @module
 */
import type { LogRecord } from "../../consensus/mod.ts";
import { formatBallot, ZERO_BALLOT } from "../../consensus/mod.ts";
import { encodeText } from "../../protocol/mod.ts";
import type { AcceptedValue, Ballot, PeerMessage } from "../../protocol/mod.ts";

const NO_OP = "no-op";
const DECODER = new TextDecoder();

/** How a value is shown. */
export type Show = (value: Uint8Array) => string;

export function readBallot(text: string): Ballot {
  if (text === "0") return ZERO_BALLOT;
  const [round, node] = text.split(".");
  return { round: Number(round), node: node! };
}

export function readValue(text: string): Uint8Array {
  return encodeText(text === NO_OP ? "" : text);
}

export const showValue: Show = (value) =>
  value.length === 0 ? NO_OP : DECODER.decode(value);

/** Reads `7=x@2.B`. */
function readAccepted(text: string): AcceptedValue {
  const [seqn, value, ballot] = text.split(/[=@]/);
  return {
    seqn: Number(seqn),
    ballot: readBallot(ballot!),
    value: readValue(value!),
  };
}

/** Reads what {@linkcode showMessage} writes. */
export function readMessage(text: string): PeerMessage {
  const [type, ballotText, ...rest] = text.replaceAll(",", "").split(" ");
  const ballot = readBallot(ballotText!);
  const last = rest.at(-1) ?? "";
  switch (type) {
    case "prepare":
      return { type, ballot, from: Number(last) };
    case "promise":
      return { type, ballot, accepted: rest.slice(1).map(readAccepted) };
    case "accept": {
      const { seqn, value } = readAccepted(`${last}@0`);
      return { type, seqn, ballot, value };
    }
    case "accepted":
      return { type, seqn: Number(last), ballot };
    case "nack":
      return { type, ballot, promised: readBallot(last) };
  }
  throw new SyntaxError(`Cannot read "${text}": no message begins so`);
}

/** Reads a message of the type that is expected. */
export function read<T extends PeerMessage["type"]>(
  type: T,
  rest: string,
): PeerMessage & { type: T } {
  return readMessage(`${type} ${rest}`) as PeerMessage & { type: T };
}

/** Writes a message as `accept 2.B 7=x`. */
export function showMessage(
  message: PeerMessage,
  show: Show = showValue,
): string {
  const ballot = formatBallot(message.ballot);
  switch (message.type) {
    case "prepare":
      return `prepare ${ballot} from ${message.from}`;
    case "promise": {
      const values = message.accepted.map((value) => showAccepted(value, show));
      const tail = values.length === 0 ? "" : `, accepted ${values.join(" ")}`;
      return `promise ${ballot}${tail}`;
    }
    case "accept":
      return `accept ${ballot} ${message.seqn}=${show(message.value)}`;
    case "accepted":
      return `accepted ${ballot} ${message.seqn}`;
    case "nack":
      return `nack ${ballot}, promised ${formatBallot(message.promised)}`;
  }
}

/** Writes a record as `promised 2.B` or `accepted 7=x@2.B`. */
export function showRecord(record: LogRecord, show: Show = showValue): string {
  return record.type === "promised"
    ? `promised ${formatBallot(record.ballot)}`
    : `accepted ${showAccepted(record.accepted, show)}`;
}

function showAccepted(accepted: AcceptedValue, show: Show): string {
  const { seqn, value, ballot } = accepted;
  return `${seqn}=${show(value)}@${formatBallot(ballot)}`;
}
