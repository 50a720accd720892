import {
  cursorPage,
  cursorQuery,
  invalidRequest,
  listOf,
  moment,
  objectOf,
  pageOf,
  uuidText,
  withDefault,
} from "../../fields/index.ts"
import type { MisfireOptions, NewSchedule, Schedule, ScheduleChanges, TimingInput } from "../../schedule/index.ts"
import { commonRules } from "../../shared/index.ts"
import type { Route } from "../route.ts"
import { call } from "./call.ts"
import {
  acted,
  fire,
  fires,
  newSchedule,
  range,
  schedule,
  scheduleChanges,
  scheduleFilter,
  scheduleKey,
  targetOf,
  timingBody,
  upcomingFire,
} from "./fields.ts"
import { rules } from "./rules.ts"
import type { ScheduleOperations } from "./schedule-operations.ts"
import { scheduleView, shownFires } from "./views.ts"

const tag = "operations: schedules"
const params = { scheduleKey }
const version = ({ rev }: Pick<Schedule, "rev">) => rev
const absent = rules.pick("SCHEDULE_NOT_FOUND")
const declared = rules.pick("SCHEDULE_NOT_FOUND", "SCHEDULE_DECLARED")

const page = cursorPage("SchedulePage", schedule)
const firePage = cursorPage("FirePage", fire)
const upcoming = objectOf("UpcomingFires", { items: listOf(upcomingFire) })
const target = targetOf("ScheduleTarget", scheduleKey, scheduleFilter, {})
const replayTarget = targetOf("ReplayTarget", scheduleKey, scheduleFilter, range)
const changeTarget = targetOf("ChangeTarget", scheduleKey, scheduleFilter, { changes: scheduleChanges })

const many =
  "500 in a transaction, so that what was done stays done where it fails midway. With an `Idempotency-Key` all in one."

