import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { createLogger } from "../../../src/log/index.ts"
import { openScheduler } from "../../../src/schedule/index.ts"
import { forEachPlace, nightly, start } from "./support.ts"

const hourly = { cron: "0 * * * *", time_zone: "UTC", kind: "letter", payload: { n: 1 } }
const path = (key: string) => `/schedules/${encodeURIComponent(key)}`

describe("operations on schedules", () => {
  forEachPlace((place) => {
    /** Brings the schedule of the code into the database. */
    async function declare(): Promise<void> {
      const log = createLogger({ name: "schedules", level: "error" })
      const scheduler = openScheduler(place.schedules, { declared: [nightly], log })
      await scheduler.start()
      await scheduler.stop()
    }

    const actions = async () => (await place.audited()).map(({ action, id }) => `${action} ${id}`)

    it("show them with their next ten fires, on the clock of their zone, also where it changes", async () => {
      await declare()
      await place.send("POST", "/schedules", { ...hourly, key: "letters:1" })
      const { status, body } = await place.send("GET", "/schedules")
      assert.equal(status, 200)
      assert.deepEqual(
        [body.items.map(({ key }: { key: string }) => key), body.next_cursor],
        [["letters:1", "nightly"], null],
      )
      const { next_fires: fires, created_at, updated_at, rev, ...rest } = body.items[1]
      assert.equal(fires.length, 10)
      // There is no 02:00 on the 29th: the clock goes from 02:00 to 03:00.
      assert.deepEqual(fires.slice(0, 2), [
        { at: "2026-03-29T01:00:00.000Z", local: "2026-03-29T03:00:00+02:00" },
        { at: "2026-03-30T00:00:00.000Z", local: "2026-03-30T02:00:00+02:00" },
      ])
      assert.deepEqual(rest, {
        key: "nightly",
        source: "code",
        state: "active",
        cron: "0 2 * * *",
        time_zone: "Europe/Berlin",
        at: null,
        queue: "lists.sweep",
        kind: "sweep",
        payload: { n: 0 },
        misfire: "once",
        misfire_max: null,
        grace_ms: 60_000,
        next_at: "2026-03-29T01:00:00.000Z",
        last_at: null,
      })
      assert.deepEqual((await place.send("GET", path("nightly"))).body, body.items[1])
      const three = await place.send("GET", `${path("letters:1")}/next?count=3`)
      assert.deepEqual(
        three.body.items.map(({ at }: { at: string }) => at.slice(11, 16)),
        ["13:00", "14:00", "15:00"],
      )
    })

    it("list them by their filters, a page at a time", async () => {
      await declare()
      for (const key of ["a:1", "a:2", "b:1"]) await place.send("POST", "/schedules", { ...hourly, key })
      await place.send("POST", `${path("a:2")}/pause`)
      const keys = async (query: string) => {
        const { body } = await place.send("GET", `/schedules?${query}`)
        return body.items.map(({ key }: { key: string }) => key)
      }
      assert.deepEqual(await keys("prefix=a:"), ["a:1", "a:2"])
      assert.deepEqual(await keys("state=paused"), ["a:2"])
      assert.deepEqual(await keys("source=code"), ["nightly"])
      assert.deepEqual(await keys("kind=letter&state=active"), ["a:1", "b:1"])
      const { next_cursor } = (await place.send("GET", "/schedules?limit=3")).body
      assert.deepEqual(await keys(`limit=3&cursor=${next_cursor}`), ["nightly"])
      assert.equal((await place.send("GET", "/schedules?cursor=x")).status, 422)
    })

    it("add them, and write it down", async () => {
      const made = await place.send("POST", "/schedules", { ...hourly, key: "r", misfire: "all", misfire_max: 3 })
      assert.deepEqual([made.status, made.body.misfire, made.body.misfire_max], [201, "all", 3])
      const at = "2026-04-01T12:00:00+03:00"
      const once = await place.send("POST", "/schedules", { key: "o", at, kind: "letter", payload: { n: 2 } })
      assert.deepEqual(
        [once.body.at, once.body.cron, once.body.next_fires],
        ["2026-04-01T09:00:00.000Z", null, [{ at: "2026-04-01T09:00:00.000Z", local: "2026-04-01T09:00:00.000Z" }]],
      )
      const twin = await place.send("POST", "/schedules", { ...hourly, key: "r" })
      assert.deepEqual([twin.status, twin.body.error_code], [409, "DUPLICATE"])
      assert.deepEqual(await actions(), ["schedules.add r", "schedules.add o"])
      const [{ before, after }] = (await place.audited()) as [any, any]
      assert.deepEqual([before, after.cron, after.payload], [null, "0 * * * *", { n: 1 }])
    })

    for (const [what, wrong, at] of [
      ["a cron expression", { cron: "61 * * * *" }, "body"],
      ["a zone", { time_zone: "Mars/Olympus" }, "body"],
      ["no zone", { time_zone: undefined }, "body"],
      ["both timings", { at: "2026-04-01T12:00:00Z" }, "body"],
      ["a kind", { kind: "nothing" }, "body"],
      ["a payload", { payload: { n: -1 } }, "body/payload/n"],
      ["no payload where one is needed", { payload: undefined }, "body/payload/n"],
      ["a key", { key: "with space" }, "body"],
      ["a rule for missed fires without its number", { misfire: "all" }, "body/misfire_max"],
      ["a number without its rule", { misfire_max: 3 }, "body/misfire_max"],
      ["a grace", { grace_ms: -1 }, "body/grace_ms"],
      ["an unknown field", { colour: "red" }, "body/colour"],
    ] as const) {
      it(`refuse ${what} that makes no sense`, async () => {
        const { status, body } = await place.send("POST", "/schedules", { ...hourly, key: "k", ...wrong })
        assert.deepEqual([status, body.error_code, body.errors[0].path], [422, "VALIDATION_FAILED", at])
        assert.equal(await place.schedules.count(), 0)
        assert.deepEqual(await place.audited(), [])
      })
    }

    it("change one at the version that was seen", async () => {
      await place.send("POST", "/schedules", { ...hourly, key: "k" })
      const seen = await place.send("GET", path("k"))
      const headers = { "if-match": seen.headers["etag"] as string }
      const changed = await place.send("PUT", path("k"), { cron: "30 9 * * *", time_zone: "Asia/Tokyo" }, headers)
      assert.deepEqual(
        [changed.status, changed.body.next_at, changed.body.payload],
        [200, "2026-03-29T00:30:00.000Z", { n: 1 }],
      )
      const late = await place.send("PUT", path("k"), { grace_ms: 5 }, headers)
      assert.deepEqual([late.status, late.body.error_code], [412, "VERSION_MISMATCH"])
      assert.equal((await place.send("PUT", path("k"), { grace_ms: 5 })).body.grace_ms, 5)
      assert.equal((await place.send("PUT", path("k"), {})).status, 422)
      assert.equal((await place.send("PUT", path("k"), { payload: 3 })).body.errors[0].path, "body/payload")
      assert.equal((await place.send("PUT", path("x"), { grace_ms: 5 })).body.error_code, "SCHEDULE_NOT_FOUND")
      const [, { before, after }] = (await place.audited()) as [any, any, any]
      assert.deepEqual([before.cron, after.cron], ["0 * * * *", "30 9 * * *"])
      assert.deepEqual(await actions(), ["schedules.add k", "schedules.change k", "schedules.change k"])
    })

    it("leave those that are declared in code as they are, but pause and run them", async () => {
      await declare()
      for (const refused of [
        await place.send("PUT", path("nightly"), { cron: "0 3 * * *" }),
        await place.send("DELETE", path("nightly")),
      ]) {
        assert.deepEqual([refused.status, refused.body.error_code], [409, "SCHEDULE_DECLARED"])
      }
      assert.deepEqual((await place.send("POST", "/schedules/delete", { ids: ["nightly"] })).body, { count: 0 })
      assert.equal((await place.send("POST", `${path("nightly")}/pause`)).body.state, "paused")
      assert.equal((await place.send("POST", `${path("nightly")}/pause`)).status, 200)
      const { job_id } = (await place.send("POST", `${path("nightly")}/run`)).body
      assert.deepEqual((await place.send("GET", `/jobs/${job_id}`)).body.fire_at, start)
      assert.equal((await place.send("POST", `${path("nightly")}/resume`)).body.state, "active")
      assert.deepEqual(await actions(), [
        "schedules.pause nightly",
        "schedules.run nightly",
        "schedules.resume nightly",
      ])
      assert.deepEqual((await place.audited())[1]?.["after"], { job_id })
    })

    it("replay the times that were missed, each once, and show the fires that were made", async () => {
      await place.send("POST", "/schedules", { ...hourly, key: "k" })
      const range = "from=2026-03-28T08:00:00Z&to=2026-03-28T11:00:00Z"
      const times = ["2026-03-28T08:00:00.000Z", "2026-03-28T09:00:00.000Z", "2026-03-28T10:00:00.000Z"]
      assert.deepEqual((await place.send("GET", `${path("k")}/missed?${range}`)).body, { items: times })
      const body = { from: "2026-03-28T08:00:00Z", to: "2026-03-28T11:00:00Z" }
      const { items } = (await place.send("POST", `${path("k")}/replay`, body)).body
      assert.deepEqual(
        items.map(({ fire_at, cause }: { fire_at: string; cause: string }) => [fire_at, cause]),
        times.map((time) => [time, "replay"]),
      )
      assert.deepEqual((await place.send("POST", `${path("k")}/replay`, body)).body, { items: [] })
      assert.deepEqual((await place.send("GET", `${path("k")}/missed?${range}`)).body, { items: [] })
      assert.equal(await place.jobs.store.jobs.count(), 3)
      const first = await place.send("GET", `${path("k")}/fires?limit=2`)
      assert.deepEqual(first.body.items, items.slice(1).reverse())
      const second = await place.send("GET", `${path("k")}/fires?limit=2&cursor=${first.body.next_cursor}`)
      assert.deepEqual([second.body.items, second.body.next_cursor], [items.slice(0, 1), null])
      const wide = { ...body, from: "2020-01-01T00:00:00Z" }
      assert.equal((await place.send("POST", `${path("k")}/replay`, wide)).status, 422)
      const { status } = await place.send("POST", "/schedules/replay", { filter: { prefix: "k" }, ...wide })
      assert.equal(status, 422)
      assert.deepEqual((await place.audited())[1]?.["after"], {
        from: "2026-03-28T08:00:00.000Z",
        to: "2026-03-28T11:00:00.000Z",
        fires: 3,
      })
    })

    it("show the fires that a timing would have", async () => {
      const timing = { cron: "0 9 * * MON", time_zone: "Asia/Tokyo", count: 1 }
      const { status, body } = await place.send("POST", "/schedules/preview", timing)
      assert.deepEqual(
        [status, body],
        [200, { items: [{ at: "2026-03-30T00:00:00.000Z", local: "2026-03-30T09:00:00+09:00" }] }],
      )
      assert.equal((await place.send("POST", "/schedules/preview", { cron: "x", time_zone: "UTC" })).status, 422)
    })

    it("remove one", async () => {
      await place.send("POST", "/schedules", { ...hourly, key: "k" })
      assert.equal((await place.send("DELETE", path("k"))).status, 204)
      const gone = await place.send("DELETE", path("k"))
      assert.deepEqual([gone.status, gone.body.error_code], [404, "SCHEDULE_NOT_FOUND"])
      for (const action of ["pause", "resume", "run"]) {
        assert.equal((await place.send("POST", `${path("k")}/${action}`)).status, 404)
      }
      for (const query of ["", "/next", "/fires"])
        assert.equal((await place.send("GET", path("k") + query)).status, 404)
      assert.deepEqual(await actions(), ["schedules.add k", "schedules.remove k"])
    })

    it("take keys with slashes, and the longest ones", async () => {
      const longest = `a/b:${"ж".length}${"/x".repeat(97)}y`
      assert.equal(longest.length, 200)
      for (const key of ["calendar/7", longest]) {
        assert.equal((await place.send("POST", "/schedules", { ...hourly, key })).status, 201)
        assert.equal((await place.send("GET", path(key))).body.key, key)
        assert.equal((await place.send("POST", `${path(key)}/pause`)).body.state, "paused")
      }
      const ids = (await place.audited()).map(({ id }) => id)
      assert.deepEqual(ids.slice(0, 2), ["calendar/7", "calendar/7"])
      assert.match(ids[2] as string, /^[0-9a-f]{64}$/)
      assert.equal(ids[2], ids[3])
    })

    it("act on several, and on all that a filter finds, however many", async () => {
      await declare()
      const keys = Array.from({ length: 1_130 }, (_, at) => `many:${String(at).padStart(4, "0")}`)
      const cron = { cron: "0 * * * *", timeZone: "UTC", kind: "letter", payload: { n: 1 } }
      await place.schedules.addMany(keys.map((key) => ({ key, ...cron })))
      const act = async (action: string, body: object) => (await place.send("POST", `/schedules/${action}`, body)).body
      assert.deepEqual(await act("pause", { ids: [...keys.slice(0, 3), "nowhere"] }), { count: 3 })
      assert.deepEqual(await act("pause", { filter: { prefix: "many:" } }), { count: 1_127 })
      assert.deepEqual(await act("resume", { filter: { state: "paused" } }), { count: 1_130 })
      assert.deepEqual(await act("change", { filter: {}, changes: { misfire: "skip" } }), { count: 1_130 })
      assert.deepEqual(await act("run", { ids: keys.slice(0, 2) }), { count: 2 })
      const range = { from: "2026-03-28T10:00:00Z", to: "2026-03-28T12:00:00Z" }
      assert.deepEqual(await act("replay", { ids: keys.slice(0, 2), ...range }), { count: 2 })
      assert.equal(await place.jobs.store.jobs.count(), 6)
      assert.deepEqual(await act("delete", { filter: { kind: "letter" } }), { count: 1_130 })
      assert.equal(await place.schedules.count(), 1)
      const written = Map.groupBy(await place.audited(), ({ action }) => action)
      assert.deepEqual(Object.fromEntries([...written].map(([action, rows]) => [action, rows.length])), {
        "schedules.pause": 1_130,
        "schedules.resume": 1_130,
        "schedules.change": 1_130,
        "schedules.run": 2,
        "schedules.replay": 2,
        "schedules.remove": 1_130,
      })
    })

    for (const [action, body] of [
      ["pause", {}],
      ["delete", { ids: ["a"], filter: {} }],
      ["change", { ids: ["a"] }],
      ["change", { ids: ["a"], changes: {} }],
      ["replay", { ids: ["a"], from: "2026-03-28T10:00:00Z" }],
      ["run", { filter: { colour: "red" } }],
    ] as const) {
      it(`refuse to ${action} ${JSON.stringify(body)}`, async () => {
        assert.equal((await place.send("POST", `/schedules/${action}`, body)).status, 422)
      })
    }
  })
})
