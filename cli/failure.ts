/**
 * Says what went wrong: what happened, why, and what to do next; for people
 * or as JSON. The protocol answers with bare codes, so the sentences are made
 * here, where it is known what was asked.
 *
 * @module
 */

import { DoozerError, ERROR_CODES, type ErrorCode } from "../store/mod.ts";
import { EXIT, type ExitStatus, statusOf } from "./exit_status.ts";
import { UsageError } from "./usage_error.ts";

/** What the failed command was about. */
export interface Subject {
  /** What the command does, as in "Cannot delete". */
  readonly deed: string;
  /** The path or glob it was given. */
  readonly path?: string | undefined;
}

/** A failure, ready to be printed. */
export interface Failure {
  readonly error: ErrorCode | "USAGE" | "BUG";
  readonly message: string;
  readonly hint: string;
  readonly path?: string;
  readonly exit: ExitStatus;
}

/** An error that knows better than its code what to do next. */
export class AdvisedError extends DoozerError {
  /** A next step for the reader. */
  readonly hint: string;

  constructor(
    code: ErrorCode,
    detail: string,
    { hint, cause }: { readonly hint: string; readonly cause?: unknown },
  ) {
    super(code, detail, { cause });
    this.hint = hint;
  }
}

interface Explanation {
  /** Why; used where the error itself brings no better sentence. */
  readonly because: string;
  readonly hint: string;
}

const NAMES = "A name holds letters, digits and . - _ : @ ~ + , = and a path " +
  'is names, each behind a "/"';

/** For what should never come so far. */
const REPORT = "Try again; if it stays so, please report it";

const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  BAD_GLOB: {
    because: "the glob is malformed",
    hint: `${NAMES}; ? * and ** match any characters`,
  },
  BAD_PATH: { because: "the path is malformed", hint: NAMES },
  CLOSED: { because: "the connection is closed", hint: "Try again" },
  DENIED: {
    because: "permission denied",
    hint: "Give the secret in DOOZER_RWSECRET (or DOOZER_ROSECRET to read), " +
      "or as sk= of the URI in DOOZER_URI",
  },
  // The client library deals with it: it is told only where that fails.
  GAP: { because: "a command before it is missing", hint: REPORT },
  ISDIR: {
    because: "it is a directory",
    hint: 'List it with "doozer ls" or "doozer find"',
  },
  LIMIT: {
    because: "a limit is exceeded",
    hint: 'See "doozer help limits"',
  },
  LINEAGE: {
    because: "the history was replaced by another",
    hint: "Revs of before mean nothing in it: read again from the beginning " +
      '("doozer status" names the lineage)',
  },
  MISSING_ARG: { because: "the server misses a part of the request", hint: "" },
  NOENT: { because: "no such file or directory", hint: "" },
  NOTDIR: { because: "it, or a part of its path, is a file", hint: "" },
  NUMBER: { because: "its number does not fit its session", hint: REPORT },
  OTHER: { because: "the server gave no reason", hint: "" },
  RANGE: { because: "the list has ended", hint: "" },
  READONLY: {
    because: "this node takes no writes",
    hint: "Ask another node (-a)",
  },
  REV_MISMATCH: {
    because: "the file is newer than the rev given",
    hint: 'Read it again ("doozer stat" prints the rev), then decide',
  },
  SEAT: {
    because: "the change of seats is against the rules",
    hint: '"doozer status" shows the seats, and who has them',
  },
  SESSION: { because: "its session has ended", hint: REPORT },
  TAG_IN_USE: { because: "the tag is in use", hint: "" },
  TIMEOUT: {
    because: "nothing came within the time given",
    hint: "Allow more time with -t",
  },
  TOO_LATE: {
    because: "the history that the server keeps begins later",
    hint: 'Ask for a newer rev ("doozer rev" prints the current one); ' +
      '"doozer serve -hist N" keeps more',
  },
  UNAVAILABLE: {
    because: "no server answers",
    hint: 'Start a node with "doozer serve", or name the right address with ' +
      "-a or DOOZER_URI",
  },
  UNKNOWN: {
    because: "whether it took effect is not known",
    hint: "Read the file before you repeat the command",
  },
  UNKNOWN_VERB: {
    because: "the server does not know this request",
    hint: "Use a newer server",
  },
};

