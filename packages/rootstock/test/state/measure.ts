// Calls a second of the state layer by where they are answered, beside the plain Redis command that could stand for
// them, in turns on the same servers.
//
//   TEST_POSTGRES_URL=postgres://… TEST_REDIS_URL=redis://… node packages/rootstock/test/state/measure.ts

import { randomBytes } from "node:crypto"
import { createClient } from "redis"
import { type Coherence, EmbeddedCoherence } from "../../src/cache/index.ts"
import { redisCoherence } from "../../src/cache/redis/index.ts"
import { elapsed } from "../../src/clock/index.ts"
import { type Database, openDatabase } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { OnceKeys, OrderedSets, StateStore } from "../../src/state/index.ts"
import { type EngineName, temporaryDatabase } from "../support/index.ts"
import { tablesOverRedis } from "./tables.ts"

const roundMs = Number(process.env["ROUND_MS"] ?? 80)
const rounds = 3
const widths = [1, 64]
const count = 1_000
const redisUrl = process.env["TEST_REDIS_URL"] as string

type Call = (index: number) => Promise<unknown>

const data = {
  step: "quantity",
  cart: [
    { product: 7, quantity: 2 },
    { product: 9, quantity: 1 },
  ],
  note: "x".repeat(200),
}
const text = JSON.stringify(data)
const key = (index: number) => `bot:1:${index % count}`
const feed = (index: number) => `feed:${index % 20}`

async function measured(call: Call, width: number): Promise<number> {
  const end = elapsed() + roundMs
  let done = 0
  const work = async () => {
    while (elapsed() < end) {
      await call(done++)
    }
  }
  const begun = elapsed()
  await Promise.all(Array.from({ length: width }, work))
  return (done / (elapsed() - begun)) * 1_000
}

async function compare(title: string, calls: Record<string, Call>): Promise<void> {
  for (const width of widths) {
    const results = new Map<string, number[]>()
    for (let round = 0; round < rounds; round++) {
      for (const [name, call] of Object.entries(calls)) {
        results.set(name, [...(results.get(name) ?? []), await measured(call, width)])
      }
    }
    const medians = [...results].map(([name, all]) => [name, all.sort((a, b) => a - b)[rounds >> 1] as number] as const)
    const base = medians[0]?.[1] as number
    const shown = medians.map(([name, rate]) => `${name} ${Math.round(rate)}/s (${(rate / base).toFixed(2)})`)
    console.log(`${title}, ${width} at once: ${shown.join(", ")}`)
  }
}

const redis = createClient({ url: redisUrl, commandOptions: { timeout: undefined } } as never)
await redis.connect()
const prefix = `m_${randomBytes(6).toString("hex")}:`
let fresh = 0

async function measure(name: EngineName): Promise<void> {
  await using temporary = await temporaryDatabase(name)
  await createSchema(temporary.url, tablesOverRedis)
  await using db = (await openDatabase(temporary.url, { tables: tablesOverRedis })) as Database<typeof tablesOverRedis>
  const remote = redisCoherence(redisUrl, db as never, { prefix, local: false })
  const report = (error: unknown) => console.error(error)
  const memory: Coherence = new EmbeddedCoherence({ foreignCommits: db.foreignCommits, random: Math.random, report })
  await remote.start()
  const states = new StateStore<typeof data>(db)
  const remoteStates = new StateStore<typeof data>(db, { coherence: remote })
  const localStates = new StateStore<typeof data>(db, { coherence: memory })
  const sets = new OrderedSets(db)
  const remoteSets = new OrderedSets(db, { coherence: remote })
  const localSets = new OrderedSets(db, { coherence: memory })
  const keys = new OnceKeys(db)
  for (let index = 0; index < count; index++) {
    await states.set(key(index), { state: "order", data })
    await redis.set(prefix + key(index), text)
  }
  for (let index = 0; index < 20; index++) {
    const members = Array.from({ length: 500 }, (_, at) => ({ member: `post:${at}`, score: at }))
    await sets.add(feed(index), members)
    await redis.zAdd(
      `${prefix}z:${feed(index)}`,
      members.map(({ member, score }) => ({ value: member, score })),
    )
  }
  await keys.once("taken")
  await redis.set(`${prefix}taken`, "1")
  await db.execute`ANALYZE`
  await compare(`${name}: read of a state`, {
    database: (index) => states.get(key(index)),
    "over Redis": (index) => remoteStates.get(key(index)),
    "in memory": (index) => localStates.get(key(index)),
    "plain GET": async (index) => JSON.parse((await redis.get(prefix + key(index))) as string),
  })
  await compare(`${name}: write of a state`, {
    database: (index) => states.set(key(index), { state: "order", data }),
    "over Redis": (index) => remoteStates.set(key(index), { state: "order", data }),
    "plain SET": (index) => redis.set(prefix + key(index), text),
  })
  await compare(`${name}: first 20 of a feed`, {
    database: (index) => sets.page(feed(index), { limit: 20 }),
    "over Redis": (index) => remoteSets.page(feed(index), { limit: 20 }),
    "in memory": (index) => localSets.page(feed(index), { limit: 20 }),
    "plain ZRANGE": (index) => redis.zRangeWithScores(`${prefix}z:${feed(index)}`, 0, 19, { REV: true }),
  })
  await compare(`${name}: once-key that is taken`, {
    database: () => keys.once("taken"),
    "plain SET NX": () => redis.set(`${prefix}taken`, "1", { condition: "NX" }),
  })
  await compare(`${name}: once-key that is free`, {
    database: () => keys.once(`fresh:${fresh++}`),
    "plain SET NX": () => redis.set(`${prefix}fresh:${fresh++}`, "1", { condition: "NX" }),
  })
  await remote.stop()
}

for (const name of ["sqlite", "postgres"] as const) await measure(name)
for await (const some of redis.scanIterator({ MATCH: `${prefix}*`, COUNT: 1_000 }))
  if (some.length > 0) await redis.unlink(some)
redis.destroy()
