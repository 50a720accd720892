import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Ajv2020 } from "ajv/dist/2020.js"
import fc from "fast-check"
import {
  changesSchema,
  choice,
  identity,
  integer,
  newRowSchema,
  now,
  type ObjectSchema,
  rowSchema,
  table,
  text,
  timestamp,
} from "../../src/schema/index.ts"
import { arbitraryRow, everything, stored } from "./values.ts"

function isInstant(value: string): boolean {
  const instant = new Date(value)
  return !Number.isNaN(instant.getTime()) && instant.toISOString() === value
}

const ajv = new Ajv2020({ allowUnionTypes: true })
ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
ajv.addFormat("date", (value: string) => isInstant(`${value}T00:00:00.000Z`))
ajv.addFormat("date-time", isInstant)

/** A value as JSON carries it. */
function carried(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, one) => {
      if (typeof one === "bigint") return String(one)
      return one instanceof Uint8Array ? Buffer.from(one).toString("base64") : one
    }),
  )
}

function problems(schema: ObjectSchema, value: unknown): unknown {
  const check = ajv.compile(schema)
  return check(value) ? undefined : check.errors
}

const people = table("people", {
  id: identity(),
  name: text({ max: 5 }).describe("What others call them."),
  role: choice("admin", "member").nullable(),
  age: integer().default(0),
  upper: text().generated("upper(name)"),
  createdAt: timestamp().default(now),
})

const person = { id: 1, name: "Jane", role: null, age: 3, upper: "JANE", createdAt: "2026-01-31T09:00:00.000Z" }

describe("the JSON Schemas of a table", () => {
  it("take every row, new row and change that the storages take", () => {
    fc.assert(
      fc.property(arbitraryRow, fc.subarray(Object.keys(everything)), (row, keys) => {
        const some = carried(Object.fromEntries(Object.entries(row).filter(([key]) => keys.includes(key))))
        assert.equal(problems(rowSchema(everything), carried({ id: 1, ...stored(row) })), undefined)
        assert.equal(problems(newRowSchema(everything), carried(row)), undefined)
        assert.equal(problems(newRowSchema(everything), some), undefined)
        assert.equal(problems(changesSchema(everything), some), undefined)
      }),
    )
  })

  it("ask a row for all of its columns", () => {
    assert.equal(problems(rowSchema(people), person), undefined)
    for (const key of Object.keys(person)) {
      const { [key as keyof typeof person]: _, ...rest } = person
      assert.ok(problems(rowSchema(people), rest), key)
    }
  })

  it("ask a new row for what is neither nullable nor has a default, and take nothing that is computed", () => {
    assert.equal(problems(newRowSchema(people), { name: "Jane" }), undefined)
    assert.equal(problems(newRowSchema(people), { id: 7, name: "Jane", role: "admin", age: 1 }), undefined)
    assert.ok(problems(newRowSchema(people), { role: "admin" }))
    assert.ok(problems(newRowSchema(people), { name: "Jane", upper: "JANE" }))
  })

  it("take changes of all but the key and what is computed", () => {
    assert.equal(problems(changesSchema(people), {}), undefined)
    assert.equal(problems(changesSchema(people), { name: "Joe", role: null }), undefined)
    assert.ok(problems(changesSchema(people), { id: 2 }))
    assert.ok(problems(changesSchema(people), { upper: "JOE" }))
  })

  it("refuse what the storages refuse", () => {
    const wrong: Record<string, unknown>[] = [
      { name: "too long" },
      { name: 1 },
      { name: null },
      { name: "Jane", role: "owner" },
      { name: "Jane", age: 1.5 },
      { name: "Jane", age: 2 ** 53 },
      { name: "Jane", createdAt: "yesterday" },
      { name: "Jane", nope: 1 },
    ]
    for (const row of wrong) assert.ok(problems(newRowSchema(people), row), JSON.stringify(row))
    assert.equal(problems(newRowSchema(people), { name: "😀😀😀😀😀" }), undefined)
  })

  it("carry descriptions, and are made once", () => {
    assert.equal(rowSchema(people).properties["name"]?.["description"], "What others call them.")
    assert.equal(rowSchema(people), rowSchema(people))
    assert.equal(Object.isFrozen(rowSchema(people)), true)
  })
})
