/**
 * A client of the library: its logic is the real one, its sockets, clock and
 * chance are the simulator's.
 *
 * @module
 */
import {
  ClientCore,
  type CoreUser,
  type Notice,
} from "../../../protocol/mod.ts";
import type { Socket, SocketUser } from "../../../protocol/mod.ts";
import type { Rev } from "../../../store/mod.ts";
import { type Micros, MILLISECOND, SECOND } from "../agenda.ts";
import { CLIENT_NAME } from "../checkers/exactly_once.ts";
import type { Teller } from "../checkers/streams.ts";
import { addressOf } from "../process.ts";
import type { Random } from "../random.ts";
import { fail, Violation } from "../violation.ts";
import type { World } from "../world.ts";
import type { ClientParts } from "./parts.ts";
import type { LibraryScenario } from "./scenario.ts";
import type { Sender } from "./server_end.ts";
import { LibraryWatch } from "./watch.ts";
import { Workload } from "./workload.ts";

/** Timers fire after a millisecond at least; so often is all the time. */
const WAKES_MAX = 900;
/** How many know one server, and learn of the others there. */
const KNOWS_ONE = 0.25;

/** What a client needs. */
export interface LibraryClientOptions {
  readonly world: World;
  readonly random: Random;
  readonly scenario: LibraryScenario;
  /** Counts the clients of a run, those that follow closed ones included. */
  readonly number: number;
  /** Opens a line to a host. */
  readonly dial: (host: number, how: {
    user: SocketUser;
    onReceive: (sender: Sender, bytes: number) => void;
  }) => Socket;
  /** Refusals, by code. */
  readonly refusals: Map<string, number>;
}

/** One client. */
export class LibraryClient implements CoreUser {
  /** Its session's name, and so the origin of its events. */
  readonly name: string;
  readonly #options: LibraryClientOptions;
  readonly #core: ClientCore;
  readonly #watches: LibraryWatch[] = [];
  readonly #workload: Workload;
  /** How fast its clock goes. */
  readonly #rate: number;
  /** When it is to be woken, by its clock. */
  #wakesAt = Infinity;
  /** How often it was woken in this second. */
  #woken = { second: 0, wakes: 0 };
  #seen: Rev = 0;
  #sender: Sender | undefined;
  /** No node that it has heard kept less of its history. */
  #firstRev: Rev = 0;
  #closed = false;
  /** How many lines it had that served it. */
  lines = 0;

  constructor(options: LibraryClientOptions) {
    const { random, number, scenario, refusals } = options;
    this.#options = options;
    this.name = `${CLIENT_NAME}${number}`;
    this.#rate = random.chance(0.5) ? 1 : 0.8 + random.float() * 0.45;
    this.#core = this.#makeCore();
    const parts = this.#parts;
    this.#workload = new Workload(parts, { random: random.fork(), refusals });
    this.#core.start();
    for (let i = 0; i < scenario.watches; i++) {
      this.#watches.push(new LibraryWatch(parts, random.fork()));
    }
    this.#workload.start();
  }

  /** How many reads and lists it has asked for. */
  get reads(): number {
    return this.#workload.reads;
  }

  /** How many events its watches told of, and how many snapshots. */
  get told(): { events: number; snapshots: number } {
    let [events, snapshots] = [0, 0];
    for (const { told } of this.#watches) {
      events += told.events;
      snapshots += told.snapshots;
    }
    return { events, snapshots };
  }

  /** Asks for nothing more; its watches go on. */
  stop(): void {
    this.#workload.stop();
    for (const watch of this.#watches) watch.stop();
  }

  /** Somebody tells it where servers are. */
  learn(addresses: readonly string[]): void {
    this.#core.found(addresses);
  }

  /** What is not done yet that should be, once all before the rev is. */
  unsettled(rev: Rev): string | undefined {
    const behind = this.#watches.find((watch) => !watch.knows(rev));
    if (behind !== undefined) return `${behind.place} does not know ${rev}`;
    return this.#workload.idle ? undefined : "it has no answer yet";
  }

  /** Writes something now that all is well; tells why it failed, if so. */
  probe(done: (why: string | undefined) => void): void {
    this.#workload.probe(done);
  }

  /** Closes it: all that is under way fails, and nothing is told after that. */
  close(): void {
    if (this.#closed) return;
    this.#say("is closed");
    this.stop();
    for (const watch of this.#watches) watch.end();
    this.#guard(() => this.#core.close());
    this.#closed = true;
    this.#workload.closed();
  }

  ready(): void {
    this.lines++;
    this.#soon(() => {
      this.#workload.discover();
      for (const watch of this.#watches) watch.served();
    });
  }

  nobody({ code }: { code: string }): void {
    this.#say(`finds nobody: ${code}`);
  }

  get #now(): number {
    return this.#options.world.agenda.now * this.#rate / MILLISECOND;
  }

  get #teller(): Teller {
    return { rev: this.#sender!.rev, firstRev: this.#firstRev };
  }

  get #parts(): ClientParts {
    const { world, scenario, number } = this.#options;
    return {
      world,
      scenario,
      number,
      name: this.name,
      core: this.#core,
      rate: this.#rate,
      now: () => this.#now,
      teller: () => this.#teller,
      seen: () => this.#seen,
      saw: (rev) => this.#seen = Math.max(this.#seen, rev),
      soon: (act, delay) => this.#soon(act, delay),
      say: (what) => this.#say(what),
    };
  }

