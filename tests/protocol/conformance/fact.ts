/**
 * The facts as data: what was asked of the original server, what it answered.
 *
 * They were recorded from doozerd 0.9.0-alpha: facts.json of one node,
 * cluster_facts.json of several and of how nodes are run. The class of a fact says
 * why it stands there: "rely": old clients depend on it; "quirk": harmless
 * either way, kept as it was unless `original` is set; "changed", "bug"
 * and "crash": deliberately different here. Where we differ, the steps say what this server
 * answers and `original` what the other one did.
 *
 * `$now`, `$r1` and the like stand for revs: the first answer that names one
 * sets it, `$r1+1` calculates with it. `$i` counts the repeats of a step.
 *
 * @module
 */

import { concatBytes, type RawRequest, toBytes } from "../raw_client.ts";

/** Text as it stands, or a piece of text or bytes, repeated. */
export type Text =
  | string
  | { prefix?: string; text?: string; hex?: string; times: number };

/** A number, or an expression of variables: `$r1+1`. `<int>`: any number. */
export type Num = number | string;

/** What an answered value may be. */
export type ExpectedText = Text | { match: string } | { oneOf: string[] };

/** A request whose fields may stand for something. */
export interface Ask {
  tag?: Num;
  verb?: string | number;
  path?: Text;
  value?: Text;
  offset?: number;
  rev?: Num;
}

/** The fields of an answer: these and no others. */
export interface ExpectedAnswer {
  tag?: Num;
  flags?: number;
  rev?: Num;
  path?: string;
  value?: ExpectedText;
  len?: number;
  err_code?: string;
  err_detail?: string;
}

/** One turn of the dialogue on one connection. */
export interface Step {
  /**
   * The connection: "a" unless said otherwise. In the group "slave" it leads
   * to an attached node without a vote, and "b" to the one that founded.
   */
  on?: "a" | "b";
  /** One request, or several in one write. */
  send?: Ask | Ask[];
  /** Bytes to send, frame header included, in hex. */
  raw?: string;
  /** How often to send, all in one write, and to expect the answer. */
  times?: number;
  /** Ends writing after sending. */
  halfClose?: boolean;
  /** The next answer; ALLOWED: any that is no error. */
  answer?: ExpectedAnswer | "ALLOWED";
  /** The next answers. */
  answers?: ExpectedAnswer[];
  /** The answers may come in any order. */
  anyOrder?: boolean;
  /** The bytes of the original's answer; only its revs may differ. */
  wire?: string;
  /** No answer is due: what is owed, waits. */
  silent?: boolean;
  /** The server closes the connection. */
  closed?: boolean;
}

/** A fact of the original, and what this server makes of it. */
export interface Fact {
  name: string;
  group: "main" | "access" | "hist" | "slave" | "cluster" | "ops";
  class: "rely" | "quirk" | "changed" | "bug" | "crash";
  note?: string;
  /** The secrets that the node is started with. */
  secrets?: { rw?: string; ro?: string };
  /** The length of the node's history, if it matters. */
  historyRevs?: number;
  /** What the original answered, where this server differs. */
  original?: unknown;
  /** The test that holds it, where it takes more than a dialogue. */
  held?: { file: string; test: string };
  /** What is said; nothing where another test holds the fact. */
  steps: Step[];
}

/** The values of `$now`, `$r1` and so on. */
export type Variables = Map<string, number>;

/** Reads all facts. */
export function loadFacts(): Fact[] {
  return ["facts.json", "cluster_facts.json"].flatMap((name) => {
    const url = new URL(`./${name}`, import.meta.url);
    return JSON.parse(Deno.readTextFileSync(url));
  });
}

/** The number that an expression stands for. */
export function resolveNum(num: Num, variables: Variables): number {
  if (typeof num === "number") return num;
  const [, name = "", delta = "0"] = /^(\$\w+)([+-]\d+)?$/.exec(num) ?? [];
  const value = variables.get(name);
  if (value === undefined) throw new Error(`Nothing has set "${num}"`);
  return value + Number(delta);
}

/** The bytes that a text stands for. */
export function resolveText(text: Text, variables: Variables): Uint8Array {
  if (text === "$i") return toBytes(String(resolveNum(text, variables)));
  if (typeof text === "string") return toBytes(text);
  const piece = text.hex === undefined
    ? toBytes(text.text ?? "")
    : Uint8Array.fromHex(text.hex);
  const pieces = Array<Uint8Array>(text.times).fill(piece);
  return concatBytes([toBytes(text.prefix ?? ""), ...pieces]);
}

/** A request ready to send. */
export function resolveAsk(ask: Ask, variables: Variables): RawRequest {
  const { tag, rev, path, value, verb, offset } = ask;
  const request: RawRequest = {};
  if (tag !== undefined) request.tag = resolveNum(tag, variables);
  if (verb !== undefined) request.verb = verb;
  if (path !== undefined) request.path = resolveText(path, variables);
  if (value !== undefined) request.value = resolveText(value, variables);
  if (offset !== undefined) request.offset = offset;
  if (rev !== undefined) request.rev = resolveNum(rev, variables);
  return request;
}
