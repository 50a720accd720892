import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { checkClock } from "./checks/clocks.ts"
import { productFiles, read, report } from "./checks/sources.ts"

describe("the repository", () => {
  it("takes the time from the injected clock only", () => {
    assert.deepEqual(report(productFiles().flatMap((path) => checkClock(path, read(path)))), [])
  })
})

describe("checkClock", () => {
  const refused = [
    "const a = Date.now()",
    "const a = Date . now",
    "const a = new Date()",
    "const a = new Date",
    "const a = new Date ( )",
    "const a = Temporal.Now.instant()",
    'run("SELECT NOW()")',
    "run(`UPDATE t SET a = CURRENT_TIMESTAMP`)",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source under test has it
    "run(`INSERT INTO ${table} VALUES (now())`)",
    "run(\"SELECT strftime('%s', 'now')\")",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source under test has it
    "const a = `${Date.now()}`",
  ]
  for (const source of refused) {
    it(`refuses ${source}`, () => assert.equal(checkClock("app/src/a.ts", source).length, 1))
  }

  const accepted = [
    "const a = clock.now()",
    "const a = new Date(0)",
    "const a = new Date(clock.now().getTime() + 1)",
    "const a: Date = b",
    "// never Date.now() or new Date()",
    "/** as NOW() in SQL */",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source under test has it
    "const a = `at ${clock.now()} and ${now()}`",
    'throw new Error("use clock.now() here")',
    'const a = timestamp("createdAt").default(now)',
  ]
  for (const source of accepted) {
    it(`accepts ${source}`, () => assert.deepEqual(checkClock("app/src/a.ts", source), []))
  }

  it("reads SQL files, and leaves the clock itself alone", () => {
    assert.equal(checkClock("systems/shop/migrations/1.sql", "-- now()\nSELECT 1;\nSELECT now();").length, 1)
    assert.deepEqual(checkClock("packages/rootstock/src/clock/index.ts", "new Date()"), [])
  })
})
