/**
 * The commands of a dialogue, each a verb and its words; see dialogue.ts.
 *
 * @module
 */
import {
  compileGlob,
  type Refusal,
  type StoreEvent,
  Wait,
} from "../../store/mod.ts";
import type { Stage } from "./stage.ts";
import type { Ends } from "./wires.ts";
import { idOf, lengthen, readMessage, readMutation } from "./words.ts";
import { shorten, showFile, showOutcome } from "./words.ts";

/** A cluster that is not up after so many ticks never will be. */
const SETTING_UP_TICKS = 500;

type Command = (stage: Stage, words: readonly string[]) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  cluster: (stage, words) => setUp(stage, words),
  found: (stage, [name]) => found(stage, name!),
  attach: (stage, words) => attach(stage, words[0]!, words.slice(1)),
  link: (stage, [a, b]) => forOthers(stage, a!, b!, "link"),
  unlink: (stage, [a, b]) => forOthers(stage, a!, b!, "unlink"),
  tick: (stage, words) => tick(stage, words),
  set: (stage, words) => propose(stage, "set", words),
  del: (stage, words) => propose(stage, "del", words),
  nop: (stage, words) => propose(stage, "nop", words),
  get: (stage, [name, path]) => {
    const { store } = stage.player(name!).node;
    stage.note(name!, "has", `${path}: ${showFile(store, path!)}`);
  },
  read: (stage, [name, path]) => read(stage, name!, path!),
  wait: (stage, [name, glob, rev]) =>
    wait(stage, name!, { glob: glob!, rev: Number(rev) }),
  hold: (stage, [wires, ...types]) =>
    stage.wires.rule(endsOf(stage, wires!), "hold", types),
  lose: (stage, [wires, ...types]) =>
    stage.wires.rule(endsOf(stage, wires!), "lose", types),
  free: (stage, [wires]) => stage.wires.free(endsOf(stage, wires!)),
  deliver: (stage, [wires, ...which]) => {
    const arrivals = stage.wires.take(endsOf(stage, wires!), which);
    for (const arrival of arrivals) stage.arrive(arrival);
  },
  drop: (stage, [wires, ...which]) => {
    stage.wires.take(endsOf(stage, wires!), which);
  },
  duplicate: (stage, [wires, ...which]) =>
    stage.wires.double(endsOf(stage, wires!), which),
  pause: (stage, names) => {
    for (const name of names) stage.player(name).paused = true;
  },
  resume: (stage, names) => {
    for (const name of names) stage.player(name).paused = false;
  },
  crash: (stage, names) => names.forEach((name) => stage.crash(name)),
  leave: (stage, [name]) =>
    stage.player(name!).node.leave(() => {
      stage.note(name!, "goes", "");
      stage.go(name!);
    }),
  recover: (stage, [name]) => recover(stage, name!),
  hears: (stage, [name, from, ...words]) =>
    stage.player(name!).node.receive(idOf(from!), readMessage(words)),
  status: (stage, names) => names.forEach((name) => showStatus(stage, name)),
  compare: (stage, names) => compare(stage, names),
  chance: (stage, [name, chance]) => {
    stage.player(name!).chance = Number(chance);
  },
  settings: (stage, words) => {
    stage.settings = Object.fromEntries(words.map((word) => {
      const [name, ticks] = word.split("=");
      return [`${name}Ticks`, Number(ticks)];
    }));
  },
  show: (stage, words) => words.forEach((word) => stage.shown.add(word)),
};

/** Carries one command out, without what follows from it. */
export function carryOut(stage: Stage, line: string): void {
  const [verb, ...words] = line.split(" ").map(lengthen);
  const command = COMMANDS[verb!];
  if (command === undefined) {
    throw new SyntaxError(`Cannot "${line}": no command has this name`);
  }
  command(stage, words);
}

function found(stage: Stage, name: string): void {
  stage.lineage = "one";
  stage.add(name).found({ cluster: "local", lineage: stage.lineage });
}

/** Linked to all, or `to B` only; at an address of its own, or `at B`. */
function attach(stage: Stage, name: string, how: readonly string[]): void {
  const [word, other] = how;
  stage.add(name, word === "at" ? other! : name).attach(stage.lineage);
  for (const peer of word === "to" ? [other!] : stage.names) {
    if (peer !== name) stage.link(name, peer);
  }
}

/** `cluster A B C + D`: D has no seat. */
function setUp(stage: Stage, words: readonly string[]): void {
  const plus = words.indexOf("+");
  const cals = plus < 0 ? words : words.slice(0, plus);
  const observers = plus < 0 ? [] : words.slice(plus + 1);
  const [first, ...others] = cals;
  found(stage, first!);
  stage.settle();
  others.forEach((name, at) => {
    attach(stage, name, []);
    propose(stage, "set", [first!, `/ctl/cal/${at + 1}`]);
    waitUntil(stage, () => seatsOf(stage, first!).length === at + 2);
  });
  for (const name of observers) attach(stage, name, []);
  waitUntil(stage, () => isCalm(stage));
  stage.takeLines();
  showStatus(stage, first!);
}

