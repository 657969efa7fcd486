/**
 * Those who wait: for the first event of a glob (a wait), for every event of
 * one (a watch), or for a rev.
 *
 * Who begins in the past reads the retained events first, a bounded number per
 * turn, so that a long history delays nobody else. Who has caught up lies in
 * an index, and is told of events as they happen. A watch whose watcher has no
 * room is held: it lies nowhere and costs only its position. When there is
 * room again it reads on, unless history has gone on without it. So nobody who
 * listens slowly delays a write.
 *
 * @module
 */
import { AskedRevs, costOfQuestion } from "./asked_revs.ts";
import type { AskedRev } from "./asked_revs.ts";
import { assert } from "./error.ts";
import type { StoreEvent } from "./event.ts";
import type { Rev } from "./history.ts";
import { LIMITS } from "./limits.ts";
import type { Refusal } from "./mutation.ts";
import { PatternRoom } from "./pattern_room.ts";
import { Rounds } from "./rounds.ts";
import { Seeker } from "./seek.ts";
import type { Versions } from "./versions.ts";
import type { Wait } from "./wait.ts";
import { WaitIndex } from "./wait_index.ts";
import { Watch } from "./watch.ts";

/** How much a new wait reads at once, in units of an event looked at. */
const FIRST_LOOK = 256;
/** So many bytes of a body that is told, as a power of 2, are one unit. */
const BYTES_PER_UNIT_BITS = 8;
/** What a wait costs beside the text of its glob, in bytes; an estimate. */
const WAIT_BYTES = 400;
/** The same of a watch, and of what its watcher keeps for it. */
const WATCH_BYTES = 1_100;
const TOO_LATE: Refusal = { code: "TOO_LATE" };

/** All waits and watches of a store. */
export class Waits {
  #versions: Versions;
  #seeker: Seeker;
  readonly #index: WaitIndex<Wait | Watch> = new WaitIndex();
  readonly #behind: Rounds<Wait | Watch> = new Rounds();
  readonly #room = new PatternRoom();
  readonly #asked: AskedRevs = new AskedRevs();
  /** How many watches are held. */
  #held = 0;
  /** What waits and watches cost. */
  #bytes = 0;
  /** Called when one falls behind: it must be caught up. */
  onBehind: () => void = () => {};

  constructor(versions: Versions) {
    this.#versions = versions;
    this.#seeker = new Seeker(versions);
  }

  /** Whether some wait or watch still has retained events to read. */
  get behind(): boolean {
    return this.#behind.size > 0;
  }

  /** How many wait and watch: for events and for revs. */
  count(): number {
    return this.#index.size + this.#behind.size + this.#held +
      this.#asked.count;
  }

  /** What all waits, watches and questions about revs cost, in bytes. */
  get bytes(): number {
    return this.#bytes + this.#asked.bytes;
  }

