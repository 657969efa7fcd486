/**
 * Paxos in words: messages and records as one line of text, and back, so that
 * tests read as dialogues.
 *
 * A ballot is `2.B` (round 2 of node B) or `0`; a proposal is `7=x` (value x
 * in slot 7), an accepted one `7=x@2.B`; the empty value is `no-op`; a claim
 * `3:77:500` (incarnation, start, position). What a node in memory always says
 * of its memory is left out. Messages that carry commands or images are
 * written, but not read.
 *
 * @module
 */
import { FIRST_CLAIM, formatBallot } from "../../consensus/mod.ts";
import { ZERO_BALLOT } from "../../consensus/mod.ts";
import { decodeBatch, encodeMutation, encodeText } from "../../protocol/mod.ts";
import type { AcceptedValue, Ballot, Claim } from "../../protocol/mod.ts";
import type { LogRecord, PeerMessage } from "../../protocol/mod.ts";
import { WireWriter } from "../../protocol/mod.ts";

const NO_OP = "no-op";
const DECODER = new TextDecoder();
const ENVELOPE = { session: 1, number: 1, time: 0 };

/** How a value is shown. */
export type Show = (value: Uint8Array) => string;

export function readBallot(text: string): Ballot {
  if (text === "0") return ZERO_BALLOT;
  const [round, node] = text.split(".");
  return { round: Number(round), node: node! };
}

export function readClaim(text: string): Claim {
  const [incarnation, start, position] = text.split(":").map(Number);
  return { incarnation: incarnation!, start: start!, position: position! };
}

export function showClaim({ incarnation, start, position }: Claim): string {
  return `${incarnation}:${start}:${position}`;
}

/** A batch, for nothing else is learned (C10): of one write of this text. */
export function readValue(text: string): Uint8Array {
  if (text === NO_OP) return new Uint8Array(0);
  const writer = new WireWriter(256);
  const body = encodeText(text);
  encodeMutation(writer, ENVELOPE, { type: "set", path: "/", rev: 0, body });
  return writer.written().slice();
}

export const showValue: Show = (value) => {
  let text = NO_OP;
  decodeBatch(value, (command) => {
    if (command.kind !== "mutate") return;
    const [mutation] = command.mutations;
    if (mutation?.type === "set") text = DECODER.decode(mutation.body);
  });
  return text;
};

/** Reads `7=x@2.B`, or `7=x` where no ballot is told. */
function readAccepted(text: string): AcceptedValue {
  const [seqn, value, ballot = "0"] = text.split(/[=@]/);
  return {
    seqn: Number(seqn),
    ballot: readBallot(ballot),
    value: readValue(value!),
  };
}

/** What a message says beside its first words: `applied 7` as 7. */
class Words {
  readonly #words: readonly string[];

  constructor(text: string) {
    this.#words = text.replaceAll(",", "").split(" ");
  }

  at(place: number): string {
    return this.#words.at(place) ?? "";
  }

  after(word: string): string {
    const place = this.#words.indexOf(word);
    return place < 0 ? "0" : this.#words[place + 1] ?? "0";
  }

  number(word: string): number {
    return Number(this.after(word));
  }

  get claim(): Claim {
    return this.has("claim") ? readClaim(this.after("claim")) : FIRST_CLAIM;
  }

  /** The words that hold a `=`. */
  get values(): AcceptedValue[] {
    return this.#words.filter((word) => word.includes("=")).map(readAccepted);
  }

  has(word: string): boolean {
    return this.#words.includes(word);
  }
}

/** Reads what {@linkcode showMessage} writes. */
export function readMessage(text: string): PeerMessage {
  const words = new Words(text);
  const type = words.at(0);
  const ballot = readBallot(words.at(1));
  const applied = words.number("applied");
  const position = words.number("position");
  switch (type) {
    case "prepare":
      return { type, ballot, from: words.number("from") };
    case "promise": {
      const accepted = words.values;
      const total = words.number("of") || accepted.length;
      const from = words.number("from");
      return { type, ballot, from, accepted, total, position };
    }
    case "accept": {
      const { seqn, value } = readAccepted(words.at(2));
      return { type, seqn, ballot, value };
    }
    case "accepted":
      return { type, seqn: Number(words.at(2)), ballot, position };
    case "nack":
    case "prevoted": {
      const promised = readBallot(words.after("promised"));
      if (type === "nack") return { type, ballot, promised };
      return { type, ballot, granted: words.has("yes"), applied, promised };
    }
    case "behind":
    case "prevote":
      return { type, ballot, applied };
    case "handover":
      return { type, ballot };
    case "decided":
      return { type, ballot, upTo: words.number("to") };
  }
  return readOther(type, words);
}

