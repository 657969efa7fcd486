/**
 * One watch of a client of the library: begun somewhere, taken sooner or
 * later, cancelled and begun again at times.
 *
 * @module
 */
import type { ClientResponse } from "../../../protocol/mod.ts";
import type { ListEntry, Subscription } from "../../../protocol/mod.ts";
import { WANTS, type WatchTaker } from "../../../protocol/mod.ts";
import { compileGlob, type DoozerError, type Rev } from "../../../store/mod.ts";
import { type Micros, MILLISECOND, SECOND } from "../agenda.ts";
import { Stream } from "../checkers/streams.ts";
import type { Random } from "../random.ts";
import { fail } from "../violation.ts";
import type { ClientParts } from "./parts.ts";

const GLOBS = ["/k/*", "/k/0", "/**", "/l/*", "/l/count0", "/ctl/cal/*"]
  .map(compileGlob);
const WANTED: readonly number[] = [
  0,
  WANTS.previous,
  WANTS.previous | WANTS.stamp,
  WANTS.stamp | WANTS.noBody,
  WANTS.noDel,
  WANTS.noSet | WANTS.previous,
  WANTS.noNop,
];
/** Mean time until it is cancelled and begun again. */
const BEGUN_AGAIN: Micros = 4 * SECOND;
/** So many revs are far behind, and take too long with a small window. */
const FAR_BEHIND = 50;
/** A large window, in bytes. */
const WIDE = 100_000;
/** When all servers have refused it, it is begun again after so long. */
const RETRY: Micros = 20 * MILLISECOND;

/** One watch. */
export class LibraryWatch {
  readonly #client: ClientParts;
  readonly #random: Random;
  #now: Taking | undefined;
  #stopped = false;
  /** The client is closed. */
  #over = false;
  /** Of those that were begun before. */
  #events = 0;
  #snapshots = 0;

  constructor(client: ClientParts, random: Random) {
    this.#client = client;
    this.#random = random;
    this.#begin(undefined);
    this.#beginAgainLater();
  }

  /**
   * It goes on from now on without being begun again, and all is taken at once.
   * Where it is far behind a small window would take it too long.
   */
  stop(): void {
    this.#stopped = true;
    const taking = this.#now;
    if (taking === undefined) return;
    taking.hurries = true;
    const { rev } = this.#client.world.canon;
    if (rev - (taking.next ?? rev) < FAR_BEHIND) return;
    this.#cancel(taking);
    this.#begin(taking.next);
  }

  /** Nothing is to be told any more. */
  end(): void {
    this.#over = true;
  }

  /** There is another line; who asks there for what there is may get less. */
  served(): void {
    if (!this.#stopped && this.#random.chance(0.2)) this.#beginAgain();
  }

  /** How many events and snapshots it was told of. */
  get told(): { events: number; snapshots: number } {
    const { events = 0, snapshots = 0 } = this.#now?.stream ?? {};
    return {
      events: this.#events + events,
      snapshots: this.#snapshots + snapshots,
    };
  }

  /** Whether it was told that it knows all up to the rev. */
  knows(rev: Rev): boolean {
    return this.#now?.stream.knows(rev) ?? false;
  }

  /** Where it is, in words. */
  get place(): string {
    const { glob, next } = this.#now ?? { glob: "", next: 0 };
    return `${glob} at ${next}`;
  }

  #begin(next: Rev | undefined): void {
    const { scenario, core } = this.#client;
    const from = next ?? this.#drawFrom();
    const order = {
      glob: this.#random.pick(GLOBS),
      from,
      want: this.#random.pick(WANTED),
      windowBytes: this.#stopped
        ? WIDE
        : this.#random.pick(scenario.windowBytes),
      progressMs: this.#random.between(1, 400),
      snapshots: this.#random.chance(0.8),
    };
    const takeWithin = this.#random.pick(scenario.takeWithin);
    const taking = new Taking(order, {
      client: this.#client,
      random: this.#random,
      takeWithin,
      onFailed: (error) => this.#failed(taking, error),
    });
    taking.hurries = this.#stopped;
    this.#now = taking;
    const { glob: { text: glob } } = order;
    this.#client.say(`watches ${glob} from ${from}`);
    taking.subscription = core.watch({ ...order, glob }, taking);
  }