  /** Starts a wait; answers at once where the event is quickly found. */
  start(wait: Wait): StoreEvent | Refusal | undefined {
    assert(wait.place === "nowhere", "a wait is started once");
    if (this.#isLate(wait)) return TOO_LATE;
    const until = this.#versions.work + FIRST_LOOK;
    if (this.#seeker.seek(wait, until)) return this.#seeker.eventAt(wait.next);
    return this.#refusalOf(wait) ?? this.#enter(wait);
  }

  /**
   * Starts a watch. Nothing is told before this returns: what lies in the past
   * comes by {@linkcode Waits.catchUp}.
   *
   * @returns TOO_LATE below the history, LIMIT where there are too many.
   */
  watch(watch: Watch): Refusal | undefined {
    assert(watch.place === "nowhere", "a watch is started once");
    if (this.#isLate(watch)) return TOO_LATE;
    return this.#refusalOf(watch) ?? this.#enter(watch);
  }

  /** Goes on with a watch that was held. Harmless where it is not. */
  resume(watch: Watch): void {
    if (watch.place !== "held") return;
    this.#held--;
    this.#putBehind(watch);
  }

  /** Ends a wait or a watch without a word. Harmless where it has ended. */
  cancel(one: Wait | Watch): void {
    switch (one.place) {
      case "nowhere":
        return;
      case "index":
        this.#index.remove(one);
        break;
      case "behind":
        this.#behind.delete(one);
        break;
      case "held":
        this.#held--;
    }
    one.place = "nowhere";
    this.#bytes -= costOf(one);
    this.#room.give(one.owner, one.glob);
  }

  /** Whether the watch is told of events as they happen. */
  isCurrent(watch: Watch): boolean {
    return watch.place === "index";
  }

  /** Whether the watcher had no room, and the watch was not resumed. */
  isHeld(watch: Watch): boolean {
    return watch.place === "held";
  }

  /**
   * The watcher was told of all events of the watch up to this rev. Do not ask
   * while an event is being told.
   */
  toldUpTo(watch: Watch): Rev {
    const told = watch.next - 1;
    if (watch.place !== "index") return told;
    return Math.max(told, this.#versions.history.last);
  }

  /**
   * Ends a held watch where history no longer has the event that it was held
   * at: TOO_LATE. For a look at the held ones from time to time, as nobody
   * else looks at them.
   *
   * @returns whether it has ended by this.
   */
  cutLate(watch: Watch): boolean {
    if (watch.place !== "held" || !this.#isLate(watch)) return false;
    this.#end(watch, TOO_LATE);
    return true;
  }

  /**
   * Goes on with a later state of the same store. Who had caught up was told
   * of all revs of the state before; what came since is read now.
   */
  adopt(versions: Versions): void {
    const seen = this.#versions.history.last;
    const { last } = versions.history;
    this.#versions = versions;
    this.#seeker = new Seeker(versions);
    for (const one of this.#index.all()) {
      one.next = Math.max(one.next, seen + 1);
      if (one.next > last) continue;
      this.#index.remove(one);
      this.#behind.add(one);
      one.place = "behind";
    }
    for (const one of this.#behind.all()) {
      if (this.#isLate(one)) this.#end(one, TOO_LATE);
    }
    this.#asked.reachedUpTo(last);
    if (this.behind) this.onBehind();
  }

  /** Asks to be told when the store reaches the rev, which is to come. */
  whenRev(rev: Rev, asked: AskedRev): Refusal | undefined {
    const refusal = this.#exceeds(costOfQuestion(asked));
    if (refusal === undefined) this.#asked.ask(rev, asked);
    return refusal;
  }

  /** Forgets a question about this rev. Harmless where it was answered. */
  forgetRev(rev: Rev, asked: AskedRev): void {
    this.#asked.forget(rev, asked);
  }

  /** Counts work that was done for one who waits, to share time by. */
  worked(units: number): void {
    this.#versions.work += units;
  }

  /** Tells of the event of a rev that was just applied. */
  announce(rev: Rev): void {
    if (this.#index.size > 0) {
      const { history, tree } = this.#versions;
      const node = history.nodeOf(rev);
      for (const followers of this.#index.matching(tree, node)) {
        this.#tellAll(followers, this.#seeker.eventAt(rev));
      }
    }
    this.#asked.reached(rev);
  }

  /**
   * Lets those that are behind read at most so much, in units of an event
   * looked at or 256 bytes told: a little each, in turn, and the same for all
   * in the long run (rounds.ts). Watches that stand at the same rev are so
   * told of it one after the other.
   */
  catchUp(units: number): void {
    const until = this.#versions.work + units;
    if (units <= 0) return;
    for (const one of this.#behind.turns()) {
      const { work } = this.#versions;
      this.#readOn(one, Math.min(until, work + one.share));
      this.#behind.use(one, this.#versions.work - work);
      if (this.#versions.work >= until) return;
    }
  }

  /** Whether the next rev of it is no longer retained. */
  #isLate(one: Wait | Watch): boolean {
    const { history } = this.#versions;
    return one.next < history.first && one.next <= history.last;
  }

  #exceeds(more: number): Refusal | undefined {
    const bytes = this.bytes + more;
    if (bytes <= LIMITS.waitBytesNode) return undefined;
    const detail = `All waits of the node would hold ${bytes} bytes, the ` +
      `limit is ${LIMITS.waitBytesNode}`;
    return { code: "LIMIT", detail };
  }

  /** Why there is no room for one that is new. If there is, it is taken. */
  #refusalOf(one: Wait | Watch): Refusal | undefined {
    return this.#exceeds(costOf(one)) ?? this.#room.take(one.owner, one.glob);
  }

  /** Takes in one that is new and has room, in whatever place it belongs. */
  #enter(one: Wait | Watch): undefined {
    this.#bytes += costOf(one);
    if (one.next > this.#versions.history.last) this.#putInIndex(one);
    else this.#putBehind(one);
  }

  #putInIndex(one: Wait | Watch): void {
    this.#index.add(one);
    one.place = "index";
  }

  #putBehind(one: Wait | Watch): void {
    one.place = "behind";
    this.#behind.add(one);
    this.onBehind();
  }

  /** Lets one that is behind read, until the work comes to so much. */
  #readOn(one: Wait | Watch, until: number): void {
    if (this.#isLate(one)) {
      this.worked(1);
      return this.#end(one, TOO_LATE);
    }
    if (this.#seeker.seek(one, until)) {
      if (!(one instanceof Watch)) {
        return this.#end(one, this.#seeker.eventAt(one.next));
      }
      this.#tellNext(one);
    }
    if (one.place !== "behind" || one.next <= this.#versions.history.last) {
      return;
    }
    this.#behind.delete(one);
    this.#putInIndex(one);
  }

  /** Tells a watch that is behind of its next event. */
  #tellNext(watch: Watch): void {
    const event = this.#seeker.eventAt(watch.next);
    if (watch.wants(event.kind)) {
      if (!watch.watcher.watched(watch, event)) return this.#hold(watch);
      this.#versions.work += this.#costOfTelling(watch, event);
    }
    watch.next = event.rev + 1;
  }

