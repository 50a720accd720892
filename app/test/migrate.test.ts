import assert from "node:assert/strict"
import { describe, it, test } from "node:test"
import { openDatabase } from "rootstock"
import { manualClock } from "rootstock/clock"
import { createLogger } from "rootstock/log"
import { checkDrift, migrateDown, migrateUp } from "rootstock/migrate"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { unitsOf } from "../src/databases.ts"
import { folderOf } from "../src/migrations.ts"
import { systemNames, systems, systemsNamed } from "../src/systems.ts"
import { run, serve, temporaryFolder } from "./program.ts"

describe("the migrations", () => {
  forEachEngine((engine) => {
    for (const unit of unitsOf(systemsNamed(systemNames))) {
      it(`make the tables of ${unit.name} as they are declared, with rows in them, down and up again`, async () => {
        await using place = await engine.temporaryDatabase()
        const options = { url: place.url, directory: folderOf(unit) }
        const runs = await migrateUp(options)
        assert.ok(runs.length > 0)
        assert.deepEqual(await checkDrift({ url: place.url, tables: unit.tables }), [])
        const system = systems[unit.name]
        if (system !== undefined) {
          const log = createLogger({ name: "test", level: "error" })
          await using database = await openDatabase(place.url, { tables: unit.tables })
          await system.loadSample(database, {
            log,
            clock: manualClock("2026-03-11T12:00:00Z"),
            timeZone: "Europe/Moscow",
          })
          await assert.rejects(
            migrateDown({ ...options, count: runs.length }),
            /(830 rows of orders|30 rows of messages)/,
          )
        }
        assert.equal((await migrateDown({ ...options, count: runs.length, allowLoss: true })).length, runs.length)
        assert.equal((await migrateUp(options)).length, runs.length)
        assert.deepEqual(await checkDrift({ url: place.url, tables: unit.tables }), [])
      })
    }
  })
})

test("rootstock migrate applies, shows, checks, takes back and stamps", async () => {
  await using folder = await temporaryFolder()
  const env = { DATABASE_URL: `sqlite:${folder.path}/data` }
  const call = async (words: string, code = 0) => {
    const outcome = await run(`migrate ${words}`, env)
    assert.equal(outcome.code, code, outcome.err + outcome.out)
    return outcome
  }
  assert.match((await call("status")).out, /shop: \d{8}T\d{6}_first_tables pending/)
  assert.match((await call("up --sql")).out, /-- shop: .*\nCREATE TABLE "users"/)
  assert.equal((await call("check", 1)).out.includes("shop: table users is missing."), true)
  assert.match(
    (await call("up")).out,
    /^app: applied .*_first_tables\.\napp: applied .*_secrets\.\nshop: applied .*_first_tables\.\n[\s\S]*shop: applied .*_jobs_and_state\.\n/,
  )
  assert.match((await call("up")).out, /app: nothing to apply\.\nshop: nothing to apply\./)
  assert.equal(JSON.parse((await call("status --json")).out).shop[0].state, "applied")
  assert.match((await call("check")).out, /shop: the database is as declared\./)
  assert.match((await call("new nothing")).out, /app: nothing differs\.\nshop: nothing differs\./)
  assert.match((await call("new nothing --from-database --system shop")).out, /^shop: nothing differs\.\n/)
  assert.match((await call("new x --empty --from-database --system shop", 2)).err, /exclude each other/)
  assert.match((await call("down 2 --system shop", 1)).err, /0 rows of job\)[\s\S]*Say --allow-loss/)
  assert.match((await call("down 2 --allow-loss --system shop")).out, /shop: took back .*_jobs_and_state\./)
  assert.equal((await call("stamp --system shop", 1)).err.includes("The database differs"), true)
  assert.match((await call("stamp --force --system shop")).out, /shop: noted .*_jobs_and_state\./)
})

test("rootstock serve --no-migrate stops where migrations are pending, and says how to go on", async () => {
  await using folder = await temporaryFolder()
  const env = { DATABASE_URL: `sqlite:${folder.path}` }
  const refused = await run("serve --no-migrate", env)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /The database of app is not up to date: .*pending[\s\S]*rootstock migrate up/)
  assert.equal((await run("migrate up", env)).code, 0)
  await using server = await serve(env, "shop --no-migrate")
  assert.equal((await fetch(`${server.address}/health`)).status, 200)
})

for (const [words, message] of [
  ["up --system bakery", /--system bakery is not known; there are app, shop, assistants/],
  ["down many", /many is no number of migrations/],
  ["new", /<name> is missing/],
  ["sideways", /sideways is no command/],
] as const) {
  test(`refuses \`rootstock migrate ${words}\` and ends with 2`, async () => {
    const outcome = await run(`migrate ${words}`)
    assert.equal(outcome.code, 2)
    assert.match(outcome.err, message)
  })
}
