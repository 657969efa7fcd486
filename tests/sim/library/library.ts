/**
 * All clients of a run that use the library, their lines, and what goes wrong
 * with these beside what goes wrong with the nodes.
 *
 * @module
 */
import { type Micros, MILLISECOND, SECOND } from "../agenda.ts";
import { addressOf, type Process } from "../process.ts";
import type { Random } from "../random.ts";
import { fail } from "../violation.ts";
import type { World } from "../world.ts";
import { LibraryClient } from "./client.ts";
import { SimLine } from "./line.ts";
import type { LibraryScenario } from "./scenario.ts";
import { ClientWays } from "./ways.ts";

/** How many clients sit on a host, and share what goes wrong there. */
const AT_HOST = 0.5;
/** Mean time until a client is closed, and another comes in its place. */
const REPLACED: Micros = 20 * SECOND;
/**
 * When all is well, writes work and watches have caught up within this: to give
 * up a silent server may take 10 s where all others have failed before.
 */
const WELL_WITHIN: Micros = 30 * SECOND;
const LOOK_EVERY: Micros = 50 * MILLISECOND;

/** A client, and what it is connected by. */
interface Seat {
  client: LibraryClient;
  readonly ways: ClientWays;
  readonly random: Random;
  /** Those that are not over for the client, or for the server. */
  readonly lines: Set<SimLine>;
}

/** The clients of the library. */
export class Library {
  readonly #world: World;
  readonly #random: Random;
  readonly #scenario: LibraryScenario;
  readonly #seats: Seat[] = [];
  /** All lines whose server's end may still be there. */
  readonly #lines: Set<SimLine> = new Set();
  readonly #refusals: Map<string, number>;
  #started = 0;
  #healed = false;
  /** What those that were closed had done. */
  #closed = { reads: 0, lines: 0, events: 0, snapshots: 0 };

  constructor(
    world: World,
    own: {
      random: Random;
      scenario: LibraryScenario;
      refusals: Map<string, number>;
    },
  ) {
    this.#world = world;
    this.#random = own.random;
    this.#scenario = own.scenario;
    this.#refusals = own.refusals;
  }

  /** Lets the clients begin. */
  start(): void {
    for (let i = 0; i < this.#scenario.clients; i++) {
      const seat = this.#makeSeat();
      this.#seats.push(seat);
      this.#replaceLater(seat);
      this.#harmLater(seat);
    }
  }

  /** What they did and were told. */
  get counts(): {
    reads: number;
    lines: number;
    events: number;
    snapshots: number;
  } {
    const counts = { ...this.#closed };
    for (const { client } of this.#seats) addTo(counts, client);
    return counts;
  }

  /** Nothing goes wrong any more, and nobody asks for more. */
  heal(): void {
    this.#healed = true;
    for (const { client, ways } of this.#seats) {
      client.stop();
      ways.heal();
    }
  }

  /** A process has ended, and with it its end of the lines. */
  processEnded(process: Process): void {
    for (const line of this.#lines) line.processEnded(process);
  }

  /**
   * All is well with the nodes: each client's writes work, its watches know
   * all that happened before, and nothing hangs.
   */
  settle(): void {
    const { agenda, canon } = this.#world;
    const end = agenda.now + WELL_WITHIN;
    const { rev } = canon;
    const addresses = this.#world.living.map(({ host }) => addressOf(host));
    const problems = new Map<LibraryClient, string | undefined>();
    const probe = (client: LibraryClient) =>
      client.probe((why) => {
        problems.set(client, why);
        // Its session may have ended, for those of others.
        if (why === undefined || agenda.now > end) return;
        agenda.after(LOOK_EVERY, () => probe(client));
      });
    for (const { client } of this.#seats) {
      // The only one that it knew may be gone for good.
      client.learn(addresses);
      problems.set(client, "its write is not answered");
      probe(client);
    }
    let problem = this.#problem(rev, problems);
    while (problem !== undefined && agenda.now < end) {
      agenda.runUntil(agenda.now + LOOK_EVERY);
      problem = this.#problem(rev, problems);
    }
    if (problem !== undefined) fail("liveness", problem);
    this.#world.once.checkEnd();
  }

  /** Closes all. */
  close(): void {
    for (const { client } of this.#seats) client.close();
  }

  #problem(
    rev: number,
    problems: ReadonlyMap<LibraryClient, string | undefined>,
  ): string | undefined {
    for (const [client, why] of problems) {
      if (why !== undefined) return `${client.name}: ${why}`;
      const what = client.unsettled(rev);
      if (what !== undefined) return `${client.name}: ${what}`;
    }
    return undefined;
  }

  #makeSeat(): Seat {
    const { network, scenario: { hosts, latency } } = this.#world;
    const random = this.#random.fork();
    const home = random.chance(AT_HOST) ? random.below(hosts) : undefined;
    const ways = new ClientWays(network, { home, latency });
    const lines = new Set<SimLine>();
    const parts = { ways, random, lines };
    return { ...parts, client: this.#makeClient(parts) };
  }

  #makeClient({ ways, random, lines }: Omit<Seat, "client">): LibraryClient {
    const world = this.#world;
    const { agenda } = world;
    return new LibraryClient({
      world,
      random: random.fork(),
      scenario: this.#scenario,
      number: ++this.#started,
      refusals: this.#refusals,
      dial: (host, { user, onReceive }) => {
        const line: SimLine = new SimLine({
          agenda,
          random,
          ways,
          host,
          user,
          onReceive,
          processAt: (host) =>
            world.living.find((process) => process.host === host),
          onClosed: () => lines.delete(line),
          onEnd: () => this.#lines.delete(line),
        });
        lines.add(line);
        this.#lines.add(line);
        return line;
      },
    });
  }

  #replaceLater(seat: Seat): void {
    this.#later(seat.random.gap(REPLACED), () => {
      seat.client.close();
      addTo(this.#closed, seat.client);
      seat.client = this.#makeClient(seat);
      this.#replaceLater(seat);
    });
  }

  #harmLater(seat: Seat): void {
    const { faultEvery } = this.#scenario;
    if (faultEvery === 0) return;
    this.#later(seat.random.gap(faultEvery), () => {
      this.#harm(seat);
      this.#harmLater(seat);
    });
  }

  /** Its line breaks or goes silent, or it cannot reach some hosts. */
  #harm({ random, lines, ways, client }: Seat): void {
    const [line] = lines;
    const draw = random.float();
    if (draw < 0.5) line?.break("the connection broke");
    else if (draw < 0.65) line?.hush();
    else {
      const { hosts } = this.#world.scenario;
      const share = random.pick([0.3, 0.7, 1]);
      const cut = Array.from({ length: hosts }, (_, host) => host)
        .filter(() => random.chance(share));
      this.#world.trace.say("", `${client.name} does not reach ${cut}`);
      const open = ways.block(cut);
      const most = random.pick([50, 400, 2000]);
      this.#later(random.between(5, most) * MILLISECOND, open);
    }
  }

  /** Lets it happen unless all is healed by then. */
  #later(delay: Micros, act: () => void): void {
    this.#world.agenda.after(delay, () => {
      if (!this.#healed) act();
    });
  }
}

function addTo(
  counts: { reads: number; lines: number; events: number; snapshots: number },
  { reads, lines, told }: LibraryClient,
): void {
  counts.reads += reads;
  counts.lines += lines;
  counts.events += told.events;
  counts.snapshots += told.snapshots;
}
