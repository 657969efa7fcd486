/**
 * One replica, its members, and short ways to speak with it.
 *
 * @module
 */
import { assert } from "@std/assert";
import {
  Members,
  type Outgoing,
  type Ready,
  Replica,
} from "../../consensus/mod.ts";
import { readMessage, showMessage, showRecord, showValue } from "./words.ts";

export function showOutgoing({ to, message }: Outgoing): string {
  return `${to}: ${showMessage(message)}`;
}

/** What is to be done: at once, on disk, and once that is durable. */
export function show(ready: Ready): Record<"now" | "write" | "then", string[]> {
  return {
    now: ready.messagesNow.map(showOutgoing),
    write: ready.records.map((record) => showRecord(record)),
    then: ready.messagesAfter.map(showOutgoing),
  };
}

export const NOTHING = { now: [], write: [], then: [] };

/** Delivers a replica's messages to itself, and counts how many. */
export function deliver(
  replica: Replica,
  messages: readonly Outgoing[],
): number {
  const own = messages.filter(({ to }) => to === "A");
  for (const { message } of own) replica.receive("A", message);
  return own.length;
}

/** Does all that is to be done, until nothing is. */
export function settle(replica: Replica): void {
  while (replica.hasReady) {
    const { messagesNow, messagesAfter } = replica.takeReady();
    deliver(replica, messagesNow);
    deliver(replica, messagesAfter);
  }
}

/** Whose seats a replica's members are: tests let them apply slots. */
export const MEMBERS: WeakMap<Replica, Members> = new WeakMap();

/** Node A's replica; the peers are linked, the cals have the seats. */
export function replicaOf(cals = "A", peers = cals.replace("A", "")): Replica {
  const members = new Members();
  const seats = [...cals].map((id, n) => [`/ctl/cal/${n}`, id] as const);
  members.load({ applied: 0, sets: [{ from: 1, cals: [...cals] }], seats });
  const replica = new Replica({
    id: "A",
    members,
    peers: new Set(peers),
    isRegistered: (id) => cals.includes(id) || peers.includes(id),
  });
  MEMBERS.set(replica, members);
  return replica;
}

/** One that leads at ballot 1.A. */
export function leading(cals = "A"): Replica {
  const replica = replicaOf(cals);
  replica.campaign();
  settle(replica);
  for (const id of cals.replace("A", "")) hear(replica, id, "promise 1.A");
  assert(replica.leading);
  return replica;
}

export function hear(replica: Replica, from: string, said: string): void {
  replica.receive(from, readMessage(said));
  settle(replica);
}

/** Applies what is decided. */
export function takeAll(replica: Replica): string[] {
  const taken: string[] = [];
  for (
    let slot = replica.takeDecided();
    slot !== undefined;
    slot = replica.takeDecided()
  ) {
    MEMBERS.get(replica)!.slotApplied(slot.seqn);
    replica.noteApplied(slot);
    taken.push(`${slot.seqn}=${showValue(slot.value)}`);
  }
  return taken;
}

/** What a replica sends to others in answer. */
export function answers(
  replica: Replica,
  from: string,
  said: string,
): string[] {
  replica.receive(from, readMessage(said));
  const { messagesNow, messagesAfter } = replica.takeReady();
  return [...messagesNow, ...messagesAfter].map(showOutgoing);
}

export function proposeOwed(replica: Replica): void {
  while (replica.owes) replica.proposeOwed();
}
