import { createHash } from "node:crypto"
import { transaction } from "rootstock"
import type { Jobs } from "rootstock/jobs"
import { OnceKeys } from "rootstock/state"
import { notifyDeliver } from "../jobs/definitions.ts"
import type { Context } from "../services/context.ts"
import { cut } from "./envelope.ts"
import { longestText, longestTitle, type Notice } from "./notice.ts"

/** How long it is remembered of what somebody was told: as long as the log is kept, in milliseconds. */
const rememberedMs = 180 * 24 * 3_600_000

/** Tells people of something, over the channels that they chose. */
export class Notifier {
  readonly #jobs: Jobs
  readonly #once: OnceKeys

  constructor({ jobs, database, clock }: Pick<Context, "jobs" | "database" | "clock">) {
    this.#jobs = jobs
    this.#once = new OnceKeys(database, { clock })
  }

  /**
   * Has a notice delivered, if the ambient transaction commits: each is a job. A second notice with the same key for the
   * same person is none, whoever sends it at the same moment.
   *
   * @returns whether it is the first one
   * @throws ValidationError where a field does not fit
   *
   * ### Examples
   *
   * ```ts
   * await notifier.notify({
   *   userId, dedupeKey: `mention:${message.id}:${userId}`, type: "mention", title, content, reference, inApp: "made",
   * })
   * ```
   */
  notify(notice: Notice): Promise<boolean> {
    const { userId, dedupeKey, title, content } = notice
    return transaction(async () => {
      const key = createHash("sha256").update(`${userId}:${dedupeKey}`).digest("base64url")
      if (!(await this.#once.once(`notify:${key}`, { ttlMs: rememberedMs }))) return false
      await this.#jobs.send(notifyDeliver, {
        ...notice,
        title: cut(title, longestTitle),
        content: content === null ? null : cut(content, longestText),
      })
      return true
    })
  }
}
