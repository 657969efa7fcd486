/**
 * What nodes say, in words: a node is a letter (A for `AAAAAAAAAAAAAAAA`), a
 * ballot `2.B`, a command `B#1` (the first of B's session), a slot's value
 * the commands in brackets.
 *
 * @module
 */
import { FIRST_CLAIM, formatBallot } from "../../consensus/mod.ts";
import { ZERO_BALLOT } from "../../consensus/mod.ts";
import { type Command, decodeBatch, encodeText } from "../../protocol/mod.ts";
import type { AcceptedValue, Ballot, LogRecord } from "../../protocol/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import type { Mutation, Outcome, Store } from "../../store/mod.ts";
import { textOf } from "../store/changes.ts";
import type { Entry } from "./minutes.ts";

const DECODER = new TextDecoder();

/** The id of the node of that name. */
export function idOf(name: string): string {
  if (!/^[A-Z]$/.test(name)) {
    throw new SyntaxError(`Cannot call a node "${name}": a capital letter can`);
  }
  return name.repeat(16);
}

/** The text, with ids as names. */
export function shorten(text: string): string {
  return text.replace(/([A-Z])\1{15}/g, "$1");
}

/** A path, with names as ids. */
export function lengthen(word: string): string {
  return word.startsWith("/")
    ? word.replace(/\/[A-Z](?=\/|$)/g, ([, name]) => `/${idOf(name!)}`)
    : word;
}

/** Whose session it is. */
export type OwnerOf = (session: number) => string;

/** Values in words. */
export class Words {
  readonly #ownerOf: OwnerOf;

  constructor(ownerOf: OwnerOf) {
    this.#ownerOf = ownerOf;
  }

  /** What a slot holds; commands that were seen before by their names. */
  value(value: Uint8Array, { brief = false } = {}): string {
    if (value.length === 0) return "no-op";
    const commands: string[] = [];
    try {
      decodeBatch(value, (command) => {
        commands.push(this.command(command, { brief }));
      });
    } catch {
      return `"${DECODER.decode(value)}"`;
    }
    return `[${commands.join("; ")}]`;
  }

  command(command: Command, { brief = false } = {}): string {
    switch (command.kind) {
      case "mutate": {
        const { session, number, by } = command;
        const once = by === undefined ? "" : ` (${by.session}.${by.number})`;
        const name = `${this.#ownerOf(session)}#${number}${once}`;
        const mutations = command.mutations.map(showMutation).join(" + ");
        return brief ? name : `${name} ${mutations}`;
      }
      case "open": {
        const { session, number, name } = command;
        return `${this.#ownerOf(session)}#${number} opens "${name}"`;
      }
      case "skip": {
        const { number, last, code } = command;
        const range = number === last ? `${number}` : `${number}..${last}`;
        return `${this.#ownerOf(command.session)}#${range} skipped: ${code}`;
      }
      case "found":
        return `found ${command.cluster} by ${command.node}`;
      case "register":
        return `register ${command.node}`;
      case "lead":
        return `lead ${formatBallot(command.ballot)}`;
      case "clear":
        return `${formatBallot(command.ballot)} clears ${command.node}`;
      case "seat": {
        const seats = command.mutations.map(showSeat).join(", ");
        return `${formatBallot(command.ballot)} seats ${seats}`;
      }
    }
  }

  record(record: LogRecord): string {
    if (record.type === "promised") {
      return `promised ${formatBallot(record.ballot)}`;
    }
    if (record.type !== "accepted") return record.type;
    const { seqn, value, ballot } = record.accepted;
    const shown = this.value(value, { brief: true });
    return `accepted ${seqn}=${shown}@${formatBallot(ballot)}`;
  }

  /** Accepted values; slots in a row that hold the same as one. */
  #accepted(accepted: readonly AcceptedValue[]): string[] {
    const shown: string[] = [];
    for (const { seqn, value, ballot } of accepted) {
      const brief = this.value(value, { brief: true });
      const what = `=${brief}@${formatBallot(ballot)}`;
      const longer = extend(shown.at(-1), seqn, what);
      if (longer === undefined) shown.push(`${seqn}${what}`);
      else shown[shown.length - 1] = longer;
    }
    return shown;
  }

  /** A message, the number of its slot apart. */
  message(message: PeerMessage): Pick<Entry, "before" | "slot" | "after"> {
    const { type } = message;
    const ballot = "ballot" in message ? formatBallot(message.ballot) : "";
    switch (type) {
      case "accept": {
        const after = `=${this.value(message.value)}`;
        return { before: `accept ${ballot} `, slot: message.seqn, after };
      }
      case "accepted":
        return { before: `accepted ${ballot} `, slot: message.seqn };
      case "promise": {
        const values = this.#accepted(message.accepted);
        const tail = values.length === 0
          ? ""
          : `, accepted ${values.join(", ")}`;
        return { before: `promise ${ballot}${tail}` };
      }
      case "forward": {
        const { hops } = message;
        const tail = hops === 2 ? "" : ` (${hops} hops left)`;
        return { before: `forward ${this.value(message.batch)}${tail}` };
      }
      default:
        return { before: `${type} ${showRest(message, ballot)}`.trim() };
    }
  }
}

/** `7..9=x` of `7..8=x`, if the slot that follows holds the same. */
function extend(
  shown: string | undefined,
  slot: number,
  what: string,
): string | undefined {
  const [, first, last, same] =
    /^(\d+)(?:\.\.(\d+))?(=.*)$/.exec(shown ?? "") ??
      [];
  return same === what && Number(last ?? first) === slot - 1
    ? `${first}..${slot}${what}`
    : undefined;
}

