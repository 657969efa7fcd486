/**
 * How a node comes to be part of a cluster: it founds one, attaches to one, is
 * told by a name service which of the two, or founds one with others.
 *
 * @module
 */
import type { Node } from "../consensus/mod.ts";
import type { LinkedPeer, Log, PeerLinks } from "../protocol/net/mod.ts";
import { LinkError } from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { AdvisedError } from "./failure.ts";
import { adviseOnLink, isFinal } from "./link_failure.ts";
import { NameService } from "./name_service.ts";
import { randomId } from "./random_id.ts";

/** Found a cluster, or be part of one. */
export type Beginning =
  | { readonly how: "found" }
  | { readonly how: "attach"; readonly addresses: readonly string[] }
  | {
    readonly how: "boot";
    readonly uri: string;
    readonly caCerts?: readonly string[];
  }
  | { readonly how: "join"; readonly list: readonly string[] };

/** What founding and joining need. */
export interface Joining {
  readonly node: Node;
  readonly links: PeerLinks;
  /** The address that is registered. */
  readonly addr: string;
  /** Whether that is not the one listened on. */
  readonly isAdvertised: boolean;
  readonly clusterName: string | undefined;
  readonly log: Log;
  /** Gives up when it is aborted. */
  readonly signal: AbortSignal;
  /** Told when this node founds a cluster by itself. */
  readonly founds: () => void;
  /** Has something done when the node stops. */
  readonly onStop: (job: () => Promise<void>) => void;
}

/** The name of a cluster that was given none. */
const DEFAULT_NAME = "local";
/** How often what has to come about is looked after. */
const POLL_MS = 10;
/** How long a node tries to be taken in, where others do answer. */
const ATTACH_MS = 60_000;
/** How long addresses that do not answer are dialled. */
const DIAL_MS = 5_000;
/** Who did not answer is dialled again after. */
const REDIAL_MS = 200;
/** How long a node that goes on waits for the others before it serves. */
const RESUME_MS = 2_000;
/** What is awaited is told again after. */
const TELL_MS = 5_000;
/** Whoever is started within this time goes unmentioned. */
const PATIENCE_MS = 1_000;

/**
 * Resolves when the node is part of a cluster and can serve.
 *
 * @throws {DoozerError} where it cannot be.
 */
export async function beginCluster(
  beginning: Beginning,
  joining: Joining,
): Promise<void> {
  if (beginning.how !== "found") await refuseOthersAddress(joining);
  switch (beginning.how) {
    case "found":
      found(joining);
      return await untilReady(joining);
    case "attach":
      return await attach(beginning.addresses, joining);
    case "boot":
      return await boot(beginning, joining);
    case "join":
      return await join(beginning.list, joining);
  }
}

/** Whom the founder of a list has to give seats, if that was not done yet. */
export function companionsOf(beginning: Beginning, addr: string): string[] {
  if (beginning.how !== "join") return [];
  return beginning.list.filter((address) => address !== addr);
}

/**
 * Waits a moment for the others to be there again. A node that goes on with
 * what it remembers serves reads in any case.
 */
export async function resumeCluster(
  beginning: Beginning,
  joining: Joining,
): Promise<void> {
  const { node, log, signal } = joining;
  if (beginning.how === "boot") keepBooted(beginning, joining);
  if (beginning.how === "attach") {
    const checked = refuseOtherHistory(beginning.addresses, joining);
    await Promise.race([checked, pause(RESUME_MS, signal)]);
  }
  const until = performance.now() + RESUME_MS;
  while (!node.status().ready || !node.isOpen) {
    if (performance.now() > until) {
      log.warn("Serves reads only: {reason}", { reason: node.status().reason });
      return;
    }
    await pause(POLL_MS, signal);
  }
}

/** What it remembers is not what it is asked to be a part of. */
async function refuseOtherHistory(
  addresses: readonly string[],
  { links, node: { id } }: Joining,
): Promise<void> {
  for (const address of addresses) {
    const error = await links.dialOnce(address).catch((error) => error);
    if (!(error instanceof Error)) continue;
    if (!(error instanceof LinkError)) throw error;
    const { refusal, detail } = error;
    if (refusal !== "LINEAGE" && refusal !== "CLUSTER") continue;
    throw new AdvisedError(
      "OTHER",
      `Cannot go on as node ${id} of the data directory: ${detail}`,
      {
        hint: "Leave -a out to go on, or attach with an empty directory",
      },
    );
  }
}

