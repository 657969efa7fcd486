/**
 * A client in a world of its own, and servers whose answers the test writes.
 *
 * @module
 */
import { ClientCore, type CoreOptions } from "../../../protocol/client/core.ts";
import {
  type ClientRequest,
  decodeRequest,
  emptyRequest,
  FrameDecoder,
  ResponseEncoder,
  type Verb,
  VERBS,
  WireReader,
  WireWriter,
} from "../../../protocol/mod.ts";
import type { DoozerError } from "../../../store/mod.ts";
import { type Host, type Pipe, World } from "./world.ts";

/** A request as a scripted server sees it. */
export interface Asked {
  readonly verb: Verb;
  readonly request: ClientRequest;
  readonly pipe: Pipe;
  readonly tag: number;
  /** Answers with what `write` encodes. */
  reply(write: (answers: ResponseEncoder, tag: number) => void): void;
}

const VERB_NAMES: ReadonlyMap<number, Verb> = new Map<number, Verb>(
  Object.entries(VERBS).map(([verb, number]) => [number, verb as Verb]),
);

/** The lineage that scripted servers name. */
export const LINEAGE = "L1";
/** What a server says that knows all. */
export const EXTENSIONS = ["watch", "session", "list"];

/** A server whose answers are written by the test. */
export class Scripted implements Host {
  /** All that was asked, HELLO left out. */
  readonly asked: Asked[] = [];
  readonly pipes: Pipe[] = [];
  /** Says nothing, not even HELLO, while it is so. */
  silent = false;
  /** Does not even accept. */
  deaf = false;
  /** What HELLO says; undefined: UNKNOWN_VERB. */
  greeting: Record<string, unknown> | undefined = {
    id: "A",
    lineage: LINEAGE,
    rev: 1,
    extensions: EXTENSIONS,
  };
  /** How many HELLOs came. */
  hellos = 0;
  onAsked: (asked: Asked) => void;

  constructor(onAsked: (asked: Asked) => void = () => {}) {
    this.onAsked = onAsked;
  }

  /** The verbs that were asked for, in order. */
  get verbs(): string {
    return this.asked.map(({ verb }) => verb).join(" ");
  }

  /** The last that was asked. */
  get last(): Asked {
    return this.asked.at(-1)!;
  }

  /** The pipe that was dialled last. */
  get pipe(): Pipe {
    return this.pipes.at(-1)!;
  }

  dialled(pipe: Pipe): void {
    this.pipes.push(pipe);
    if (this.deaf) return;
    const input = new FrameDecoder();
    const reader = new WireReader();
    pipe.onBytes = (bytes) => {
      input.push(bytes);
      while (!pipe.closed && input.next()) {
        reader.reset(input.bytes, input);
        const request = emptyRequest();
        decodeRequest(reader, request);
        const value = request.value?.slice();
        this.#handle({ ...request, value }, pipe);
      }
    };
    pipe.open();
  }

  #handle(request: ClientRequest, pipe: Pipe): void {
    const verb = VERB_NAMES.get(request.verb)!;
    const tag = request.tag!;
    const reply = (write: (answers: ResponseEncoder, tag: number) => void) => {
      pipe.send(encoded((answers) => write(answers, tag)));
    };
    if (verb === "HELLO") {
      this.hellos++;
      const { greeting } = this;
      if (this.silent) return;
      reply((answers, tag) => {
        if (greeting === undefined) answers.error(tag, "UNKNOWN_VERB");
        else answers.text(tag, JSON.stringify(greeting));
      });
      return;
    }
    const asked = { verb, request, pipe, tag, reply };
    this.asked.push(asked);
    if (!this.silent) this.onAsked(asked);
  }
}

/** The bytes of answers. */
export function encoded(write: (answers: ResponseEncoder) => void): Uint8Array {
  const writer = new WireWriter();
  write(new ResponseEncoder(writer));
  return writer.written().slice();
}

/** A client in its world, and what its user was told. */
export class Rig {
  readonly world: World;
  readonly core: ClientCore;
  /** What it was told: "ready", "nobody CODE". */
  readonly told: string[] = [];
  nobody: DoozerError | undefined;

  constructor(
    hosts: Readonly<Record<string, Host>>,
    options: Partial<CoreOptions> & { seed?: number } = {},
  ) {
    const { seed, ...others } = options;
    const world = this.world = new World(seed);
    const addresses = Object.keys(hosts);
    for (const address of addresses) world.hosts.set(address, hosts[address]!);
    this.core = new ClientCore({ addresses, ...others }, {
      surroundings: world,
      user: {
        ready: () => this.told.push("ready"),
        nobody: (error) => {
          this.told.push(`nobody ${error.code}`);
          this.nobody = error;
        },
      },
    });
    world.onTick = () => this.core.tick();
  }

  /** Begins, and waits until it is connected. */
  start(): this {
    this.core.start();
    this.world.until(() => this.told.includes("ready"));
    return this;
  }

  /** Asks; the answer stands in what is returned, once it is there. */
  ask(
    verb: Verb,
    ask: Partial<ClientRequest> = {},
    { timeoutMs = 0, once = false } = {},
  ): Told {
    const told = new Told(this.world);
    told.giveUp = this.core.ask({ verb, ask, timeoutMs, once }, {
      answered: ({ rev }) => told.end(`rev ${rev}`),
      failed: (error) => told.fail(error),
    }).giveUp;
    return told;
  }

  /** Writes; the same. */
  set(path: string, { value = "v", rev = -1, timeoutMs = 0 } = {}): Told {
    const told = new Told(this.world);
    const body = new TextEncoder().encode(value);
    told.giveUp = this.core.write(
      { verb: "SET", ask: { path, rev, value: body }, timeoutMs },
      {
        written: (rev) => told.end(`rev ${rev}`),
        failed: (error) => told.fail(error),
      },
    ).giveUp;
    return told;
  }
}

/** What somebody was told, exactly once. */
export class Told {
  text: string | undefined;
  error: DoozerError | undefined;
  at = -1;
  giveUp: (why: string) => void = () => {};
  onEnd: () => void = () => {};
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  fail(error: DoozerError): void {
    this.error = error;
    this.end(error.code);
  }

  end(text: string): void {
    if (this.text !== undefined) {
      throw new Error(`Told "${text}" after "${this.text}"`);
    }
    this.text = text;
    this.at = this.#world.now();
    this.onEnd();
  }
}
