import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { freezeDeep, sizeOf } from "../../src/cache/frozen.ts"
import { RowJson } from "../../src/cache/row-json.ts"
import { decodeValue, encodeValue } from "../../src/cache/value-json.ts"
import { definitionOf, identity, integer, json, table, text } from "../../src/schema/index.ts"
import { arbitraryRow, everything, stored } from "../schema/values.ts"
import { people } from "./support/tables.ts"

const keys = fc.oneof(
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toJSON",
    "$",
    "$date",
    "$bigint",
    "$number",
    "$undefined",
    "0",
    "length",
  ),
)

/** Objects, arrays, dates, and all that is neither object nor function. */
const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
      fc.date({ noInvalidDate: false }),
      fc.constantFrom(null, undefined, -0, 0, "", Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    ),
    fc.array(tie("data"), { maxLength: 4 }),
    fc.dictionary(keys, tie("data"), { maxKeys: 4, noNullPrototype: true }).map((object) => ownEntries(object)),
  ),
}))

/** The same entries as own properties, `__proto__` included. */
function ownEntries(object: Record<string, unknown>): Record<string, unknown> {
  const result = {}
  for (const [key, value] of Object.entries(object)) {
    Object.defineProperty(result, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return result
}

/** That nothing in the value can be changed. */
function isFixed(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return true
  if (value instanceof Date) {
    assert.throws(() => value.setTime(1), TypeError)
    assert.throws(() => value.setUTCHours(1), TypeError)
  }
  return Object.isFrozen(value) && Object.values(value).every(isFixed)
}

describe("plain data as JSON", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(data, (value) => {
        assert.deepStrictEqual(decodeValue(encodeValue(value)), value)
      }),
      { numRuns: 2_000 },
    )
  })

  it("keeps what looks like its own marks", () => {
    for (const value of [
      { $date: "x" },
      { $date: null },
      { $: {} },
      { $: { $: { $date: 1 } } },
      { $undefined: true },
      { $bigint: "1", other: 2 },
      [{ $number: "NaN" }],
    ]) {
      assert.deepStrictEqual(decodeValue(encodeValue(value)), value)
    }
  })

  it("refuses text that is none of its own", () => {
    const corrupt = [
      "",
      "{",
      "nothing",
      '{"$date":"yesterday"}',
      '{"$date":5}',
      '{"$bigint":"x"}',
      '{"$bigint":1}',
      '{"$bigint":""}',
      '{"$number":"5"}',
      '{"$number":null}',
      '{"$undefined":false}',
      '{"$":5}',
      '{"$":null}',
      '{"$":[]}',
      '{"$":{"other":1}}',
      '[{"$date":"2026"}]',
    ]
    for (const text of corrupt) assert.throws(() => decodeValue(text), text)
  })
})