  /** The work of telling a watch of an event, in units. */
  #costOfTelling({ previous }: Watch, { rev, body }: StoreEvent): number {
    const before = previous ? this.#versions.before(rev)?.length ?? 0 : 0;
    return 1 + (body.length + before >> BYTES_PER_UNIT_BITS);
  }

  #tellAll(
    followers: ReadonlySet<Wait | Watch>,
    event: StoreEvent,
  ): void {
    for (const one of followers) {
      // It begins at a rev to come; so does one that was added meanwhile.
      if (event.rev < one.next) continue;
      if (!(one instanceof Watch)) this.#end(one, event);
      else if (one.wants(event.kind) && !one.watcher.watched(one, event)) {
        one.next = event.rev;
        this.#hold(one);
      }
    }
  }

  /** Puts a watch aside whose watcher has no room. It may have cancelled it. */
  #hold(watch: Watch): void {
    if (watch.place === "index") this.#index.remove(watch);
    else if (watch.place === "behind") this.#behind.delete(watch);
    else return;
    watch.place = "held";
    this.#held++;
  }

  /** Ends one with its last word. */
  #end(one: Wait | Watch, result: StoreEvent | Refusal): void {
    this.cancel(one);
    if (!(one instanceof Watch)) one.waiter.waitEnded(one.ticket, result);
    else if ("code" in result) one.watcher.watchEnded(one, result);
  }
}

function costOf(one: Wait | Watch): number {
  const bytes = one instanceof Watch ? WATCH_BYTES : WAIT_BYTES;
  return bytes + one.glob.text.length;
}
