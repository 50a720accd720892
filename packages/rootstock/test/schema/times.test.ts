import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { definitionOf, isoTime, table, timestamp, uuid } from "../../src/schema/index.ts"

const first = Date.parse("0001-01-01T00:00:00.000Z")
const last = Date.parse("9999-12-31T23:59:59.999Z")
const instants = fc.oneof(
  fc.integer({ min: first, max: last }),
  // Days around the ends of months, of leap years and of others.
  fc
    .tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 0, max: 11 }), fc.integer({ min: -1, max: 1 }))
    .map(([year, month, off]) => {
      const start = new Date(0)
      start.setUTCFullYear(year, month, 1)
      return Math.min(last, Math.max(first, start.getTime() + off * 86_400_000))
    }),
)

const { codecs } = definitionOf(table("t", { id: uuid().primaryKey(), at: timestamp() })).column.get("at")!.type

function timeOf(engine: "sqlite" | "postgres", text: string): number {
  const { decode } = codecs[engine]
  assert.ok(decode !== undefined)
  return (decode(text) as Date).getTime()
}

describe("an instant", () => {
  it("is read from ISO 8601 as Date.parse does", () => {
    fc.assert(
      fc.property(instants, (time) => {
        const text = new Date(time).toISOString()
        assert.equal(isoTime(text), time)
        assert.equal(timeOf("sqlite", text), time)
      }),
      { numRuns: 5_000 },
    )
  })

  it("is read from what PostgreSQL prints, with as many digits behind the second as there are", () => {
    fc.assert(
      fc.property(instants, (time) => {
        const text = `${new Date(time)
          .toISOString()
          .replace("T", " ")
          .replace(/\.?0*Z$/, "")}+00`
        assert.equal(timeOf("postgres", text), time)
      }),
      { numRuns: 5_000 },
    )
  })

  it("is one of the next month where a month has no such day, as in JavaScript", () => {
    for (const day of ["2026-02-31", "2025-02-29", "2026-04-31"]) {
      const text = `${day}T10:00:00.000Z`
      assert.equal(isoTime(text), Date.parse(text), text)
    }
  })

  it("is none where a text has another form, and never another one than JavaScript reads", () => {
    const characters = [..."0123456789-:.TZ +/x"]
    const changes = fc.array(fc.tuple(fc.nat({ max: 23 }), fc.constantFrom(...characters)), {
      minLength: 1,
      maxLength: 3,
    })
    fc.assert(
      fc.property(instants, changes, (time, changed) => {
        const text = [...new Date(time).toISOString()]
        for (const [at, character] of changed) text[at] = character
        const found = isoTime(text.join(""))
        assert.ok(Number.isNaN(found) || found === Date.parse(text.join("")), text.join(""))
      }),
      { numRuns: 20_000 },
    )
    for (const text of [
      "",
      "2026-01-31",
      "2026-01-31T09:00:00Z",
      "2026-01-31T09:00:00.0000Z",
      "+2026-01-31T09:00:00.00Z",
    ]) {
      assert.equal(isoTime(text), Number.NaN)
    }
  })
})
