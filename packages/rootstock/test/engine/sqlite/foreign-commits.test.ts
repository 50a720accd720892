import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type Socket } from "node:net"
import { describe, it } from "node:test"
import { Worker } from "node:worker_threads"
import { insertItem, testFile } from "./support.ts"

describe("commits of others on the same file", () => {
  it("are seen, and own ones are not taken for them", async () => {
    await using file = await testFile()
    const look = () => file.engine.foreignCommits?.()
    const before = look()
    await file.engine.first(insertItem, ["own"])
    assert.equal(look(), before)
    const other = await file.open()
    await other.first(insertItem, ["of another engine"])
    assert.notEqual(look(), before)
  })

  it("are seen by who is told of them in the same turn of the event loop", async () => {
    await using file = await testFile()
    const steps = new Int32Array(new SharedArrayBuffer(4))
    const go = (step: number) => {
      Atomics.store(steps, 0, step)
      Atomics.notify(steps, 0)
      while (Atomics.load(steps, 0) <= step) Atomics.wait(steps, 0, step)
    }
    const sockets: Socket[] = []
    const server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as { port: number }
    const worker = new Worker(new URL("children/commit-between.ts", import.meta.url), {
      workerData: { path: file.path, port, steps },
    })
    while (sockets.length < 2) await once(server, "connection")

    const heard: { text: string; seen: number | undefined }[] = []
    const { promise: both, resolve } = Promise.withResolvers<void>()
    for (const socket of sockets) {
      socket.once("data", (text) => {
        heard.push({ text: String(text), seen: file.engine.foreignCommits?.() })
        // Both sockets have something to be read; the second has more once this callback goes on.
        if (heard.length === 1) go(3)
        else resolve()
      })
    }
    go(1)
    await both
    await once(worker, "exit")
    server.close()
    assert.deepEqual(
      heard.map(({ text }) => text),
      ["first ", "first second"],
    )
    assert.notEqual(heard[1]?.seen, heard[0]?.seen)
  })
})
