import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { postgresDialect } from "../../../src/engine/postgres/index.ts"
import { ValidationError } from "../../../src/errors/index.ts"
import {
  bigint,
  boolean,
  bytes,
  type Column,
  type ColumnDefinition,
  date,
  decimal,
  integer,
  json,
  list,
  type SqlValue,
  text,
  timestamp,
  uuid,
} from "../../../src/schema/index.ts"
import { forEachServer, query } from "./support.ts"

const columns: Record<string, Pick<Column, "settings">> = {
  whole: integer(),
  wide: bigint(),
  exact: decimal(12, 3),
  words: text(),
  flag: boolean(),
  at: timestamp(),
  day: date(),
  id: uuid(),
  raw: bytes(),
  tags: list(text()),
  sizes: list(integer()),
  data: json(),
}
const types = Object.values(columns).map(({ settings }) => settings.type)
const plainText = fc
  .string({ unit: "binary", maxLength: 30 })
  .filter((value) => !value.includes("\0") && value.isWellFormed())

forEachServer("the dialect", (open) => {
  it("carries many rows of all types as parameters of one statement", async () => {
    await using opened = await open()
    const { dialect } = opened.engine
    const definitions = Object.entries(columns).map(
      ([name, { settings }]) => `"${name}" ${dialect.codec(settings.type).ddl}`,
    )
    await opened.engine.free(
      `CREATE TABLE kinds (at_row bigint GENERATED ALWAYS AS IDENTITY, ${definitions.join(", ")})`,
      [],
      true,
    )
    const names = Object.keys(columns)
    const row = fc.record({
      whole: fc.maxSafeInteger(),
      wide: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      exact: fc.integer({ min: -99_999_999, max: 99_999_999 }).map((value) => (value / 1000).toFixed(3)),
      words: plainText,
      flag: fc.boolean(),
      at: fc.date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
      day: fc
        .date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
        .map((value) => value.toISOString().slice(0, 10)),
      id: fc.uuid(),
      raw: fc.uint8Array({ maxLength: 20 }),
      tags: fc.array(plainText, { maxLength: 4 }),
      sizes: fc.array(fc.maxSafeInteger(), { maxLength: 4 }),
      data: fc.dictionary(
        fc.string({ maxLength: 5, unit: "grapheme-ascii" }),
        fc.array(fc.option(plainText), { maxLength: 3 }),
        { maxKeys: 3, noNullPrototype: true },
      ),
    })
    const nullable = fc.record(Object.fromEntries(names.map((name) => [name, fc.boolean()]))) as fc.Arbitrary<
      Record<string, boolean>
    >
    const insert = `INSERT INTO kinds (${names.map(dialect.identifier).join(", ")}) ${dialect.rows(types, 1).insert} RETURNING ${names.map(dialect.identifier).join(", ")}`
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(row, nullable), { minLength: 1, maxLength: 12 }), async (drawn) => {
        const given = drawn.map(([values, empty]) =>
          names.map((name) => (empty[name] ? null : (values as never)[name])),
        )
        const encoded = given.map((values) =>
          values.map((value, at): SqlValue => (value === null ? null : dialect.codec(types[at]!).encode(value))),
        )
        const source = dialect.rows(types, given.length)
        const decode = (row: readonly unknown[]) =>
          row.map((raw, at) => (raw === null ? null : (dialect.codec(types[at]!).decode?.(raw) ?? raw)))
        const inserted = await opened.engine.all(query(insert, { decode } as never), source.bind(encoded.flat()))
        assert.deepEqual(inserted, given)
        const selected = await opened.engine.all(
          query(source.select(names), { decode } as never),
          source.bind(encoded.flat()),
        )
        assert.deepEqual(selected, given)
      }),
      { numRuns: 40 },
    )
  })

  it("takes ten thousand rows at once", async () => {
    await using opened = await open()
    const { dialect } = opened.engine
    await opened.engine.free("CREATE TABLE names (id bigint, name text)", [], true)
    const source = dialect.rows([integer().settings.type, text().settings.type], 10_000)
    const rows = Array.from({ length: 10_000 }, (_, index) => [String(index), `"name\\ ${index}`])
    assert.equal(await opened.engine.run(query(`INSERT INTO names ${source.insert}`), source.bind(rows.flat())), 10_000)
    assert.deepEqual(await opened.engine.first(query("SELECT count(DISTINCT name), max(name) FROM names"), []), [
      "10000",
      '"name\\ 9999',
    ])
  })

  it("folds every letter as the program does", async () => {
    await using opened = await open()
    const { dialect } = opened.engine
    const texts: string[] = []
    for (let point = 1; point <= 0x10ffff; point++) {
      const character = String.fromCodePoint(point)
      // Neither unassigned, nor for private use, nor half of a pair.
      if (!/[\p{Cn}\p{Co}\p{Cs}]/u.test(character)) texts.push(character)
    }
    texts.push("ΟΔΥΣΣΕΥΣ", "Σ", "ΑΣ ΑΣΑ", "İstanbul", "Straße", "ǅ")
    const sql = `SELECT v FROM unnest($1::text[]) WITH ORDINALITY AS r(v, at) JOIN unnest($2::text[]) WITH ORDINALITY AS f(w, at) USING (at)
      WHERE NOT (${dialect.contains("v", "w")})`
    const differing = await opened.engine.all(query(sql), [
      dialect.list(texts),
      dialect.list(texts.map(dialect.containsPattern)),
    ])
    const present = differing.filter(([value]) => !youngCapitals.test(value as string))
    assert.deepEqual(present, [])
  })

  it("finds parts of texts without regard to case", async () => {
    await using opened = await open()
    const { dialect } = opened.engine
    const contains = async (value: string, part: string) => {
      const found = await opened.engine.first(query(`SELECT ${dialect.contains("$1::text", "$2")}`), [
        value,
        dialect.containsPattern(part),
      ])
      return found?.[0] === "t"
    }
    assert.equal(await contains("Grüße aus KÖLN", "köln"), true)
    assert.equal(await contains("ΟΔΥΣΣΕΥΣ", "οδυσσεύς"), false)
    assert.equal(await contains("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"), true)
    assert.equal(await contains("İSTANBUL", "istanbul"), true)
    assert.equal(await contains("100%", "0_"), false)
  })

  it("matches patterns, lists and JSON", async () => {
    await using opened = await open()
    const { dialect, first } = { dialect: opened.engine.dialect, first: opened.engine.first.bind(opened.engine) }
    const like = async (value: string, pattern: string) =>
      (await first(query(`SELECT ${dialect.like("$1::text", "$2")}`), [value, dialect.likePattern(pattern)]))?.[0]
    assert.equal(await like("a%b", "a\\%b"), "t")
    assert.equal(await like("axb", "a\\%b"), "f")
    assert.equal(await like("Axb", "a%"), "f")
    const definition = (name: string) => ({ ...columns[name]!.settings, key: name, name }) as ColumnDefinition
    await opened.engine.free(`CREATE TABLE kinds (tags text[] COLLATE "C", sizes bigint[], data jsonb)`, [], true)
    await opened.engine.free(`INSERT INTO kinds VALUES ('{a,b}', '{1,2}', '{"a": {"b": 1}, "c": [1, 2]}')`, [], true)
    const has = async (name: string, parameter: string) => {
      const sql = `SELECT ${dialect.has("k", { indexes: [] } as never, definition(name), "$1")} FROM kinds k`
      return (await first(query(sql), [parameter]))?.[0]
    }
    assert.deepEqual(await Promise.all([has("tags", "a"), has("tags", "c"), has("sizes", "2"), has("sizes", "3")]), [
      "t",
      "f",
      "t",
      "f",
    ])
    assert.deepEqual(await Promise.all([has("data", '{"a":{}}'), has("data", '{"c":[2]}'), has("data", '{"c":[3]}')]), [
      "t",
      "t",
      "f",
    ])
    const sum = await first(
      query(`SELECT ${dialect.add("1.25::numeric(10, 2)", "$1", decimal(10, 2).settings.type)}`),
      ["2.50"],
    )
    assert.deepEqual(sum, ["3.75"])
    const among = query(`SELECT ${dialect.among("2::bigint", "$1", integer().settings.type)}`)
    assert.deepEqual(await first(among, [dialect.list(["1", "2"])]), ["t"])
    assert.deepEqual(await first(among, [dialect.list([])]), ["f"])
  })
})

