/**
 * A client that must notice nothing of what others do to a node.
 *
 * It connects before the abuse and stays: one connection writes and reads, a
 * second one waits for what the first writes.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type RunningNode, startNode } from "../../cli/start.ts";
import { RawClient, type RawResponse } from "../protocol/raw_client.ts";

/** A line that the node logged. */
export interface LogEntry {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  fields: Record<string, unknown>;
}

/** A node in this process, with what it logs. */
export interface LocalNode {
  readonly addr: string;
  readonly log: LogEntry[];
}

/** Starts a node in this process, uses it, and stops it. */
export async function withLocalNode(
  use: (node: LocalNode) => Promise<void>,
): Promise<void> {
  const log: LogEntry[] = [];
  const node = await startLocalNode(log);
  try {
    await use({ addr: node.addr, log });
  } finally {
    await node.stop();
  }
}

/** The connections of the client that must notice nothing. */
export class Witness implements Disposable {
  readonly #writer: RawClient;
  readonly #waiter: RawClient;
  #count = 0;

  private constructor(writer: RawClient, waiter: RawClient) {
    this.#writer = writer;
    this.#waiter = waiter;
  }

  /** Connects twice. */
  static async connect(addr: string): Promise<Witness> {
    const writer = await RawClient.connect(addr);
    const witness = new Witness(writer, await RawClient.connect(addr));
    await witness.check();
    return witness;
  }

  /** Waits, sets, sees the change, reads it back: all as it should be. */
  async check(): Promise<void> {
    const tag = ++this.#count;
    const value = new TextEncoder().encode(`value ${tag}`);
    const path = "/witness/file";
    const now = await this.#writer.ask({ tag, verb: "REV" });
    const rev = (now.rev ?? 0) + 1;
    await this.#waiter.send({ tag, verb: "WAIT", path, rev });
    const set = await this.#writer.ask({
      tag,
      verb: "SET",
      path,
      value,
      rev: -1,
    });
    assertEquals(set, { tag, rev: set.rev });
    const expected: RawResponse = { tag, rev: set.rev ?? 0, value };
    assertEquals(await this.#writer.ask({ tag, verb: "GET", path }), expected);
    const event = await this.#waiter.receive();
    assertEquals(event?.response, { ...expected, flags: 4, path });
  }

  /** Writes a file. */
  async set(path: string, value: string | Uint8Array): Promise<void> {
    const set = await this.#writer.ask({ verb: "SET", path, value, rev: -1 });
    assertEquals(set, { rev: set.rev });
  }

  [Symbol.dispose](): void {
    this.#writer.close();
    this.#waiter.close();
  }
}

function startLocalNode(log: LogEntry[]): Promise<RunningNode> {
  const keep = (level: LogEntry["level"]) =>
  (
    message: string,
    fields: Record<string, unknown> = {},
  ): void => {
    log.push({ level, message, fields });
  };
  return startNode({
    hostname: "127.0.0.1",
    port: 0,
    clusterName: "local",
    historyRevs: 1000,
    pulseSeconds: 0,
    beginning: { how: "found" },
    seatTimeoutSeconds: 60,
    requestTimeoutSeconds: 5,
    secrets: {},
    log: {
      debug: keep("debug"),
      info: keep("info"),
      warn: keep("warn"),
      error: keep("error"),
    },
  });
}
