import { cursorPage, cursorQuery, oneOf, pageOf, refined, uuidText, withDefault } from "../../fields/index.ts"
import type { JobDetail, JobState } from "../../jobs/index.ts"
import type { Route } from "../route.ts"
import { call } from "./call.ts"
import { acted, job, jobDetail, jobFilter, jobState, targetOf } from "./fields.ts"
import type { JobOperations } from "./job-operations.ts"
import { rules } from "./rules.ts"
import { jobDetailView, jobView } from "./views.ts"

const tag = "operations: jobs"
const params = { jobId: uuidText }
const absent = rules.pick("JOB_NOT_FOUND")
const refusals = rules.pick("JOB_NOT_FOUND", "WRONG_JOB_STATE")
const page = cursorPage("JobPage", job)

const target = targetOf("JobTarget", uuidText, jobFilter, {})
const livingTarget = targetOf(
  "LivingJobTarget",
  uuidText,
  { state: oneOf("waiting", "held", "at_broker"), ...jobFilter },
  {},
)
const anyTarget = targetOf("AnyJobTarget", uuidText, { state: jobState, ...jobFilter }, {})

const many =
  "500 in a transaction, so that what was done stays done where it fails midway; it may be repeated. With an `Idempotency-Key` all in one."

export function jobRoutes(jobs: JobOperations): Route[] {
  return [
    call(
      "GET",
      "/jobs",
      {
        summary: "Jobs that wait, are being done, or are dead",
        description:
          "Those that wait in one queue in the order in which they will be taken; dead ones with the latest first; all others by age.",
        tag,
        query: {
          state: withDefault<JobState>(refined(jobState, { description: "`dead`: given up." }), "waiting"),
          ...jobFilter,
          ...cursorQuery,
        },
        answer: page,
      },
      async ({ query: { cursor, limit, ...filter } }) => {
        const { jobs: found, next } = await jobs.list(filter, { cursor, limit })
        return pageOf({ rows: found.map(jobView), next })
      },
    ),
    call(
      "GET",
      "/jobs/{job_id}",
      { summary: "A job with its payload and what went wrong", tag, params, answer: jobDetail, refusals: absent },
      async ({ params }) => shown(await jobs.get(params.jobId)),
    ),
    call(
      "POST",
      "/jobs/{job_id}/retry",
      { summary: "Let a dead job wait again, with all its attempts", tag, params, answer: jobDetail, refusals },
      async ({ params }) => shown(await jobs.actOnOne("retry", params.jobId)),
    ),
    call(
      "POST",
      "/jobs/{job_id}/run",
      { summary: "Make a waiting job due at once", tag, params, answer: jobDetail, refusals },
      async ({ params }) => shown(await jobs.actOnOne("run", params.jobId)),
    ),
    call(
      "POST",
      "/jobs/{job_id}/cancel",
      {
        summary: "Give up a job that waits or is being done",
        description: "It is dead then, and can be retried. One that is being done is aborted and changes nothing more.",
        tag,
        params,
        answer: jobDetail,
        refusals,
      },
      async ({ params }) => shown(await jobs.actOnOne("cancel", params.jobId)),
    ),
    call(
      "DELETE",
      "/jobs/{job_id}",
      { summary: "Remove a job for good, with what is known of it", tag, params, refusals },
      async ({ params }) => void (await jobs.actOnOne("delete", params.jobId)),
    ),
    call(
      "POST",
      "/jobs/retry",
      { summary: "Retry dead jobs", description: many, tag, body: target, answer: acted },
      async ({ body }) => ({ count: await jobs.act("retry", inState("dead", body)) }),
    ),
    call(
      "POST",
      "/jobs/run",
      { summary: "Make waiting jobs due at once", description: many, tag, body: target, answer: acted },
      async ({ body }) => ({ count: await jobs.act("run", inState("waiting", body)) }),
    ),
    call(
      "POST",
      "/jobs/cancel",
      { summary: "Give up jobs", description: many, tag, body: livingTarget, answer: acted },
      async ({ body }) => ({ count: await jobs.act("cancel", body) }),
    ),
    call(
      "POST",
      "/jobs/delete",
      { summary: "Remove jobs for good", description: many, tag, body: anyTarget, answer: acted },
      async ({ body }) => ({ count: await jobs.act("delete", body) }),
    ),
  ]
}

function inState<F extends object>(
  state: JobState,
  target: { readonly ids: readonly string[] } | { readonly filter: F },
) {
  return "ids" in target ? target : { filter: { ...target.filter, state } }
}

/** Inside the transaction that acted on it, it is still there. */
const shown = (found: JobDetail | undefined) => jobDetailView(found as JobDetail)
