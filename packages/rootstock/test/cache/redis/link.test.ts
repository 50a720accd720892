import assert from "node:assert/strict"
import { beforeEach, it } from "node:test"
import type { Fill, LeaseAsk } from "../../../src/cache/redis/index.ts"
import { describeValue } from "../../../src/cache/redis/index.ts"
import { requireRedisServer } from "../../redis/redis-server.ts"
import { openLink, ownRedis, until } from "./support.ts"

const ask: LeaseAsk = {
  key: "user:1",
  tags: ["tag:users"],
  epoch: 7,
  token: "me.1",
  leaseMs: 60_000,
  tagMs: 60_000,
  seize: false,
}
const fill: Fill = {
  key: "user:1",
  tags: ["tag:users"],
  epoch: 7,
  token: "me.1",
  renews: undefined,
  tagTokens: "me.1",
  lifeMs: 30_000,
  payload: '{"id":1}',
}

requireRedisServer("a fill in Redis", () => {
  const place = ownRedis()
  beforeEach(() => place.server.command("FLUSHALL"))
  const command = (...parts: string[]) => place.server.command(...parts)

  it("writes the entry in place of its token, with the time to live", async () => {
    await using opened = await openLink(place.server.url, { prefix: "shop:" })
    const { link } = opened
    assert.deepEqual(await link.lease(ask), { state: "mine", tags: "me.1" })
    assert.equal(await command("GET", "shop:user:1"), "L7:me.1")
    assert.equal(await link.fill(fill), true)
    const text = (await command("GET", "shop:user:1")) as string
    const described = describeValue(text)
    assert.ok(described.kind === "entry" && described.json === '{"id":1}' && described.lifeMs === 30_000)
    assert.ok(Math.abs(described.madeAt.getTime() - link.serverTime()) < 5_000)
    const left = (await link.timeToLive("user:1")) as number
    assert.ok(left > 29_000 && left <= 30_000, `${left}`)
    const tagLeft = (await command("PTTL", "shop:tag:users")) as number
    assert.ok(tagLeft > 60_000, "the tag outlives the entry")
  })

  const refusals: Record<string, () => Promise<unknown>> = {
    "after a flush": () => command("FLUSHALL"),
    "after its token was deleted": () => command("DEL", "user:1"),
    "after its tag was deleted": () => command("DEL", "tag:users"),
    "after its tag was deleted and made again": async () => {
      await command("DEL", "tag:users")
      await command("SET", "tag:users", "other.1")
    },
    "after a write seized the key": async () => {
      await using other = await openLink(place.server.url)
      assert.equal((await other.link.lease({ ...ask, token: "writer.1", seize: true })).state, "mine")
    },
    "after its token was taken by a later epoch": async () => {
      await using other = await openLink(place.server.url)
      assert.equal((await other.link.lease({ ...ask, epoch: 8, token: "later.1" })).state, "mine")
    },
  }
  for (const [when, harm] of Object.entries(refusals)) {
    it(`is refused ${when}`, async () => {
      await using opened = await openLink(place.server.url)
      await opened.link.lease(ask)
      await harm()
      const before = await command("GET", "user:1")
      assert.equal(await opened.link.fill(fill), false)
      const after = await command("GET", "user:1")
      assert.ok(after === before || after === null, `${after}`)
      assert.ok(!String(after).startsWith("V"))
    })
  }

  it("is refused after its lease has ended", async () => {
    await using opened = await openLink(place.server.url)
    await opened.link.lease({ ...ask, leaseMs: 10 })
    await until(async () => (await command("EXISTS", "user:1")) === 0, "the lease has ended")
    assert.equal(await opened.link.fill(fill), false)
  })

  it("may come later where its lease was prolonged by its holder", async () => {
    await using opened = await openLink(place.server.url)
    const { link } = opened
    await link.lease({ ...ask, leaseMs: 20_000 })
    assert.equal(await link.prolong("user:1", 7, "other.1", 90_000), false)
    assert.equal(await link.prolong("user:1", 6, "me.1", 90_000), false)
    assert.ok(((await command("PTTL", "user:1")) as number) <= 20_000)
    assert.equal(await link.prolong("user:1", 7, "me.1", 90_000), true)
    assert.ok(((await command("PTTL", "user:1")) as number) > 20_000)
    assert.equal(await link.fill(fill), true)
  })

  it("with nothing to write takes its token back, so that nobody waits for it", async () => {
    await using opened = await openLink(place.server.url)
    await opened.link.lease(ask)
    assert.equal(await opened.link.fill({ ...fill, lifeMs: 0 }), true)
    assert.equal(await command("EXISTS", "user:1"), 0)
  })

  it("renews an entry only while that same entry is there", async () => {
    await using opened = await openLink(place.server.url)
    const { link } = opened
    await link.lease(ask)
    await link.fill(fill)
    const renewal: Fill = { ...fill, token: "me.2", renews: "me.1", payload: '{"id":2}' }
    assert.equal(await link.fill({ ...renewal, renews: "me.0" }), false)
    assert.equal(await link.fill(renewal), true)
    assert.equal(await link.fill(renewal), false, "it is another entry by then")
    await command("DEL", "user:1")
    assert.equal(await link.fill({ ...renewal, renews: "me.2" }), false)
    await link.lease({ ...ask, token: "me.3" })
    assert.equal(await link.fill({ ...renewal, renews: "me.2" }), false, "a filler is at work")
  })

  it("is one filler's alone: a second lease is told that it is taken, or what was filled", async () => {
    await using one = await openLink(place.server.url)
    await using two = await openLink(place.server.url)
    await one.link.lease(ask)
    assert.deepEqual(await two.link.lease({ ...ask, token: "you.1" }), { state: "taken" })
    await one.link.fill(fill)
    const answer = await two.link.lease({ ...ask, token: "you.1" })
    assert.ok(answer.state === "entry" && answer.text.endsWith(':{"id":1}'))
    await command("DEL", "tag:users")
    assert.deepEqual(await two.link.lease({ ...ask, token: "you.2" }), { state: "mine", tags: "you.2" })
  })

  it("takes the place of anything that is not a good entry, of any type", async () => {
    await using opened = await openLink(place.server.url)
    for (const put of [
      ["SET", "user:1", "garbage"],
      ["SET", "user:1", "V6:me.0:1:1:me.1:old epoch"],
      ["RPUSH", "user:1", "a list"],
    ]) {
      await command("DEL", "user:1")
      await command(...put)
      assert.equal((await opened.link.lease(ask)).state, "mine", put.join(" "))
    }
    await command("DEL", "tag:users", "user:1")
    await command("RPUSH", "tag:users", "a list")
    assert.deepEqual(await opened.link.lease(ask), { state: "mine", tags: "me.1" })
    await command("SET", "tag:users", "a,b:c")
    await command("DEL", "user:1")
    assert.deepEqual(
      await opened.link.lease(ask),
      { state: "mine", tags: "me.1" },
      "a token that would break the header",
    )
  })

  it("keeps tags alive as long as entries may need them, and rarely touches them for it", async () => {
    await using opened = await openLink(place.server.url)
    await command("SET", "tag:users", "old.1", "PX", "1000")
    assert.deepEqual(await opened.link.lease(ask), { state: "mine", tags: "old.1" })
    const left = (await command("PTTL", "tag:users")) as number
    assert.ok(left > 100_000, `${left}`)
    await opened.link.getMany(["tag:users"])
    opened.changed.length = 0
    await opened.link.lease({ ...ask, key: "user:2" })
    await opened.link.ping()
    assert.ok(!opened.changed.includes("tag:users"), "a tag with time left is not written")
  })
})