export function scheduleRoutes(schedules: ScheduleOperations): Route[] {
  const shown = (one: Schedule) => scheduleView(one, schedules)
  return [
    call(
      "GET",
      "/schedules",
      {
        summary: "Schedules by their keys, with their next ten fires",
        tag,
        query: { ...scheduleFilter, ...cursorQuery },
        answer: page,
      },
      async ({ query }) => {
        const { schedules: found, next } = await schedules.list(query)
        return pageOf({ rows: found.map(shown), next })
      },
    ),
    call(
      "POST",
      "/schedules",
      {
        summary: "Add a schedule",
        description: "With `cron` and `time_zone` it recurs; with `at` it fires once, and goes then.",
        tag,
        body: newSchedule,
        answer: schedule,
        status: 201,
        refusals: commonRules.pick("DUPLICATE"),
      },
      async ({ body: { key, misfire, misfireMax, payload = {}, ...rest } }) =>
        shown(await schedules.add(key, { ...rest, payload, ...misfireOf({ misfire, misfireMax }) } as NewSchedule)),
    ),
    call(
      "POST",
      "/schedules/preview",
      { summary: "The fires that a timing would have from now on", tag, body: timingBody, answer: upcoming },
      async ({ body: { count = shownFires, ...timing } }) => ({
        items: schedules.preview(timing as TimingInput, count),
      }),
    ),
    call(
      "GET",
      "/schedules/{schedule_key}",
      { summary: "A schedule with its next ten fires", tag, params, answer: schedule, version, refusals: absent },
      async ({ params }) => shown(await schedules.get(params.scheduleKey)),
    ),
    call(
      "PUT",
      "/schedules/{schedule_key}",
      {
        summary: "Change a schedule",
        description:
          "What is left out stays. Where the timing changes, the next fire is the first from now on; one that was due by the earlier timing is dropped.",
        tag,
        params,
        body: scheduleChanges,
        answer: schedule,
        version,
        refusals: declared,
      },
      async ({ params, body, ifVersion }) =>
        shown(await schedules.change(params.scheduleKey, changesOf(body), ifVersion)),
    ),
    call(
      "DELETE",
      "/schedules/{schedule_key}",
      { summary: "Remove a schedule", tag, params, refusals: declared },
      ({ params }) => schedules.remove(params.scheduleKey),
    ),
    call(
      "GET",
      "/schedules/{schedule_key}/next",
      {
        summary: "The next fires of a schedule",
        tag,
        params,
        query: { count: withDefault(fires, shownFires) },
        answer: upcoming,
        refusals: absent,
      },
      async ({ params, query }) => ({
        items: schedules.upcoming(await schedules.get(params.scheduleKey), query.count),
      }),
    ),
    call(
      "GET",
      "/schedules/{schedule_key}/fires",
      {
        summary: "The fires that a schedule has made, the latest time first",
        tag,
        params,
        query: cursorQuery,
        answer: firePage,
        refusals: absent,
      },
      async ({ params, query }) => {
        const { fires: found, next } = await schedules.fires(params.scheduleKey, query)
        return pageOf({ rows: found, next })
      },
    ),
    call(
      "GET",
      "/schedules/{schedule_key}/missed",
      {
        summary: "The times for which a schedule has not fired",
        tag,
        params,
        query: range,
        answer: objectOf("MissedFires", { items: listOf(moment) }),
        refusals: absent,
      },
      async ({ params, query }) => ({ items: await schedules.missed(params.scheduleKey, query) }),
    ),
    call(
      "POST",
      "/schedules/{schedule_key}/pause",
      { summary: "Stop a schedule from firing", tag, params, answer: schedule, refusals: absent },
      async ({ params }) => shown(await schedules.pause(params.scheduleKey)),
    ),
    call(
      "POST",
      "/schedules/{schedule_key}/resume",
      {
        summary: "Let a paused schedule fire again",
        description: "What recurs goes on with its next time; what fires once is due where its time has passed.",
        tag,
        params,
        answer: schedule,
        refusals: absent,
      },
      async ({ params }) => shown(await schedules.resume(params.scheduleKey)),
    ),
    call(
      "POST",
      "/schedules/{schedule_key}/run",
      {
        summary: "Fire a schedule at once, whatever its timing",
        tag,
        params,
        answer: objectOf("Fired", { jobId: uuidText }),
        refusals: absent,
      },
      async ({ params }) => ({ jobId: await schedules.run(params.scheduleKey) }),
    ),
    call(
      "POST",
      "/schedules/{schedule_key}/replay",
      {
        summary: "Fire a schedule for the times for which it has not fired",
        tag,
        params,
        body: objectOf("Range", range),
        answer: objectOf("ReplayedFires", { items: listOf(fire) }),
        refusals: absent,
      },
      async ({ params, body }) => ({ items: await schedules.replay(params.scheduleKey, body) }),
    ),
    call(
      "POST",
      "/schedules/pause",
      { summary: "Pause schedules", description: many, tag, body: target, answer: acted },
      async ({ body }) => ({ count: await schedules.pauseAll(body) }),
    ),
    call(
      "POST",
      "/schedules/resume",
      { summary: "Resume schedules", description: many, tag, body: target, answer: acted },
      async ({ body }) => ({ count: await schedules.resumeAll(body) }),
    ),
    call(
      "POST",
      "/schedules/change",
      {
        summary: "Change schedules that are not declared in code",
        description: many,
        tag,
        body: changeTarget,
        answer: acted,
      },
      async ({ body: { changes, ...body } }) => ({ count: await schedules.changeAll(body, changesOf(changes)) }),
    ),
    call(
      "POST",
      "/schedules/delete",
      {
        summary: "Remove schedules that are not declared in code",
        description: many,
        tag,
        body: target,
        answer: acted,
      },
      async ({ body }) => ({ count: await schedules.removeAll(body) }),
    ),
    call(
      "POST",
      "/schedules/run",
      { summary: "Fire schedules at once", description: many, tag, body: target, answer: acted },
      async ({ body }) => ({ count: await schedules.runAll(body) }),
    ),
    call(
      "POST",
      "/schedules/replay",
      {
        summary: "Fire schedules for the times for which they have not fired",
        description: many,
        tag,
        body: replayTarget,
        answer: acted,
      },
      async ({ body: { from, to, ...body } }) => ({ count: await schedules.replayAll(body, { from, to }) }),
    ),
  ]
}

type MisfireFields = {
  readonly misfire?: "skip" | "once" | "all" | undefined
  readonly misfireMax?: number | undefined
}

function changesOf({ misfire, misfireMax, ...rest }: MisfireFields & { [K in keyof ScheduleChanges]?: unknown }) {
  return { ...rest, ...misfireOf({ misfire, misfireMax }) } as ScheduleChanges
}

function misfireOf({ misfire, misfireMax }: MisfireFields): Pick<MisfireOptions, "misfire"> {
  if ((misfire === "all") !== (misfireMax !== undefined)) {
    throw invalidRequest([{ path: "body/misfire_max", message: 'goes with misfire "all", and only with it' }])
  }
  if (misfire === undefined) return {}
  return { misfire: misfire === "all" ? { all: misfireMax as number } : misfire }
}
