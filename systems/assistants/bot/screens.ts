import { cut } from "../notifications/envelope.ts"
import { escaped } from "../notifications/telegram.ts"
import { texts } from "../texts.ts"

/** What is shown: HTML as Telegram reads it, and rows of buttons with their codes of at most 64 bytes. */
export type Screen = {
  readonly text: string
  readonly buttons: readonly (readonly (readonly [label: string, code: string])[])[]
}

/** Most characters of what people wrote in a screen; a message has 4,096 at most, with what stands around. */
const longest = 3_000

const { bot } = texts

/** Codes of buttons; behind some of them stands the id of an answer. */
export const codes = {
  home: "home",
  review: "review",
  approve: "ok:",
  edit: "edit:",
  reject: "no:",
  next: "next:",
} as const

const homeButton = [bot.home, codes.home] as const

/** A text with nothing to choose but the way home. */
export const plain = (text: string): Screen => ({ text: escaped(text), buttons: [[homeButton]] })

/** A text for those whom the bot does not know; it leads nowhere. */
export const bare = (text: string): Screen => ({ text: escaped(text), buttons: [] })

/** @param waiting how many answers await review, as far as counted */
export function homeScreen(name: string, waiting: number, note?: string): Screen {
  const lines = [...(note === undefined ? [] : [note, ""]), bot.homeText(name)]
  return { text: escaped(lines.join("\n")), buttons: waiting === 0 ? [] : [[[bot.waiting(waiting), codes.review]]] }
}

/** An answer of a role; with what can be decided, for who reviews it. */
export function answerCard(
  answer: { id: string; content: string },
  { role, reviewable, more }: { role: string | undefined; reviewable: boolean; more?: boolean },
): Screen {
  const head = role === undefined ? "" : `<b>${escaped(role)}</b>\n`
  const { id } = answer
  const decide = [
    [bot.approve, codes.approve + id],
    [bot.edit, codes.edit + id],
    [bot.reject, codes.reject + id],
  ] as const
  const ways = more === true ? [[bot.next, codes.next + id] as const, homeButton] : more === false ? [homeButton] : []
  return {
    text: `${head}${escaped(cut(answer.content, longest))}`,
    buttons: [...(reviewable ? [decide] : []), ...(ways.length === 0 ? [] : [ways])],
  }
}

/** Asks for a text about an answer; Back leads to its card. */
export const askScreen = (question: string, answer: { id: string; content: string }): Screen => ({
  text: `${escaped(question)}\n\n<blockquote>${escaped(cut(answer.content, longest))}</blockquote>`,
  buttons: [[[bot.back, `${codes.review}:${answer.id}`], homeButton]],
})
