/**
 * Other limits for a run: some are so high that no run would come near them.
 *
 * Limits are constants of the format, the same for all nodes; so they are
 * changed for the whole program, before a run begins, and put back after it.
 *
 * @module
 */
import { LIMITS } from "../../../store/mod.ts";
import type { OtherLimits } from "./scenario.ts";

/** Runs it with other limits. */
export function withLimits<T>(limits: OtherLimits, run: () => T): T {
  const all: Record<string, number> = LIMITS;
  const before = { ...all };
  Object.assign(all, limits);
  try {
    return run();
  } finally {
    Object.assign(all, before);
  }
}
