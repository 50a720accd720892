import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { unitsOf } from "../src/databases.ts"
import { bringUp } from "../src/migrations.ts"
import { systemsNamed } from "../src/systems.ts"
import { run, temporaryFolder } from "./program.ts"

forEachEngine((engine) => {
  test("rootstock inspect prints a database as declarations", async () => {
    await using place = await engine.temporaryDatabase()
    for (const unit of unitsOf(systemsNamed(["shop"]))) if (unit.name === "shop") await bringUp(unit, place.url)
    const printed = await run(`inspect ${place.url}`)
    assert.equal(printed.code, 0, printed.err)
    assert.match(printed.out, /^import \{.*\} from "rootstock\/schema"/)
    assert.match(printed.out, /export const orderItems = table\(\s*"order_items"/)
    assert.equal(`${JSON.parse((await run(`inspect ${place.url} --json`)).out).source.trimEnd()}\n`, printed.out)
  })
})

test("rootstock inspect says what is wrong with an address, and makes no file", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "none.db")
  const missing = await run(`inspect sqlite:${path}`)
  assert.equal(missing.code, 1)
  assert.match(missing.err, /There is no file/)
  assert.equal(existsSync(path), false)
  const unknown = await run("inspect mysql://root:s3cret@host/x")
  assert.equal(unknown.code, 2)
  assert.doesNotMatch(unknown.err, /s3cret/)
  assert.equal((await run("inspect")).code, 2)
})
