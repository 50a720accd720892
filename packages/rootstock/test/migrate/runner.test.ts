import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { checkDrift, migrateDown, migrateUp, migrationStatus } from "../../src/migrate/index.ts"
import { check, choice, identity, index, integer, table, text, unique, uuid } from "../../src/schema/index.ts"
import { forEachEngine } from "../support/index.ts"
import { type History, openHistory } from "./history.ts"
import { execute, query } from "./support.ts"

const users = table("users", { id: identity(), email: text(), age: integer().nullable() })
const orders = table("orders", {
  id: identity(),
  userId: integer().references(() => users.id, { onDelete: "cascade" }),
})
const base = { users, orders }

const widerUsers = table(
  "users",
  {
    id: identity(),
    email: text().unique(),
    age: integer(),
    token: uuid().default(() => "01890000-0000-7000-8000-000000000000"),
    kind: choice("a", "b").default("a"),
  },
  (t) => [index(t.age.desc()), check("grown", "age > 0")],
)
const widerOrders = table(
  "orders",
  {
    id: identity(),
    userId: integer().references(() => widerUsers.id, { onDelete: "cascade", onUpdate: "cascade" }),
    code: integer().default(1),
  },
  (t) => [unique(t.id, t.code)],
)
const wider = { users: widerUsers, orders: widerOrders }

async function seed({ url }: History): Promise<void> {
  await execute(url, "INSERT INTO users (email, age) VALUES ('ann', 1), ('bob', 2), ('cyd', 3)")
  await execute(url, "INSERT INTO orders (user_id) VALUES (1), (1), (3)")
}

type Exit = { output: string; signal: NodeJS.Signals | null; errors: string }

function runProcess({ url, directory }: History, direction: "up" | "down", killAt?: number): Promise<Exit> {
  const script = fileURLToPath(new URL("./runner-process.ts", import.meta.url))
  const child = spawn(process.execPath, [
    script,
    url,
    directory,
    direction,
    ...(killAt === undefined ? [] : [String(killAt)]),
  ])
  const result = { output: "", errors: "" }
  child.stdout.on("data", (data) => (result.output += data))
  child.stderr.on("data", (data) => (result.errors += data))
  return new Promise((resolve) => child.on("close", (_code, signal) => resolve({ ...result, signal })))
}

describe("a runner of migrations", () => {
  forEachEngine((engine) => {
    it("applies each migration once where eight processes start at once", async () => {
      await using history = await openHistory(engine)
      const ids = [await history.move(base, { apply: false }), await history.move(wider, { apply: false })]
      const exits = await Promise.all(Array.from({ length: 8 }, () => runProcess(history, "up")))
      assert.deepEqual(
        exits.map(({ errors }) => errors).filter((text) => text !== ""),
        [],
      )
      assert.deepEqual(exits.flatMap(({ output }) => JSON.parse(output) as string[]).sort(), ids)
      assert.deepEqual(await checkDrift({ url: history.url, tables: wider }), [])
    })

    it("goes on after it was killed at random statements, up and down", async () => {
      await using history = await openHistory(engine)
      await history.move(base)
      await seed(history)
      const last = await history.move(wider, { apply: false })
      for (const direction of ["up", "down"] as const) {
        const points = Array.from({ length: 7 }, () => 1 + Math.floor(Math.random() * 25))
        for (const at of points) {
          const { errors } = await runProcess(history, direction, at)
          assert.equal(errors, "", `killed at ${points}`)
          const state = (await migrationStatus(history)).find(({ id }) => id === last)!.state
          assert.match(state, /^(applied|pending|begun)$/)
          // A run that came to its end before it was killed has nothing left to do; down must not go further.
          if (state === (direction === "up" ? "applied" : "pending")) break
        }
        const state = (await migrationStatus(history)).find(({ id }) => id === last)!.state
        if (direction === "up") await migrateUp(history)
        else if (state !== "pending") await migrateDown({ ...history, allowLoss: true })
        const differences = await checkDrift({ url: history.url, tables: direction === "up" ? wider : base })
        assert.deepEqual(differences, [], `killed at ${points}`)
        assert.equal((await query(history.url, "SELECT id FROM orders")).length, 3)
      }
    })
  })
})
