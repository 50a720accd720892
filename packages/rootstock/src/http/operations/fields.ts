import {
  type Field,
  type Fields,
  flag,
  listOf,
  moment,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  uuidText,
  type ValuesOf,
  wholeNumber,
  words,
} from "../../fields/index.ts"

/** Any JSON. */
const anyJson = (description: string): Field<unknown, false> => ({ schema: { description }, optional: false })

const payload = anyJson("As the kind of job stores it: names in snake_case, instants as text.")

export const queueName = refined(words(64), { pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]*$" })
const kind = words(64)

export const queue = objectOf("Queue", {
  queue: words(64),
  waiting: refined(wholeNumber(0), { description: "Due or not. This and the next three are counted up to 10000." }),
  held: refined(wholeNumber(0), { description: "Being done." }),
  atBroker: wholeNumber(0),
  dead: wholeNumber(0),
  oldestReadyMs: refined(orNull(wholeNumber(0)), {
    description: "How long the job that waits longest has been due, in milliseconds; null where none is due.",
  }),
  paused: flag,
})

export const queuesAndWorkers = objectOf("QueuesAndWorkers", {
  queues: listOf(queue),
  workers: listOf(
    objectOf("Worker", {
      id: uuidText,
      host: words(255),
      pid: wholeNumber(0),
      seen: refined(moment, { description: "Its latest sign of life, by its own clock." }),
    }),
  ),
})

export const jobState = oneOf("waiting", "held", "at_broker", "dead")

const jobFields = {
  id: uuidText,
  state: jobState,
  queue: words(64),
  kind,
  lane: refined(wholeNumber(0, 4), { description: "0 is served first." }),
  attempt: refined(wholeNumber(0), { description: "How often it was begun, or is being begun." }),
  maxAttempts: wholeNumber(1),
  runAt: refined(orNull(moment), { description: "When it is due; null where it is dead." }),
  fireAt: refined(orNull(moment), { description: "The instant that it is for, where that is not when it was made." }),
  worker: refined(orNull(uuidText), { description: "The worker that has it." }),
  lastError: orNull(words(4_000)),
  createdAt: moment,
  diedAt: orNull(moment),
  reason: refined(orNull(oneOf("attempts", "permanent", "cancelled")), { description: "Why it is dead." }),
}

export const job = objectOf("Job", jobFields)

export const jobDetail = objectOf("JobDetail", {
  ...jobFields,
  payload: anyJson("What the job carries."),
  errors: refined(listOf(objectOf("JobError", { attempt: wholeNumber(0), error: words(4_000), at: moment })), {
    description: "What went wrong, the latest first; at most 100.",
  }),
})

/** Which queue and kind. */
export const jobFilter = { queue: optional(queueName), kind: optional(kind) }

/** How many were acted upon. */
export const acted = objectOf("Acted", {
  count: refined(wholeNumber(0), { description: "On how many it was done; others were left as they are." }),
})

/** What is meant, by ids or by a filter, and `more` fields that must be there. */
export function targetOf<const F extends Fields, const M extends Fields>(
  name: string,
  id: Field<string>,
  filter: F,
  more: M,
) {
  const fields = objectOf(name, {
    ids: optional(listOf(id, { minItems: 1, maxItems: 1_000 })),
    filter: optional(refined(objectOf(`${name}Filter`, filter), { description: "Without fields it means all." })),
    ...more,
  })
  const count = 1 + Object.values(more).filter((field) => !field.optional).length
  const keywords = { description: "Either `ids` or `filter`.", minProperties: count, maxProperties: count }
  return refined(fields, keywords) as unknown as Field<Target<ValuesOf<F>> & ValuesOf<M>, false>
}

type Target<F> = { readonly ids: readonly string[] } | { readonly filter: F }

export const fires = wholeNumber(1, 1_000)

export const scheduleKey = refined(words(200), {
  description: 'Letters, digits, and _ . : / -, e.g. "calendar:7".',
})

const scheduleState = oneOf("active", "paused", "ended")
const misfire = refined(oneOf("skip", "once", "all"), {
  description: "What becomes of late fires: none, one at the latest of their times, or the latest `misfire_max`.",
})
const misfireMax = wholeNumber(1, 1_000)
const graceMs = refined(wholeNumber(0, 30 * 86_400_000), { description: "How late a fire is still on time." })

export const upcomingFire = objectOf("UpcomingFire", {
  at: moment,
  local: refined(words(40), { description: "The wall clock of the schedule's zone, with its offset." }),
})

export const schedule = objectOf("Schedule", {
  key: scheduleKey,
  source: refined(oneOf("code", "stored"), { description: "Those in code cannot be changed or removed." }),
  state: scheduleState,
  cron: refined(orNull(words(200)), { description: "Null where it fires once." }),
  timeZone: orNull(words(64)),
  at: refined(orNull(moment), { description: "The instant of the only fire; null where it recurs." }),
  queue: words(64),
  kind,
  payload,
  misfire,
  misfireMax: orNull(misfireMax),
  graceMs,
  nextAt: refined(orNull(moment), { description: "Null where it is over." }),
  lastAt: refined(orNull(moment), { description: "The latest time for which it has fired." }),
  rev: refined(wholeNumber(0), { description: "Rises with each change; the version of ETag and If-Match." }),
  createdAt: moment,
  updatedAt: moment,
  nextFires: refined(listOf(upcomingFire), {
    description: "The next ten; of a paused one those that would come.",
  }),
})

const timing = {
  cron: optional(refined(words(200), { description: "Five fields, six with seconds, or e.g. `@daily`." })),
  timeZone: optional(refined(words(64), { description: "IANA name; needed with `cron`." })),
  at: optional(refined(moment, { description: "The instant of the only fire, in place of `cron`." })),
}

const misfireFields = { misfire: optional(misfire), misfireMax: optional(misfireMax), graceMs: optional(graceMs) }

export const timingBody = objectOf("Timing", { ...timing, count: optional(fires) })

export const newSchedule = objectOf("NewSchedule", {
  key: scheduleKey,
  ...timing,
  kind,
  payload: optional(payload),
  ...misfireFields,
})

export const scheduleChanges = refined(
  objectOf("ScheduleChanges", { ...timing, kind: optional(kind), payload: optional(payload), ...misfireFields }),
  { minProperties: 1 },
)

export const scheduleFilter = {
  source: optional(oneOf("code", "stored")),
  state: optional(scheduleState),
  kind: optional(kind),
  prefix: optional(refined(words(200), { description: "The beginning of the key." })),
}

/** The times that are meant. */
export const range = {
  from: refined(moment, { description: "The first instant that is meant." }),
  to: refined(moment, { description: "The first instant that is not meant any more." }),
}

export const fire = objectOf("Fire", {
  fireAt: moment,
  jobId: uuidText,
  cause: oneOf("due", "hand", "replay"),
  at: refined(moment, { description: "When it was made." }),
})
