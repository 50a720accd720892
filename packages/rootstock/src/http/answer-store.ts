import type { Actor } from "../shared/index.ts"

/** An answer as it is kept: a status, and a body as JSON carries it. */
export type KeptAnswer = { readonly status: number; readonly body: unknown }

/** A request that carries an `Idempotency-Key`. */
export type KeyedRequest = {
  readonly actor: Actor
  /** Method and path, e.g. `POST /orders`. */
  readonly route: string
  readonly key: string
  readonly body: unknown
}

/** Keeps answers, so that a repeated request is answered without being carried out again. */
export type AnswerStore = {
  /**
   * Carries out `work` in a transaction that keeps its answer, or gives back the answer that was kept.
   *
   * @throws RuleError `IDEMPOTENCY_KEY_REUSED` for another body, `REQUEST_IN_PROGRESS` while the first is running
   */
  answerOnce(request: KeyedRequest, work: () => Promise<KeptAnswer>): Promise<KeptAnswer>
}
