// Calls a second of this engine, and of pg's Pool with named statements, in turns on the same server.
//
//   TEST_POSTGRES_URL=postgres://… node packages/rootstock/test/engine/postgres/measure.ts

import pg from "pg"
import { openPostgres } from "../../../src/engine/postgres/index.ts"
import { integer } from "../../../src/schema/index.ts"
import { temporaryDatabase } from "../../support/index.ts"

const roundMs = Number(process.env["ROUND_MS"] ?? 1_000)
const rounds = 5
await using database = await temporaryDatabase("postgres")
const engine = await openPostgres({ url: database.url })
const schema = new URL(database.url).searchParams.get("schema") as string
await engine.free(
  `CREATE TABLE users (id bigint PRIMARY KEY, email text, name text, bio text, is_active boolean, created_at timestamptz(3));
   INSERT INTO users SELECT i, 'user' || i || '@example.com', 'User ' || i, repeat('x', 60), true, now() FROM generate_series(1, 10000) i;
   ANALYZE users`,
  [],
  true,
)
const pool = new pg.Pool({
  connectionString: process.env["TEST_POSTGRES_URL"],
  max: 10,
  options: `-c search_path=${schema}`,
})

const columns = "id, email, name, bio, is_active, created_at"
const decode = ([id, email, name, bio, active, at]: readonly any[]) => ({
  id: Number(id),
  email,
  name,
  bio,
  isActive: active === "t",
  createdAt: new Date(at),
})
const base = { decode, wide: false, writes: false, returns: true, label: "users" }
const one = { ...base, sql: `SELECT ${columns} FROM users WHERE id = $1` }
const many = {
  ...base,
  sql: `SELECT id, ${columns} FROM users WHERE id = ANY($1::bigint[])`,
  decode: (row: readonly any[]) => ({ key: Number(row[0]), row: decode(row.slice(1)) }),
}
const list = { ...base, sql: `SELECT ${columns} FROM users WHERE id > $1 ORDER BY id LIMIT 50` }
const update = { ...base, sql: "UPDATE users SET name = $2 WHERE id = $1", writes: true, returns: false }
const lookup = { one, many, column: { ...integer().settings, key: "id", name: "id" } }
let seed = 1
const key = () => {
  seed = (seed * 48_271) % 2_147_483_647
  return String(1 + (seed % 10_000))
}

type Call = () => Promise<unknown>
const named = (name: string, text: string, values: string[]) => ({ name, text, values })
const cases: Record<string, { raw: Call; own: Call }> = {
  "row by key": { raw: () => pool.query(named("one", one.sql, [key()])), own: () => engine.first(one, [key()]) },
  "row by key, gathered": {
    raw: () => pool.query(named("one", one.sql, [key()])),
    own: () => engine.lookup(lookup, key()),
  },
  "50 rows": { raw: () => pool.query(named("list", list.sql, [key()])), own: () => engine.all(list, [key()]) },
  "update of a row": {
    raw: () => pool.query(named("update", update.sql, [key(), "n"])),
    own: () => engine.run(update, [key(), "n"]),
  },
  "transaction of two": {
    async raw() {
      const client = await pool.connect()
      try {
        await client.query("BEGIN")
        await client.query(named("one", one.sql, [key()]))
        await client.query(named("update", update.sql, [key(), "n"]))
        await client.query("COMMIT")
      } finally {
        client.release()
      }
    },
    async own() {
      const transaction = await engine.begin({ label: "measure" })
      await transaction.first(one, [key()])
      await transaction.run(update, [key(), "n"])
      await transaction.commit()
    },
  },
}

async function rate(call: Call, callers: number): Promise<number> {
  let calls = 0
  const start = performance.now()
  const caller = async () => {
    for (; performance.now() - start < roundMs; calls++) await call()
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return calls / (performance.now() - start)
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number

for (const callers of [1, 32]) {
  for (const [name, { raw, own }] of Object.entries(cases)) {
    const rates: { raw: number[]; own: number[] } = { raw: [], own: [] }
    for (let round = 0; round <= rounds; round++) {
      const pair = { raw: await rate(raw, callers), own: await rate(own, callers) }
      // The first round warms up.
      if (round === 0) continue
      rates.raw.push(pair.raw)
      rates.own.push(pair.own)
    }
    const [rawRate, ownRate] = [median(rates.raw), median(rates.own)]
    const shown = [rawRate, ownRate].map((value) => `${(value).toFixed(1)} k/s`)
    console.log(
      `${callers} callers, ${name}: pg ${shown[0]}, rootstock ${shown[1]}, ratio ${(ownRate / rawRate).toFixed(2)}`,
    )
  }
}
await pool.end()
await engine.close()
