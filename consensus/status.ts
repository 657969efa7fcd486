/**
 * What a node tells of itself: its status, and the addresses of its peers.
 *
 * @module
 */
import { decodeText, type MemberStatus } from "../protocol/mod.ts";
import type { NodeId, NodeStatus } from "../protocol/mod.ts";
import type { Path, Store } from "../store/mod.ts";
import type { Election } from "./election.ts";
import type { Machine } from "./machine.ts";
import { quorumSize } from "./quorum.ts";
import type { Replica } from "./replica.ts";
import type { Upkeep } from "./upkeep.ts";

/** What a status is made of. */
export interface StatusParts {
  readonly id: NodeId;
  /** Where it serves, and the version that it runs. */
  readonly about: { readonly addr: string; readonly version: string };
  readonly lineage: string;
  readonly machine: Machine;
  readonly replica: Replica;
  readonly election: Election;
  readonly upkeep: Upkeep;
  /** Whether it has a session, and so takes commands. */
  readonly registered: boolean;
  /** Whether its state is on a disk, too. */
  readonly durable?: boolean;
}

/** Where this node stands. */
export function statusOf(parts: StatusParts): NodeStatus {
  const { id, about, lineage, machine, replica, election } = parts;
  const { members, store } = machine;
  const leader = election.leader.round > 0 ? election.leader.node : null;
  const reason = reasonNotReady(parts);
  const role = replica.leading
    ? "leader"
    : members.isCal(id)
    ? "follower"
    : "observer";
  return {
    id,
    addr: about.addr,
    version: about.version,
    cluster: machine.cluster,
    lineage,
    role,
    ready: reason === "",
    reason,
    leader,
    rev: store.rev,
    firstRev: store.firstRev,
    applied: machine.applied,
    decided: replica.decided,
    durable: parts.durable ?? false,
    members: membersOf(parts, leader),
    seats: [...members.seats].map(([path, holder]) => ({
      name: entryName(path),
      id: holder,
    })),
    canLose: canLose(parts),
  };
}

/** Why this node must not go on without the others, if so. */
export function refusesToRecover(
  { machine, election }: Pick<StatusParts, "machine" | "election">,
): string | undefined {
  if (machine.applied === 0) return "This node has no state to recover from";
  const { round, node } = election.leader;
  if (round > 0) return `Node "${node}" leads: nothing is lost`;
  const { teacher } = election;
  return teacher === undefined
    ? undefined
    : `Node "${teacher}" can be reached and holds more: recover there`;
}

/** The registered nodes' addresses, as HOST:PORT. */
export function addressesOf(machine: Machine): ReadonlyMap<NodeId, string> {
  const addresses = new Map<NodeId, string>();
  for (const { owner } of machine.sessions.all()) {
    const addr = textAt(machine.store, `/ctl/node/${owner}/addr`);
    if (addr !== "") addresses.set(owner, addr);
  }
  return addresses;
}

function membersOf(
  { machine, election }: StatusParts,
  leader: NodeId | null,
): MemberStatus[] {
  const { members, sessions, store } = machine;
  return sessions.all().map(({ owner }) => {
    const seat = members.seatOf(owner);
    return {
      id: owner,
      addr: textAt(store, `/ctl/node/${owner}/addr`),
      hostname: textAt(store, `/ctl/node/${owner}/hostname`),
      version: textAt(store, `/ctl/node/${owner}/version`),
      seat: seat === undefined ? null : entryName(seat),
      leader: owner === leader,
      reachable: election.views.isLive(owner),
    };
  });
}

function reasonNotReady(parts: StatusParts): string {
  const { machine, replica, election, registered, upkeep } = parts;
  if (machine.applied === 0) return "it has no state yet";
  if (election.wayToLeader === undefined) return "it hears no leader";
  if (!registered) return "it is not registered yet";
  if (replica.leading && !upkeep.serving) {
    return "it has only just been elected";
  }
  if (upkeep.awaitsCompanions) {
    const missing = upkeep.missingCompanions.join(", ");
    return `it waits for those that it founds with: ${
      missing || "their seats"
    }`;
  }
  return replica.decided > replica.applied + BEHIND_SLOTS
    ? `it is ${replica.decided - replica.applied} slots behind`
    : "";
}

/** A node that lacks so many decided slots is not ready. */
const BEHIND_SLOTS = 1000;

/** How many of the cals that are live may be lost; -1 without a quorum. */
function canLose({ machine: { members }, election }: StatusParts): number {
  const { current } = members;
  if (current.length === 0) return -1;
  const live = current.filter((cal) => election.views.isLive(cal)).length;
  return Math.max(-1, live - quorumSize(current.length));
}

/** The last part of a path. */
function entryName(path: Path): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function textAt(store: Store, path: Path): string {
  const state = store.get(path);
  if (state.type !== "file") return "";
  return decodeText(state.bytes, state.start, state.start + state.length);
}
