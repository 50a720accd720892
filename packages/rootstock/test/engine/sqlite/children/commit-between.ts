// A thread with a connection of its own to the file. It writes to both of its sockets, commits once it is told that the
// other side reads the first of them, and writes to both again.
import { once } from "node:events"
import { connect } from "node:net"
import { DatabaseSync } from "node:sqlite"
import { workerData } from "node:worker_threads"

const { path, port, steps } = workerData as { path: string; port: number; steps: Int32Array<SharedArrayBuffer> }
const database = new DatabaseSync(path)
const sockets = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")]
for (const socket of sockets) await once(socket, "connect")

const send = (text: string) =>
  Promise.all(sockets.map((socket) => new Promise<void>((sent) => socket.write(text, () => sent()))))

const reached = (step: number) => {
  Atomics.store(steps, 0, step)
  Atomics.notify(steps, 0)
}

/** Waits until the other side has gone on from a step. */
async function past(step: number): Promise<void> {
  while (Atomics.load(steps, 0) <= step) await Atomics.waitAsync(steps, 0, step).value
}

await past(0)
await send("first ")
reached(2)
await past(2)
database.exec("INSERT INTO items (name) VALUES ('foreign')")
await send("second")
reached(4)
for (const socket of sockets) socket.end()
database.close()