/** Those that are not about agreement itself. */
function readOther(type: string, words: Words): PeerMessage {
  const ballot = readBallot(words.at(1));
  const round = words.number("round");
  const hops = words.number("hops");
  const { claim } = words;
  const full = words.has("full");
  switch (type) {
    case "alive": {
      const decided = words.number("decided");
      const began = words.has("began") ? words.number("began") : claim.position;
      return { type, ballot, decided, round, claim, began, full };
    }
    case "outdated":
      return { type, claim };
    case "heard": {
      const applied = words.number("applied");
      const durable = words.has("durable") ? words.number("durable") : applied;
      const hash = words.number("hash");
      return { type, ballot, round, applied, durable, hash, full };
    }
    case "learn":
      return { type, from: words.number("from") };
    case "learned": {
      const { values } = words;
      const from = values[0]?.seqn ?? words.number("from");
      const first = words.number("first");
      const decided = words.number("decided");
      return {
        type,
        from,
        values: values.map((at) => at.value),
        first,
        decided,
      };
    }
    case "ask":
    case "told": {
      const [asker, question] = [words.at(1), Number(words.at(2))];
      if (type === "ask") return { type, hops, asker, question };
      return { type, hops, asker, question, index: words.number("index") };
    }
    case "leave":
    case "farewell":
      return { type, hops, node: words.at(1) };
    case "attach": {
      const about = { addr: words.after("at"), hostname: "host", version: "1" };
      const incarnation = words.number("incarnation") || 1;
      const replaces = words.has("for") ? words.after("for") : "";
      return {
        ...{ type, hops, node: words.at(1), ...about },
        ...{ incarnation, start: words.number("start"), replaces },
      };
    }
  }
  throw new SyntaxError(`Cannot read a message that begins with "${type}"`);
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
  const { type } = message;
  switch (type) {
    case "learn":
      return `learn from ${message.from}`;
    case "learned": {
      const { from, values, first, decided } = message;
      const slots = values.map((value, i) => ` ${from + i}=${show(value)}`);
      return `learned${slots.join("") || ` from ${from}`}, first ${first}, ` +
        `decided ${decided}`;
    }
    case "fetch":
      return `fetch image ${message.image} piece ${message.index}`;
    case "piece": {
      const { image, index, last, bytes } = message;
      const size = bytes.length === 0 ? "gone" : last ? "last" : "more";
      return `piece image ${image} piece ${index} ${size}`;
    }
    case "forward":
      return `forward ${message.seats ? "seats " : ""}` +
        `${show(message.batch)}, hops ${message.hops}`;
    case "ask":
      return `ask ${message.asker} ${message.question}, hops ${message.hops}`;
    case "told": {
      const { asker, question, index, hops } = message;
      return `told ${asker} ${question} index ${index}, hops ${hops}`;
    }
    case "attach": {
      const { node, addr, hops, incarnation, start, replaces } = message;
      const times = incarnation === 1 ? "" : `, incarnation ${incarnation}`;
      const begun = start === 0 ? times : `${times}, start ${start}`;
      const place = replaces === "" ? "" : `, for ${replaces}`;
      return `attach ${node} at ${addr}${begun}${place}, hops ${hops}`;
    }
    case "outdated":
      return `outdated, claim ${showClaim(message.claim)}`;
    case "leave":
    case "farewell":
      return `${type} ${message.node}, hops ${message.hops}`;
    case "contradicted":
      return `contradicted ${formatBallot(message.ballot)} ${message.seqn}`;
  }
  return showBallotMessage(message, show);
}

/** A message that is about a ballot. */
type BallotMessage = Exclude<
  Extract<PeerMessage, { ballot: Ballot }>,
  { type: "contradicted" }
>;

function showBallotMessage(message: BallotMessage, show: Show): string {
  const { type } = message;
  const said = `${type} ${formatBallot(message.ballot)}`;
  switch (type) {
    case "prepare":
      return `${said} from ${message.from}`;
    case "promise": {
      const { accepted, total } = message;
      const values = accepted.map((value) => showAccepted(value, show));
      const tail = values.length === 0 ? "" : `, accepted ${values.join(" ")}`;
      return said + tail + (total > values.length ? ` of ${total}` : "");
    }
    case "accept":
      return `${said} ${message.seqn}=${show(message.value)}`;
    case "accepted":
      return `${said} ${message.seqn}`;
    case "nack":
      return `${said}, promised ${formatBallot(message.promised)}`;
    case "behind":
    case "prevote":
      return `${said}, applied ${message.applied}`;
    case "prevoted":
      return `${said} ${message.granted ? "yes" : "no"}, ` +
        `applied ${message.applied}, promised ${
          formatBallot(message.promised)
        }`;
    case "alive": {
      const { began } = message;
      const claim = showClaim(message.claim) +
        (began === message.claim.position ? "" : ` began ${began}`);
      const told = claim === showClaim(FIRST_CLAIM) ? "" : `, claim ${claim}`;
      return `${said}, decided ${message.decided}` + showRound(message.round) +
        told + (message.full ? ", full" : "");
    }
    case "heard": {
      const { applied, durable, round, full } = message;
      return `${said}, applied ${applied}` + showRound(round) +
        (durable === applied ? "" : `, durable ${durable}`) +
        (full ? ", full" : "");
    }
    case "decided":
      return `${said} up to ${message.upTo}`;
    case "handover":
      return said;
  }
}

function showRound(round: number): string {
  return round === 0 ? "" : `, round ${round}`;
}

/** Writes a record as `promised 2.B` or `accepted 7=x@2.B`. */
export function showRecord(record: LogRecord, show: Show = showValue): string {
  switch (record.type) {
    case "promised":
      return `promised ${formatBallot(record.ballot)}`;
    case "accepted":
      return `accepted ${showAccepted(record.accepted, show)}`;
    case "learned":
      return `learned ${record.seqn}=${show(record.value)}`;
    case "decided":
      return `decided up to ${record.upTo}`;
    case "started":
      return `started ${showClaim(record.claim)}`;
    case "peer":
      return `peer ${record.node} ${showClaim(record.claim)}`;
  }
}

function showAccepted(accepted: AcceptedValue, show: Show): string {
  const { seqn, value, ballot } = accepted;
  return `${seqn}=${show(value)}@${formatBallot(ballot)}`;
}
