import assert from "node:assert/strict"
import { AsyncLocalStorage } from "node:async_hooks"
import { describe, it } from "node:test"
import { Turns } from "../../src/http/turns.ts"

describe("the requests of one turn", () => {
  it("begin in one callback, in the order in which they came", async () => {
    const turns = new Turns()
    const order: (number | string)[] = []
    const begin = (n: number) => () => {
      if (n === 1) process.nextTick(() => order.push("the callback is over"))
      order.push(n)
      return Promise.resolve(n)
    }
    const answers = [1, 2, 3].map((n) => turns.run(begin(n)))
    assert.deepEqual(order, [])
    assert.deepEqual(await Promise.all(answers), [1, 2, 3])
    assert.deepEqual(order, [1, 2, 3, "the callback is over"])
  })

  it("fail one by one, whether at once or later", async () => {
    const turns = new Turns()
    const [one, two, three] = await Promise.allSettled([
      turns.run(() => {
        throw new Error("at once")
      }),
      turns.run(() => Promise.reject(new Error("later"))),
      turns.run(() => 3),
    ])
    assert.match(String(one.status === "rejected" && one.reason), /at once/)
    assert.match(String(two.status === "rejected" && two.reason), /later/)
    assert.deepEqual(three, { status: "fulfilled", value: 3 })
  })

  it("keep each its own context, and begin anew what comes while others begin", async () => {
    const turns = new Turns()
    const names = new AsyncLocalStorage<string>()
    const named = (name: string) => names.run(name, () => turns.run(() => names.getStore()))
    const first = turns.run(() => named("inner"))
    assert.deepEqual(await Promise.all([named("a"), first, named("b"), turns.run(() => names.getStore())]), [
      "a",
      "inner",
      "b",
      undefined,
    ])
  })
})