/** What to tell the caller about an error. */
export function explain(error: unknown, subject: Subject): Failure {
  if (error instanceof UsageError) {
    const { message, hint } = error;
    return { error: "USAGE", message, hint, exit: EXIT.usage };
  }
  if (!(error instanceof DoozerError)) {
    const message = error instanceof Error
      ? error.stack ?? error.message
      : String(error);
    return {
      error: "BUG",
      message: `This is a fault of doozer: ${message}`,
      hint: "Please report it",
      exit: EXIT.failed,
    };
  }
  const { code } = error;
  const { path } = subject;
  return {
    error: code,
    message: hideSecrets(sentence(error, subject)),
    hint: hintFor(error),
    ...(path === undefined ? {} : { path }),
    exit: statusOf(code),
  };
}

function sentence({ code, detail }: DoozerError, subject: Subject): string {
  const whole = /^[A-Z]/.test(detail);
  // A sentence of our own or of the client library needs no frame; of a
  // time-out the library knows only the verb.
  if (whole && code !== "TIMEOUT") return detail;
  const { deed, path } = subject;
  // What the library puts in where the server sent no words, ours say better.
  const bare = detail === "" || detail === ERROR_CODES[code];
  const ours = whole || bare || code === "BAD_GLOB";
  const because = ours ? EXPLANATIONS[code].because : detail;
  const object = path === undefined ? "" : ` "${path}"`;
  return `Cannot ${deed}${object}: ${because}`;
}

function hintFor(error: DoozerError): string {
  if (error instanceof AdvisedError) return error.hint;
  const { code, detail } = error;
  if (code !== "UNAVAILABLE") return EXPLANATIONS[code].hint;
  if (STRANGER.test(detail)) {
    return "Is it a doozer node, and still running? One that speaks TLS needs " +
      "--tls or --cacert";
  }
  if (UNDONE.test(detail)) {
    return 'Nothing was done: try again, or ask another node (-a; "doozer ' +
      'status" names them)';
  }
  if (detail.startsWith("The answer to ") && !LOST.test(detail)) {
    return "Allow more time with -t; a rev that is yet to come is waited for " +
      '("doozer rev" prints the current one)';
  }
  return EXPLANATIONS[code].hint;
}

/**
 * What the client library says of a server that is reached, and does not
 * greet as every node does at once.
 */
const STRANGER =
  /^No server can be reached: .*(it has been silent|is no answer|ended it|no answer within)/s;
/** The same of a question whose server is gone, with no other in its place. */
const LOST = /No server can be reached|The connection to /;
/** A write that never was handed on. */
const UNDONE = /^The answer to (SET|DEL|NOP) /;

/** The text without the secrets that a URI in it may carry. */
export function hideSecrets(text: string): string {
  return text.replace(/\bsk=[^&\s"]*/g, "sk=...");
}

/** The failure as printed on standard error. */
export function renderFailure(
  failure: Failure,
  { json }: { readonly json: boolean },
): string {
  const { hint } = failure;
  if (json) {
    // An empty hint is left out.
    return JSON.stringify({ ...failure, hint: hint || undefined }) + "\n";
  }
  // "OTHER" tells nothing that the sentence does not.
  const named = failure.error !== "USAGE" && failure.error !== "OTHER";
  const code = named ? `[${failure.error}] ` : "";
  const end = hint === "" || hint.endsWith("\n") ? "" : "\n";
  return `doozer: ${code}${failure.message}\n${hint}${end}`;
}
