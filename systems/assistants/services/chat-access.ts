import { absent, commonRules, fail } from "rootstock/shared"
import type { Chat, User } from "../schema.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"

/** A chat, and the person who came in. */
export type Entered = { readonly chat: Chat; readonly me: User }

/** Lets people into chats: those who take part, and the administrators of the chat's organisation. */
export class ChatAccess {
  readonly #stores: Context["stores"]
  readonly #people: PeopleChecks

  constructor({ stores }: Pick<Context, "stores">, people: PeopleChecks) {
    this.#stores = stores
    this.#people = people
  }

  /**
   * The chat, for the person who is signed in.
   *
   * @param options.lock whether it is locked until the end of the transaction: what changes in a chat, and its messages,
   *   changes one after another
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`
   */
  async enter(chatId: string, { lock = false }: { lock?: boolean } = {}): Promise<Entered> {
    const { chats } = this.#stores
    const chat = (await (lock ? chats.lock(chatId) : chats.get(chatId))) ?? fail(absent("chat", chatId))
    const me = await this.#people.me()
    if (me.isAdmin || chat.participants.includes(me.id)) return { chat, me }
    throw commonRules.broken("FORBIDDEN", "The chat is for those who take part in it.")
  }

  /** As `enter`, for its creator and administrators alone; the chat is locked. @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  async enterAsCreator(chatId: string): Promise<Entered> {
    const chat = (await this.#stores.chats.lock(chatId)) ?? fail(absent("chat", chatId))
    const me = await this.#people.me()
    if (me.isAdmin || chat.createdBy === me.id) return { chat, me }
    throw commonRules.broken("FORBIDDEN", "Only the creator of a chat and administrators change it.")
  }
}
