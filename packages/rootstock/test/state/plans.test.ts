import assert from "node:assert/strict"
import { describe, it } from "node:test"
import pg from "pg"
import { manualClock } from "../../src/clock/index.ts"
import { type Database, openDatabase, Storage } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { OnceKeys, OrderedSets, StateStore } from "../../src/state/index.ts"
import { type Engine, forEachEngine } from "../support/index.ts"
import { tables } from "./tables.ts"

const clock = manualClock("2026-01-31T09:00:00Z")
const now = clock.now()
const later = new Date(now.getTime() + 3_600_000)

/** Rows enough for an index to be the better way. */
const rows = 20_000

async function fill(db: Database<typeof tables>): Promise<void> {
  const ends = (index: number) => (index % 51 === 0 ? new Date(now.getTime() - index) : later)
  const numbers = Array.from({ length: rows }, (_, index) => index)
  const many = { returning: false } as const
  await db.storage(Storage(tables.conversationStates)).createMany(
    numbers.map((index) => ({
      key: `bot:1:${index}`,
      state: "a",
      stateExpiresAt: ends(index),
      version: 1,
      expiresAt: ends(index),
    })),
    many,
  )
  await db.storage(Storage(tables.orderedSetMembers)).createMany(
    numbers.map((index) => ({
      name: `feed:${index % 20}`,
      member: `post:${index}`,
      score: index,
      expiresAt: index % 2 === 0 ? null : ends(index),
    })),
    many,
  )
  await db.storage(Storage(tables.once)).createMany(
    numbers.map((index) => ({ key: `k:${index}`, expiresAt: index % 2 === 0 ? null : ends(index) })),
    many,
  )
  await db.execute`ANALYZE`
}

/** What the engine says how it would carry out each statement of the calls. */
async function plansOf(engine: Engine, url: string, db: Database<typeof tables>, calls: (seen: Db) => Promise<void>) {
  const plans: { sql: string; plan: string }[] = []
  const word = engine.dialect === "sqlite" ? "EXPLAIN QUERY PLAN " : "EXPLAIN "
  const explained =
    <R>(run: (strings: TemplateStringsArray, ...values: unknown[]) => Promise<R>) =>
    async (strings: TemplateStringsArray, ...values: unknown[]): Promise<R> => {
      const prefixed = [word + strings[0], ...strings.slice(1)]
      const lines = await db.fetch(Object.assign(prefixed, { raw: prefixed }), ...values)
      plans.push({ sql: strings.join("?"), plan: lines.map((line) => Object.values(line).at(-1)).join("\n") })
      return run(strings, ...values)
    }
  const ofStorages: string[] = []
  const stop = db.on("query", ({ sql, call }) => {
    if (/^(conversation_states|ordered_set_members|once)\./.test(call)) ofStorages.push(sql)
  })
  await calls({
    execute: explained(db.execute.bind(db)),
    fetch: explained(db.fetch.bind(db)) as Db["fetch"],
    fetchRow: explained(db.fetchRow.bind(db)) as Db["fetchRow"],
    fetchValue: explained(db.fetchValue.bind(db)) as Db["fetchValue"],
    storage: db.storage.bind(db) as Db["storage"],
  })
  stop()
  for (const sql of ofStorages) plans.push({ sql, plan: await planOf(engine, url, sql) })
  return plans
}

type Db = Pick<Database<typeof tables>, "execute" | "fetch" | "fetchRow" | "fetchValue" | "storage">

/** The plan of a statement whatever its values. */
async function planOf(engine: Engine, url: string, sql: string): Promise<string> {
  if (engine.dialect === "sqlite") {
    await using db = await openDatabase(url, { tables })
    const text = [`EXPLAIN QUERY PLAN ${sql}`]
    const lines = await db.fetch<{ detail: string }>(Object.assign(text, { raw: text }))
    return lines.map(({ detail }) => detail).join("\n")
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`SET search_path = ${new URL(url).searchParams.get("schema")}`)
    await client.query("SET plan_cache_mode = force_generic_plan")
    await client.query(`PREPARE explained AS ${sql}`)
    const count = Math.max(...[...sql.matchAll(/\$(\d+)/g)].map(([, digits]) => Number(digits)))
    const values = Array.from({ length: count }, () => "NULL").join(", ")
    const lines = await client.query(`EXPLAIN EXECUTE explained(${values})`)
    return lines.rows.map((line) => line["QUERY PLAN"]).join("\n")
  } finally {
    await client.end()
  }
}

describe("the statements of the state layer", () => {
  forEachEngine((engine) => {
    it("find their rows by an index, and sort none that they read", async () => {
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      await using db = await openDatabase(temporary.url, { tables })
      await fill(db)
      const plans = await plansOf(engine, temporary.url, db, async (seen) => {
        const states = new StateStore(seen, { clock, expiredForMs: 1 })
        await states.get("bot:1:7")
        await states.getMany(["bot:1:7", "bot:1:8"])
        const version = await states.set("bot:1:7", { state: "b" })
        await states.compareAndSet("bot:1:7", version, { data: 1 })
        await states.touch("bot:1:7")
        await states.delete("bot:1:7")
        const sets = new OrderedSets(seen, { clock })
        const { next } = await sets.page("feed:7", { limit: 20 })
        await sets.page("feed:7", { limit: 20, cursor: next, from: 3 })
        await sets.page("feed:7", { limit: 20, from: 3, to: 15_000 })
        await sets.slice("feed:7", { offset: 40, limit: 20 })
        await sets.count("feed:7")
        await sets.count("feed:7", { from: 300, to: 500 })
        await sets.score("feed:7", "post:7")
        await sets.rank("feed:7", "post:15007")
        await sets.trim("feed:7", 900)
        await sets.remove("feed:7", ["post:27", "post:47"])
        await sets.clear("feed:7")
        const keys = new OnceKeys(seen, { clock })
        await keys.once("k:1")
        await keys.once("k:0")
        await keys.once("k:51")
        // Portions as they are of a table that is pruned every few minutes.
        await states.prune({ portion: 100 })
        await sets.prune({ portion: 100 })
        await keys.prune({ portion: 100 })
      })
      assert.ok(plans.length >= 20)
      for (const { sql, plan } of plans) {
        assert.doesNotMatch(plan, /Seq Scan|^SCAN (?!json_each|CONSTANT)/m, `${sql}\n${plan}`)
        if (/^SELECT/.test(sql)) assert.doesNotMatch(plan, /\bSort\b|TEMP B-TREE/, `${sql}\n${plan}`)
      }
    })
  })
})
