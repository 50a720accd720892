import assert from "node:assert/strict"
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it, test } from "node:test"
import pg from "pg"
import { engines, enginesOfFile } from "../../packages/rootstock/test/support/index.ts"
import { get, home, killAt, run, serve, temporaryFolder } from "./program.ts"

const served = enginesOfFile().filter((engine) => engines.includes(engine))

for (const engine of served) {
  describe(`rootstock serve on ${engine.name}`, () => {
    it("makes its databases, loads the sample data on the first run only, and keeps what was written", async () => {
      await using place = await home(engine)
      const env = { DATABASE_URL: place.url }
      {
        await using first = await serve(env)
        assert.deepEqual((await get(`${first.address}/orders?count=1`)).total, 830)
        const health = await get(`${first.address}/health`)
        assert.deepEqual([health.status, health.database], ["healthy", "connected"])
        assert.equal((await get(`${first.address}/schema/openapi.json`)).openapi, "3.1.0")
        assert.match(await (await fetch(`${first.address}/docs/`)).text(), /swagger-ui/)
        const made = await fetch(`${first.address}/users`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ username: "new", email: "new@example.com" }),
        })
        assert.equal(made.status, 201)
        // A terminal and npm both pass on one Ctrl-C.
        first.child.kill("SIGINT")
        assert.equal(await first.stop("SIGINT"), 0)
        const own = first.lines.filter(({ name }) => name === "rootstock")
        assert.deepEqual(
          own.slice(-2).map(({ message }) => message),
          ["Stopping", "Stopped"],
        )
      }
      await using second = await serve(env)
      assert.equal((await get(`${second.address}/users?count=1`)).total, 94)
      assert.equal(await second.stop(), 0)
    })

    it("loads the sample data at the next start where it was killed before it had", async () => {
      await using place = await home(engine)
      const env = { DATABASE_URL: place.url }
      for (const fits of [/^Applied migration .* of shop$/, /^Loading the sample data/]) {
        const lines = await killAt(env, fits)
        assert.match(lines.at(-1)!, fits)
      }
      await using server = await serve(env)
      const { lines } = server
      assert.ok(lines.some(({ message }) => message.startsWith("Loaded the sample data")))
      assert.equal((await get(`${server.address}/orders?count=1`)).total, 830)
    })

    it("loads the sample data once where two start at once", async () => {
      await using place = await home(engine)
      const servers = await Promise.all([1, 2].map(() => serve({ DATABASE_URL: place.url })))
      try {
        const loaded = servers.map(({ lines }) =>
          lines.filter(({ message }) => message.startsWith("Loaded the sample")),
        )
        assert.equal(loaded.flat().length, 1)
        for (const { address } of servers) assert.equal((await get(`${address}/orders?count=1`)).total, 830)
      } finally {
        await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
      }
    })

    it("finishes what it was asked before it stops", async () => {
      await using place = await home(engine)
      await using server = await serve({ DATABASE_URL: place.url })
      const order = { user_id: 1, delivery_address_id: 1, items: [{ product_id: 1, quantity: 1 }] }
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) }
      const requests = Array.from({ length: 20 }, async () => {
        const response = await fetch(`${server.address}/orders`, init)
        return { status: response.status, body: await response.json() }
      })
      await Promise.race(requests)
      const stopped = server.stop()
      const outcomes = await Promise.allSettled(requests)
      assert.equal(await stopped, 0)
      const acknowledged = outcomes.filter((one) => one.status === "fulfilled" && one.value.status === 201).length
      assert.ok(acknowledged > 0)
      await using again = await serve({ DATABASE_URL: place.url })
      const { stock_quantity } = await get(`${again.address}/products/1`)
      const { total } = await get(`${again.address}/orders?user_id=1&count=1&from=${new Date(0).toISOString()}`)
      const before = 6
      assert.equal(39 - stock_quantity, total - before)
      assert.ok(39 - stock_quantity >= acknowledged)
    })
  })
}

