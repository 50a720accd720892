import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { openScheduler } from "rootstock/schedule"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { scheduleKey } from "../services/calendar.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, expectProblem, makeOrganization, makePerson, makeRole, type Person, signIn } from "./fixtures.ts"
import { planOf } from "./plans.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

const minutes = (count: number) => count * 60_000

forEachEngine((engine) => {
  let app: TestAssistants
  let admin: Person
  let role: { id: string }
  before(async () => {
    app = await openAssistants(engine)
    admin = await makeOrganization(app)
    role = await makeRole(app, admin)
  })
  after(() => app[Symbol.asyncDispose]())

  const make = (more: object, person = admin) =>
    expectAnswer(
      app,
      201,
      "POST",
      "/calendar",
      { role_id: role.id, title: "Call the printers", ...more },
      { as: person.token },
    )
  const read = (id: string) => expectAnswer(app, 200, "GET", `/calendar/${id}`, undefined, { as: admin.token })
  /** Lets time go by, beyond the life of access tokens. */
  const pass = async (ms: number) => {
    app.clock.advance(ms)
    admin = await signIn(app, admin.email)
  }
  const inMinutes = (count: number) => new Date(app.clock.now().getTime() + minutes(count)).toISOString()

  it("keeps when an event fires next, with a schedule of its own", async () => {
    const event = await make({ scheduled_at: inMinutes(30) })
    assert.deepEqual(
      [event.event_type, event.next_trigger_at, event.is_active, event.created_by_user_id],
      ["one_time", inMinutes(30), true, admin.id],
    )
    assert.equal((await app.schedules.get(scheduleKey(event.id)))?.nextAt?.toISOString(), event.next_trigger_at)
    const weekly = await make({ event_type: "recurring", cron_expression: "0 10 * * 1" })
    // Ten in Moscow.
    assert.equal(weekly.next_trigger_at, "2026-03-16T07:00:00.000Z")
    const moved = await expectAnswer(
      app,
      200,
      "PATCH",
      `/calendar/${weekly.id}`,
      { cron_expression: "0 9 * * 1" },
      { as: admin.token },
    )
    assert.equal(moved.next_trigger_at, "2026-03-16T06:00:00.000Z")
    await expectAnswer(app, 204, "DELETE", `/calendar/${event.id}`, undefined, { as: admin.token })
    const gone = await read(event.id)
    assert.deepEqual([gone.is_active, gone.next_trigger_at], [false, null])
    assert.equal(await app.schedules.get(scheduleKey(event.id)), undefined)
    const again = await expectAnswer(
      app,
      200,
      "PATCH",
      `/calendar/${event.id}`,
      { scheduled_at: inMinutes(60) },
      { as: admin.token },
    )
    assert.deepEqual([again.is_active, again.next_trigger_at], [true, inMinutes(60)])
    assert.notEqual(await app.schedules.get(scheduleKey(event.id)), undefined)
    await expectAnswer(app, 204, "DELETE", `/calendar/${event.id}`, undefined, { as: admin.token })
    await expectAnswer(app, 204, "DELETE", `/calendar/${weekly.id}`, undefined, { as: admin.token })
  })

  const unfit: [name: string, path: string, body: () => object][] = [
    ["a time that has passed", "body/scheduled_at", () => ({ scheduled_at: inMinutes(-1) })],
    ["no time", "body/scheduled_at", () => ({})],
    ["no cron expression", "body/cron_expression", () => ({ event_type: "recurring" })],
    [
      "a cron expression that is none",
      "body/cron_expression",
      () => ({ event_type: "recurring", cron_expression: "every day" }),
    ],
    [
      "one that fires too often",
      "body/cron_expression",
      () => ({ event_type: "recurring", cron_expression: "*/4 * * * *" }),
    ],
    [
      "one that never fires",
      "body/cron_expression",
      () => ({ event_type: "recurring", cron_expression: "0 0 30 2 *" }),
    ],
    [
      "people of nobody",
      "body/metadata/notify_user_ids/0",
      () => ({ scheduled_at: inMinutes(5), metadata: { notify_user_ids: [role.id] } }),
    ],
  ]
  for (const [name, path, body] of unfit) {
    it(`refuses ${name}`, async () => {
      const problem = await expectProblem(
        app,
        422,
        "VALIDATION_FAILED",
        "POST",
        "/calendar",
        { role_id: role.id, title: "x", ...body() },
        { as: admin.token },
      )
      assert.deepEqual(
        problem.errors.map((one: { path: string }) => one.path),
        [path],
      )
    })
  }

  it("lets those change an event who made it, and administrators", async () => {
    const maker = await makePerson(app, admin)
    const other = await makePerson(app, admin)
    const stranger = await makeOrganization(app)
    const event = await make({ scheduled_at: inMinutes(30) }, maker)
    const path = `/calendar/${event.id}`
    await expectProblem(app, 403, "FORBIDDEN", "PATCH", path, { title: "y" }, { as: other.token })
    await expectProblem(app, 403, "FORBIDDEN", "DELETE", path, undefined, { as: other.token })
    for (const method of ["GET", "PATCH", "DELETE"] as const) {
      const body = method === "PATCH" ? { title: "y" } : undefined
      await expectProblem(app, 404, "NOT_FOUND", method, path, body, { as: stranger.token })
    }
    const body = { role_id: role.id, title: "x", scheduled_at: inMinutes(5) }
    await expectProblem(app, 404, "NOT_FOUND", "POST", "/calendar", body, { as: stranger.token })
    await expectAnswer(app, 200, "PATCH", path, { title: "y" }, { as: maker.token })
    await expectAnswer(app, 204, "DELETE", path, undefined, { as: admin.token })
  })

  it("fires once for a due time, with three schedulers and two tries, and once for all that went by", async () => {
    const once = await make({ scheduled_at: inMinutes(10) })
    const daily = await make({ event_type: "recurring", cron_expression: "30 15 * * *" })
    await pass(3 * 86_400_000)
    const schedulers = [0, 1, 2].map(() => openScheduler(app.schedules, { declared: [], log: app.context.log }))
    await Promise.all(schedulers.map((one) => one.fireDue()))
    await app.work()
    await Promise.all([once, daily].map(({ id }) => app.database.transaction(() => app.services.calendar.fire(id))))
    const [one, many] = [await read(once.id), await read(daily.id)]
    assert.deepEqual([one.trigger_count, one.is_active, one.next_trigger_at], [1, false, null])
    assert.equal(many.trigger_count, 1)
    assert.ok(many.next_trigger_at > many.last_triggered_at, "it goes on in step")
    assert.equal(new Date(many.next_trigger_at).toISOString().slice(11), "12:30:00.000Z")
    await expectAnswer(app, 204, "DELETE", `/calendar/${daily.id}`, undefined, { as: admin.token })
  })

  it("stays due where what follows from a fire cannot be stored", async () => {
    const event = await make({ scheduled_at: inMinutes(10) })
    await pass(minutes(11))
    const announced = () => app.jobs.store.jobs.count({ kind: "calendar.announce" })
    const before = await announced()
    const broken = new Error("no room")
    await assert.rejects(
      app.database.transaction(async () => {
        await app.services.calendar.fire(event.id)
        throw broken
      }),
      broken,
    )
    assert.deepEqual([(await read(event.id)).trigger_count, await announced()], [0, before])
    assert.notEqual(await app.database.transaction(() => app.services.calendar.fire(event.id)), undefined)
    assert.deepEqual([(await read(event.id)).trigger_count, await announced()], [1, before + 1])
    await app.schedules.remove(scheduleKey(event.id))
  })

  it("is mended where it is due without a live schedule", async () => {
    const event = await make({ event_type: "recurring", cron_expression: "0 * * * *" })
    await app.schedules.remove(scheduleKey(event.id))
    await pass(minutes(61))
    assert.equal(await app.services.calendar.repair(), 1)
    assert.equal(await app.services.calendar.repair(), 0)
    await app.work()
    const mended = await read(event.id)
    assert.equal(mended.trigger_count, 1)
    assert.equal((await app.schedules.get(scheduleKey(event.id)))?.nextAt?.toISOString(), mended.next_trigger_at)
    await expectAnswer(app, 204, "DELETE", `/calendar/${event.id}`, undefined, { as: admin.token })
  })

  it("moves with the zone of its organization, and with that zone's clock", async () => {
    const chief = await makeOrganization(app, { time_zone: "America/New_York" })
    const own = await makeRole(app, chief)
    const body = { role_id: own.id, title: "Lunch", event_type: "recurring", cron_expression: "0 12 * * *" }
    const event = await expectAnswer(app, 201, "POST", "/calendar", body, { as: chief.token })
    assert.equal(event.next_trigger_at.slice(11), "16:00:00.000Z")
    await expectAnswer(
      app,
      200,
      "PATCH",
      `/organizations/${chief.orgId}`,
      { time_zone: "Asia/Tokyo" },
      { as: chief.token },
    )
    const moved = await expectAnswer(app, 200, "GET", `/calendar/${event.id}`, undefined, { as: chief.token })
    assert.equal(moved.next_trigger_at.slice(11), "03:00:00.000Z")
    const schedule = await app.schedules.get(scheduleKey(event.id))
    assert.deepEqual([schedule?.timeZone, schedule?.nextAt?.toISOString()], ["Asia/Tokyo", moved.next_trigger_at])
  })

  it("finds what is due by an index", async () => {
    const { database, stores, clock } = app
    await tenant.run(admin.orgId, () =>
      stores.calendar.createMany(
        Array.from({ length: 3_000 }, (_, at) => ({ roleId: role.id, title: `${at}`, isActive: false })),
        { returning: false },
      ),
    )
    await database.execute`ANALYZE`
    const look = () => tenant.unbounded(() => stores.calendar.getDueEvents(clock.now()))
    const plan = await planOf(database, look, [`'${clock.now().toISOString()}'`, "1000"])
    assert.match(plan, /idx_calendar_events_due/)
    assert.doesNotMatch(plan, /(seq )?scan (on )?calendar_events(?! using)/i)
  })
})
