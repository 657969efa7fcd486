/**
 * A program that uses the client library as TypeScript sees it: npm_test.ts
 * has `tsc --strict` check it against the package, with Node's types alone.
 *
 * @module
 */
import {
  type ChangeEvent,
  type Client,
  connect,
  type ConnectOptions,
  DoozerError,
  type ErrorCode,
  type FileView,
  type Rev,
  type WatchItem,
} from "@doozer/doozer";

/** `never` where a type got lost and anything fits. */
type Known<T> = 0 extends 1 & T ? never : T;

/** Uses what a program would use. */
export async function use(uri: string, signal: AbortSignal): Promise<Rev> {
  const options: Known<ConnectOptions> = { signal, timeoutMs: 1000 };
  const client: Known<Client> = await connect(uri, options);
  try {
    const rev: Known<Rev> = await client.set("/a", "text", { rev: 0 });
    const file: Known<FileView> = await client.get("/a", { rev });
    const events = client.watch("/**", { rev, onTooLate: "fail" });
    for await (const event of events) {
      const seen: Known<ChangeEvent> = event;
      if (seen.kind === "del") break;
    }
    for await (const item of client.watch("/**", { rev })) {
      const seen: Known<WatchItem> = item;
      if (seen.kind === "snapshot") break;
    }
    const { id }: { id: string } = await client.status();
    return file.rev + file.value.length + id.length;
  } catch (error) {
    const code: Known<ErrorCode> | undefined = error instanceof DoozerError
      ? error.code
      : undefined;
    if (code === "REV_MISMATCH") return 0;
    throw error;
  } finally {
    client.close();
  }
}
