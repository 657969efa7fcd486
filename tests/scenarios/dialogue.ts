/**
 * Dialogues with nodes: commands, and below each group of them, after `---`,
 * what the nodes sent, wrote, decided and answered.
 *
 * A file is prose (lines that begin with `#`) and such groups, with an empty
 * line between them. Running a file gives its text anew, with what happened in
 * place of what was expected: a dialogue holds when the two texts are equal.
 *
 *     node A               a node of that name, with an empty store
 *     A found PATH=BODY... it founds a cluster
 *     A set PATH REV BODY  it is asked for a write; so with `del PATH REV`
 *     A nop                and `nop`; x*1000 is a body of a thousand x
 *     A run                it works off its inputs
 *     A hears X MESSAGE    X sends it a message, as tests/consensus/words.ts
 *                          writes it
 *     A wait GLOB REV      somebody waits for an event there
 *     A get PATH           somebody reads
 *
 * @module
 */
import { Node, type Ready, Replica } from "../../consensus/mod.ts";
import type { DecidedSlot } from "../../consensus/mod.ts";
import { decodeBatch, encodeText } from "../../protocol/mod.ts";
import {
  AssertionError,
  compileGlob,
  type Mutation,
  type Outcome,
  type Refusal,
  Store,
  type StoreEvent,
  Wait,
} from "../../store/mod.ts";
import { readMessage, showMessage, showRecord } from "../consensus/words.ts";
import { textOf } from "../store/changes.ts";

/** Runs the dialogue; returns its text as it should be. */
export function replay(text: string): string {
  const stage = new Stage();
  const groups = text.trim().split(/\n\s*\n/).map((group) => {
    const lines = group.split("\n");
    if (lines.every((line) => line.startsWith("#"))) return group;
    const end = lines.indexOf("---");
    const said = end < 0 ? lines : lines.slice(0, end);
    const happened = stage.play(said.filter((line) => !line.startsWith("#")));
    return [...said, "---", ...happened].join("\n");
  });
  return groups.join("\n\n") + "\n";
}

/** The nodes of a dialogue, and what they have done since the last look. */
class Stage {
  readonly #nodes: Map<string, Node> = new Map();
  #lines: string[] = [];
  #speaker = "";

  /** Carries commands out; returns what happened. */
  play(commands: readonly string[]): string[] {
    this.#lines = [];
    const stopListening = this.#listen();
    try {
      for (const command of commands) this.#carryOut(command);
    } finally {
      stopListening();
    }
    return this.#lines;
  }