/** Attaches to one of the nodes, however long it takes until one answers. */
export async function repair(
  addresses: readonly string[],
  joining: Joining,
): Promise<void> {
  const tell = teller(joining.log);
  while (true) {
    if (await attachedToAny(addresses, joining)) return;
    tell(`a node to copy the state from (${addresses.join(", ")})`);
    await pause(REDIAL_MS, joining.signal);
  }
}

function found({ node, clusterName, founds }: Joining): void {
  const cluster = clusterName ?? DEFAULT_NAME;
  founds();
  node.found({ cluster, lineage: randomId() });
}

/** Two nodes at one address could not be told apart by who dials it. */
async function refuseOthersAddress(
  { addr, isAdvertised, links, node }: Joining,
): Promise<void> {
  if (!isAdvertised) return;
  let peer: LinkedPeer;
  try {
    peer = await links.dialOnce(addr);
  } catch (error) {
    // It leads back to this node, as it should, or nowhere from here.
    if (error instanceof LinkError) return;
    throw error;
  }
  if (peer.id === node.id) return;
  throw new AdvisedError(
    "OTHER",
    `Cannot be registered at ${addr}: another node, ${peer.id}, answers there`,
    { hint: "Say this node's own address with --advertise" },
  );
}

/** Dials each address in turn, and all again for some seconds. */
async function attach(
  addresses: readonly string[],
  joining: Joining,
): Promise<void> {
  const until = performance.now() + DIAL_MS;
  while (true) {
    let failure: LinkError | undefined;
    for (const address of addresses) {
      try {
        return await attachTo(address, joining);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        // Its own address may be one of several, the same for all nodes.
        const passing = addresses.length > 1 && error.refusal === "SELF";
        if (isFinal(error) && !passing) throw adviseOnLink(error);
        failure = error;
      }
    }
    if (performance.now() > until) throw adviseOnLink(failure!);
    await pause(REDIAL_MS, joining.signal);
  }
}

/** Attaches to the cluster of the node at an address. */
async function attachTo(address: string, joining: Joining): Promise<void> {
  const { lineage } = await joining.links.dialOnce(address);
  if (lineage === "") {
    throw new LinkError(
      `Cannot attach to ${address}: it belongs to no cluster yet`,
      { refusal: "NOT_READY" },
    );
  }
  joining.node.attach(lineage);
  await untilReady(joining);
}

/** Waits until the node has the state, a registration and a leader. */
async function untilReady({ node, signal }: Joining): Promise<void> {
  const until = performance.now() + ATTACH_MS;
  while (!node.status().ready || !node.isOpen) {
    if (performance.now() > until) {
      throw new DoozerError(
        "UNAVAILABLE",
        "Cannot become a part of the cluster in " +
          `${ATTACH_MS / 1_000} s: ${node.status().reason}`,
      );
    }
    await pause(POLL_MS, signal);
  }
}

/**
 * The winner of `/ctl/boot/NAME` founds the cluster, the others attach to the
 * nodes that they find in `/ctl/ns/NAME`, as in the original.
 */
async function boot(
  { uri, caCerts }: { uri: string; caCerts?: readonly string[] },
  joining: Joining,
): Promise<void> {
  const { clusterName, log, signal } = joining;
  const name = clusterName ?? DEFAULT_NAME;
  const service = nameService({ uri, caCerts }, joining);
  const until = performance.now() + ATTACH_MS;
  const tell = teller(log);
  while (true) {
    const addresses = await service.addresses();
    if (await attachedToAny(addresses, joining)) break;
    if (addresses.length === 0 && await service.won()) {
      found(joining);
      break;
    }
    const known = addresses.join(", ") || "none is registered yet";
    if (performance.now() > until) throw nobodyBooted(name, known);
    tell(`a node of "${name}" (${known})`);
    await pause(REDIAL_MS, signal);
  }
  await service.keepRegistered();
  joining.onStop(() => service.leave());
}

