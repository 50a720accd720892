import { Bot, type Context, type SessionFlavor, session } from "grammy"
import { grammySessionStorage, type StateStore } from "../../../src/state/index.ts"
import { botToken } from "../telegram.ts"

export type Counting = { step: string; said: string[] }

/** A bot that remembers what was said to it; `/forget` ends the session. */
export function countingBot(states: StateStore<Counting>, apiRoot: string): Bot<Context & SessionFlavor<Counting>> {
  const bot = new Bot<Context & SessionFlavor<Counting>>(botToken, { client: { apiRoot } })
  bot.use(session({ initial: () => ({ step: "home", said: [] }), storage: grammySessionStorage(states) }))
  bot.on("message:text", async (context) => {
    const { text } = context.message
    if (text === "/forget") {
      context.session = undefined
      await context.reply("forgotten")
      return
    }
    context.session.said.push(text)
    context.session.step = `after ${text}`
    await context.reply(context.session.said.join(" "))
  })
  return bot
}
