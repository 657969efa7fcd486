/**
 * The checker of the clients' history, shown good and bad ones.
 *
 * @module
 */
import type { Mutation, Rev } from "../../store/mod.ts";
import { hashBytes } from "./bytes.ts";
import { type Applied, Canon } from "./checkers/canon.ts";
import { History, type Operation } from "./checkers/history.ts";
import { event, NODE, violates } from "./checkers/samples.ts";

/** Both sides of the clients' history, kept in step. */
class Story {
  readonly canon = new Canon();
  readonly history = new History(this.canon);

  constructor() {
    this.happens(event(1, { path: "/ctl/name" }));
  }

  set(path: string, rev: Rev = -1, connection = 1): Operation {
    return this.ask({ connection }, (id) => {
      return { type: "set", path, rev, body: bodyOf(id) };
    });
  }

  ask(
    by: { connection: number },
    make: (id: number) => Mutation,
  ): Operation {
    return this.history.ask({ ...by, origin: "A" }, make);
  }

  /** The operation takes effect at the next rev. */
  apply(operation: Operation, rest: Partial<Applied> = {}): void {
    const { mutation, id } = operation;
    const path = mutation.type === "nop" ? "/" : mutation.path;
    const named = mutation.type === "set"
      ? { op: id, hash: hashBytes(mutation.body) }
      : {};
    const { rev } = this.canon;
    const previousRev = this.canon.lastOf(path, rev)?.rev ?? 0;
    const { type: kind } = mutation;
    this.happens(
      event(rev + 1, { path, kind, previousRev, ...named, ...rest }),
    );
  }

  happens(applied: Applied): void {
    if (this.canon.apply(applied, NODE)) this.history.applied(applied);
  }

  /** The operation takes effect, and the client is told. */
  done(operation: Operation): void {
    this.apply(operation);
    this.history.answer(operation, this.canon.rev);
  }
}

function bodyOf(id: number): Uint8Array {
  return new TextEncoder().encode(`#${id} `);
}

Deno.test("History accepts what is right", () => {
  const story = new Story();
  const { history } = story;
  const first = story.set("/k");
  story.done(first);
  story.done(story.set("/k", first.rev));
  const late = story.set("/k", 0);
  history.answer(late, { code: "REV_MISMATCH" });
  const lost = story.set("/k");
  history.answer(lost, { code: "UNKNOWN" });
  story.apply(lost);
  history.answer(story.set("/k"), { code: "UNAVAILABLE" });
  story.done(story.ask({ connection: 1 }, () => ({ type: "nop" })));
  const del: Mutation = { type: "del", path: "/k", rev: -1 };
  story.done(story.ask({ connection: 1 }, () => del));
  const read = { path: "/k", floor: history.floor };
  history.read(read, { rev: 0, hash: 0, at: story.canon.rev });
});

Deno.test("History finds a write that was lost", async (t) => {
  await t.step("there is no such rev", () => {
    const story = new Story();
    const operation = story.set("/k");
    violates("lost write", () => story.history.answer(operation, 2));
  });
  await t.step("another is there", () => {
    const story = new Story();
    const operation = story.set("/k");
    story.apply(story.set("/k"));
    violates("lost write", () => story.history.answer(operation, 2));
  });
  await t.step("another node's is there", () => {
    const story = new Story();
    const operation = story.set("/k");
    story.apply(operation, { origin: "B" });
    violates("lost write", () => story.history.answer(operation, 2));
  });
});