function nameService(
  { uri, caCerts }: { uri: string; caCerts?: readonly string[] | undefined },
  { node, addr, clusterName, log }: Joining,
): NameService {
  const name = clusterName ?? DEFAULT_NAME;
  return new NameService({ uri, caCerts, name, node, addr, log });
}

/** The name service is told when it can be; nobody waits for that. */
function keepBooted(
  beginning: { uri: string; caCerts?: readonly string[] },
  joining: Joining,
): void {
  const service = nameService(beginning, joining);
  service.keepRegistered().catch((error) => {
    joining.log.warn("Cannot register in the name service: {error}", { error });
  });
  joining.onStop(() => service.leave());
}

function nobodyBooted(name: string, known: string): DoozerError {
  return new AdvisedError(
    "UNAVAILABLE",
    `Cannot boot as a node of "${name}": none of its nodes answers (${known})`,
    {
      hint: `If that cluster is lost, delete "/ctl/boot/${name}" and all of ` +
        `"/ctl/ns/${name}" in the name service`,
    },
  );
}

async function attachedToAny(
  addresses: readonly string[],
  joining: Joining,
): Promise<boolean> {
  for (const address of addresses) {
    try {
      await attachTo(address, joining);
      return true;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      // An entry of this address may be what an earlier node has left.
      if (isFinal(error) && error.refusal !== "SELF") throw adviseOnLink(error);
      joining.log.debug("{reason}", { reason: error.detail });
    }
  }
  return false;
}

/**
 * All nodes have the same list. Where one of them has a history, it is joined;
 * else the lowest address founds, once all the others are there and blank.
 */
async function join(
  list: readonly string[],
  joining: Joining,
): Promise<void> {
  const { addr, node, clusterName, log, signal } = joining;
  if (!list.includes(addr)) throw notListed(addr, list);
  const others = list.filter((address) => address !== addr);
  const founder = list.toSorted()[0]!;
  const tell = teller(log);
  while (true) {
    const { begun, away } = await lookAround(others, { list, joining });
    if (begun !== undefined) {
      node.attach(begun.lineage);
      return await untilReady(joining);
    }
    if (away.length > 0) tell(away.join(", "));
    else if (addr === founder) break;
    else tell(`${founder}, which has to found the cluster`);
    await pause(REDIAL_MS, signal);
  }
  const cluster = clusterName ?? DEFAULT_NAME;
  node.found({ cluster, lineage: randomId(), companions: others });
  await untilReady(joining);
}

function notListed(addr: string, list: readonly string[]): DoozerError {
  return new AdvisedError(
    "OTHER",
    `Cannot join: the list ${list.join(",")} lacks this node's own ` +
      `address, ${addr}`,
    { hint: "Say it with -l or --advertise as it stands in the list" },
  );
}

/** Whether one of the others has a history; and whom there is to wait for. */
async function lookAround(
  others: readonly string[],
  { list, joining: { links, log } }: {
    list: readonly string[];
    joining: Joining;
  },
): Promise<{ begun?: LinkedPeer; away: string[] }> {
  const away: string[] = [];
  for (const address of others) {
    try {
      const peer = await links.dialOnce(address);
      if (peer.lineage !== "") return { begun: peer, away };
      if (isSameList(peer.list, list)) continue;
      const theirs = peer.list.join(",") || "none";
      away.push(`${address} with this list (it has ${theirs})`);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (isFinal(error)) throw adviseOnLink(error);
      log.debug("{reason}", { reason: error.detail });
      away.push(address);
    }
  }
  return { away };
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}

/** Tells whom a node awaits: not at once, but when it changes, and again. */
function teller(log: Log): (awaited: string) => void {
  let told = { awaited: "", at: performance.now() - TELL_MS + PATIENCE_MS };
  return (awaited) => {
    const at = performance.now();
    const isNews = told.awaited !== "" && awaited !== told.awaited;
    if (!isNews && at - told.at < TELL_MS) return;
    log.warn("Waiting for {awaited}", { awaited });
    told = { awaited, at };
  };
}

/** @throws the signal's reason when it is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
  });
}