/** Capitals that Unicode got with version 11 (2018) and later: a server whose tables are older leaves them as they are. */
const youngCapitals =
  /^(?:[\u1c89\u1c90-\u1cba\u1cbd-\u1cbf\u2c2f\ua7ae\ua7b8-\ua7dc]|[\u{16e40}-\u{16e5f}\u{10570}-\u{10595}\u{10d50}-\u{10d65}\u{16ea0}-\u{16eb8}])$/u

describe("the dialect without a server", () => {
  it("refuses a pattern that ends with a lone backslash", () => {
    assert.throws(() => postgresDialect.likePattern("a\\"), ValidationError)
    assert.throws(() => postgresDialect.likePattern("a\\\\\\"), ValidationError)
    assert.equal(postgresDialect.likePattern("a\\\\"), "a\\\\")
  })

  it("says where nulls stand only where it differs from the server's own order", () => {
    const nullable = { ...text().nullable().settings, key: "a", name: "a" }
    assert.equal(postgresDialect.order('"a"', nullable, "asc", undefined), '"a" ASC')
    assert.equal(postgresDialect.order('"a"', nullable, "desc", "first"), '"a" DESC')
    assert.equal(postgresDialect.order('"a"', nullable, "desc", "last"), '"a" DESC NULLS LAST')
    assert.equal(postgresDialect.order('"a"', nullable, "asc", "first"), '"a" ASC NULLS FIRST')
    assert.equal(postgresDialect.order('"a"', { ...nullable, nullable: false }, "asc", "first"), '"a" ASC')
  })
})
