import assert from "node:assert/strict"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { linkSync, symlinkSync } from "node:fs"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { openCache } from "../../src/cache/index.ts"
import { elapsed } from "../../src/clock/index.ts"
import { ForeignCommits } from "../../src/engine/sqlite/foreign-commits.ts"
import { openDatabase, transaction } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { temporaryDatabase } from "../support/index.ts"
import { Counters, counterCaches, counterTables } from "./support/counters.ts"
import type { Tells, Told } from "./support/neighbour.ts"

const script = fileURLToPath(new URL("support/neighbour.ts", import.meta.url))

/** A process beside this one, which reads and writes the same file. */
async function startNeighbour(url: string, blind: boolean) {
  const child: ChildProcess = fork(script, blind ? [url, "blind"] : [url], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  })
  await once(child, "message")
  return {
    async ask(told: Told): Promise<Tells> {
      const answer = once(child, "message")
      child.send(told)
      return ((await answer) as [Tells])[0]
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit")
      child.disconnect()
      await ended
    },
  }
}

async function openFile(ids: readonly number[]) {
  const file = await temporaryDatabase("sqlite")
  await createSchema(file.url, counterTables)
  const db = await openDatabase(file.url, { tables: counterTables, nPlusOne: { mode: "off" } })
  const store = db.storage(Counters)
  await store.createMany(ids.map((id) => ({ id, version: 0 })))
  const { rows, versionOf, versions } = counterCaches(db)
  const cache = await openCache(db, { caches: [rows, versionOf, versions] })
  const readAll = async (id: number): Promise<number[]> => {
    const [row, alone, all] = await Promise.all([store.getOrFail(id), versionOf(id), versions()])
    return [row.version, alone, ...all.slice(id - 1, id)]
  }
  return {
    url: file.url,
    db,
    store,
    cache,
    readAll,
    async [Symbol.asyncDispose]() {
      await cache.close()
      await db.close()
      await file.dispose()
    },
  }
}

type Reads = { rounds: number; reads: number; stale: number; hits: number }

/**
 * Each writes in turn and tells the other, which reads at once: how many reads there were, and how many of them were old.
 *
 * @param most rounds, which end after two seconds too
 */
async function pingPong(most: number, blind: boolean): Promise<Reads> {
  await using file = await openFile([1, 2, 3])
  await using neighbour = await startNeighbour(file.url, blind)
  let reads = 0
  let stale = 0
  let rounds = 0
  for (const start = elapsed(); rounds < most && elapsed() - start < 2_000; rounds++) {
    const id = (rounds % 3) + 1
    const own = await file.store.increment(id, { version: 1 })
    await file.readAll(id)
    const heard = await neighbour.ask({ call: "read", id, atLeast: own!.version })
    assert.equal(heard.done, "read")
    reads += heard.read.length
    stale += heard.stale
    const told = await neighbour.ask({ call: "write", id })
    assert.equal(told.done, "write")
    for (const version of [...(await file.readAll(id)), ...(await file.readAll(id))]) {
      reads++
      if (version < told.version) stale++
    }
  }
  const { kinds } = file.cache.stats()
  return { rounds, reads, stale, hits: Object.values(kinds).reduce((sum, { hitsLocal }) => sum + hitsLocal, 0) }
}

describe("processes on one file", () => {
  it("read what another acknowledged, at once", async (t) => {
    const { rounds, reads, stale, hits } = await pingPong(5_000, false)
    t.diagnostic(
      `${rounds} rounds: ${reads} reads after the acknowledgement of another process, ${stale} of them stale`,
    )
    assert.equal(stale, 0)
    assert.equal(reads, 9 * rounds)
    assert.ok(hits >= 3 * rounds)
  })

  it("would be caught reading what is old, were they not to look", async () => {
    const { stale } = await pingPong(20, true)
    assert.ok(stale > 0)
  })
})

describe("databases opened twice in one process", () => {
  for (const [way, lead] of [
    ["by its path", undefined],
    ["by a link to it", symlinkSync],
    ["by another name of it", linkSync],
  ] as const) {
    it(`see each other's commits on one file, opened ${way}`, async () => {
      await using file = await openFile([1])
      const path = file.url.slice("sqlite:".length)
      // SQLite keeps its log beside the name that it was given, so another name needs links to that too.
      const other = lead === undefined ? path : `${path}.other.db`
      if (lead !== undefined) for (const end of ["", "-wal", "-shm"]) lead(path + end, other + end)
      await using twin = await openDatabase(`sqlite:${other}`, { tables: counterTables, nPlusOne: { mode: "off" } })
      const twins = twin.storage(Counters)
      await using _cache = await openCache(twin, { caches: [counterCaches(twin).rows] })
      for (let version = 1; version <= 50; version++) {
        // The other's commit and all that follows on it lie in one piece of code that waits for nothing.
        const { promise: gate, resolve: open } = Promise.withResolvers<void>()
        const { promise: written, resolve: wrote } = Promise.withResolvers<void>()
        const committed = transaction(async () => {
          await twins.increment(1, { version: 1 })
          wrote()
          await gate
        })
        await written
        assert.equal((await file.store.getOrFail(1)).version, version - 1)
        open()
        await committed
        assert.equal((await file.store.getOrFail(1)).version, version)
        assert.equal((await twins.getOrFail(1)).version, version)
      }
    })
  }
})

describe("the look for commits of others", () => {
  it("says that it does not know where the file is held", async () => {
    await using file = await temporaryDatabase("sqlite")
    await createSchema(file.url, counterTables)
    const held = { first: () => assert.fail("database is locked") }
    const commits = new ForeignCommits(held as never, file.url.slice("sqlite:".length))
    const first = commits.look()
    assert.ok(first !== commits.look())
    commits.close()
  })
})
