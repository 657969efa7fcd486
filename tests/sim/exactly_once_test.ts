/**
 * The checker of the library's writes, shown good and bad histories.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Mutation, Rev } from "../../store/mod.ts";
import { hashBytes } from "./bytes.ts";
import { type Applied, Canon } from "./checkers/canon.ts";
import {
  COUNTER,
  ExactlyOnce,
  type OnceWrite,
} from "./checkers/exactly_once.ts";
import { event, NODE, violates } from "./checkers/samples.ts";

const CLIENT = "lib1";

/** What clients ask for and what takes effect, kept in step. */
class Story {
  readonly canon = new Canon();
  readonly once = new ExactlyOnce(this.canon);
  floor: Rev = 0;

  set(path: string, { rev = -1, rest = "", client = CLIENT } = {}): OnceWrite {
    return this.ask((id) => {
      const body = new TextEncoder().encode(`#${id} ${rest}`);
      return { type: "set", path, rev, body };
    }, client);
  }

  ask(make: (id: number) => Mutation, client = CLIENT): OnceWrite {
    return this.once.ask({ client, floor: this.floor }, make);
  }

  /** The write takes effect at the next rev. */
  apply(write: OnceWrite, rest: Partial<Applied> = {}): Rev {
    const { mutation, id, client: origin } = write;
    const path = mutation.type === "nop" ? "/" : mutation.path;
    const named = mutation.type === "set"
      ? {
        op: id,
        hash: hashBytes(mutation.body),
        text: new TextDecoder().decode(mutation.body),
      }
      : {};
    const rev = this.canon.rev + 1;
    const previousRev = this.canon.lastOf(path, rev)?.rev ?? 0;
    const about = { path, kind: mutation.type, previousRev, origin };
    const applied = event(rev, { ...about, ...named, ...rest });
    if (this.canon.apply(applied, NODE)) this.once.applied(applied);
    return rev;
  }

  /** The write takes effect, and its client is told. */
  done(write: OnceWrite): Rev {
    const rev = this.apply(write);
    this.once.worked(write, rev);
    return rev;
  }
}

const DEL: Mutation = { type: "del", path: "/l/0", rev: -1 };
const NOP: Mutation = { type: "nop" };

Deno.test("ExactlyOnce accepts what is right", () => {
  const story = new Story();
  const { once } = story;
  const first = story.done(story.set("/l/0"));
  story.done(story.set("/l/0", { rev: first }));
  once.failed(story.set("/l/0", { rev: 0 }), "REV_MISMATCH");
  const lost = story.set("/l/0");
  once.failed(lost, "UNKNOWN");
  story.apply(lost);
  once.failed(story.set("/l/0"), "UNAVAILABLE");
  once.failed(story.set("/l/0"), "CLOSED");
  story.done(story.ask(() => DEL));
  story.done(story.ask(() => NOP));
  story.done(story.set(`${COUNTER}0`, { rest: "1" }));
  const maybe = story.set(`${COUNTER}0`, { rest: "2" });
  once.failed(maybe, "UNKNOWN");
  once.checkEnd();
  story.apply(maybe);
  once.checkEnd();
  assertEquals([once.count, once.done], [10, 5]);
});

Deno.test("ExactlyOnce knows which events are for it", () => {
  const { once } = new Story();
  assertEquals(once.concerns(event(1, { op: 7 })), false);
  assertEquals(once.concerns(event(1, { op: 1_000_000_001 })), true);
  assertEquals(once.concerns(event(1, { origin: CLIENT })), true);
});

