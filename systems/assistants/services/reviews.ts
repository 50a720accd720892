import { transaction } from "rootstock"
import type { Logger } from "rootstock/log"
import { absent, commonRules, fail } from "rootstock/shared"
import type { Message } from "../schema.ts"
import type { Context } from "./context.ts"
import { checkContent, type MessageService } from "./messages.ts"
import type { PeopleChecks } from "./people-checks.ts"
import type { Posting } from "./posting.ts"
import type { ShownMessage } from "./shown-messages.ts"

type ReviewState = Message["aiReview"]

/** The states that may follow each state of a review. */
export const nextReviewStates: Readonly<Record<ReviewState, readonly ReviewState[]>> = {
  none: [],
  pending: ["approved", "rejected"],
  approved: [],
  rejected: [],
}

/** Reviews of what AI roles answered, each by the person on whose behalf it was said. */
export class ReviewService {
  readonly #stores: Context["stores"]
  readonly #log: Logger
  readonly #people: PeopleChecks
  readonly #posting: Posting
  readonly #messages: MessageService

  constructor(
    { stores, log }: Pick<Context, "stores" | "log">,
    parts: { people: PeopleChecks; posting: Posting; messages: MessageService },
  ) {
    this.#stores = stores
    this.#log = log.named("assistants.reviews")
    this.#people = parts.people
    this.#posting = parts.posting
    this.#messages = parts.messages
  }

  /** Answers that await review by the signed-in person, the newest first. */
  async pending(limit: number): Promise<ShownMessage[]> {
    const me = await this.#people.me()
    return this.#messages.shown(await this.#stores.messages.getUnvalidatedAiMessages(me.id, limit))
  }

  /**
   * Approves an answer, as it is or with another text.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `VALIDATION_FAILED`
   */
  async approve(id: string, content?: string): Promise<ShownMessage> {
    if (content !== undefined) checkContent(content)
    return this.#review(id, "approved", async (before) => {
      const { messages } = this.#stores
      if (content !== undefined && content !== before.content) await messages.editContent(id, content, before.senderId)
      await messages.validateAiResponse(id, true)
    })
  }

  /**
   * Rejects an answer, and teaches its role what would have been right.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `VALIDATION_FAILED`
   */
  async reject(id: string, correctionText: string): Promise<ShownMessage> {
    checkContent(correctionText, "body/correction_text")
    return this.#review(id, "rejected", async (before) => {
      const { messages, runs, correctionRules, audit } = this.#stores
      await messages.updateWhere({ id, aiReview: "pending" }, { aiReview: "rejected" })
      const run = before.runId === null ? undefined : await runs.get(before.runId)
      const question = before.replyToId === null ? undefined : await messages.get(before.replyToId)
      const rule = await correctionRules.create({
        roleId: (run ?? fail(new Error(`The answer ${id} has no run.`))).roleId,
        aiMessageId: id,
        userQuestion: question === undefined || question.isDeleted ? "" : question.content,
        aiAnswer: before.content,
        correctionText,
        createdByUserId: before.senderId,
      })
      const entry = { action: "correction_rules.create", entity: "correction_rules", entityId: rule.id, after: rule }
      await audit.record(entry)
    })
  }

  async #review(
    id: string,
    to: "approved" | "rejected",
    work: (before: Message) => Promise<void>,
  ): Promise<ShownMessage> {
    const shown = await transaction(async () => {
      const before = await this.#lock(id)
      const me = await this.#people.me()
      if (before.senderId !== me.id)
        throw commonRules.broken("FORBIDDEN", "Only the person for whom a role speaks reviews what it says.")
      const from = before.aiReview
      const allowed = nextReviewStates[from]
      if (!allowed.includes(to)) {
        throw commonRules.broken("ILLEGAL_TRANSITION", `The review of the message ${id} is ${from}, not pending.`, {
          members: { from, to, allowed },
        })
      }
      await work(before)
      await this.#posting.note(before, "reviewed")
      const after = (await this.#stores.messages.get(id)) as Message
      const action = to === "approved" ? "messages.validate" : "messages.reject"
      await this.#stores.audit.record({ action, entity: "messages", entityId: id, before, after })
      return this.#messages.shown([after])
    })
    this.#log.info(`Reviewed message ${id}: ${to}`, { message_id: id, review: to })
    return shown[0] as ShownMessage
  }

  /** The message, whose chat is locked. @throws RuleError `NOT_FOUND` */
  async #lock(id: string): Promise<Message> {
    const { messages, chats } = this.#stores
    const { chatId } = (await messages.get(id)) ?? fail(absent("message", id))
    await chats.lock(chatId)
    return (await messages.find({ id, isDeleted: false })) ?? fail(absent("message", id))
  }
}
