import assert from "node:assert/strict"
import { it } from "node:test"
import fc from "fast-check"
import { actAs } from "rootstock/shared"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { scheduleKey } from "../services/calendar.ts"
import { tenant } from "../tenancy.ts"
import { makeOrganization, makeRole } from "./fixtures.ts"
import { openAssistants } from "./support.ts"

const event = fc.nat({ max: 3 })
const ahead = fc.integer({ min: 1, max: 600 })
const cron = fc.constantFrom("*/5 * * * *", "0 * * * *", "30 15 * * *", "15 2 * * 0")

type Call =
  | { call: "once"; minutes: number }
  | { call: "recur"; cron: string }
  | { call: "move"; event: number; minutes: number }
  | { call: "recurAt"; event: number; cron: string }
  | { call: "rename" | "stop" | "fire"; event: number }
  | { call: "repair" | "realign" }

const calls: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ call: fc.constant("once" as const), minutes: ahead }),
  fc.record({ call: fc.constant("recur" as const), cron }),
  fc.record({ call: fc.constant("move" as const), event, minutes: ahead }),
  fc.record({ call: fc.constant("recurAt" as const), event, cron }),
  fc.record({ call: fc.constantFrom("rename" as const, "stop" as const, "fire" as const, "fire" as const), event }),
  fc.record({ call: fc.constantFrom("repair" as const, "realign" as const) }),
)

/** Calls of four callers at the same moment, after so many minutes. */
const rounds = fc.array(
  fc.record({ minutes: fc.integer({ min: 0, max: 300 }), together: fc.array(calls, { minLength: 4, maxLength: 4 }) }),
  { minLength: 2, maxLength: 6 },
)

forEachEngine((engine) => {
  it("fires events once for a due time, and knows when they fire next (A4, A12)", async () => {
    await using app = await openAssistants(engine)
    const { services, stores, clock, schedules, database } = app
    const admin = await makeOrganization(app)
    const role = await makeRole(app, admin)
    const asAdmin = <T>(work: () => Promise<T>) =>
      actAs({ kind: "user", id: admin.id, orgId: admin.orgId } as never, () => tenant.run(admin.orgId, work))
    const { calendar } = services

    await fc.assert(
      fc.asyncProperty(rounds, async (sequence) => {
        const ids: string[] = []
        const fired = new Map<string, string[]>()
        const inMinutes = (minutes: number) => new Date(clock.now().getTime() + minutes * 60_000)
        const make = async (timing: object) => {
          const { id } = await calendar.create({ roleId: role.id, title: "x", ...timing })
          ids.push(id)
        }
        const carryOut = async (call: Call): Promise<unknown> => {
          if (call.call === "once") return make({ scheduledAt: inMinutes(call.minutes) })
          if (call.call === "recur") return make({ eventType: "recurring", cronExpression: call.cron })
          if (!("event" in call)) {
            if (call.call === "repair") return calendar.repair()
            return database.transaction(() => calendar.realign(admin.orgId))
          }
          const id = ids[call.event]
          if (id === undefined) return undefined
          if (call.call === "stop") return calendar.deactivate(id)
          if (call.call === "rename") return calendar.update(id, { title: "y" })
          const once = { eventType: "one_time", cronExpression: null } as const
          if (call.call === "move") return calendar.update(id, { ...once, scheduledAt: inMinutes(call.minutes) })
          if (call.call === "recurAt") {
            return calendar.update(id, { eventType: "recurring", scheduledAt: null, cronExpression: call.cron })
          }
          const due = await database.transaction(() => calendar.fire(id))
          if (due !== undefined) fired.set(id, [...(fired.get(id) ?? []), due.toISOString()])
          return due
        }
        for (const { minutes, together } of sequence) {
          clock.advance(minutes * 60_000)
          await asAdmin(() => Promise.all(together.map(carryOut)))
          for (const one of await asAdmin(() => stores.calendar.getMany(ids))) {
            const of = `${JSON.stringify(one)}`
            assert.equal(one.isActive, one.nextTriggerAt !== null, of)
            if (one.nextTriggerAt !== null && one.lastTriggeredAt !== null) {
              assert.ok(one.nextTriggerAt > one.lastTriggeredAt, of)
            }
            const times = fired.get(one.id) ?? []
            assert.equal(new Set(times).size, times.length, "once for a due time")
            assert.equal(one.triggerCount, times.length, of)
            const schedule = await schedules.get(scheduleKey(one.id))
            if (one.isActive) assert.notEqual(schedule, undefined, "an active event has a schedule")
          }
        }
        await asAdmin(async () => {
          for (const id of ids) await calendar.deactivate(id)
        })
      }),
      { numRuns: 8 },
    )
  })
})
