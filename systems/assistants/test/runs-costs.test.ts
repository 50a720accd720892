import assert from "node:assert/strict"
import { it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { monthOf } from "../ai/budget.ts"
import { tenant } from "../tenancy.ts"
import { makeOrganization, makeRole } from "./fixtures.ts"
import { planOf } from "./plans.ts"
import { openAssistants } from "./support.ts"

forEachEngine((engine) => {
  it("finds the runs of a month, and those that are running, by their indexes", async () => {
    await using place = await openAssistants(engine, { cachePlace: "off" })
    const { database, stores, clock } = place
    const admin = await makeOrganization(place)
    const { id: roleId } = await makeRole(place, admin)
    const { orgId } = admin
    const dayMs = 86_400_000
    await tenant.run(orgId, async () => {
      const made = Array.from({ length: 3_000 }, (_, number) => ({
        roleId,
        trigger: "test" as const,
        state: "done" as const,
        model: "m",
        agentType: "simple" as const,
        promptTokens: 1,
        createdAt: new Date(clock.now().getTime() - number * dayMs),
      }))
      await stores.runs.createMany(made)
      await database.fetch`ANALYZE`
      const { start, end } = monthOf(clock.now(), "Europe/Moscow")
      assert.equal(await stores.runs.tokensThisMonth(orgId, { start, end }), 11)
      const [org, from, to] = [orgId, start.toISOString(), end.toISOString()].map((text) => `'${text}'`) as [
        string,
        string,
        string,
      ]
      const tokens = await planOf(database, () => stores.runs.tokensThisMonth(orgId, { start, end }), [
        org,
        from,
        to,
        org,
      ])
      assert.match(tokens, /ai_runs_org/)
      const running = await planOf(database, () => stores.runs.countRunning(orgId), [org, org])
      assert.match(running, /ai_runs_open/)
    })
  })
})