test("creates ./data where nothing is set", async () => {
  await using folder = await temporaryFolder()
  const outcome = await run("sample --json", { DATABASE_URL: `sqlite:${join(folder.path, "data")}` })
  assert.equal(outcome.code, 0, outcome.err)
  const { users, order_items } = JSON.parse(outcome.out).shop
  assert.deepEqual([users, order_items], [93, 2155])
  assert.equal(existsSync(join(folder.path, "data", "shop.db")), true)
  const again = await run("sample shop", { DATABASE_URL: `sqlite:${join(folder.path, "data")}` })
  assert.equal(again.code, 1)
  assert.match(again.err, /has 93 users already/)
})

const [postgres] = served.filter(({ dialect }) => dialect === "postgres")
const skip = postgres === undefined && "needs a PostgreSQL: set TEST_POSTGRES_URL"

test("keeps a system that runs alone in the schema that SCHEMA_NAME names", { skip }, async () => {
  await using place = await home(postgres!)
  await using server = await serve({ DATABASE_URL: place.url, SCHEMA_NAME: "store" })
  assert.equal((await get(`${server.address}/users?count=1`)).total, 93)
  const client = new pg.Client({ connectionString: place.url })
  await client.connect()
  const { rows } = await client.query(
    "SELECT table_schema FROM information_schema.tables WHERE table_name IN ('orders', 'api_keys') ORDER BY 1",
  )
  await client.end()
  assert.deepEqual(
    rows.map((row) => row.table_schema),
    ["app", "store"],
  )
})

test("logs SQL only where LOG_SQL asks for it, and never the values", async () => {
  await using folder = await temporaryFolder()
  const statements = async (env: Record<string, string>) => {
    await using server = await serve({ DATABASE_URL: `sqlite:${folder.path}`, ...env }, "shop --no-sample")
    await get(`${server.address}/products?q=needle`)
    await server.stop()
    return server.lines.filter(({ message }) => /SELECT/.test(message)).map(({ message }) => message)
  }
  assert.deepEqual(await statements({}), [])
  const logged = await statements({ LOG_SQL: "true" })
  assert.ok(logged.some((message) => message.includes("products")))
  assert.doesNotMatch(logged.join(""), /needle/)
})

test("leaves the database empty with --no-sample, at later starts too", async () => {
  await using folder = await temporaryFolder()
  for (const words of ["shop --no-sample", "shop"]) {
    await using server = await serve({ DATABASE_URL: `sqlite:${folder.path}` }, words)
    assert.deepEqual(await get(`${server.address}/users`), { users: [], total: 0 })
  }
})

test("is unhealthy once the file of its database is gone", async () => {
  await using folder = await temporaryFolder()
  await using server = await serve({ DATABASE_URL: `sqlite:${folder.path}` }, "shop --no-sample")
  assert.equal((await get(`${server.address}/health`)).status, "healthy")
  rmSync(join(folder.path, "shop.db"))
  const response = await fetch(`${server.address}/health`)
  assert.equal(response.status, 503)
  assert.deepEqual(((await response.json()) as Record<string, unknown>)["status"], "unhealthy")
})

test("names PUBLIC_URL as the server in the OpenAPI document", async () => {
  await using folder = await temporaryFolder()
  const env = { DATABASE_URL: `sqlite:${folder.path}`, PUBLIC_URL: "https://shop.example.com" }
  await using server = await serve(env, "shop --no-sample")
  assert.deepEqual((await get(`${server.address}/schema/openapi.json`)).servers, [{ url: "https://shop.example.com" }])
})

