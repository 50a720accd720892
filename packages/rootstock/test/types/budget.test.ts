import assert from "node:assert/strict"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { type Compiled, compile } from "./compile.ts"

/**
 * The most that 60 tables may cost beyond one: some 25 % above what they cost when this was recorded.
 * The figures: `npm test -- packages/rootstock/test/types/budget.test.ts` prints them.
 */
const most = { Instantiations: 660_000, Types: 48_000 }

const here = fileURLToPath(new URL(".", import.meta.url))
const source = "../../../src"

/** Tables that reference the two before them and themselves; each third is a link table too. */
function tablesText(count: number): string {
  const tables = Array.from({ length: count }, (_, at) => {
    const references = [1, 2]
      .filter((back) => at >= back)
      .map(
        (back) =>
          `  parent${back}Id: integer().nullable().references(() => table${at - back}.id, { many: "children${at}of${back}" }),`,
      )
    const links =
      at % 3 === 2
        ? [
            `  left${at}Id: integer().nullable().references(() => table${at - 1}.id, { onDelete: "cascade", many: "lefts${at}", across: "across${at}" }),`,
          ]
        : []
    return `export const table${at} = table("table_${at}", {
  id: identity(),
  name: text({ max: 100 }).unique(),
  description: text().nullable(),
  amount: decimal(10, 2).default("0.00"),
  quantity: integer().default(0),
  isActive: boolean().default(true),
  status: choice("open", "closed", "gone").default("open"),
  tags: list(text()).default([]),
  details: json<{ a?: number; b?: string[] }>().default({}),
  day: date().nullable(),
  createdAt: timestamp().default(now),
  updatedAt: timestamp().nullable().onUpdate(now),
${[...references, ...links].join("\n")}
}, (t) => [index(t.status, t.createdAt.desc())])`
  })
  const names = Array.from({ length: count }, (_, at) => `table${at}`)
  return `import { boolean, choice, date, decimal, identity, index, integer, json, list, now, table, text, timestamp } from "${source}/schema/index.ts"
${tables.join("\n\n")}

export const tables = { ${names.join(", ")} }
`
}

function storagesText(count: number): string {
  const range = Array.from({ length: count }, (_, at) => at)
  const classes = range.map(
    (at) => `class Storage${at} extends Storage(table${at}) {
  open(limit = 50) {
    return this.list({ where: { status: "open", quantity: { gt: 0 } }, orderBy: { createdAt: "desc" }, limit })
  }
}`,
  )
  const calls = range.map((at) => {
    const up = at === 0 ? "" : `parent1: { with: { ${at > 1 ? "parent1: true, " : ""}children${at}of1: { limit: 3 } } }`
    const down = at + 2 < count ? `children${at + 1}of1: { with: { children${at + 2}of1: true } }` : ""
    const across = at % 3 === 1 && at + 1 < count ? `across${at + 1}: { limit: 2 }` : ""
    return `export async function use${at}() {
  const rows = await store.table${at}.list({
    where: { isActive: true, name: { contains: "x" }, or: [{ quantity: [1, 2] }, { updatedAt: null }] },
    orderBy: { createdAt: "desc" },
    with: { ${[up, down, across].filter(Boolean).join(", ")} },
  })
  const made = await store.table${at}.create({ name: "x", status: "open", details: { a: 1 } })
  const changed = await store.table${at}.update(made.id, { quantity: 2, updatedAt: null })
  const open: string[] = (await store.table${at}.open()).map(({ name }) => name)
  const ids: number[] = ${at === 0 ? "rows.map(({ id }) => id)" : `rows.flatMap(({ parent1 }) => parent1?.children${at}of1.map(({ id }) => id) ?? [])`}
  const free = await db.sql.selectFrom("table${at}").select(["id", "createdAt"]).where("isActive", "=", true).execute()
  return { open, ids, changed, first: free[0]?.createdAt.getTime() }
}`
  })
  return `import { openDatabase, Storage } from "${source}/storage/index.ts"
import { ${range.map((at) => `table${at}`).join(", ")}, tables } from "./tables.ts"

${classes.join("\n\n")}

export const db = await openDatabase("sqlite::memory:", { tables })
export const store = db.storages({ ${range.map((at) => `table${at}: Storage${at}`).join(", ")} })

${calls.join("\n\n")}
`
}

async function compileProject(count: number): Promise<Compiled> {
  const folder = await mkdtemp(join(here, "generated-"))
  try {
    await writeFile(join(folder, "tables.ts"), tablesText(count))
    await writeFile(join(folder, "storages.ts"), storagesText(count))
    return await compile(folder, ["tables.ts", "storages.ts"])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe("a project with 60 tables", () => {
  it("is checked within the recorded bounds", async (t) => {
    const one = await compileProject(1)
    const sixty = await compileProject(60)
    assert.equal(one.diagnostics, "")
    assert.equal(sixty.diagnostics, "")
    for (const [figure, bound] of Object.entries(most)) {
      const cost = sixty.figures.get(figure)! - one.figures.get(figure)!
      t.diagnostic(`${figure}: ${cost} beyond those of one table, at most ${bound}`)
      assert.ok(cost > 0 && cost <= bound, `${figure}: ${cost} beyond those of one table; at most ${bound} are allowed`)
    }
    t.diagnostic(`check time: ${sixty.figures.get("Check time")} s, memory: ${sixty.figures.get("Memory used")} kB`)
  })
})
