/**
 * Transfer: a whole state in pieces, whatever is lost on the way.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Transfer, type TransferOptions } from "../../consensus/mod.ts";
import { encodeImageHead, type ImageHead } from "../../protocol/mod.ts";
import type { PeerMessage, Piece } from "../../protocol/mod.ts";
import { Store } from "../../store/mod.ts";
import { applyAll, fileText, set } from "../store/changes.ts";
import { showMessage } from "./words.ts";

const HEAD: ImageHead = {
  applied: 7,
  leadership: { round: 3, node: "A" },
  cluster: "local",
  sets: [{ from: 8, cals: ["A"] }],
  seats: [["/ctl/cal/0", "A"]],
  sessions: [],
  clients: { opened: 0, sessions: [] },
};

/** A store that takes several pieces. */
function largeStore(): Store {
  const store = new Store();
  for (let i = 0; i < 10; i++) {
    applyAll(store, set(`/f${i}`, `${i}`.repeat(100_000)));
  }
  return store;
}

/** One end of a transfer. */
class End {
  readonly store: Store;
  readonly transfer: Transfer;
  readonly installed: ImageHead[] = [];
  #posted: { to: string; message: PeerMessage }[] = [];

  constructor(store: Store = new Store(), head = encodeImageHead(HEAD)) {
    this.store = store;
    const options: TransferOptions = {
      store,
      post: (to, message) => void this.#posted.push({ to, message }),
      head: () => head,
      install: ({ head, store: imported }) => {
        this.installed.push(head);
        store.adopt(imported);
      },
    };
    this.transfer = new Transfer(options);
  }

  /** What it has posted since the last call. */
  take(): PeerMessage[] {
    const messages = this.#posted.map(({ message }) => message);
    this.#posted = [];
    return messages;
  }

  show(): string[] {
    return this.take().map((message) => showMessage(message));
  }
}

/** Answers each question of B once; returns how many pieces went. */
function talk(a: End, b: End, loses: (piece: Piece) => boolean = () => false) {
  let pieces = 0;
  for (let messages = b.take(); messages.length > 0; messages = b.take()) {
    for (const message of messages) a.transfer.receive("B", message);
    for (const answer of a.take()) {
      pieces++;
      assert(pieces < 1_000, "the transfer does not end");
      if (answer.type === "piece" && loses(answer)) continue;
      b.transfer.receive("A", structuredClone(answer));
    }
  }
  return pieces;
}

Deno.test("a state is asked for piece by piece, and takes effect with the last", () => {
  const [a, b] = [new End(largeStore()), new End()];
  b.transfer.start("A");
  assert(b.transfer.receiving);
  const pieces = talk(a, b);
  assert(pieces > 3, `${pieces} pieces`);
  assertEquals([b.transfer.receiving, b.transfer.installed], [false, 1]);
  assertEquals(b.installed, [HEAD]);
  assertEquals(fileText(b.store, "/f9"), "9".repeat(100_000));
  assertEquals(b.store.hash, a.store.hash);
});

Deno.test("the state is that of when it was asked for, though others are written meanwhile", () => {
  const [a, b] = [new End(largeStore()), new End()];
  const { rev } = a.store;
  b.transfer.start("A");
  talk(a, b, () => {
    applyAll(a.store, set("/f9", "later"), set("/new"));
    return false;
  });
  assertEquals([b.store.rev, b.store.get("/new").type], [rev, "missing"]);
  assertEquals(fileText(b.store, "/f9"), "9".repeat(100_000));
});

Deno.test("a lost piece is asked for again, and comes again", () => {
  const [a, b] = [new End(largeStore()), new End()];
  b.transfer.start("A");
  let now = 0;
  let [pieces, lost] = [0, 0];
  const lose = () => ++pieces % 2 === 1 && ++lost > 0;
  for (let i = 0; i < 40 && b.installed.length === 0; i++) {
    talk(a, b, lose);
    now += 51;
    b.transfer.tick(now);
  }
  assertEquals(b.installed.length, 1);
  assert(lost > 3, `${lost} pieces were lost`);
  assertEquals(b.store.hash, a.store.hash);
});

Deno.test("pieces that come twice, late, or from elsewhere change nothing", () => {
  const [a, b] = [new End(largeStore()), new End()];
  b.transfer.start("A");
  const seen: Piece[] = [];
  talk(a, b, (piece) => {
    seen.push(structuredClone(piece));
    for (const old of seen) {
      b.transfer.receive("C", structuredClone(old));
      if (old !== seen.at(-1)) b.transfer.receive("A", structuredClone(old));
    }
    b.transfer.receive("A", { ...piece, index: piece.index + 1 });
    if (piece.index > 0) {
      b.transfer.receive("A", { ...piece, image: piece.image + 1 });
    }
    return false;
  });
  assertEquals([b.installed.length, b.store.hash], [1, a.store.hash]);
});

Deno.test("a piece is asked for some times, then the state is given up", () => {
  const b = new End();
  b.transfer.start("A");
  assertEquals(b.show(), ["fetch image 0 piece 0"]);
  let asked = 0;
  for (let now = 0; b.transfer.receiving && now < 5_000; now++) {
    b.transfer.tick(now);
    asked += b.take().length;
  }
  assertEquals([b.transfer.receiving, asked], [false, 5]);
});