function waitUntil(stage: Stage, condition: () => boolean): void {
  for (let tick = 0; tick < SETTING_UP_TICKS; tick++) {
    stage.tick(stage.names, 1);
    if (condition()) return;
  }
  throw new Error("The cluster does not come up");
}

function seatsOf(stage: Stage, name: string): readonly string[] {
  const { seats } = stage.player(name).node.status();
  return seats.map(({ id }) => id).filter((id) => id !== "");
}

/** All are ready and equal. */
function isCalm(stage: Stage): boolean {
  const nodes = [...stage.players.values()].map(({ node }) => node);
  const hashes = new Set(nodes.map(({ hash }) => hash));
  return hashes.size === 1 && nodes.every((node) => node.status().ready);
}

function forOthers(
  stage: Stage,
  a: string,
  b: string,
  verb: "link" | "unlink",
): void {
  for (const other of b === "*" ? stage.names : [b]) {
    if (other !== a) stage[verb](a, other);
  }
}

function tick(stage: Stage, words: readonly string[]): void {
  const times = Number(words.at(-1));
  const names = words.slice(0, -1);
  if (!(times > 0)) throw new SyntaxError("Cannot tick so often");
  stage.tick(names.length === 0 ? stage.names : names, times);
}

function propose(
  stage: Stage,
  type: string,
  [name, ...words]: readonly string[],
): void {
  const asked = [type, ...words].join(" ");
  stage.player(name!).node.propose(readMutation(type, words), {
    settled: (outcome) =>
      stage.note(name!, "answers", `${asked}: ${showOutcome(outcome)}`),
  });
}

function read(stage: Stage, name: string, path: string): void {
  const { node } = stage.player(name);
  node.confirmRead({
    confirmed: () =>
      stage.note(
        name,
        "answers",
        `read ${path}: ${showFile(node.store, path)}`,
      ),
    refused: (refusal) =>
      stage.note(name, "answers", `read ${path}: ${showOutcome(refusal)}`),
  });
}

function wait(
  stage: Stage,
  name: string,
  { glob, rev }: { glob: string; rev: number },
): void {
  const tell = (result: StoreEvent | Refusal) =>
    stage.note(name, "tells", `the wait on ${glob}: ${showEvent(result)}`);
  const wait = new Wait(
    { waitEnded: (_, result) => tell(result), revReached() {} },
    { glob: compileGlob(glob), from: rev, ticket: 0 },
  );
  const result = stage.player(name).node.store.waits.start(wait);
  if (result !== undefined) tell(result);
}

function showEvent(result: StoreEvent | Refusal): string {
  return "code" in result
    ? result.code
    : `rev ${result.rev} ${result.kind} ${result.path}`;
}

function recover(stage: Stage, name: string): void {
  stage.speakFor(name);
  const refusal = stage.player(name).node.recover();
  if (refusal === undefined) stage.note(name, "recovers", "");
  else stage.note(name, "refuses", showOutcome(refusal));
}

function showStatus(stage: Stage, name: string): void {
  const { node } = stage.player(name);
  const status = node.status();
  const leader = status.leader === null ? "nobody" : status.leader;
  const role = status.role === "leader"
    ? "leads"
    : `${status.role === "observer" ? "observes" : "follows"} ${leader}`;
  const seats = status.seats.map(({ name, id }) => `${name}:${id || "free"}`);
  const ready = status.ready ? "ready" : `not ready, ${status.reason}`;
  const spare = status.canLose < 0 ? "no quorum" : `can lose ${status.canLose}`;
  const { rev, applied } = status;
  stage.write(shorten(
    `${name} ${role}; seats ${seats.join(" ")}; ${spare}; ` +
      `slot ${applied}, rev ${rev}; ${ready}`,
  ));
}

/** Whether nodes that have applied the same have the same. */
function compare(stage: Stage, names: readonly string[]): void {
  const nodes = names.map((name) => stage.player(name).node);
  const states = new Set(
    nodes.map(({ applied, hash }) => `${applied} ${hash}`),
  );
  const word = states.size === 1
    ? `have the same state, slot ${nodes[0]!.applied}`
    : `differ: ${nodes.map(({ applied }) => `slot ${applied}`).join(", ")}`;
  stage.write(`${names.join(", ")} ${word}`);
}

/** Reads `A->B`, `A<->B`, `A->*`. */
function endsOf(stage: Stage, text: string): Ends {
  const match = /^([A-Z*])(<?->)([A-Z*])$/.exec(text);
  if (match === null) throw new SyntaxError(`Cannot read "${text}" as wires`);
  const [, a, arrow, b] = match;
  const all = (name: string) => name === "*" ? stage.names : [name];
  const [from, to] = [all(a!), all(b!)];
  if (arrow === "->") return { from, to };
  const both = [...new Set([...from, ...to])];
  return { from: both, to: both };
}
