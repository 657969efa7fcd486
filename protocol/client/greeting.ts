/**
 * What a server says of itself when it is greeted.
 *
 * @module
 */
import type { ClientResponse } from "../response_reader.ts";
import { decodeText } from "../wire.ts";

/** The answer to HELLO. A server of the original says nothing. */
export interface Greeting {
  /** The node's id. */
  readonly id?: string;
  /** Of its history; "" before it has one. */
  readonly lineage?: string;
  /** Its rev as it answered. */
  readonly rev?: number;
  /** What it understands beyond the original's protocol. */
  readonly extensions?: readonly string[];
}

/** Reads the answer to HELLO; what cannot be read says nothing. */
export function readGreeting({ value }: ClientResponse): Greeting {
  if (value === undefined) return {};
  let told: unknown;
  try {
    told = JSON.parse(decodeText(value, 0, value.length));
  } catch {
    return {};
  }
  if (typeof told !== "object" || told === null) return {};
  const { id, lineage, rev, extensions } = told as Record<string, unknown>;
  return {
    ...typeof id === "string" ? { id } : {},
    ...typeof lineage === "string" ? { lineage } : {},
    ...typeof rev === "number" ? { rev } : {},
    ...Array.isArray(extensions)
      ? { extensions: extensions.filter((name) => typeof name === "string") }
      : {},
  };
}
