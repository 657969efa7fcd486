/**
 * Who takes what a subscription tells, slowly, and holds it to its word.
 *
 * @module
 */
import type {
  Subscription,
  WatchOrder,
  WatchTaker,
} from "../../../protocol/client/subscription.ts";
import type { ClientResponse, ListEntry } from "../../../protocol/mod.ts";
import type { DoozerError, Rev } from "../../../store/mod.ts";
import { Cluster, type Node } from "./cluster.ts";
import { Rig } from "./rig.ts";
import { Down } from "./world.ts";

/** What is watched where nothing else is said. */
export const ORDER: WatchOrder = {
  glob: "/**",
  from: 1,
  want: 0,
  windowBytes: 1 << 20,
  progressMs: 1_000,
  snapshots: true,
};

/** A client of two nodes that are one cluster, with little history. */
export function newCluster(
  { historyRevs = 1_000, seed = 1 } = {},
): { rig: Rig; cluster: Cluster; nodes: Node[] } {
  const hosts = { "a:1": new Down(), "b:1": new Down() };
  const rig = new Rig(hosts, { seed });
  const cluster = new Cluster(rig.world);
  const nodes = Object.keys(hosts).map((address) =>
    cluster.add(address, { historyRevs })
  );
  rig.start();
  return { rig, cluster, nodes };
}

/** A taker; it takes all at once unless it is told to be slow. */
export class Watched implements WatchTaker {
  /** "path@rev", "to REV", "[REV from FROM", "path@rev" of files, "REV]". */
  readonly told: string[] = [];
  /** The revs of events. */
  readonly revs: Rev[] = [];
  /** What the files are, as far as it was told. */
  readonly files: Map<string, Rev> = new Map();
  error: DoozerError | undefined;
  /** The most that was told and not taken. */
  most = 0;
  /** The largest that was told at once. */
  largest = 0;
  /** Told and not taken. */
  held = 0;
  slow = false;
  /** The first rev that it may be told of. */
  next: Rev;
  /** A snapshot that is not whole yet: its rev. */
  snapshotRev: Rev | undefined;
  /** Called with each thing that is told. */
  onTold: (what: string) => void = () => {};
  readonly subscription: Subscription;

  constructor(rig: Rig, order: Partial<WatchOrder> = {}) {
    this.next = order.from ?? 1;
    this.subscription = rig.core.watch({ ...ORDER, ...order }, this);
  }

  event({ rev, path, flags }: ClientResponse, bytes: number): void {
    if (rev! < this.next) throw new Error(`Rev ${rev} after ${this.next - 1}`);
    if (this.snapshotRev !== undefined) throw new Error("Within a snapshot");
    this.next = rev! + 1;
    this.revs.push(rev!);
    if (flags === 4) this.files.set(path!, rev!);
    else if (flags === 8) this.files.delete(path!);
    this.#hold(bytes);
    this.#tell(`${path}@${rev}`);
  }

  progress(rev: Rev): void {
    if (rev < this.next) throw new Error(`Progress to ${rev} is none`);
    this.next = rev + 1;
    this.#tell(`to ${rev}`);
  }

  snapshot({ rev, from }: { rev: Rev; from: Rev | undefined }): void {
    if (rev < this.next - 1) throw new Error(`Back to ${rev}`);
    if (from !== undefined && from !== this.next) {
      throw new Error(`Lost from ${from}, told up to ${this.next - 1}`);
    }
    this.snapshotRev = rev;
    this.files.clear();
    this.#tell(`[${rev} from ${from}`);
  }

  file({ path, rev }: ListEntry, bytes: number): void {
    this.files.set(path, rev);
    this.#hold(bytes);
    this.#tell(`${path}@${rev}`);
  }

  current(rev: Rev): void {
    if (rev !== this.snapshotRev) throw new Error("Of another snapshot");
    this.snapshotRev = undefined;
    this.next = rev + 1;
    this.#tell(`${rev}]`);
  }

  failed(error: DoozerError): void {
    this.error = error;
    this.#tell(error.code);
  }

  /** Takes so much of what it was told. */
  take(bytes = this.held): void {
    const taken = Math.min(bytes, this.held);
    this.held -= taken;
    if (taken > 0) this.subscription.taken(taken);
  }

  #hold(bytes: number): void {
    this.held += bytes;
    this.largest = Math.max(this.largest, bytes);
    this.most = Math.max(this.most, this.held);
  }

  #tell(what: string): void {
    this.told.push(what);
    this.onTold(what);
    // Within the call: it must not matter.
    if (!this.slow && this.subscription !== undefined) this.take();
  }
}
