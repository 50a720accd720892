// The container's entry point: waits for the database's host and port, applies the migrations, becomes the program.
//
//   node scripts/entrypoint.mjs serve [argument…]

import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const rootstock = fileURLToPath(new URL("../app/bin/rootstock.mjs", import.meta.url))
const patienceMs = 60_000

const host = process.env.DB_HOST
const port = Number(process.env.DB_PORT ?? 5432)
if (host) await waitFor(host, port)

const { status } = spawnSync(process.execPath, [rootstock, "migrate", "up"], { stdio: "inherit" })
if (status !== 0) process.exit(status ?? 1)
process.execve(process.execPath, [process.execPath, rootstock, ...process.argv.slice(2)], process.env)

async function waitFor(host, port) {
  const start = performance.now()
  while (!(await answers(host, port))) {
    if (performance.now() - start > patienceMs) {
      console.error(`Nothing answers at ${host}:${port} after ${patienceMs / 1000} s; is the database up?`)
      process.exit(1)
    }
    await pause(500)
  }
}

async function answers(host, port) {
  const socket = connect({ host, port, timeout: 2000 })
  socket.once("timeout", () => socket.destroy(new Error("no answer")))
  try {
    await once(socket, "connect")
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
