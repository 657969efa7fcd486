/**
 * The handshake of two nodes, step by step, without sockets and without
 * secrets: what comes in, what goes out, and what is the matter in the end.
 *
 *     dialler                acceptor
 *     hello         ->
 *                   <-       hello
 *     proof         ->
 *                   <-       proof, welcome
 *     welcome       ->
 *
 * A proof is the HMAC-SHA-256, with the peer secret as key, of the prover's
 * role and of both hellos as they were sent, nonces included: so it proves the
 * secret, for this connection only, and that nobody has changed a hello. Who
 * has no secret sends an empty one. Only then do the nodes look whether they
 * belong together; each may refuse instead of going on.
 *
 * The HMACs are computed outside: {@linkcode Handshake.phase} is "keys" when
 * they are due.
 *
 * @module
 */
import { assert } from "../store/mod.ts";
import { decodeHelloMessage, encodeHelloMessage } from "./hello.ts";
import type { Hello, HelloMessage, LinkRefusal } from "./hello.ts";
import type { VersionRange } from "./hello.ts";
import { encodeText, ProtocolError } from "./wire.ts";
import { WireReader, type WireWriter } from "./wire.ts";

/** Who opened the connection, and who accepted it. */
export type HandshakeRole = "dialler" | "acceptor";

/** What a handshake begins with. */
export interface HandshakeOptions {
  readonly role: HandshakeRole;
  /** What this node says, with a nonce that was never used. */
  readonly hello: Hello;
  readonly hasSecret: boolean;
  /** Whether the other side is on this machine. */
  readonly isLocal: boolean;
  /** Whether this node has sent a hello with this nonce just now. */
  readonly isOwnNonce: (nonce: Uint8Array) => boolean;
}

/** What a handshake waits for, or how it ended. */
export type HandshakePhase =
  | "hello"
  | "keys"
  | "proof"
  | "verdict"
  | "up"
  | "refused";

/** Two proofs, or what they are proofs of. */
export interface BothProofs {
  readonly own: Uint8Array;
  readonly theirs: Uint8Array;
}

/** One handshake. */
export class Handshake {
  readonly #options: HandshakeOptions;
  #phase: HandshakePhase = "hello";
  #peer: Hello | undefined;
  #refusal: LinkRefusal | undefined;
  #ownHello: Uint8Array = EMPTY;
  #peerHello: Uint8Array = EMPTY;
  #proofs: BothProofs = { own: EMPTY, theirs: EMPTY };
  #authenticated = false;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  /** What is waited for: a message, the proofs ("keys"), or nothing more. */
  get phase(): HandshakePhase {
    return this.#phase;
  }

  /** What the other side says of itself, once it has said it. */
  get peer(): Hello | undefined {
    return this.#peer;
  }

  /** Why either side refused. */
  get refusal(): LinkRefusal | undefined {
    return this.#refusal;
  }

  /** Whether the other side has proved to have the secret, where there is one. */
  get authenticated(): boolean {
    return this.#authenticated;
  }

  /** Begins: the dialler says hello. */
  start(writer: WireWriter): void {
    const { role, hasSecret, isLocal } = this.#options;
    if (role === "acceptor") return;
    if (hasSecret || isLocal) this.#sayHello(writer);
    else this.#refuse(undefined, NEEDS_SECRET);
  }

  /**
   * Takes a message, which is copied where it is kept.
   *
   * @throws {ProtocolError} where the message is none, or is not due.
   */
  receive(body: Uint8Array, writer: WireWriter): void {
    const message = read(body);
    if (message.kind === "refusal") {
      this.#phase = "refused";
      this.#refusal = message.refusal;
    } else if (message.kind === "hello" && this.#phase === "hello") {
      this.#peerHello = body.slice();
      this.#meet(message.hello, writer);
    } else if (message.kind === "proof" && this.#phase === "proof") {
      this.#check(message.proof, writer);
    } else if (message.kind === "welcome" && this.#phase === "verdict") {
      this.#welcomed(writer);
    } else {
      throw new ProtocolError(
        `A message of the kind "${message.kind}" is not due`,
      );
    }
  }

  /** Of which bytes the proofs are the HMACs, in phase "keys". */
  transcripts(): BothProofs {
    const isDialler = this.#options.role === "dialler";
    const hellos = isDialler
      ? [this.#ownHello, this.#peerHello]
      : [this.#peerHello, this.#ownHello];
    const [dialler, acceptor] = [
      transcriptOf("dialler", hellos),
      transcriptOf("acceptor", hellos),
    ];
    return isDialler
      ? { own: dialler, theirs: acceptor }
      : { own: acceptor, theirs: dialler };
  }

  /** Gives the proofs, in phase "keys"; empty ones where there is no secret. */
  giveProofs(proofs: BothProofs, writer: WireWriter): void {
    assert(this.#phase === "keys", "proofs are given when they are due");
    this.#proofs = proofs;
    this.#phase = "proof";
    if (this.#options.role === "dialler") {
      encodeHelloMessage(writer, { kind: "proof", proof: proofs.own });
    }
  }

  #sayHello(writer: WireWriter): void {
    const before = writer.length;
    encodeHelloMessage(writer, { kind: "hello", hello: this.#options.hello });
    // Behind the frame's length: what the other side will take the HMAC of.
    this.#ownHello = writer.written().slice(before + 4);
  }

  #meet(peer: Hello, writer: WireWriter): void {
    const { role, hello, hasSecret, isLocal } = this.#options;
    this.#peer = peer;
    if (!versionOf(hello.versions, peer.versions)) {
      const [acceptor, dialler] = role === "acceptor"
        ? [hello, peer]
        : [peer, hello];
      return this.#refuse(writer, {
        code: "VERSION",
        text: "the nodes share no version of the peer protocol: the one " +
          `dialled speaks ${formatRange(acceptor.versions)}, the one ` +
          `dialling ${formatRange(dialler.versions)}`,
      });
    }
    if (!hasSecret && !isLocal) return this.#refuse(writer, NEEDS_SECRET);
    if (role === "acceptor") this.#sayHello(writer);
    this.#phase = "keys";
  }

  #check(proof: Uint8Array, writer: WireWriter): void {
    if (!sameProof(proof, this.#proofs.theirs)) {
      return this.#refuse(writer, {
        code: "SECRET",
        text: "the peer secret does not fit",
      });
    }
    this.#authenticated = true;
    if (this.#options.role === "acceptor") {
      encodeHelloMessage(writer, { kind: "proof", proof: this.#proofs.own });
      const refusal = this.#judge();
      if (refusal !== undefined) return this.#refuse(writer, refusal);
      encodeHelloMessage(writer, { kind: "welcome" });
    }
    this.#phase = "verdict";
  }

  #welcomed(writer: WireWriter): void {
    if (this.#options.role === "dialler") {
      const refusal = this.#judge();
      if (refusal !== undefined) return this.#refuse(writer, refusal);
      encodeHelloMessage(writer, { kind: "welcome" });
    }
    this.#phase = "up";
  }

