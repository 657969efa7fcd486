/**
 * The ways between one client and the hosts, each direction for itself. A
 * client that sits on a host shares that host's ways, and what becomes of
 * them; one that is alone has its own.
 *
 * Unlike messages between nodes, bytes of a line are never lost on their way
 * while it lives, as with TCP: what finds its way blocked waits.
 *
 * @module
 */
import type { Micros } from "../agenda.ts";
import type { Network, Way } from "../network.ts";

/** How long what is on the same host takes. */
const AT_HOME: readonly [Micros, Micros] = [10, 50];

/** The ways of one client. */
export class ClientWays {
  readonly #network: Network;
  /** Where the client sits; undefined where that is no host. */
  readonly #home: number | undefined;
  readonly #own: Map<string, Way> = new Map();
  readonly #latency: readonly [Micros, Micros];

  constructor(
    network: Network,
    own: {
      home: number | undefined;
      latency: readonly [Micros, Micros];
    },
  ) {
    this.#network = network;
    this.#home = own.home;
    this.#latency = own.latency;
  }

  /** The way to a host. */
  to(host: number): Way {
    return this.#way(host, "to");
  }

  /** The way from a host. */
  from(host: number): Way {
    return this.#way(host, "from");
  }

  /** Blocks its own ways to and from these hosts; tells how to undo it. */
  block(hosts: readonly number[]): () => void {
    const ways = hosts.flatMap((host) => {
      if (this.#sharesWaysOf(host)) return [];
      return [this.to(host), this.from(host)];
    });
    for (const way of ways) way.state = "holds";
    return () => {
      for (const way of ways) this.#network.open(way);
    };
  }

  /** Opens all of its own. */
  heal(): void {
    for (const way of this.#own.values()) this.#network.open(way);
  }

  /** Whether the ways to that host are not its own. */
  #sharesWaysOf(host: number): boolean {
    return this.#home !== undefined && host !== this.#home;
  }

  #way(host: number, direction: "to" | "from"): Way {
    const home = this.#home;
    if (home !== undefined && host !== home) {
      return direction === "to"
        ? this.#network.way(home, host)
        : this.#network.way(host, home);
    }
    const key = `${direction} ${host}`;
    let way = this.#own.get(key);
    if (way === undefined) this.#own.set(key, way = this.#newWay());
    return way;
  }

  #newWay(): Way {
    return {
      state: "open",
      latency: this.#home === undefined ? this.#latency : AT_HOME,
      drop: 0,
      double: 0,
      reorder: 0,
      picks: undefined,
      held: [],
    };
  }
}