Deno.test("History finds what happened and should not have", async (t) => {
  await t.step("twice", () => {
    const story = new Story();
    const operation = story.set("/k");
    story.apply(operation);
    violates("applied twice", () => story.apply(operation));
  });
  await t.step("a deletion twice", () => {
    const story = new Story();
    const del: Mutation = { type: "del", path: "/k", rev: -1 };
    const operation = story.ask({ connection: 1 }, () => del);
    story.apply(operation);
    violates("applied twice", () => story.apply(operation));
  });
  await t.step("a deletion refused", () => {
    const story = new Story();
    const { history } = story;
    const del: Mutation = { type: "del", path: "/k", rev: -1 };
    const operation = story.ask({ connection: 1 }, () => del);
    story.apply(operation);
    const refusal = { code: "UNAVAILABLE" } as const;
    violates("applied twice", () => history.answer(operation, refusal));
  });
  for (const code of ["UNAVAILABLE", "REV_MISMATCH"] as const) {
    await t.step(`after ${code}`, () => {
      const story = new Story();
      const operation = story.set("/k", code === "REV_MISMATCH" ? 0 : -1);
      story.apply(story.set("/k"));
      story.history.answer(operation, { code });
      violates("refused but done", () => story.apply(operation));
    });
  }
  await t.step("before UNAVAILABLE", () => {
    const story = new Story();
    const operation = story.set("/k");
    story.apply(operation);
    const refusal = { code: "UNAVAILABLE" } as const;
    const answer = () => story.history.answer(operation, refusal);
    violates("refused but done", answer);
  });
  await t.step("that nobody asked for", () => {
    const story = new Story();
    violates("no such write", () => story.happens(event(2)));
    violates("no such write", () => {
      story.happens(event(3, { op: 9, previousRev: 2 }));
    });
  });
});

Deno.test("History finds what is against the order of time", async (t) => {
  await t.step("a write before one that had ended", () => {
    const story = new Story();
    const early = story.set("/k");
    story.apply(early);
    story.done(story.set("/k"));
    // Asked after rev 3 was known, told 2.
    const late: Operation = { ...early, floor: 3 };
    violates("order of time", () => story.history.answer(late, 2));
  });
  await t.step("a read of an old state", () => {
    const story = new Story();
    story.done(story.set("/k"));
    const asked = { path: "/k", floor: story.history.floor };
    const found = { rev: 0, hash: 0, at: 1 };
    violates("stale read", () => story.history.read(asked, found));
  });
  await t.step("a read before another read", () => {
    const story = new Story();
    const { history } = story;
    const operation = story.set("/k");
    story.apply(operation);
    const hash = story.canon.at(2)!.hash;
    const first = { path: "/k", floor: history.floor };
    history.read(first, { rev: 2, hash, at: 2 });
    const second = { path: "/k", floor: history.floor };
    const stale = { rev: 0, hash: 0, at: 1 };
    violates("stale read", () => history.read(second, stale));
  });
  await t.step("two writes of a connection", () => {
    const story = new Story();
    const [first, second] = [story.set("/k"), story.set("/k")];
    story.apply(second);
    story.apply(first);
    story.history.answer(second, 2);
    const answer = () => story.history.answer(first, 3);
    violates("order of a connection", answer);
  });
});

Deno.test("History finds a read that is not what was there", () => {
  const story = new Story();
  story.done(story.set("/k"));
  const hash = story.canon.at(2)!.hash;
  story.history.checkFound("/k", { rev: 2, hash, at: 2 });
  const wrong = [
    { rev: 2, hash: hash + 1, at: 2 },
    { rev: 1, hash, at: 2 },
    { rev: 0, hash: 0, at: 2 },
    { rev: 2, hash, at: 1 },
  ];
  for (const found of wrong) {
    violates("wrong read", () => story.history.checkFound("/k", found));
  }
});

Deno.test("History judges compare-and-set by the order", async (t) => {
  await t.step("applied though the file had changed", () => {
    const story = new Story();
    story.done(story.set("/k"));
    const operation = story.set("/k", 1);
    violates("compare and set", () => story.apply(operation));
  });
  await t.step("deleted though the file had changed", () => {
    const story = new Story();
    story.done(story.set("/k"));
    const del: Mutation = { type: "del", path: "/k", rev: 1 };
    const operation = story.ask({ connection: 1 }, () => del);
    violates("compare and set", () => story.done(operation));
  });
  await t.step("refused though it never had", () => {
    const story = new Story();
    story.done(story.set("/k"));
    const operation = story.set("/k", 2);
    const refusal = { code: "REV_MISMATCH" } as const;
    violates("mismatch", () => story.history.answer(operation, refusal));
  });
});