  #judge(): LinkRefusal | undefined {
    const { role, hello, isOwnNonce } = this.#options;
    const peer = this.#peer!;
    if (hello.id === peer.id) {
      return isOwnNonce(peer.nonce) ? IS_SELF : {
        code: "DUPLICATE",
        text: `both nodes have the id ${peer.id}`,
      };
    }
    return role === "dialler"
      ? judgeLink({ dialler: hello, acceptor: peer })
      : judgeLink({ dialler: peer, acceptor: hello });
  }

  /** Refuses; the other side is told, unless nothing was said to it yet. */
  #refuse(writer: WireWriter | undefined, refusal: LinkRefusal): void {
    this.#refusal = refusal;
    this.#phase = "refused";
    if (writer === undefined) return;
    encodeHelloMessage(writer, { kind: "refusal", refusal });
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

function read(body: Uint8Array): HelloMessage {
  const reader = new WireReader();
  reader.reset(body, { start: 0, end: body.length });
  return decodeHelloMessage(reader);
}

const NEEDS_SECRET: LinkRefusal = {
  code: "SECRET",
  text: "without a peer secret, only nodes on the same machine may link",
};

const IS_SELF: LinkRefusal = {
  code: "SELF",
  text: "the address leads back to the node that dials it",
};

/** Why two nodes do not belong together; both sides find the same. */
export function judgeLink(
  { dialler, acceptor }: { dialler: Hello; acceptor: Hello },
): LinkRefusal | undefined {
  const refusal = judgeHistory(dialler, acceptor);
  if (refusal !== undefined) return refusal;
  const { expects } = dialler;
  if (expects === "" || expects === acceptor.id) return undefined;
  return {
    code: "OTHER_NODE",
    text: `the node dialled is ${acceptor.id}, not ${expects}`,
  };
}

function judgeHistory(
  dialler: Hello,
  acceptor: Hello,
): LinkRefusal | undefined {
  const founding = dialler.lineage === "" && dialler.purpose === "join";
  if (acceptor.lineage === "" && !founding) return NOT_READY;
  if (!clustersFit(dialler, acceptor)) {
    return {
      code: "CLUSTER",
      text: `the node dialled is of the cluster "${acceptor.cluster}", the ` +
        `one dialling of "${dialler.cluster}"`,
    };
  }
  if (dialler.lineage === acceptor.lineage) return undefined;
  if (dialler.lineage === "" && dialler.purpose !== "link") return undefined;
  return {
    code: "LINEAGE",
    text: `the nodes share no history: the one dialled has the lineage ` +
      `"${acceptor.lineage}", the one dialling "${dialler.lineage}"`,
  };
}

const NOT_READY: LinkRefusal = {
  code: "NOT_READY",
  text: "the node dialled belongs to no cluster yet",
};

/** The name of a cluster that was given none. */
const DEFAULT_CLUSTER = "local";

/** A node that has no history, and was given no name, takes any. */
function clustersFit(dialler: Hello, acceptor: Hello): boolean {
  if (dialler.cluster === acceptor.cluster) return true;
  if (dialler.lineage !== "" || acceptor.lineage === "") return false;
  return dialler.cluster === "" || dialler.cluster === DEFAULT_CLUSTER;
}

/** The version that both speak, or undefined. */
function versionOf(a: VersionRange, b: VersionRange): number | undefined {
  const highest = Math.min(a.max, b.max);
  return highest >= Math.max(a.min, b.min) ? highest : undefined;
}

function formatRange({ min, max }: VersionRange): string {
  return min === max ? `${min}` : `${min} to ${max}`;
}

/** What a proof is the HMAC of: each part behind its length. */
function transcriptOf(
  role: HandshakeRole,
  hellos: readonly Uint8Array[],
): Uint8Array {
  const parts = [encodeText(`doozer peer ${role}`), ...hellos];
  const length = parts.reduce((sum, part) => sum + 4 + part.length, 0);
  const transcript = new Uint8Array(length);
  const view = new DataView(transcript.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    transcript.set(part, at + 4);
    at += 4 + part.length;
  }
  return transcript;
}

/** Compares in a time that does not tell how much was right. */
function sameProof(given: Uint8Array, expected: Uint8Array): boolean {
  let difference = given.length ^ expected.length;
  for (let i = 0; i < expected.length; i++) {
    difference |= (given[i] ?? 0) ^ expected[i]!;
  }
  return difference === 0;
}
