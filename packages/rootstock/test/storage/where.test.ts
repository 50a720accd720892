import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Storage, type Where } from "../../src/index.ts"
import { forEachDatabase, refuses } from "./support.ts"
import { people, tables } from "./tables.ts"

const words = [
  "STRASSE",
  "Straße",
  "strasse",
  "ΟΔΟΣ",
  "οδός",
  "Οδοσ",
  "İstanbul",
  "istanbul",
  "ISTANBUL",
  "Ёлка",
  "ёЛКА",
  "日本",
  "😀 smile",
  "50% off",
  "50_off",
  "a*b?c[d]e^f",
  "back\\slash",
  "",
  "Ünïcode",
]

/** Letters that came after Unicode 15: older servers do not know them. */
const younger = [
  [0x1c89, 0x1c8a],
  [0xa7cb, 0xa7dc],
  [0x10d50, 0x10d85],
  [0x16ea0, 0x16ed3],
] as const

describe("conditions", () => {
  forEachDatabase(tables, (place) => {
    const open = () => place.db.storage(Storage(people))
    const names = async (where: Where<typeof people>): Promise<string[]> =>
      (await open().list({ where })).map(({ name }) => name)
    const fill = (rows: Parameters<ReturnType<typeof open>["createMany"]>[0]) => open().createMany(rows)

    it("takes equality, lists and null", async () => {
      await fill([{ name: "a", email: "a@x" }, { name: "b" }, { name: "c", email: "c@x" }])
      assert.deepEqual(await names({}), ["a", "b", "c"])
      assert.deepEqual(await names({ name: "b" }), ["b"])
      assert.deepEqual(await names({ name: ["c", "a", "c", "z"] }), ["a", "c"])
      assert.deepEqual(await names({ name: [] }), [])
      assert.deepEqual(await names({ email: null }), ["b"])
      assert.deepEqual(await names({ email: { eq: null } }), ["b"])
      assert.deepEqual(await names({ email: { not: null } }), ["a", "c"])
      assert.deepEqual(await names({ name: "a", email: null }), [])
    })

    it("counts a null as different from every value", async () => {
      await fill([{ name: "a", email: "a@x" }, { name: "b" }])
      assert.deepEqual(await names({ email: { not: "a@x" } }), ["b"])
      assert.deepEqual(await names({ email: { not: ["a@x", "c@x"] } }), ["b"])
      assert.deepEqual(await names({ email: { not: [] } }), ["a", "b"])
      assert.deepEqual(await names({ email: { gt: "" } }), ["a"])
      assert.deepEqual(await names({ email: { in: ["a@x"] } }), ["a"])
      assert.deepEqual(await names({ email: "b@x" }), [])
    })

    it("joins conditions with and, or, and several operators", async () => {
      await fill(Array.from({ length: 10 }, (_, level) => ({ name: `n${level}`, level, isActive: level % 2 === 0 })))
      assert.deepEqual(await names({ level: { gte: 2, lt: 5, not: 3 } }), ["n2", "n4"])
      assert.deepEqual(await names({ or: [{ level: 1 }, { level: { gt: 8 } }], isActive: false }), ["n1", "n9"])
      assert.deepEqual(
        await names({ and: [{ level: { gt: 1 } }, { or: [{ level: { lt: 3 } }, { level: { between: [7, 8] } }] }] }),
        ["n2", "n7", "n8"],
      )
      assert.deepEqual(await names({ or: [{ and: [{ level: 1 }, { isActive: true }] }, {}] }), await names({}))
      assert.deepEqual(await names({ level: { between: [5, 4] } }), [])
      assert.deepEqual(await names({ isActive: true, level: { in: [0, 1, 2] } }), ["n0", "n2"])
    })

    it("compares text by code point", async () => {
      await fill(["b", "B", "a", "é", "z", "Z", "я", "\ufffd", "😀"].map((name) => ({ name })))
      assert.deepEqual(await names({ name: { gt: "Z", lte: "é" } }), ["b", "a", "é", "z"])
      const ordered = (await open().list({ orderBy: { name: "asc" } })).map(({ name }) => name)
      assert.deepEqual(ordered, ["B", "Z", "a", "b", "z", "é", "я", "\ufffd", "😀"])
    })

    it("finds patterns by case, a code point for each _", async () => {
      await fill(words.map((name) => ({ name })))
      const like = (pattern: string) => names({ name: { like: pattern } })
      assert.deepEqual(await like("%"), words)
      assert.deepEqual(await like(""), [""])
      assert.deepEqual(await like("stra%"), ["strasse"])
      assert.deepEqual(await like("_tra%e"), ["Straße", "strasse"])
      assert.deepEqual(await like("__"), ["日本"])
      assert.deepEqual(await like("_ smile"), ["😀 smile"])
      assert.deepEqual(await like("50_off"), ["50_off"])
      assert.deepEqual(await like("50_%off"), ["50% off", "50_off"])
      assert.deepEqual(await like("50\\% off"), ["50% off"])
      assert.deepEqual(await like("50\\_off"), ["50_off"])
      assert.deepEqual(await like("a*b?c[d]e^f"), ["a*b?c[d]e^f"])
      assert.deepEqual(await like("a\\*b%"), ["a*b?c[d]e^f"])
      assert.deepEqual(await like("*"), [])
      assert.deepEqual(await like("back\\\\slash"), ["back\\slash"])
      assert.deepEqual(await like("%ё%"), ["ёЛКА"])
      await refuses(like("x\\"), { code: "VALIDATION", message: /backslash/ })
    })

    it("finds text within text without regard to case", async () => {
      await fill(words.map((name) => ({ name })))
      const contains = (part: string) => names({ name: { contains: part } })
      assert.deepEqual(await contains("TRASS"), ["STRASSE", "strasse"])
      assert.deepEqual(await contains("AßE"), ["Straße"])
      assert.deepEqual(await contains("ΔΟΣ"), ["ΟΔΟΣ", "Οδοσ"])
      assert.deepEqual(await contains("δος"), ["ΟΔΟΣ", "Οδοσ"])
      assert.deepEqual(await contains("ΙΣ"), [])
      assert.deepEqual(await contains("istan"), ["İstanbul", "istanbul", "ISTANBUL"])
      assert.deepEqual(await contains("İSTAN"), ["İstanbul", "istanbul", "ISTANBUL"])
      assert.deepEqual(await contains("ЁЛка"), ["Ёлка", "ёЛКА"])
      assert.deepEqual(await contains("本"), ["日本"])
      assert.deepEqual(await contains("😀 SM"), ["😀 smile"])
      assert.deepEqual(await contains("%"), ["50% off"])
      assert.deepEqual(await contains("_"), ["50_off"])
      assert.deepEqual(await contains("[D]"), ["a*b?c[d]e^f"])
      assert.deepEqual(await contains("\\"), ["back\\slash"])
      assert.deepEqual(await contains("ÜNÏ"), ["Ünïcode"])
      assert.deepEqual(await contains(""), words)
    })

    it("folds every letter of Unicode alike", async () => {
      const letters: string[] = []
      for (let point = 0x80; point < 0x1e944; point++) {
        if (point >= 0xd800 && point < 0xe000) continue
        if (younger.some(([first, last]) => point >= first && point <= last)) continue
        const letter = String.fromCodePoint(point)
        if (letter.toLowerCase() !== letter) letters.push(letter)
      }
      const rows = await fill(letters.map((name) => ({ name })))
      assert.equal(rows.length, letters.length)
      const missed: string[] = []
      for (const { name } of rows) {
        const found = await names({ name: { contains: name.toLowerCase() } })
        if (!found.includes(name)) missed.push(name.codePointAt(0)!.toString(16))
      }
      assert.deepEqual(missed, [])
    })

    it("looks into lists and JSON", async () => {
      await fill([
        { name: "a", tags: ["x", 'y"z', ""], facts: { a: 1, list: [1, 2, { deep: true }] } },
        { name: "b", tags: ["NULL", "\\"], facts: [1, "two", null] },
        { name: "c", tags: [], facts: "text" },
        { name: "d" },
      ])
      assert.deepEqual(await names({ tags: { has: 'y"z' } }), ["a"])
      assert.deepEqual(await names({ tags: { has: "" } }), ["a"])
      assert.deepEqual(await names({ tags: { has: "NULL" } }), ["b"])
      assert.deepEqual(await names({ tags: { has: "\\" } }), ["b"])
      assert.deepEqual(await names({ tags: { has: "X" } }), [])
      assert.deepEqual(await names({ tags: { eq: ["NULL", "\\"] } }), ["b"])
      assert.deepEqual(await names({ facts: { has: { a: 1 } } }), ["a"])
      assert.deepEqual(await names({ facts: { has: { list: [{ deep: true }] } } }), ["a"])
      assert.deepEqual(await names({ facts: { has: { list: { deep: true } } } }), [])
      assert.deepEqual(await names({ facts: { has: {} } }), ["a"])
      assert.deepEqual(await names({ facts: { has: [] } }), ["b"])
      assert.deepEqual(await names({ facts: { has: "two" } }), ["b"])
      assert.deepEqual(await names({ facts: { has: "text" } }), ["c"])
      assert.deepEqual(await names({ facts: { eq: [1, "two", null] } }), ["b"])
      assert.deepEqual(await names({ facts: { not: null } }), ["a", "b", "c"])
      assert.deepEqual(await names({ facts: null }), ["d"])
    })

    it("refuses what does not fit the columns", async () => {
      const store = open()
      const list = (where: unknown) => store.list({ where: where as never })
      const rejected = (where: unknown, message: RegExp) => refuses(list(where), { code: "VALIDATION", message })
      await rejected({ nope: 1 }, /people has no column "nope"/)
      await rejected({ or: [{ nope: null }] }, /people has no column "nope"/)
      await rejected({ name: { nope: 1 } }, /unknown operator "nope"/)
      await rejected({ name: { toString: 1 } }, /unknown operator "toString"/)
      await rejected({ name: 1 }, /people\.name must be a string, not 1/)
      await rejected({ name: undefined }, /people\.name is undefined/)
      await rejected({ name: ["a", 1] }, /must be a string/)
      await rejected({ name: { in: "a" } }, /name\.in needs a list/)
      await rejected({ name: { in: null } }, /name\.in needs a value, not null/)
      await rejected({ level: { like: "1%" } }, /needs a text column/)
      await rejected({ level: { contains: "1" } }, /needs a text column/)
      await rejected({ name: { like: 1 } }, /needs a string/)
      await rejected({ name: { has: "a" } }, /needs a list\(\) or json\(\) column/)
      await rejected({ level: { between: [1] } }, /between needs two values/)
      await rejected({ level: { between: 1 } }, /between needs two values/)
      await rejected({ level: { gt: null } }, /needs a value, not null/)
      await rejected({ tags: ["a"] }, /column of single values/)
      await rejected({ isActive: { gt: false } }, /values have an order/)
      await rejected({ or: [] }, /at least one/)
      await rejected({ or: { name: "a" } }, /must be a list/)
      await rejected({ and: [1] }, /must be a list of conditions/)
      await refuses(store.list({ where: { role: "boss" as never } }), {
        code: "CHECK",
        message: /must be one of admin, member/,
      })
      await refuses(store.list({ orderBy: { nope: "asc" } as never }), {
        code: "VALIDATION",
        message: /no column "nope"/,
      })
      await refuses(store.list({ orderBy: { name: "up" as never } }), {
        code: "VALIDATION",
        message: /order by people\.name/,
      })
      await refuses(store.list({ limit: -1 }), { code: "VALIDATION", message: /limit is -1/ })
      await refuses(store.list({ limit: 1.5 }), { code: "VALIDATION", message: /limit is 1.5/ })
      await refuses(store.list({ offset: Number.NaN }), { code: "VALIDATION", message: /offset is NaN/ })
      await refuses(store.list({ with: { nope: true } as never }), {
        code: "VALIDATION",
        message: /has no relation "nope"/,
        cure: /It has: /,
      })
      await refuses(store.create({ name: "a", nope: 1 } as never), {
        code: "VALIDATION",
        message: /no column "nope"/,
        cure: /Use one of: id, name/,
      })
      await refuses(store.update(1, { nope: 1 } as never), { code: "VALIDATION", message: /no column "nope"/ })
      await refuses(store.get("1" as never), { code: "VALIDATION", message: /people\.id must be a number/ })
    })

    it("refuses patterns that an engine could not read", async () => {
      await fill([{ name: "a".repeat(10) }])
      const refused = (operator: string, value: string) =>
        refuses(open().list({ where: { name: { [operator]: value } } }), { code: "VALIDATION" })
      for (const operator of ["like", "contains", "eq", "gt"]) {
        await refused(operator, "\0")
        await refused(operator, "\ud800")
      }
      await refused("like", "%".repeat(10_001))
      assert.equal((await names({ name: { like: `${"a*".repeat(4_999)}%` } })).length, 0)
      assert.equal((await names({ name: { like: "*".repeat(10_000) } })).length, 0)
    })

    it("takes thousands of conditions and values at once", async () => {
      await fill(Array.from({ length: 50 }, (_, level) => ({ name: `n${level}`, level })))
      const branches = Array.from({ length: 3_000 }, (_, index) => ({ level: index }))
      assert.equal(await open().count({ or: branches }), 50)
      assert.equal(await open().count({ and: branches.map(({ level }) => ({ level: { not: level + 25 } })) }), 25)
      const values = Array.from({ length: 40_000 }, (_, index) => `n${index}`)
      assert.equal(await open().count({ name: values }), 50)
      assert.equal(await open().count({ name: { not: values } }), 0)
    })

    it("does not take a key for a part of another condition", async () => {
      await fill([{ name: "a", level: 1 }])
      assert.deepEqual(await names({ level: 1, name: "a" }), ["a"])
      await refuses(open().list({ where: { "level;name": 1 } as never }), { code: "VALIDATION", message: /no column/ })
      await refuses(open().list({ where: { "level null;name": "a" } as never }), {
        code: "VALIDATION",
        message: /no column/,
      })
    })

    it("keeps a plan for each shape, and binds what each call gives", async () => {
      await fill([
        { name: "a", level: 1 },
        { name: "b", level: 2 },
        { name: "c", level: 3 },
      ])
      for (const level of [1, 2, 3, 2]) {
        assert.deepEqual(await names({ level }), [["a", "b", "c"][level - 1]])
        assert.deepEqual(await names({ level: [level, 3] }), level === 3 ? ["c"] : [["a", "b"][level - 1], "c"])
      }
      assert.deepEqual(
        (await open().list({ where: { level: { gt: 1 } }, limit: 1, offset: 1 })).map(({ name }) => name),
        ["c"],
      )
      assert.deepEqual(
        (await open().list({ where: { level: { gt: 1 } }, offset: 1 })).map(({ name }) => name),
        ["c"],
      )
      assert.deepEqual(
        (await open().list({ where: { level: { gt: 1 } }, limit: 0 })).map(({ name }) => name),
        [],
      )
    })
  })
})