  #makeCore(): ClientCore {
    const { world, random, scenario: { silenceMs } } = this.#options;
    const hosts = Array.from({ length: world.scenario.hosts }, (_, at) => at);
    const all = shuffled(hosts, random).map(addressOf);
    const draws = random.fork();
    const addresses = random.chance(KNOWS_ONE) ? all.slice(0, 1) : all;
    this.#say(`begins, knows ${addresses}`);
    return new ClientCore({ addresses, name: this.name, silenceMs }, {
      user: this,
      surroundings: {
        dial: (address, user) => this.#dial(address, user),
        now: () => this.#now,
        random: () => draws.float(),
        wakeAt: (time) => this.#wakeAt(time),
        notice: (notice) => this.#notice(notice),
      },
    });
  }

  /** What the library does is done within this: it must not throw. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof Violation) throw error;
      const { stack } = error as Error;
      fail("a client goes on", `${this.name} stopped: ${stack ?? error}`);
    }
  }

  /** The client's own business, not within what the library does. */
  #soon(act: () => void, delay: Micros = 0): void {
    this.#options.world.agenda.after(delay, () => {
      if (!this.#closed) this.#guard(act);
    });
  }

  #dial(address: string, user: SocketUser): Socket {
    const host = Number(address.split(/[.:]/)[3]) - 1;
    this.#say(`dials ${address}`);
    return this.#options.dial(host, {
      user: {
        opened: () => this.#guard(() => user.opened()),
        received: (bytes) => this.#guard(() => user.received(bytes)),
        ended: (why) => this.#guard(() => user.ended(why)),
        takeOutput: () => user.takeOutput(),
      },
      onReceive: (sender, bytes) => {
        this.#sender = sender;
        this.#firstRev = Math.max(this.#firstRev, sender.firstRev);
        const { number } = this.#options;
        this.#options.world.trace.mark("line", number, bytes);
      },
    });
  }

  /** One timer, as the library's has it: the earliest time counts. */
  #wakeAt(time: number): void {
    if (time >= this.#wakesAt) return;
    this.#wakesAt = time;
    const { agenda } = this.#options.world;
    // Not before that by its clock, nor at once.
    const delay = Math.ceil((time - this.#now) * MILLISECOND / this.#rate) + 1;
    agenda.after(Math.max(MILLISECOND, delay), () => {
      if (this.#wakesAt !== time || this.#closed) return;
      this.#wakesAt = Infinity;
      this.#expectRest();
      this.#guard(() => this.#core.tick());
    });
  }

  /** One that is woken all the time gets nowhere. */
  #expectRest(): void {
    const { now } = this.#options.world.agenda;
    const second = Math.floor(now / SECOND);
    const { wakes } = this.#woken;
    this.#woken = {
      second,
      wakes: second > this.#woken.second ? 1 : wakes + 1,
    };
    if (wakes < WAKES_MAX) return;
    fail("a client rests", `${this.name} is woken ${wakes} times in a second`);
  }

  #notice(notice: Notice): void {
    if (!this.#options.world.trace.reads) return;
    const { type } = notice;
    if (type === "connected") this.#say(`is served by ${notice.address}`);
    else if (type === "lost") this.#say(`loses it: ${notice.why}`);
    else this.#say(`resumes ${notice.glob} from ${notice.rev}`);
  }

  #say(what: string): void {
    this.#options.world.trace.say(`L${this.#options.number}`, what);
  }
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  const rest = [...all];
  return all.map(() => rest.splice(random.below(rest.length), 1)[0]!);
}
