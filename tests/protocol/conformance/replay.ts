/**
 * Plays the steps of a fact to a server over real sockets.
 *
 * "Silent" is asserted without waiting: REVs sent now are answered first, and
 * a server that owed an answer would have had to give it before the second.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  concatBytes,
  frameRequest,
  type RawAnswer,
  RawClient,
} from "../raw_client.ts";
import {
  type Ask,
  type ExpectedAnswer,
  type Fact,
  resolveAsk,
  type Step,
  type Variables,
} from "./fact.ts";
import { findMismatch, findWireMismatch } from "./match.ts";

const PROBE_TAG = 1 << 30;

/** Where each connection leads. */
export type Addresses = Readonly<Record<"a" | "b", string>>;

/** Plays all steps; throws at the first answer that differs. */
export async function replayFact(
  fact: Fact,
  addresses: Addresses,
): Promise<void> {
  const replay = new Replay(addresses);
  try {
    for (const step of fact.steps) await replay.play(step);
    await replay.end();
  } finally {
    replay.close();
  }
}

class Replay {
  readonly #addresses: Addresses;
  readonly #clients = new Map<string, RawClient>();
  /** Connections that can no longer be asked. */
  readonly #ended = new Set<RawClient>();
  readonly #variables: Variables = new Map();

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
  }

  async play(step: Step): Promise<void> {
    const client = await this.#client(step.on ?? "a");
    const sent = this.#bytesOf(step);
    if (sent.length > 0) await client.sendBytes(sent);
    if (step.halfClose) {
      this.#ended.add(client);
      await client.closeWrite();
    }
    await this.#expectAnswers(step, client);
    if (step.silent) await expectSilence(client, step);
    if (step.closed) {
      this.#ended.add(client);
      assertEquals(await client.receive(), null, `after ${describe(step)}`);
    }
  }

  /** Nobody is owed anything more: each answer comes once. */
  async end(): Promise<void> {
    for (const client of this.#clients.values()) {
      if (this.#ended.has(client)) continue;
      await expectSilence(client, { silent: true });
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  async #client(name: "a" | "b"): Promise<RawClient> {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = await RawClient.connect(this.#addresses[name]);
    this.#clients.set(name, client);
    return client;
  }

  #bytesOf(step: Step): Uint8Array {
    if (step.raw !== undefined) return Uint8Array.fromHex(step.raw);
    const frames: Uint8Array[] = [];
    for (let i = 0; i < (step.times ?? 1); i++) {
      this.#variables.set("$i", i);
      for (const ask of asksOf(step)) {
        frames.push(frameRequest(resolveAsk(ask, this.#variables)));
      }
    }
    return concatBytes(frames);
  }

  async #expectAnswers(step: Step, client: RawClient): Promise<void> {
    const open = expectedOf(step);
    while (open.length > 0) {
      const answer = await client.receive();
      if (answer === null) {
        throw new Error(`Connection closed after ${describe(step)}`);
      }
      const choices = step.anyOrder || step.times ? open : open.slice(0, 1);
      const reasons = choices.map((choice) => this.#judge(choice, answer));
      const index = reasons.indexOf("");
      assert(index >= 0, `${reasons.join("; ")} after ${describe(step)}`);
      open.splice(index, 1);
    }
  }

  #judge(choice: Choice, answer: RawAnswer): string {
    const { expected, i, wire } = choice;
    if (i !== undefined) this.#variables.set("$i", i);
    const variables = this.#variables;
    const reason = findMismatch(answer, { expected, variables });
    if (reason !== "" || wire === undefined) return reason;
    const sameRev = expected !== "ALLOWED" && typeof expected.rev === "number";
    return findWireMismatch(answer, { wire, sameRev });
  }
}

/** One answer that may come next. */
interface Choice {
  expected: ExpectedAnswer | "ALLOWED";
  i?: number;
  wire?: string;
}

function expectedOf(step: Step): Choice[] {
  const { answer, answers = [], times, wire } = step;
  const choices: Choice[] = answers.map((expected) => ({ expected }));
  if (answer === undefined) return choices;
  if (times === undefined) {
    choices.push(wire ? { expected: answer, wire } : { expected: answer });
  } else {
    for (let i = 0; i < times; i++) choices.push({ expected: answer, i });
  }
  return choices;
}

function asksOf(step: Step): Ask[] {
  if (step.send === undefined) return [];
  return Array.isArray(step.send) ? step.send : [step.send];
}

async function expectSilence(client: RawClient, step: Step): Promise<void> {
  for (const tag of [PROBE_TAG, PROBE_TAG + 1]) {
    const response = await client.ask({ tag, verb: "REV" });
    assertEquals(
      response.tag,
      tag,
      `An answer came that is not due: ${JSON.stringify(response)} after ` +
        describe(step),
    );
  }
}

function describe(step: Step): string {
  return JSON.stringify(step.raw ?? step.send ?? "the steps before");
}