  #note(line: string): void {
    this.#lines.push(`${this.#speaker} ${line}`);
  }

  /** Writes down what any replica hands to its node. */
  #listen(): () => void {
    const { takeReady, takeDecided } = Replica.prototype;
    const noteReady = (ready: Ready) => this.#noteReady(ready);
    const noteDecided = (slot: DecidedSlot | undefined) => {
      if (slot === undefined) return;
      this.#note(`decides ${slot.seqn}=${showNumbers(slot.value)}`);
    };
    Replica.prototype.takeReady = function (): Ready {
      const ready = takeReady.call(this);
      noteReady(ready);
      return ready;
    };
    Replica.prototype.takeDecided = function (): DecidedSlot | undefined {
      const slot = takeDecided.call(this);
      noteDecided(slot);
      return slot;
    };
    return () => Object.assign(Replica.prototype, { takeReady, takeDecided });
  }

  #noteReady({ messagesNow, records, messagesAfter }: Ready): void {
    for (const { to, message } of messagesNow) {
      this.#note(`sends ${to} ${showMessage(message, showBatch)}`);
    }
    for (const record of records) {
      this.#note(`writes ${showRecord(record, showNumbers)}`);
    }
    for (const { to, message } of messagesAfter) {
      this.#note(`then sends ${to} ${showMessage(message, showNumbers)}`);
    }
  }

  #carryOut(command: string): void {
    const [name, verb, ...words] = command.split(" ");
    if (name === "node") return this.#addNode(verb!);
    const node = this.#nodes.get(name!);
    if (node === undefined) throw new SyntaxError(`No node for "${command}"`);
    this.#speaker = name!;
    try {
      this.#command(node, verb!, words);
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      this.#note(`stops: ${error.message}`);
    }
  }

  #addNode(id: string): void {
    const onInput = () => this.#note("has input");
    this.#nodes.set(id, new Node({ id, store: new Store(), onInput }));
  }

  #command(node: Node, verb: string, words: readonly string[]): void {
    switch (verb) {
      case "found":
        return node.found(words.map(readFile));
      case "set":
      case "del":
      case "nop":
        return this.#propose(node, [verb, ...words]);
      case "run":
        return node.run();
      case "hears":
        return node.receive(words[0]!, readMessage(words.slice(1).join(" ")));
      case "wait":
        return this.#wait(node, words);
      case "get":
        return this.#note(`has ${words[0]}: ${showFile(node, words[0]!)}`);
    }
    throw new SyntaxError(`Cannot "${verb}": no command has this name`);
  }

  #propose(node: Node, words: readonly string[]): void {
    node.propose(readMutation(words), {
      settled: (outcome) =>
        this.#note(`answers ${words.join(" ")}: ${showOutcome(outcome)}`),
    });
  }

  #wait(node: Node, [glob, rev]: readonly string[]): void {
    const tell = (result: StoreEvent | Refusal) =>
      this.#note(`tells the wait on ${glob}: ${showEvent(result)}`);
    const wait = new Wait(
      { waitEnded: (_, result) => tell(result), revReached() {} },
      { glob: compileGlob(glob!), from: Number(rev), ticket: 0 },
    );
    const result = node.store.waits.start(wait);
    if (result !== undefined) tell(result);
  }
}

function readFile(text: string): [string, Uint8Array] {
  const [path, body] = text.split("=");
  return [path!, readBody(body!)];
}

function readMutation(words: readonly string[]): Mutation {
  const [type, path, rev, body] = words;
  if (type === "nop") return { type };
  if (path === undefined || rev === undefined) {
    throw new SyntaxError(`Cannot read "${words.join(" ")}": it lacks a word`);
  }
  return type === "del"
    ? { type, path, rev: Number(rev) }
    : { type: "set", path, rev: Number(rev), body: readBody(body ?? "") };
}

/** `x*1000` is a thousand x. */
function readBody(text: string): Uint8Array {
  const [character, times] = text.split("*");
  return encodeText(times === undefined ? text : character!.repeat(+times));
}

function showBody(body: Uint8Array): string {
  const text = textOf({ bytes: body, start: 0, length: body.length });
  const repeated = text.length > 40 && text === text[0]!.repeat(text.length);
  return repeated ? `${text[0]}*${text.length}` : text;
}

/** The commands of a batch, each after its origin and number. */
function showBatch(batch: Uint8Array): string {
  const commands: string[] = [];
  decodeBatch(batch, ({ origin, number, mutation }) => {
    const words = [`${origin}#${number}`, mutation.type];
    if (mutation.type !== "nop") words.push(mutation.path, `${mutation.rev}`);
    if (mutation.type === "set") words.push(showBody(mutation.body));
    commands.push(words.join(" "));
  });
  return `[${commands.join("; ")}]`;
}

/** The first and the last command of a batch that was shown before. */
function showNumbers(batch: Uint8Array): string {
  const names: string[] = [];
  decodeBatch(batch, ({ origin, number }) => {
    names.push(`${origin}#${number}`);
  });
  const [first, last] = [names[0], names.at(-1)];
  return first === last ? `[${first ?? ""}]` : `[${first}..${last}]`;
}

function showOutcome(outcome: Outcome): string {
  return typeof outcome === "number" ? `rev ${outcome}` : outcome.code;
}

function showEvent(result: StoreEvent | Refusal): string {
  return "code" in result
    ? result.code
    : `rev ${result.rev} ${result.kind} ${result.path}`;
}

function showFile(node: Node, path: string): string {
  const state = node.store.get(path);
  if (state.type !== "file") return state.type;
  const { bytes, start, length } = state;
  return `rev ${state.rev} ${showBody(bytes.slice(start, start + length))}`;
}
