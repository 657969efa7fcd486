/**
 * What a replica hands out: what is to be written, and what is to be sent when.
 *
 * @module
 */
import type { LogRecord, NodeId, PeerMessage } from "../protocol/mod.ts";
import type { AcceptorAnswer } from "./acceptor.ts";
import { splitPromise } from "./parts.ts";

/** A message and its receiver. */
export interface Outgoing {
  readonly to: NodeId;
  readonly message: PeerMessage;
}

/** What is to be done. */
export interface Ready {
  /** To be made durable, in order. */
  readonly records: LogRecord[];
  /** May leave at once. */
  readonly messagesNow: Outgoing[];
  /** May leave only when all records are durable. */
  readonly messagesAfter: Outgoing[];
}

/** Nothing is to be done. */
export function nothingToDo(): Ready {
  return { records: [], messagesNow: [], messagesAfter: [] };
}

/** Whether something is to be done. */
export function hasWork(
  { records, messagesNow, messagesAfter }: Ready,
): boolean {
  return records.length + messagesNow.length + messagesAfter.length > 0;
}

/** Adds an acceptor's answer, which waits for its record (C1). */
export function addAnswer(
  ready: Ready,
  { to, answer }: { to: NodeId; answer: AcceptorAnswer },
): void {
  const { record, message } = answer;
  if (record === undefined) {
    ready.messagesNow.push({ to, message });
    return;
  }
  ready.records.push(record);
  for (const part of splitPromise(message)) {
    ready.messagesAfter.push({ to, message: part });
  }
}
