/**
 * The parts of a node, each made with what it needs of the others.
 *
 * @module
 */
import { encodeImageHead, type NodeId } from "../protocol/mod.ts";
import type { PeerMessage } from "../protocol/mod.ts";
import { Attachment } from "./attachment.ts";
import { Audit } from "./audit.ts";
import { CatchUp } from "./catch_up.ts";
import { DiskWatch } from "./disk_watch.ts";
import { Election } from "./election.ts";
import { Machine } from "./machine.ts";
import { NODE_DEFAULTS, type NodeOptions } from "./node_options.ts";
import type { NodeSettings } from "./node_options.ts";
import { claimAtStart, Journal } from "./journal.ts";
import { OwnCommands } from "./own_commands.ts";
import { Proposals } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { Remembered } from "./remembered.ts";
import { Replica } from "./replica.ts";
import { Transfer, type TransferOptions } from "./transfer.ts";
import { Upkeep } from "./upkeep.ts";

/** What the parts need of the node that they make. */
export interface PartsOptions {
  readonly peers: ReadonlySet<NodeId>;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  readonly install: TransferOptions["install"];
  /** Queues what is to be done as an input. */
  readonly enqueue: (act: () => void) => void;
}

/** All parts of one node. */
export class NodeParts {
  readonly peers: ReadonlySet<NodeId>;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  readonly settings: NodeSettings;
  readonly machine: Machine;
  readonly replica: Replica;
  readonly election: Election;
  readonly own: OwnCommands = new OwnCommands();
  readonly upkeep: Upkeep;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly transfer: Transfer;
  readonly catchUp: CatchUp;
  readonly audit: Audit;
  readonly attachment: Attachment;
  readonly remembered: Remembered;
  readonly journal: Journal;
  readonly diskWatch: DiskWatch;

  constructor(options: NodeOptions, surroundings: PartsOptions) {
    const { peers, post, install, enqueue } = surroundings;
    const { id, store, random, now, about, durability } = options;
    this.peers = peers;
    this.post = post;
    this.settings = { ...NODE_DEFAULTS, ...options.settings };
    const { own, settings: { seatTimeoutTicks } } = this;
    const machine = this.machine = new Machine(store);
    const { members } = machine;
    const replica = this.replica = new Replica({
      id,
      members,
      peers,
      isRegistered: machine.isRegistered,
      disk: () => this.journal,
    });
    const remembered = this.remembered = new Remembered({
      own: claimAtStart(durability),
      onNews: (node, claim) => this.journal.notePeer(node, claim),
      isRegistered: machine.isRegistered,
    });
    const shared = { id, peers, members, machine, replica, own, post };
    const common = { ...shared, random, remembered };
    const journal = this.journal = new Journal({
      ...common,
      durability,
      store,
      enqueue,
      checkpointBytes: this.settings.checkpointBytes,
      onBroken: options.onDiskBroken ?? (() => {}),
    });
    const election = this.election = new Election({
      ...common,
      ...toldOf(journal),
      hash: () => machine.hash,
    });
    const upkeep = this.upkeep = new Upkeep({
      ...common,
      election,
      now,
      seatTimeoutTicks,
      durableApplied: () => journal.durableApplied,
    });
    this.proposals = new Proposals({ ...common, upkeep });
    const serving = () => upkeep.serving;
    const limitTicks = this.settings.requestTimeoutTicks;
    this.reads = new Reads({ ...common, election, serving, limitTicks });
    const head = () => encodeImageHead(machine.head);
    const transfer = this.transfer = new Transfer({
      store,
      post,
      head,
      install,
    });
    this.catchUp = new CatchUp({ replica, election, transfer, post });
    const onAlarm = options.onAlarm ?? (() => {});
    this.audit = new Audit({ ...common, onAlarm });
    this.attachment = new Attachment({
      ...common,
      about,
      election,
      upkeep,
      ...begunOf(journal),
      replaces: options.replaces ?? "",
    });
    this.diskWatch = new DiskWatch({ ...common, election, upkeep, journal });
  }
}

/** What a node says of its start where it wants to be registered. */
function begunOf(journal: Journal) {
  const { durable, claim: { incarnation, start } } = journal;
  return { incarnation, start, durable, mayAttach: () => journal.started };
}

/** What a node tells others of its disk, and acts on. */
function toldOf(journal: Journal) {
  return {
    claim: () => journal.claim,
    mayClaim: () => journal.started,
    durable: () => journal.durableApplied,
    full: () => journal.full !== undefined,
    stuck: () => journal.stuck,
  };
}