test("refuses to listen beyond this machine without credentials", async () => {
  await using folder = await temporaryFolder()
  const env = { DATABASE_URL: `sqlite:${folder.path}`, HOST: "0.0.0.0" }
  const refused = await run("serve --no-sample", env)
  assert.equal(refused.code, 2)
  assert.match(refused.err, /HOST=0\.0\.0\.0.*API_AUTH=open[\s\S]*API_AUTH=required, or ALLOW_OPEN=1/)
  assert.equal(existsSync(join(folder.path, "shop.db")), false)
  await using open = await serve({ ...env, ALLOW_OPEN: "1" }, "shop --no-sample")
  assert.ok(open.lines.some(({ level, message }) => level === "WARNING" && message.includes("without credentials")))
  await open.stop()
  await using closed = await serve({ ...env, API_AUTH: "required" }, "shop --no-sample")
  const { status } = await fetch(`${closed.address.replace("0.0.0.0", "127.0.0.1")}/users`)
  assert.equal(status, 401)
})

test("names every wrong variable at once and ends with 2", async () => {
  const outcome = await run("serve", { DATABASE_URL: "mysql://root:s3cret@x/y", PORT: "x", TIME_ZONE: "Mars" })
  assert.equal(outcome.code, 2)
  for (const name of ["DATABASE_URL", "PORT", "TIME_ZONE"])
    assert.match(outcome.err, new RegExp(`  ${name} must be .*e\\.g\\. ${name}=`))
  assert.doesNotMatch(outcome.err, /s3cret/)
})

test("says that the folder of the databases cannot be made, and ends with 2", async () => {
  await using folder = await temporaryFolder()
  writeFileSync(join(folder.path, "file"), "")
  const { code, err } = await run("serve", { DATABASE_URL: `sqlite:${join(folder.path, "file", "data")}` })
  assert.equal(code, 2)
  assert.match(err, /^rootstock: The folder .*data of the databases cannot be made: .*\nSet DATABASE_URL to a folder/)
})

test("says that a file is no database, and ends with 2", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "shop.db")
  writeFileSync(path, "This is a text, and not a database of any kind.")
  const { code, err } = await run("serve", { DATABASE_URL: `sqlite:${path}` })
  assert.equal(code, 2)
  assert.match(err, /^rootstock: The file .*shop\.db cannot be opened: file is not a database\.\nCreate its folder/)
})

test("says that a port is taken, and ends with 1", async () => {
  await using folder = await temporaryFolder()
  await using first = await serve({ DATABASE_URL: `sqlite:${folder.path}` }, "shop --no-sample")
  const second = await run("serve shop", { DATABASE_URL: `sqlite:${folder.path}`, PORT: new URL(first.address).port })
  assert.equal(second.code, 1)
  assert.match(second.err, /Port \d+ of 127\.0\.0\.1 is taken/)
})

test("says without a password that PostgreSQL cannot be reached", async () => {
  const env = { DATABASE_URL: "postgres://me:s3cret@127.0.0.1:9/none" }
  const outcome = await run("sample", env)
  assert.equal(outcome.code, 1)
  assert.match(outcome.err, /127\.0\.0\.1:9/)
  assert.doesNotMatch(outcome.err, /s3cret/)
})

test("counts sign-ins by the address that a trusted proxy names, and by no other", async () => {
  await using folder = await temporaryFolder()
  const fails = async (address: string, n: number, forwarded: string) => {
    const response = await fetch(`${address}/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": forwarded },
      body: JSON.stringify({ email: `nobody${n}@example.com`, password: "wrong password" }),
    })
    await response.arrayBuffer()
    return response.status
  }
  for (const [proxies, last] of [
    ["127.0.0.1", 401],
    ["192.0.2.1", 429],
  ] as const) {
    const env = { DATABASE_URL: `sqlite:${folder.path}/${last}`, TRUST_PROXY: proxies }
    await using server = await serve(env, "assistants --no-sample")
    for (let n = 0; n < 20; n++) assert.equal(await fails(server.address, n, "203.0.113.1"), 401)
    assert.equal(await fails(server.address, 20, "203.0.113.1"), 429)
    assert.equal(await fails(server.address, 21, "203.0.113.2"), last)
  }
})