/** What must be seen, by rule, and what shows it. */
const BAD: Record<string, [rule: string, act: (story: Story) => void]> = {
  "a write twice": ["applied twice", (story) => {
    const write = story.set("/l/0");
    story.apply(write);
    story.apply(write);
  }],
  "a deletion twice": ["applied twice", (story) => {
    const write = story.ask(() => DEL);
    story.apply(write);
    story.apply(write);
  }],
  "a deletion that was refused": ["applied twice", (story) => {
    const write = story.ask(() => DEL);
    story.once.failed(write, "UNAVAILABLE");
    story.apply(write);
  }],
  "a nop that is refused and done": ["applied twice", (story) => {
    const write = story.ask(() => NOP);
    story.apply(write);
    story.once.failed(write, "UNAVAILABLE");
  }],
  "not done, then done": ["refused but done", (story) => {
    const write = story.set("/l/0");
    story.once.failed(write, "UNAVAILABLE");
    story.apply(write);
  }],
  "done, then refused": ["refused but done", (story) => {
    const write = story.set("/l/0");
    story.apply(write);
    story.once.failed(write, "CLOSED");
  }],
  "what nobody asked for": ["no such write", (story) => {
    story.apply(story.set("/l/0"), { path: "/l/1" });
  }],
  "another origin": ["no such write", (story) => {
    story.apply(story.set("/l/0"), { origin: "A" });
  }],
  "a rev that is not there": ["lost write", (story) => {
    story.once.worked(story.set("/l/0"), 1);
  }],
  "no rev": ["lost write", (story) => {
    const write = story.set("/l/0");
    story.apply(write);
    story.once.worked(write, undefined);
  }],
  "another's rev": ["lost write", (story) => {
    const write = story.set("/l/0");
    story.once.worked(write, story.apply(story.set("/l/0")));
  }],
  "another's deletion": ["lost write", (story) => {
    const write = story.ask(() => DEL);
    story.once.worked(write, story.apply(story.ask(() => DEL, "lib2")));
  }],
  "one nop for two": ["one rev, one write", (story) => {
    const [one, other] = [story.ask(() => NOP), story.ask(() => NOP)];
    const rev = story.apply(one);
    story.once.worked(one, rev);
    story.once.worked(other, rev);
  }],
  "a rev from before it was asked": ["order of time", (story) => {
    story.floor = 1;
    story.done(story.set("/l/0"));
  }],
  "a later write first": ["order of a client", (story) => {
    const [one, other] = [story.set("/l/0"), story.set("/l/0")];
    story.apply(other);
    story.apply(one);
  }],
  "a later nop first": ["order of a client", (story) => {
    const [one, other] = [story.ask(() => NOP), story.ask(() => NOP)];
    story.done(other);
    story.done(one);
  }],
  "a mismatch without one": ["mismatch", (story) => {
    story.once.failed(story.set("/l/0"), "REV_MISMATCH");
  }],
  "a nop that mismatches": ["mismatch", (story) => {
    story.once.failed(story.ask(() => NOP), "REV_MISMATCH");
  }],
  "a rev that does not allow it": ["compare and set", (story) => {
    story.done(story.set("/l/0"));
    story.apply(story.set("/l/0", { rev: 0 }));
  }],
  "two answers": ["one answer", (story) => {
    const write = story.set("/l/0");
    story.done(write);
    story.once.failed(write, "UNKNOWN");
  }],
  "an answer twice": ["one answer", (story) => {
    const write = story.set("/l/0");
    story.once.worked(write, story.done(write));
  }],
  "a code that says nothing": ["an odd answer", (story) => {
    story.once.failed(story.set("/l/0"), "NUMBER");
  }],
  "no answer": ["nothing hangs", (story) => {
    story.apply(story.set("/l/0"));
    story.once.checkEnd();
  }],
  "a counter that jumps": ["counters", (story) => {
    story.apply(story.set(`${COUNTER}0`, { rest: "2" }));
  }],
  "a counter that stands still": ["counters", (story) => {
    story.apply(story.set(`${COUNTER}0`, { rest: "1" }));
    story.apply(story.set(`${COUNTER}0`, { rest: "1" }));
  }],
  "a counter that was not raised": ["counters", (story) => {
    const write = story.set(`${COUNTER}0`, { rest: "1" });
    story.apply(write);
    story.once.failed(write, "UNKNOWN");
    // It never took effect by the events that were shown.
    const other = new ExactlyOnce(story.canon);
    const again = other.ask({ client: CLIENT, floor: 0 }, () => write.mutation);
    other.worked(again, 1);
    other.checkEnd();
  }],
};

Deno.test("ExactlyOnce finds what must not be", async (t) => {
  for (const [what, [rule, act]] of Object.entries(BAD)) {
    await t.step(what, () => violates(rule, () => act(new Story())));
  }
});
