import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { type Child, reading, startChild, testFile } from "./support.ts"

async function linesOf(child: Child): Promise<string[]> {
  const lines: string[] = []
  for (let line = await child.line(); line !== undefined; line = await child.line()) lines.push(line)
  return lines
}

describe("processes that share a file", () => {
  it("lose nothing when they write at once", async () => {
    await using file = await testFile()
    const children = ["a", "b"].map((prefix) => startChild("write.ts", [file.url, prefix, "150", "4"]))
    const lines = await Promise.all(children.map(linesOf))
    for (const child of children) assert.equal(await child.ended, 0)
    const expected = ["a", "b"].flatMap((prefix) => Array.from({ length: 150 }, (_, index) => `${prefix}${index}`))
    assert.deepEqual(
      lines
        .flat()
        .filter((line) => line !== "ready")
        .sort(),
      expected.toSorted(),
    )
    assert.deepEqual((await file.names()).sort(), expected.toSorted())
  })

  it("keep every write that was acknowledged before one of them was killed", async () => {
    await using file = await testFile()
    const acknowledged: string[] = []
    for (let round = 0; round < 6; round++) {
      const child = startChild("write.ts", [file.url, `round ${round} row `, "100000", "8"])
      // Killed in the midst of its work: after a number of lines that differs from round to round.
      const wanted = 1 + Math.floor(Math.random() * 300)
      for (let line = await child.line(); line !== undefined; line = await child.line()) {
        if (line.startsWith("round")) acknowledged.push(line)
        if (acknowledged.length >= (round + 1) * wanted) break
      }
      const killed = child.kill()
      // What it wrote to the pipe before it died was acknowledged too; only the last line may be cut.
      const rest = await linesOf(child)
      await killed
      acknowledged.push(...rest.slice(0, -1))
    }
    assert.ok(acknowledged.length > 6)
    const stored = new Set(await file.names())
    assert.deepEqual(
      acknowledged.filter((name) => !stored.has(name)),
      [],
    )
    assert.deepEqual(await file.engine.first(reading("PRAGMA integrity_check"), []), ["ok"])
  })
})
