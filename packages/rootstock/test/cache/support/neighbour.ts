// Another process on the same file: reads and writes counters as it is told over IPC.
//
//   node neighbour.ts <database URL> [blind]
//
// `blind` opens a cache that does not look for the commits of others.

import { Cache, EmbeddedCoherence, openCache } from "../../../src/cache/index.ts"
import { type Database, openDatabase } from "../../../src/index.ts"
import { Counters, counterCaches, counterTables } from "./counters.ts"

/** What a neighbour is told to do, or did. */
export type Told =
  | { readonly call: "read"; readonly id: number; readonly atLeast: number }
  | { readonly call: "write"; readonly id: number }
export type Tells =
  | { readonly done: "ready" }
  | { readonly done: "read"; readonly read: readonly number[]; readonly stale: number }
  | { readonly done: "write"; readonly version: number }

const [url = "", blind] = process.argv.slice(2)
const db = await openDatabase(url, { tables: counterTables })
const plain = db as unknown as Database
const { rows, versionOf, versions } = counterCaches(db)
const caches = [rows, versionOf, versions]
if (blind === undefined) await openCache(db, { caches })
else {
  const report = (error: unknown) => {
    throw error
  }
  await new Cache(plain, new EmbeddedCoherence({ random: Math.random, report }), caches, undefined).start()
}
const store = db.storage(Counters)
const tell = (message: Tells) => process.send?.(message)

async function readAll(id: number): Promise<number[]> {
  const [row, alone, all] = await Promise.all([store.getOrFail(id), versionOf(id), versions()])
  return [row.version, alone, ...all.slice(id - 1, id)]
}

async function serve(told: Told): Promise<void> {
  if (told.call === "read") {
    const read = await readAll(told.id)
    tell({ done: "read", read, stale: read.filter((version) => version < told.atLeast).length })
  } else {
    const row = await store.increment(told.id, { version: 1 })
    // From here on it is kept, until the other writes.
    await readAll(told.id)
    tell({ done: "write", version: row?.version ?? 0 })
  }
}

process.on("message", (told: Told) => void serve(told))
process.on("disconnect", () => process.exit())
tell({ done: "ready" })
