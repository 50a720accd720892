import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { pathToFileURL } from "node:url"
import { Storage } from "rootstock"
import { cacheTables } from "rootstock/cache"
import { objectOf, wholeNumber } from "rootstock/fields"
import { route, type System } from "rootstock/http"
import { defineJob, handle, jobTables } from "rootstock/jobs"
import { newMigration } from "rootstock/migrate"
import { defineSchedule, scheduleTables } from "rootstock/schedule"
import { identity, integer, type Tables, table } from "rootstock/schema"
import { createdAt, sharedTables } from "rootstock/shared"
import { stateTables } from "rootstock/state"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { prepareServer } from "../src/commands/serve.ts"
import { workplaceOf } from "../src/commands/surroundings.ts"
import { get, home, temporaryFolder } from "./program.ts"

/** A job of the same name in both systems; each counts its own. */
const numbered = objectOf("Numbered", { n: wholeNumber(0) })
const count = defineJob("count", { queue: "counts", payload: numbered })
const counted = table("counted", { id: identity(), n: integer(), createdAt: createdAt() })
const tables = { ...sharedTables, ...cacheTables, ...jobTables, ...scheduleTables, ...stateTables, counted }
const Counted = Storage(counted)

/** A system of this name, alike but for what its own database has. */
async function systemOf(name: string, folder: string): Promise<System<Tables>> {
  const directory = `${folder}/${name}`
  await newMigration({ directory, name: "first tables", tables })
  const system: System<typeof tables> = {
    name,
    title: name.toUpperCase(),
    tables,
    migrations: pathToFileURL(`${directory}/`),
    auth: "open",
    jobs: [count],
    open(database, { jobs }) {
      const rows = database.storage(Counted)
      const total = objectOf("Total", { rows: wholeNumber(0), sum: wholeNumber(0) })
      return {
        routes: [
          route("GET", "/total", { summary: "Total", tag: "t", answer: total }, async () => {
            const all = await rows.list()
            return { rows: all.length, sum: all.reduce((sum, { n }) => sum + n, 0) }
          }),
          route("POST", "/count", { summary: "Count", tag: "t", body: numbered }, async ({ body }) => {
            await jobs.send(count, body)
          }),
        ],
        caches: [],
        handlers: [handle(count, async ({ n }) => void (await rows.create({ n })))],
        schedules: [defineSchedule("nightly", { cron: "0 2 * * *", timeZone: "UTC", job: count, payload: { n: 1 } })],
      }
    },
    loadSample: async () => ({}),
  }
  return system as unknown as System<Tables>
}

describe("several systems in one process", () => {
  forEachEngine((engine) => {
    it("have databases, jobs, documents and operations of their own", async () => {
      await using place = await home(engine)
      await using folder = await temporaryFolder()
      const systems = await Promise.all(["left", "right"].map((name) => systemOf(name, folder.path)))
      const logged: string[] = []
      const env = { DATABASE_URL: place.url, PORT: "0", LOG_FORMAT: "json", SCHEMA_NAME: "elsewhere" }
      const workplace = workplaceOf({ env } as never, { write: (line) => logged.push(line) })
      const server = await prepareServer(systems, workplace, { migrate: true, sample: false, work: true })
      try {
        const address = await server.start()
        assert.ok(logged.some((line) => line.includes("SCHEMA_NAME=elsewhere has no effect")))
        const send = async (path: string, n: number) => {
          const headers = { "content-type": "application/json" }
          const response = await fetch(`${address}${path}`, { method: "POST", headers, body: JSON.stringify({ n }) })
          assert.equal(response.status, 204, await response.text())
        }
        await Promise.all([send("/left/count", 1), send("/right/count", 10), send("/right/count", 100)])
        const totals = async () => [await get(`${address}/left/total`), await get(`${address}/right/total`)]
        let found = await totals()
        while (found[0].rows + found[1].rows < 3) found = await totals()
        assert.deepEqual(found, [
          { rows: 1, sum: 1 },
          { rows: 2, sum: 110 },
        ])
        const health = await get(`${address}/health`)
        assert.deepEqual([health.status, Object.keys(health.counts.cache)], ["healthy", ["left", "right"]])
        const metrics = await (await fetch(`${address}/metrics`)).text()
        for (const name of ["left", "right"]) assert.match(metrics, new RegExp(`\\{.*system="${name}"`))
        const { paths } = await get(`${address}/left/schema/openapi.json`)
        assert.deepEqual(Object.keys(paths).sort(), ["/left/count", "/left/total"])
        const root = Object.keys((await get(`${address}/schema/openapi.json`)).paths)
        for (const name of ["left", "right"]) assert.ok(root.includes(`/operations/${name}/schedules`))
        const { items } = await get(`${address}/operations/right/schedules`)
        assert.equal(items.length, 1)
        const index = await get(`${address}/`)
        assert.deepEqual(
          index.systems.map(({ title, path }: { title: string; path: string }) => [title, path]),
          [
            ["LEFT", "/left"],
            ["RIGHT", "/right"],
          ],
        )
      } finally {
        await server.stop()
      }
    })
  })
})