Deno.test("an image that is gone is said to be, and the state is given up", () => {
  const [a, b] = [new End(largeStore()), new End()];
  b.transfer.start("A");
  for (const message of b.take()) a.transfer.receive("B", message);
  for (const message of a.take()) b.transfer.receive("A", message);
  a.transfer.linkDown("B");
  for (const message of b.take()) a.transfer.receive("B", message);
  assertEquals(a.show(), ["piece image 1 piece 1 gone"]);
  a.transfer.receive("B", { type: "fetch", image: 9, index: 0 });
  const [gone] = a.take();
  assertEquals(showMessage(gone!), "piece image 9 piece 0 gone");
  b.transfer.receive("A", { ...gone as Piece, image: 1, index: 1 });
  assertEquals(b.transfer.receiving, false);
});

Deno.test("a link that closes ends its transfers, and no other", () => {
  const b = new End();
  b.transfer.start("A");
  b.transfer.linkDown("C");
  assert(b.transfer.receiving);
  b.transfer.linkDown("A");
  assertEquals(b.transfer.receiving, false);
  b.transfer.start("C");
  assert(b.transfer.receiving);
});

Deno.test("one state comes at a time", () => {
  const b = new End();
  b.transfer.start("A");
  b.take();
  b.transfer.start("C");
  assertEquals(b.take(), []);
});

Deno.test("an image that nobody asks for is closed", () => {
  const a = new End(largeStore());
  a.transfer.receive("B", { type: "fetch", image: 0, index: 0 });
  a.take();
  a.transfer.tick(500);
  a.transfer.receive("B", { type: "fetch", image: 1, index: 1 });
  assertEquals(a.show(), ["piece image 1 piece 1 more"]);
  a.transfer.tick(1_001);
  a.transfer.receive("B", { type: "fetch", image: 1, index: 2 });
  assertEquals(a.show(), ["piece image 1 piece 2 gone"]);
});

Deno.test("so many images are handed out at once, and no more", () => {
  const a = new End(largeStore());
  for (const peer of "BCDEF") {
    a.transfer.receive(peer, { type: "fetch", image: 0, index: 0 });
  }
  assertEquals(a.show().map((line) => line.split(" ").at(-1)), [
    "more",
    "more",
    "more",
    "more",
    "gone",
  ]);
  // Who begins again has one image, not two.
  a.transfer.receive("B", { type: "fetch", image: 0, index: 0 });
  assertEquals(a.show().map((line) => line.split(" ").at(-1)), ["more"]);
});

Deno.test("C10: bytes that are no image are given up, and stop nothing", () => {
  for (const bytes of [Uint8Array.of(1, 2, 3), new Uint8Array(100).fill(255)]) {
    const b = new End();
    b.transfer.start("A");
    const piece = { type: "piece", image: 1, index: 0, last: true } as const;
    b.transfer.receive("A", { ...piece, bytes });
    assertEquals([b.transfer.receiving, b.installed], [false, []]);
  }
});

Deno.test("C10: a state whose sessions cannot be is not taken over", () => {
  const session = { id: 1, name: "", used: 1, acknowledged: 0, outcomes: [] };
  const owner = { id: 7, owner: "A", incarnation: 1, start: 0, last: 0 };
  const bad: ImageHead[] = [
    { ...HEAD, clients: { opened: 0, sessions: [session] } },
    { ...HEAD, clients: { opened: 1, sessions: [session, session] } },
    { ...HEAD, sessions: [owner, owner] },
  ];
  for (const head of bad) {
    const [a, b] = [new End(largeStore(), encodeImageHead(head)), new End()];
    b.transfer.start("A");
    talk(a, b);
    assertEquals([b.transfer.receiving, b.installed], [false, []]);
  }
});

Deno.test("C10: an image that is cut, or altered, is not taken over", () => {
  const store = new Store();
  applyAll(store, set("/a", "some text"), set("/b", "more"));
  const a = new End(store);
  a.transfer.receive("B", { type: "fetch", image: 0, index: 0 });
  a.transfer.receive("B", { type: "fetch", image: 1, index: 1 });
  const pieces = a.take() as Piece[];
  assertEquals(pieces.map(({ last }) => last), [false, true]);
  const feed = (alter: (bytes: Uint8Array) => Uint8Array): End => {
    const b = new End();
    b.transfer.start("A");
    b.transfer.receive("A", pieces[0]!);
    const bytes = alter(pieces[1]!.bytes.slice());
    b.transfer.receive("A", { ...pieces[1]!, bytes });
    return b;
  };
  assertEquals(feed((bytes) => bytes).installed.length, 1);
  for (let cut = 1; cut < pieces[1]!.bytes.length; cut += 7) {
    const b = feed((bytes) => bytes.slice(0, -cut));
    assertEquals([b.installed, b.store.rev, b.transfer.receiving], [
      [],
      0,
      false,
    ]);
  }
  for (let at = 0; at < pieces[1]!.bytes.length; at += 3) {
    const b = feed((bytes) => {
      bytes[at]! ^= 64;
      return bytes;
    });
    assertEquals([b.installed, b.store.rev], [[], 0], `byte ${at}`);
  }
});