describe("rows as JSON", () => {
  const rows = new RowJson(definitionOf(everything))
  const copies = (row: object) => structuredClone({ id: 1, ...row }) as Record<string, unknown>

  it("come back as they were, frozen, with values of every type", () => {
    fc.assert(
      fc.property(arbitraryRow.map(stored), (row) => {
        const decoded = rows.decode(rows.encode(copies(row))) as object
        assert.deepStrictEqual(decoded, copies(row))
        assert.ok(isFixed(decoded))
        const frozen = rows.freeze(copies(row)) as Record<string, unknown>
        assert.deepStrictEqual(frozen, copies(row))
        assert.ok(isFixed(frozen))
        const copy = rows.copy(frozen) as typeof frozen
        assert.deepStrictEqual(copy, frozen)
        if (copy["bytes"] !== null) assert.notEqual(copy["bytes"], frozen["bytes"])
      }),
      { numRuns: 300 },
    )
  })

  it("are objects with the columns' names in the database, instants in ISO 8601", () => {
    const json = new RowJson(definitionOf(people))
    const row = { id: 1, name: "Ann", email: null, level: 2, balance: "1.50", tags: ["a"], facts: { nothing: null } }
    const text = json.encode({ ...row, seenAt: new Date(0), changedAt: null, loudName: "ANN" })
    assert.deepEqual(JSON.parse(text), {
      id: 1,
      name: "Ann",
      email: null,
      level: 2,
      balance: "1.50",
      tags: ["a"],
      facts: { nothing: null },
      seen_at: "1970-01-01T00:00:00.000Z",
      changed_at: null,
      loud_name: "ANN",
    })
  })

  it("keep columns with names that every object knows", () => {
    const odd = table("odd", {
      id: identity(),
      proto: text().named("__proto__"),
      made: text().named("constructor"),
      told: integer().named("toString"),
      facts: json(),
    })
    const json_ = new RowJson(definitionOf(odd))
    const row = { id: 1, proto: "a", made: "b", told: 3, facts: JSON.parse('{"__proto__":{"a":1},"$date":5}') }
    assert.deepStrictEqual(json_.decode(json_.encode(row)), row)
    for (const name of ["__proto__", "constructor", "toString", "facts"]) {
      const { [name]: _left, ...rest } = JSON.parse(json_.encode(row)) as Record<string, unknown>
      assert.throws(() => json_.decode(JSON.stringify(rest)), TypeError, name)
    }
  })

  it("are refused where the text is cut, lacks a column, or has a value of another type", () => {
    const row = copies(stored(fc.sample(arbitraryRow, { numRuns: 1, seed: 7 })[0]!))
    const text = rows.encode(row)
    for (let length = 0; length < text.length; length += 7) assert.throws(() => rows.decode(text.slice(0, length)))
    for (const whole of ["null", "5", '"x"', "[]", "{}", '[{"id":1}]']) assert.throws(() => rows.decode(whole), whole)
    const json = JSON.parse(text) as Record<string, unknown>
    for (const { key, name, type } of definitionOf(everything).columns) {
      const { [name]: _left, ...rest } = json
      assert.throws(() => rows.decode(JSON.stringify(rest)), key)
      if (type.kind === "json") continue
      for (const wrong of [5, "x", true, [1], {}]) {
        const fits =
          type.kind === "list"
            ? Array.isArray(wrong)
            : typeof wrong ===
              typeof (type.kind === "boolean" ? true : ["identity", "integer", "real"].includes(type.kind) ? 5 : "x")
        const other = JSON.stringify({ ...json, [name]: wrong })
        if (!fits) assert.throws(() => rows.decode(other), TypeError, `${key} as ${JSON.stringify(wrong)}`)
      }
    }
    assert.throws(() => rows.decode(JSON.stringify({ ...json, id: null })), TypeError)
    assert.throws(() => rows.decode(JSON.stringify({ ...json, timestamp: "no instant" })), TypeError)
    assert.throws(() => rows.decode(JSON.stringify({ ...json, bigint: "1.5" })))
  })
})

describe("freezing", () => {
  it("goes to the depth of plain data, also of what is frozen at its top already", () => {
    const value = Object.freeze({ list: [{ at: new Date(1), deep: [[]] }], empty: Object.create(null) })
    assert.equal(freezeDeep("x", value), value)
    assert.ok(isFixed(value))
    fc.assert(fc.property(data, (some) => isFixed(freezeDeep("x", some))))
  })

  it("refuses what is no plain data, also where it is frozen", () => {
    class Person {
      name = "Ann"
    }
    const ring: unknown[] = []
    ring.push({ ring })
    const refused: unknown[] = [
      new Map(),
      new Set([1]),
      new Person(),
      () => 1,
      Symbol("x"),
      new Uint8Array(2),
      new Number(1),
      /x/,
      new Error("x"),
      Promise.resolve(),
      Object.freeze(new Map()),
      Object.freeze(new Person()),
      ring,
    ]
    for (const value of refused) {
      for (const inside of [value, [value], { deep: [value] }]) {
        assert.throws(() => freezeDeep("the result", inside), { code: "VALIDATION", message: /^the result gives / })
      }
    }
  })

  it("estimates sizes that grow with what is kept", () => {
    const texts = (length: number) => sizeOf({ a: ["x".repeat(length)] })
    assert.ok(texts(1_000) - texts(0) >= 1_000)
    assert.ok(sizeOf(new Uint8Array(500)) >= 500)
    assert.ok(sizeOf([new Date(), null, 1n, true, undefined]) > sizeOf([]))
  })
})
