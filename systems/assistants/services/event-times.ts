import { ValidationError } from "rootstock/errors"
import { invalidRequest } from "rootstock/fields"
import { nextFire, parseCron, shortestInterval } from "rootstock/schedule"
import type { FieldProblem } from "rootstock/shared"
import type { CalendarEvent } from "../schema.ts"

/** When an event fires: once at an instant, or again and again by a cron expression in the zone of the organisation. */
export type EventTiming = Pick<CalendarEvent, "eventType" | "scheduledAt" | "cronExpression">

/** Least time between two fires of an event, in milliseconds. */
export const leastInterval = 300_000

/**
 * When an event fires next, strictly after an instant; null where it does no more.
 *
 * @param zone of the organisation
 */
export function nextTrigger(timing: EventTiming, zone: string, after: Date): Date | null {
  const { eventType, scheduledAt, cronExpression } = timing
  if (eventType === "recurring") return nextFire(parseCron(cronExpression as string), zone, after) ?? null
  return scheduledAt !== null && scheduledAt > after ? scheduledAt : null
}

/** @throws RuleError `VALIDATION_FAILED` where an event with this timing would not fire, or too often */
export function checkTiming(timing: EventTiming, zone: string, now: Date): void {
  const problems = timing.eventType === "recurring" ? recurringProblems(timing, zone, now) : onceProblems(timing, now)
  if (problems.length > 0) throw invalidRequest(problems)
}

function onceProblems({ scheduledAt, cronExpression }: EventTiming, now: Date): FieldProblem[] {
  const problems: FieldProblem[] = []
  if (scheduledAt === null)
    problems.push({ path: "body/scheduled_at", message: "is needed for an event of type one_time" })
  else if (scheduledAt <= now) problems.push({ path: "body/scheduled_at", message: "must be in the future" })
  if (cronExpression !== null)
    problems.push({ path: "body/cron_expression", message: "is for events of type recurring" })
  return problems
}

function recurringProblems({ scheduledAt, cronExpression }: EventTiming, zone: string, now: Date): FieldProblem[] {
  const problems: FieldProblem[] = []
  if (scheduledAt !== null) problems.push({ path: "body/scheduled_at", message: "is for events of type one_time" })
  const path = "body/cron_expression"
  if (cronExpression === null) return [...problems, { path, message: "is needed for an event of type recurring" }]
  try {
    const cron = parseCron(cronExpression)
    if ((shortestInterval(cron) ?? leastInterval) < leastInterval) {
      problems.push({ path, message: "must not fire more often than every 5 minutes" })
    } else if (nextFire(cron, zone, now) === undefined) {
      problems.push({ path, message: "never fires" })
    }
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    problems.push({ path, message: error.message })
  }
  return problems
}