/** The messages that hold no commands. */
function showRest(
  message: Exclude<
    PeerMessage,
    { type: "accept" | "accepted" | "promise" | "forward" }
  >,
  ballot: string,
): string {
  switch (message.type) {
    case "prepare":
      return `${ballot} from ${message.from}`;
    case "nack":
      return `${ballot}, promised ${formatBallot(message.promised)}`;
    case "behind":
      return `${ballot}, applied ${message.applied}`;
    case "prevote":
      return `${ballot}, applied ${message.applied}`;
    case "prevoted": {
      const word = message.granted ? "granted" : "denied";
      return `${ballot} ${word}, applied ${message.applied}`;
    }
    case "alive":
      return `${ballot}, decided ${message.decided}${roundOf(message)}`;
    case "heard":
      return `${ballot}, applied ${message.applied}${roundOf(message)}`;
    case "decided":
      return `${ballot} up to ${message.upTo}`;
    case "contradicted":
      return `${ballot} at ${message.seqn}`;
    case "learn":
      return `from ${message.from}`;
    case "learned": {
      const { from, values, first, decided } = message;
      const what = values.length === 0
        ? `nothing, first kept ${first}`
        : `${from}..${from + values.length - 1}`;
      return `${what}, decided ${decided}`;
    }
    case "fetch":
      return message.image === 0 ? "an image" : `piece ${message.index}`;
    case "piece":
      return message.bytes.length === 0
        ? "gone"
        : `${message.index}${message.last ? ", the last" : ""}`;
    case "ask":
      return `${message.asker}?${message.question}`;
    case "told":
      return `${message.asker}?${message.question} slot ${message.index}`;
    case "attach":
    case "leave":
    case "farewell":
      return message.node;
    case "outdated":
      return `${message.claim.incarnation}`;
    case "handover":
      return ballot;
  }
}

function roundOf({ round }: { round: number }): string {
  return round === 0 ? "" : `, round ${round}`;
}

function showMutation(mutation: Mutation): string {
  if (mutation.type === "nop") return "nop";
  const { type, path, rev } = mutation;
  const words: string[] = [type, path];
  if (mutation.type === "set") words.push(showBody(mutation.body));
  if (rev !== -1) words.push(`rev=${rev}`);
  return words.filter((word) => word !== "").join(" ");
}

function showSeat(mutation: Mutation): string {
  return mutation.type === "set"
    ? `${showBody(mutation.body)} at ${mutation.path}`
    : showMutation(mutation);
}

/** Reads `/x 1 rev=0`; `x*1000` is a body of a thousand x. */
export function readMutation(
  type: string,
  words: readonly string[],
): Mutation {
  const last = words.at(-1) ?? "";
  const rev = last.startsWith("rev=") ? Number(last.slice(4)) : -1;
  const [path, text = ""] = last.startsWith("rev=")
    ? words.slice(0, -1)
    : words;
  if (type === "nop") return { type };
  if (path === undefined) {
    throw new SyntaxError(`Cannot "${type}": the command lacks a path`);
  }
  if (type === "del") return { type, path, rev };
  const [character, times] = text.split("*");
  const repeated = times === undefined ? text : character!.repeat(+times);
  const body = encodeText(/^[A-Z]$/.test(text) ? idOf(text) : repeated);
  return { type: "set", path, rev, body };
}

function showBody(body: Uint8Array): string {
  const text = textOf({ bytes: body, start: 0, length: body.length });
  const repeated = text.length > 40 && text === text[0]!.repeat(text.length);
  return repeated ? `${text[0]}*${text.length}` : text;
}

export function showOutcome(outcome: Outcome): string {
  if (typeof outcome === "number") return `rev ${outcome}`;
  const { code, detail } = outcome;
  return detail === undefined ? code : `${code} (${detail})`;
}

export function showFile(store: Store, path: string): string {
  const state = store.get(path);
  if (state.type !== "file") return state.type;
  const { bytes, start, length } = state;
  return `rev ${state.rev} ${showBody(bytes.slice(start, start + length))}`;
}

/** Reads what a stranger says: `accept 9.X 1=forged`. */
export function readMessage(words: readonly string[]): PeerMessage {
  const [type, ballotText = "", ...rest] = words;
  const ballot = readBallot(ballotText);
  const last = rest.at(-1) ?? "";
  switch (type) {
    case "prepare":
      return { type, ballot, from: Number(last) };
    case "promise":
      return {
        ...{ type, ballot, from: 1, accepted: [] },
        ...{ total: 0, position: 0 },
      };
    case "accept": {
      const [seqn, text] = last.split("=");
      return { type, seqn: Number(seqn), ballot, value: encodeText(text!) };
    }
    case "accepted":
      return { type, seqn: Number(last), ballot, position: 0 };
    case "nack":
      return { type, ballot, promised: readBallot(last) };
    case "decided":
      return { type, ballot, upTo: Number(last) };
    case "handover":
      return { type, ballot };
    case "alive": {
      const memory = { claim: FIRST_CLAIM, began: 0, full: false };
      return { type, ballot, decided: Number(last), round: 0, ...memory };
    }
  }
  throw new SyntaxError(`Cannot read "${words.join(" ")}" as a message`);
}

function readBallot(text: string): Ballot {
  if (text === "0") return ZERO_BALLOT;
  const [round, node] = text.split(".");
  if (node === undefined) {
    throw new SyntaxError(`Cannot read "${text}" as a ballot`);
  }
  return { round: Number(round), node: idOf(node) };
}
