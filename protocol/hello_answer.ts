/**
 * What a server says to a client's HELLO: who it is, which history it is part
 * of, and what it understands beyond the original's verbs.
 *
 * A client asks before all else, and again to see whether the line is alive.
 *
 * @module
 */
import type { Right } from "./access.ts";
import type { Backend } from "./asker.ts";

/** What a client may use where the answer names it. */
export const EXTENSIONS = ["watch", "session", "list"] as const;

/**
 * The answer as JSON. The history's name and the cluster's are for those who
 * may read: to the others they are empty.
 */
export function encodeHelloAnswer(asker: {
  readonly backend: Pick<Backend, "id" | "lineage" | "store" | "status">;
  may(right: Right): boolean;
}): string {
  const { backend } = asker;
  const { version, cluster } = backend.status();
  const mayRead = asker.may("read");
  return JSON.stringify({
    id: backend.id,
    lineage: mayRead ? backend.lineage : "",
    version,
    cluster: mayRead ? cluster : "",
    rev: backend.store.rev,
    extensions: EXTENSIONS,
  });
}