  /** From the newest on, from before, from a rev to come, or with a snapshot. */
  #drawFrom(): Rev | undefined {
    const { rev } = this.#client.world.canon;
    const draw = this.#random.float();
    if (draw < 0.35) return undefined;
    const away = draw < 0.7 ? 1 : draw < 0.8 ? 6 : -this.#random.below(60);
    return Math.max(1, rev + away);
  }

  #beginAgainLater(): void {
    this.#client.world.agenda.after(this.#random.gap(BEGUN_AGAIN), () => {
      if (this.#stopped || this.#over) return;
      this.#beginAgain();
      this.#beginAgainLater();
    });
  }

  #beginAgain(): void {
    const taking = this.#now;
    // It may have failed, and is begun again anyway.
    if (taking === undefined) return;
    this.#cancel(taking);
    const goesOn = this.#random.chance(0.5);
    this.#begin(goesOn ? taking.stream.next : undefined);
  }

  /** Every server has refused it, or history has gone on without it. */
  #failed(taking: Taking, error: DoozerError): void {
    if (this.#over || taking !== this.#now) return;
    const { code, detail } = error;
    this.#client.say(`watch of ${taking.glob} fails: ${code}`);
    this.#count();
    if (code === "TOO_LATE" && !taking.allowsSnapshots) {
      taking.stream.endedLate(this.#client.teller());
    } else if (code !== "UNAVAILABLE" && code !== "CLOSED") {
      fail("an odd answer", `a watch is told ${code}: ${detail}`);
    }
    const next = code === "TOO_LATE" ? undefined : taking.stream.next;
    this.#client.world.agenda.after(RETRY, () => {
      if (!this.#over && this.#now === undefined) this.#begin(next);
    });
  }

  #cancel(taking: Taking): void {
    this.#count();
    taking.cancel();
  }

  #count(): void {
    const { events, snapshots } = this.told;
    this.#events = events;
    this.#snapshots = snapshots;
    this.#now = undefined;
  }
}

interface TakingOptions {
  readonly client: ClientParts;
  readonly random: Random;
  readonly takeWithin: Micros;
  readonly onFailed: (error: DoozerError) => void;
}

interface Order {
  readonly glob: ReturnType<typeof compileGlob>;
  readonly from: Rev | undefined;
  readonly want: number;
  readonly windowBytes: number;
  readonly snapshots: boolean;
}

/** What one subscription tells, and when it is taken. */
class Taking implements WatchTaker {
  readonly stream: Stream;
  subscription: Subscription | undefined;
  readonly #options: TakingOptions;
  readonly #order: Order;
  /** What its client had seen before. */
  readonly #floor: Rev;
  /** Whether what is told is taken at once. */
  hurries = false;
  #untaken = 0;
  #ended = false;

  constructor(order: Order, options: TakingOptions) {
    this.#order = order;
    this.#options = options;
    this.#floor = options.client.seen();
    this.stream = new Stream(options.client.world.canon, order);
  }

  get glob(): string {
    return this.#order.glob.text;
  }

  get next(): Rev | undefined {
    return this.stream.next;
  }

  get allowsSnapshots(): boolean {
    return this.#order.snapshots;
  }

  cancel(): void {
    this.#ended = true;
    this.subscription!.cancel();
  }

  event(event: ClientResponse, bytes: number): void {
    this.#expectGoing();
    this.#expectRoom(event.rev!);
    this.stream.event(event, this.#options.client.teller());
    this.#options.client.saw(event.rev!);
    this.#takeLater(bytes);
  }

  progress(rev: Rev): void {
    this.#expectGoing();
    this.stream.progress(rev, this.#options.client.teller());
    this.#options.client.saw(rev);
  }

  snapshot(told: { rev: Rev; from: Rev | undefined }): void {
    this.#expectGoing();
    const what = `watch of ${this.glob}: a snapshot at ${told.rev}`;
    this.#options.client.say(what);
    if (told.rev < this.#floor) {
      fail("stale read", `${what}, though ${this.#floor} was known`);
    }
    this.stream.snapshot(told, this.#options.client.teller());
  }

  file(entry: ListEntry, bytes: number): void {
    this.#expectGoing();
    this.stream.file(entry);
    this.#takeLater(bytes);
  }

  current(rev: Rev): void {
    this.#expectGoing();
    this.stream.current(rev);
    this.#options.client.saw(rev);
  }

  failed(error: DoozerError): void {
    this.#expectGoing();
    this.#ended = true;
    this.#options.onFailed(error);
  }

  #expectGoing(): void {
    if (this.#ended) fail("watch", `${this.glob} is told something at its end`);
  }

  /** The window is overdrawn once at most, by the last event that it lets in. */
  #expectRoom(rev: Rev): void {
    const { windowBytes } = this.#order;
    if (this.#untaken < windowBytes) return;
    const what = `${this.glob} is told of ${rev}, ${this.#untaken} bytes`;
    fail("windows", `${what} are not taken yet, the window is ${windowBytes}`);
  }

  #takeLater(bytes: number): void {
    this.#untaken += bytes;
    const { client, random, takeWithin } = this.#options;
    const delay = this.hurries ? 0 : random.below(takeWithin);
    client.world.agenda.after(delay, () => {
      this.#untaken -= bytes;
      if (!this.#ended) this.subscription!.taken(bytes);
    });
  }
}
