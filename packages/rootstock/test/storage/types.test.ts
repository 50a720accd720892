import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Storage } from "../../src/index.ts"
import {
  bigint,
  boolean,
  bytes,
  type Column,
  choice,
  date,
  decimal,
  identity,
  integer,
  json,
  list,
  real,
  table,
  text,
  time,
  timestamp,
  uuid,
} from "../../src/schema/index.ts"
import { forEachDatabase, refuses } from "./support.ts"

/** A column with values in their order, values that are stored as others, and values that are refused. */
type Case<V = any> = {
  readonly column: Column<V, any, any, any, any>
  /** In ascending order, where the type has one. */
  readonly values: readonly V[]
  readonly unordered?: boolean
  readonly changed?: readonly (readonly [given: V, stored: V])[]
  readonly wrong: readonly (readonly [value: unknown, code: "VALIDATION" | "CHECK", why: RegExp])[]
}

const day = (text: string) => new Date(text)
const notText = [
  [1, "VALIDATION", /must be a string, not 1/],
  ["a\0b", "VALIDATION", /U\+0000/],
  ["\ud800", "VALIDATION", /half a surrogate/],
  ["x\udc00y", "VALIDATION", /half a surrogate/],
] as const

const cases = {
  integer: {
    column: integer(),
    values: [Number.MIN_SAFE_INTEGER, -1, 0, 1, 2, 10, Number.MAX_SAFE_INTEGER],
    changed: [[-0, 0]],
    wrong: [
      [2 ** 53, "VALIDATION", /within ±\(2\^53 − 1\)/],
      [-(2 ** 53), "VALIDATION", /within/],
      [1.5, "VALIDATION", /whole number/],
      [Number.NaN, "VALIDATION", /whole number/],
      [Number.POSITIVE_INFINITY, "VALIDATION", /whole number/],
      ["1", "VALIDATION", /must be a number/],
      [1n, "VALIDATION", /must be a number/],
      [true, "VALIDATION", /must be a number/],
    ],
  },
  bigint: {
    column: bigint(),
    values: [-(2n ** 63n), -(2n ** 53n) - 1n, -1n, 0n, 9n, 10n, 2n ** 53n + 1n, 2n ** 63n - 1n],
    wrong: [
      [2n ** 63n, "VALIDATION", /fit 64 bits/],
      [-(2n ** 63n) - 1n, "VALIDATION", /fit 64 bits/],
      [1, "VALIDATION", /must be a bigint/],
    ],
  },
  real: {
    column: real(),
    values: [
      -Number.MAX_VALUE,
      -1e21,
      -0.1,
      -Number.MIN_VALUE,
      0,
      Number.MIN_VALUE,
      0.1,
      0.30000000000000004,
      1,
      1e21,
      Number.MAX_VALUE,
    ],
    changed: [[-0, 0]],
    wrong: [
      [Number.NaN, "VALIDATION", /finite number/],
      [Number.NEGATIVE_INFINITY, "VALIDATION", /finite number/],
      ["1", "VALIDATION", /finite number/],
    ],
  },
  decimal: {
    column: decimal(10, 2),
    values: ["-99999999.99", "-10.00", "-9.50", "-0.01", "0.00", "0.01", "9.00", "10.00", "99999999.99"],
    changed: [
      ["1.5", "1.50"],
      ["7", "7.00"],
      ["-0", "0.00"],
      ["-0.00", "0.00"],
    ],
    wrong: [
      ["0.001", "CHECK", /more than 2 digits after the point/],
      ["100000000", "CHECK", /more than 8 digits before the point/],
      ["1e3", "VALIDATION", /decimal number as a string/],
      ["+1", "VALIDATION", /decimal number/],
      [" 1", "VALIDATION", /decimal number/],
      ["", "VALIDATION", /decimal number/],
      ["NaN", "VALIDATION", /decimal number/],
      [1.5, "VALIDATION", /decimal number/],
    ],
  },
  decimalWide: {
    column: decimal(30, 10),
    values: [
      "-99999999999999999999.9999999999",
      "-12345678901234567890.0000000001",
      "-2.0000000000",
      "-0.0000000001",
      "0.0000000000",
      "0.0000000002",
      "3.0000000000",
      "20.0000000000",
      "12345678901234567890.1234567890",
      "12345678901234567890.1234567891",
    ],
    wrong: [["1.00000000001", "CHECK", /after the point/]],
  },
  decimalWhole: {
    column: decimal(5, 0),
    values: ["-99999", "-1", "0", "7", "12", "99999"],
    wrong: [["1.0", "CHECK", /after the point/]],
  },
  decimalBelowOne: {
    column: decimal(2, 2),
    values: ["-0.99", "0.00", "0.10", "0.99"],
    wrong: [["1", "CHECK", /before the point/]],
  },
  text: {
    column: text(),
    values: ["", " ", "'; DROP TABLE x --", "A", "B", "NULL", "Z", "\\", "a", "a ", "b", "é", "Ω", "я", "\uffee", "😀"],
    wrong: notText,
  },
  textMax: {
    column: text({ max: 3 }),
    values: ["", "abc", "яяя", "👩👩👩"],
    wrong: [...notText, ["abcd", "CHECK", /longer than 3 characters: it has 4/], ["👩👩👩👩", "CHECK", /it has 4/]],
  },
  boolean: {
    column: boolean(),
    values: [false, true],
    wrong: [
      [1, "VALIDATION", /true or false/],
      ["true", "VALIDATION", /true or false/],
    ],
  },
  timestamp: {
    column: timestamp(),
    values: [
      "0001-01-01T00:00:00.000Z",
      "0042-02-28T23:59:59.999Z",
      "0999-12-31T23:59:59.999Z",
      "1000-01-01T00:00:00.000Z",
      "1582-10-10T12:00:00.500Z",
      "1899-12-31T23:59:59.010Z",
      "1969-12-31T23:59:59.999Z",
      "1970-01-01T00:00:00.000Z",
      "2024-02-29T12:34:56.700Z",
      "2024-03-31T01:30:00.001Z",
      "9999-12-31T23:59:59.999Z",
    ].map(day),
    wrong: [
      [day("nonsense"), "VALIDATION", /not an invalid date/],
      [day("+010000-01-01T00:00:00.000Z"), "VALIDATION", /years 1 to 9999/],
      [day("0000-12-31T23:59:59.999Z"), "VALIDATION", /years 1 to 9999/],
      ["2024-01-01T00:00:00Z", "VALIDATION", /must be a Date/],
      [0, "VALIDATION", /must be a Date/],
    ],
  },
  date: {
    column: date(),
    values: [
      "0001-01-01",
      "0999-12-31",
      "1000-01-01",
      "1900-02-28",
      "1969-12-31",
      "2000-02-29",
      "2024-02-29",
      "9999-12-31",
    ],
    wrong: [
      ["1900-02-29", "VALIDATION", /must be a date/],
      ["2024-13-01", "VALIDATION", /must be a date/],
      ["2024-04-31", "VALIDATION", /must be a date/],
      ["0000-01-01", "VALIDATION", /must be a date/],
      ["2024-1-1", "VALIDATION", /must be a date/],
      [day("2024-01-01"), "VALIDATION", /must be a date/],
    ],
  },
  time: {
    column: time(),
    values: ["00:00:00", "00:00:01", "09:30:00", "23:59:59"],
    changed: [["12:34", "12:34:00"]],
    wrong: [
      ["24:00:00", "VALIDATION", /must be a time/],
      ["23:59:60", "VALIDATION", /must be a time/],
      ["1:00", "VALIDATION", /must be a time/],
      ["12:00:00.5", "VALIDATION", /must be a time/],
    ],
  },
  uuid: {
    column: uuid() as unknown as Column<string, any, any, any, any>,
    values: [
      "00000000-0000-0000-0000-000000000000",
      "018f2a3b-0000-7000-8000-0123456789ab",
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
    changed: [["018F2A3B-0000-7000-8000-0123456789AB", "018f2a3b-0000-7000-8000-0123456789ab"]],
    wrong: [
      ["018f2a3b00007000800000000123456789ab", "VALIDATION", /must be a UUID/],
      ["{018f2a3b-0000-7000-8000-0123456789ab}", "VALIDATION", /must be a UUID/],
    ],
  },
  json: {
    column: json(),
    unordered: true,
    values: [
      {},
      [],
      "text",
      "\\u0000 as six characters",
      "\\ud800 too",
      0.1,
      true,
      [null, { b: null, a: [] }],
      { long: 1, a: { zz: 1, b: [1, { y: 2, x: 1 }] }, "10": "ten", é: 1, "": 2 },
      JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}'),
      { quote: "\"'\\ \n\t", emoji: "😀", big: 1e21, small: 1e-7 },
    ],
    changed: [
      [-0, 0],
      [
        { a: -0, at: day("2024-01-01T00:00:00Z") },
        { a: 0, at: "2024-01-01T00:00:00.000Z" },
      ],
      [{ gone: undefined, kept: 1 }, { kept: 1 }],
    ],
    wrong: [
      ["a\0b", "VALIDATION", /U\+0000/],
      [{ a: ["\0"] }, "VALIDATION", /U\+0000/],
      [{ "\ud800": 1 }, "VALIDATION", /half a surrogate/],
      [10n, "VALIDATION", /cannot be written as JSON/],
      [() => 1, "VALIDATION", /cannot be written as JSON: it is function/],
    ],
  },
  texts: {
    column: list(text({ max: 12 })),
    unordered: true,
    values: [[], [""], ["", ""], ["NULL", "null"], ['"', "'", "\\", "{}", ",", "a,b"], ["\n\t ", " x "], ["😀", "я"]],
    wrong: [
      ["a", "VALIDATION", /must be an array/],
      [[1], "VALIDATION", /item 0 must be a string/],
      [["a", null], "VALIDATION", /item 1 must be a string/],
      [["a", "1234567890123"], "CHECK", /item 1 is longer than 12/],
      [["\0"], "VALIDATION", /item 0 must not contain/],
    ],
  },
  integers: {
    column: list(integer()),
    unordered: true,
    values: [[], [1, -1, Number.MAX_SAFE_INTEGER]],
    wrong: [[[1.5], "VALIDATION", /item 0/]],
  },
  bigints: {
    column: list(bigint()),
    unordered: true,
    values: [[], [-(2n ** 63n), 0n, 2n ** 63n - 1n]],
    wrong: [[[1], "VALIDATION", /item 0/]],
  },
  reals: {
    column: list(real()),
    unordered: true,
    values: [[0.1, -1e21, Number.MAX_VALUE, Number.MIN_VALUE]],
    changed: [[[-0], [0]]],
    wrong: [],
  },
  decimals: {
    column: list(decimal(6, 2)),
    unordered: true,
    values: [["1.50", "-0.01"]],
    changed: [[["1"], ["1.00"]]],
    wrong: [],
  },
  booleans: { column: list(boolean()), unordered: true, values: [[true, false]], wrong: [] },
  instants: {
    column: list(timestamp()),
    unordered: true,
    values: [[day("0001-01-01T00:00:00.000Z"), day("1969-12-31T23:59:59.999Z"), day("9999-12-31T23:59:59.999Z")]],
    wrong: [],
  },
  days: { column: list(date()), unordered: true, values: [["0001-01-01", "2024-02-29"]], wrong: [] },
  uuids: {
    column: list(uuid() as never),
    unordered: true,
    values: [["018f2a3b-0000-7000-8000-0123456789ab"]],
    wrong: [],
  },
  choices: {
    column: list(choice("a", "b'c")),
    unordered: true,
    values: [["b'c", "a"]],
    wrong: [[["c"], "CHECK", /item 0 must be one of/]],
  },
  bytes: {
    column: bytes(),
    values: [[], [0], [0, 0], [1], [127], [128, 0], [255]].map((one) => Uint8Array.from(one)),
    changed: [[Buffer.from([1, 2]), Uint8Array.from([1, 2])]],
    wrong: [
      ["abc", "VALIDATION", /must be a Uint8Array/],
      [[1, 2], "VALIDATION", /must be a Uint8Array/],
    ],
  },
  choice: {
    column: choice("Zed", "a", "it's", "я"),
    values: ["Zed", "a", "it's", "я"],
    wrong: [
      ["b", "CHECK", /must be one of Zed, a, it's, я, not "b"/],
      ["A", "CHECK", /must be one of/],
      [1, "VALIDATION", /must be a string/],
    ],
  },
} satisfies Record<string, Case>

const kinds = Object.keys(cases) as (keyof typeof cases)[]
const tableName = (kind: string) => `of_${kind.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
const tables = Object.fromEntries(
  kinds.map((kind) => [
    kind,
    table(tableName(kind), { id: identity(), value: cases[kind].column.nullable(), needed: cases[kind].column }),
  ]),
)

describe("column types", () => {
  forEachDatabase(tables, (place) => {
    for (const kind of kinds) {
      const { values, wrong, unordered = false, changed = [] } = cases[kind] as Case
      const open = () => place.db.storage(Storage(tables[kind] as any)) as any

      describe(kind, () => {
        it("gives back what was stored, by every way in and out", async () => {
          const store = open()
          const rows = values.map((value) => ({ value, needed: value }))
          const created = await store.createMany(rows)
          assert.deepEqual(
            created.map(({ value, needed }: any) => ({ value, needed })),
            rows,
          )
          assert.deepEqual(await store.list(), created)
          for (const row of created) {
            assert.deepEqual(await store.get(row.id), row)
            assert.deepEqual(await store.update(row.id, { value: null }), { ...row, value: null })
            assert.deepEqual(await store.update(row.id, { value: row.needed }), row)
          }
          assert.equal(await store.updateMany(created.map(({ id }: any) => ({ id, value: null }))), values.length)
          assert.equal(await store.count({ value: null }), values.length)
          assert.equal(
            await store.updateMany(created.map(({ id, needed }: any) => ({ id, value: needed }))),
            values.length,
          )
          assert.deepEqual(await store.list(), created)
          for (const value of values) {
            const { id: _, ...made } = await store.create({ value, needed: value })
            assert.deepEqual(made, { value, needed: value })
          }
        })

        it("gives it back from free SQL and from Kysely", async () => {
          const store = open()
          const created = await store.createMany(values.map((value) => ({ value, needed: value })))
          const { db } = place
          const name = tableName(kind)
          assert.deepEqual(
            await db.fetch(Object.assign([`SELECT * FROM ${name} ORDER BY id`], { raw: [] }) as never),
            created,
          )
          assert.deepEqual(await (db.sql as any).selectFrom(kind).selectAll().orderBy("id").execute(), created)
        })

        it("writes what has several forms in one", async () => {
          for (const [given, stored] of changed) {
            const { value, needed } = await open().create({ value: given, needed: given })
            assert.deepEqual({ value, needed }, { value: stored, needed: stored })
            if (typeof stored === "number") assert.ok(Object.is(needed, stored))
          }
        })

        it("refuses what is none of its values, and stores nothing", async () => {
          const store = open()
          const [good] = values
          const kept = await store.create({ needed: good })
          for (const [value, code, message] of wrong) {
            const expected = {
              code,
              message,
              ...(code === "CHECK" ? { table: tableName(kind), columns: ["needed"] } : {}),
            }
            await refuses(store.create({ needed: value }), expected)
            await refuses(store.createMany([{ needed: good }, { needed: value }]), expected)
            await refuses(store.update(kept.id, { needed: value }), expected)
            await refuses(store.updateWhere({}, { needed: value }), expected)
            await refuses(store.updateMany([{ id: kept.id, needed: value }]), expected)
          }
          await refuses(store.create({ needed: null }), {
            code: "NOT_NULL",
            columns: ["needed"],
            table: tableName(kind),
          })
          await refuses(store.create({}), { code: "NOT_NULL", columns: ["needed"] })
          await refuses(store.update(kept.id, { needed: null }), { code: "NOT_NULL", columns: ["needed"] })
          assert.deepEqual(await store.list(), [kept])
        })

        it("finds the row that has a value", async () => {
          const store = open()
          const created = await store.createMany(values.map((value) => ({ value, needed: value })))
          for (const [at, value] of values.entries()) {
            assert.deepEqual(await store.list({ where: { value: { eq: value } } }), [created[at]])
            const others = created.filter((_: unknown, index: number) => index !== at)
            if (kind !== "json" && unorderedList(kind) === false) {
              assert.deepEqual(await store.list({ where: { value } }), [created[at]])
              assert.deepEqual(await store.list({ where: { value: [value] } }), [created[at]])
              assert.deepEqual(await store.list({ where: { value: { not: value } } }), others)
              assert.deepEqual(await store.list({ where: { value: { not: [value] } } }), others)
            }
          }
        })

        if (unordered) {
          it("has no order", async () => {
            await refuses(open().list({ orderBy: { value: "asc" } }), { code: "VALIDATION", message: /has no order/ })
            await refuses(open().list({ where: { value: { gt: values[0] } } }), { code: "VALIDATION", message: /gt/ })
          })
          return
        }

        it("orders its values, nulls last ascending and first descending", async () => {
          const store = open()
          const shuffled = [...values.keys()].sort((a, b) => ((a * 7 + 3) % 11) - ((b * 7 + 3) % 11))
          for (const at of shuffled) await store.create({ value: values[at], needed: values[at] })
          await store.create({ value: null, needed: values[0] })
          const read = async (orderBy: unknown) => (await store.list({ orderBy })).map(({ value }: any) => value)
          assert.deepEqual(await read({ value: "asc" }), [...values, null])
          assert.deepEqual(await read({ value: "desc" }), [null, ...values.toReversed()])
          assert.deepEqual(await read({ value: { nulls: "first" } }), [null, ...values])
          assert.deepEqual(await read({ value: { direction: "desc", nulls: "last" } }), [...values.toReversed(), null])
        })

        it("compares by that order", async () => {
          if (kind === "boolean") return
          const store = open()
          await store.createMany(values.map((value) => ({ value, needed: value })))
          await store.create({ value: null, needed: values[0] })
          const read = async (condition: unknown) =>
            (await store.list({ where: { value: condition } })).map(({ value }: any) => value)
          for (const [at, value] of values.entries()) {
            assert.deepEqual(await read({ lt: value }), values.slice(0, at))
            assert.deepEqual(await read({ lte: value }), values.slice(0, at + 1))
            assert.deepEqual(await read({ gt: value }), values.slice(at + 1))
            assert.deepEqual(await read({ gte: value }), values.slice(at))
            assert.deepEqual(await read({ between: [values[1], value] }), values.slice(1, at + 1))
          }
        })

        it("pages through its values by cursor", async () => {
          const store = open()
          await store.createMany([...values, null, null].map((value) => ({ value, needed: values[0] })))
          for (const orderBy of [
            { value: "asc" },
            { value: "desc" },
            { value: { direction: "asc", nulls: "first" } },
          ]) {
            const wanted = await store.list({ orderBy })
            const forwards: unknown[] = []
            let cursor: string | undefined
            do {
              const page: any = await store.after(cursor, { orderBy, limit: 2 })
              forwards.push(...page.rows)
              cursor = page.next
            } while (cursor !== undefined)
            assert.deepEqual(forwards, wanted)
            const backwards: unknown[] = []
            do {
              const page: any = await store.before(cursor, { orderBy, limit: 2 })
              backwards.unshift(...page.rows)
              cursor = page.previous
            } while (cursor !== undefined)
            assert.deepEqual(backwards, wanted)
          }
        })
      })
    }
  })
})

const unorderedList = (kind: keyof typeof cases): boolean => cases[kind].column.settings.type.kind === "list"
