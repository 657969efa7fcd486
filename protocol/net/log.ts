/**
 * What this folder needs of a logger, so that it depends on none.
 *
 * @module
 */

/** Takes structured log lines. A LogTape `Logger` is one. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
