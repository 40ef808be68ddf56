// A connection pooler as PgBouncer is with pool_mode = transaction: clients share connections to PostgreSQL, each of which is
// lent for one transaction. It speaks as much of the protocol as that takes (PostgreSQL documentation, 54.7, "Message
// Formats"): the start of a client is answered here, and a connection is given back when the server is ready for another query
// outside of a transaction.
import net, { type Socket } from "node:net";
import pg from "pg";
import { atEnd } from "./at-end.ts";

const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]); // ReadyForQuery, idle
const SSL_REQUEST = 80_877_103;

interface Lent {
  readonly socket: Socket;
  client: Socket | undefined;
}

/** Starts one in front of a database; returns its URL for clients. */
export async function transactionPooler(url: string): Promise<string> {
  const idle: Lent[] = [];
  const open = async (): Promise<Lent> => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => {});
    await client.connect();
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    stream.removeAllListeners("data"); // from now on the bytes are for whoever it is lent to
    atEnd(async () => void stream.destroy());
    const lent: Lent = { socket: stream, client: undefined };
    stream.on("data", (bytes: Buffer) => {
      lent.client?.write(bytes);
      if (!bytes.subarray(-READY.length).equals(READY)) return;
      lent.client = undefined;
      idle.push(lent);
    });
    return lent;
  };
  const server = net.createServer((client) => {
    let started = false;
    client.on("error", () => {});
    client.on("data", async (bytes: Buffer) => {
      if (!started) {
        if (bytes.readInt32BE(4) === SSL_REQUEST) return void client.write("N");
        started = true;
        client.write(Buffer.concat([Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), READY])); // AuthenticationOk
        return;
      }
      if (bytes[0] === 0x58) return void client.end(); // Terminate
      client.pause();
      let lent = lentTo(client);
      lent ??= idle.pop() ?? (await open());
      lent.client = client;
      busy.add(lent);
      lent.socket.write(bytes);
      client.resume();
    });
  });
  const busy = new Set<Lent>();
  const lentTo = (client: Socket): Lent | undefined => [...busy].find((lent) => lent.client === client);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(async () => void server.close());
  const pooled = new URL(url);
  pooled.hostname = "127.0.0.1";
  pooled.port = String((server.address() as net.AddressInfo).port);
  return pooled.href;
}
