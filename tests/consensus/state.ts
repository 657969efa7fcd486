/**
 * The replicated state of a node, filled slot by slot with commands that are
 * short to write.
 *
 * @module
 */
import { ALPHA, type Applied, Machine } from "../../consensus/mod.ts";
import { NO_COMMANDS } from "../../consensus/mod.ts";
import { type Command, encodeCommand } from "../../protocol/mod.ts";
import { encodeText, WireWriter } from "../../protocol/mod.ts";
import type { Attach, MutateCommand } from "../../protocol/mod.ts";
import type {
  FoundCommand,
  RegisterCommand,
  SkipCommand,
} from "../../protocol/mod.ts";
import { CLOBBER, type Mutation, type SessionNumber } from "../../store/mod.ts";
import { Store } from "../../store/mod.ts";
import { fileText } from "../store/changes.ts";
import { readBallot } from "./words.ts";

/** Commands as the value of a slot. */
export function batchOf(...commands: readonly Command[]): Uint8Array {
  const writer = new WireWriter(256);
  for (const command of commands) encodeCommand(writer, command);
  return writer.written().slice();
}

/** What a node tells of itself that has begun once. */
export function aboutOf(node: string, addr = `${node}:1`) {
  const about = { node, addr, hostname: `host-${node}`, version: "1.0.0" };
  return { ...about, incarnation: 1, start: 0 };
}

/** What it asks its leader for. */
export function attachOf(node: string, addr?: string): Attach {
  return { type: "attach", hops: 1, ...aboutOf(node, addr), replaces: "" };
}

export function found(node: string): FoundCommand {
  return { kind: "found", cluster: "local", time: 0, ...aboutOf(node) };
}

export function register(node: string, addr?: string): RegisterCommand {
  return { kind: "register", time: 0, ...aboutOf(node, addr) };
}

/** A leadership record: of `2.B`. */
export function lead(ballot: string): Command {
  return { kind: "lead", ballot: readBallot(ballot) };
}

export function clear(ballot: string, node: string): Command {
  return { kind: "clear", ballot: readBallot(ballot), node, time: 0 };
}

/** The seat `/ctl/cal/N` is given to a node; "" frees it. */
export function seatMutation(n: number, node: string, rev = CLOBBER): Mutation {
  const body = encodeText(node);
  return { type: "set", path: `/ctl/cal/${n}`, rev, body };
}

export function seat(ballot: string, ...mutations: Mutation[]): Command {
  return { kind: "seat", ballot: readBallot(ballot), time: 0, mutations };
}

/** A command of a session. */
export function mutate(
  [session, number]: readonly [session: number, number: number],
  ...mutations: Mutation[]
): MutateCommand {
  const envelope = { session, number, origin: "", time: 0 };
  return { kind: "mutate", ...envelope, mutations };
}

/** The same, of a client's session: one of its own, and its number in it. */
export function once(
  at: readonly [session: number, number: number],
  [session, number, acknowledged = 0]: readonly [
    session: number,
    number: number,
    acknowledged?: number,
  ],
  ...mutations: Mutation[]
): MutateCommand {
  const by: SessionNumber = { session, number, acknowledged };
  return { ...mutate(at, ...mutations), by };
}

/** Opens a session for a client. */
export function open(
  [session, number]: readonly [session: number, number: number],
  name = "",
): Command {
  return { kind: "open", session, number, name, time: 0 };
}

export function skip(
  [session, number, last]: readonly [number, number, number],
): SkipCommand {
  const reason = { code: "UNAVAILABLE", detail: "dropped" } as const;
  return { kind: "skip", session, number, last, ...reason };
}

/** A machine that is filled by hand. */
export class State {
  readonly machine: Machine;

  constructor(machine: Machine = new Machine(new Store())) {
    this.machine = machine;
  }

  get store(): Store {
    return this.machine.store;
  }

  /** Applies a slot; returns what came of each command. */
  apply(...commands: readonly Command[]): Applied[] {
    const applied: Applied[] = [];
    const slot = {
      seqn: this.machine.applied + 1,
      value: commands.length === 0 ? NO_COMMANDS : batchOf(...commands),
    };
    this.machine.apply(slot, (_, one) => applied.push(one));
    return applied;
  }

  /** Applies so many slots in which nothing is done. */
  idle(slots: number = ALPHA): void {
    for (let i = 0; i < slots; i++) this.apply();
  }

  /** The session that the node has open. */
  sessionOf(node: string): number {
    const session = this.machine.sessions.ofOwner(node);
    if (session === undefined) throw new Error(`"${node}" has no session`);
    return session.id;
  }

  /** The cals of the next slot. */
  get cals(): string {
    return [...this.machine.members.current].sort().join("");
  }

  /** The cals that each seat names, as `ABC`; `-` for a free one. */
  get seats(): string {
    const seats = [...this.machine.members.seats].sort();
    return seats.map(([, id]) => id === "" ? "-" : id).join("");
  }

  /**
   * A cluster that the first of these founded, with ballot 1.A as its
   * leader's; all seats are in force. Observers are registered, and no more.
   */
  fill(cals: string, observers = ""): this {
    const [first, ...others] = cals;
    this.apply(lead("1.A"));
    this.apply(found(first!));
    for (const id of [...others, ...observers]) this.apply(register(id));
    const seats = others.map((id, i) => seatMutation(i + 1, id));
    if (seats.length > 0) this.apply(seat("1.A", ...seats));
    this.idle();
    return this;
  }
}

/** The state of such a cluster. */
export function stateOf(cals: string, observers = ""): State {
  return new State().fill(cals, observers);
}

/** The code of a refusal; else what it was. */
export function codeOf(applied: Applied | undefined): string {
  return typeof applied === "object" ? applied.code : `${applied}`;
}

/** All files, as `path=text`. */
export function files(state: State): string[] {
  const { store } = state;
  const list: string[] = [];
  const walk = (directory: string) => {
    const { rev } = store;
    const entries = store.countEntries(directory, rev);
    for (let offset = 0; offset < entries; offset++) {
      const name = store.entry(directory, { offset, rev });
      const path = `${directory === "/" ? "" : directory}/${name}`;
      if (store.get(path).type === "file") {
        list.push(`${path}=${fileText(store, path)}`);
      } else walk(path);
    }
  };
  walk("/");
  return list;
}
