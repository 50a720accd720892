import assert from "node:assert/strict"
import { it } from "node:test"
import fc from "fast-check"
import type { Fill, LeaseAsk, Link } from "../../../src/cache/redis/index.ts"
import { requireRedisServer } from "../../redis/redis-server.ts"
import { RedisModel } from "../simulation/redis-model.ts"
import { openLink, ownRedis } from "./support.ts"

const key = fc.constantFrom("thing:1", "thing:2")
const tags = fc.constantFrom([], ["tag:a"], ["tag:a", "tag:b"])
const epoch = fc.constantFrom(6, 7)
const token = fc.constantFrom("p.1", "p.2", "q.1", "q.2")
const tagTokens = fc.constantFrom("", "p.1", "p.2", "q.1", "p.1,p.1", "p.1,q.1", "p.2,q.2")

type Step =
  | { readonly call: "lease"; readonly ask: LeaseAsk }
  | { readonly call: "fill"; readonly fill: Fill }
  | { readonly call: "prolong" | "reserve"; readonly key: string; readonly epoch: number; readonly token: string }
  | { readonly call: "remove"; readonly keys: readonly string[] }
  | { readonly call: "discard" | "put"; readonly key: string; readonly text: string }

const lease = fc
  .record({ key, tags, epoch, token, seize: fc.boolean() })
  .map((ask): Step => ({ call: "lease", ask: { ...ask, leaseMs: 60_000, tagMs: 60_000 } }))
/** A fill as a filler makes it, which knows what its lease answered, and any other. */
const fill = fc
  .record({
    key,
    tags,
    epoch,
    token,
    renews: fc.option(token, { nil: undefined }),
    tagTokens,
    lifeMs: fc.constantFrom(0, 60_000),
    payload: fc.constantFrom("", "{}", '"a:b"', "[1,2]"),
  })
  .map((fill): Step => ({ call: "fill", fill }))
const text = fc.constantFrom("L7:p.1", "garbage", "V7:p.1:1:1::", "p.1", "a b:c")
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: lease },
  { weight: 4, arbitrary: fill },
  fc.record({ call: fc.constantFrom("prolong" as const, "reserve" as const), key, epoch, token }),
  fc.record({ call: fc.constant("remove" as const), keys: fc.subarray(["thing:1", "thing:2", "tag:a", "tag:b"]) }),
  fc.record({
    call: fc.constantFrom("discard" as const, "put" as const),
    key: fc.constantFrom("thing:1", "thing:2", "tag:a"),
    text,
  }),
)

/** The time at which an entry was written differs between the two. */
const timeless = (value: string | null): string | null => value?.replace(/^(V\d+:[\w.]+:)\d+:/, "$1#:") ?? null

requireRedisServer("the model of Redis that the simulation uses", () => {
  const place = ownRedis()

  it("answers as the scripts on a real server do", async () => {
    await using opened = await openLink(place.server.url, { deadlineMs: 5_000 })
    const { link } = opened
    const refused = { lease: 0, fill: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        await place.server.command("FLUSHALL")
        const model = new RedisModel(() => 1)
        for (const one of steps) {
          const real = await onLink(link, one)
          assert.deepEqual(real, onModel(model, one), JSON.stringify(one))
          if (one.call === "fill" && real === false) refused.fill++
          if (one.call === "lease" && (real as { state: string }).state !== "mine") refused.lease++
          const keys = ["thing:1", "thing:2", "tag:a", "tag:b"]
          assert.deepEqual(
            (await link.getMany(keys)).map(timeless),
            keys.map((name) => timeless(model.get(name))),
          )
        }
      }),
      { numRuns: 150 },
    )
    assert.ok(refused.fill > 20 && refused.lease > 20, JSON.stringify(refused))
  })

  async function onLink(link: Link, one: Step): Promise<unknown> {
    switch (one.call) {
      case "lease": {
        const answer = await link.lease(one.ask)
        return answer.state === "entry" ? { ...answer, text: timeless(answer.text) } : answer
      }
      case "fill":
        return link.fill(one.fill)
      case "prolong":
        return link.prolong(one.key, one.epoch, one.token, 60_000)
      case "reserve":
        return link.reserve(one.key, one.token, 60_000)
      case "remove":
        return link.remove(one.keys)
      case "discard":
        return link.discard(one.key, one.text)
      case "put":
        await place.server.command("SET", one.key, one.text, "PX", "60000")
        return undefined
    }
  }

  function onModel(model: RedisModel, one: Step): unknown {
    switch (one.call) {
      case "lease": {
        const answer = model.lease(one.ask)
        return answer.state === "entry" ? { ...answer, text: timeless(answer.text) } : answer
      }
      case "fill":
        return model.fill(one.fill)
      case "prolong":
        return model.prolong(one.key, one.epoch, one.token, 60_000)
      case "reserve":
        return model.reserve(one.key, one.token, 60_000)
      case "remove":
        for (const name of one.keys) model.delete(name)
        return undefined
      case "discard":
        model.discard(one.key, one.text)
        return undefined
      case "put":
        model.put(one.key, one.text, 60_000)
        return undefined
    }
  }
})
