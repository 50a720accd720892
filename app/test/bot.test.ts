import assert from "node:assert/strict"
import { test } from "node:test"
import { startBotApi } from "../../systems/assistants/test/bot-api.ts"
import { serve, temporaryFolder } from "./program.ts"

const token = "123456789:AAexample-of-a-token-of-35-characters"

test("runs the bot of the assistants with the worker, and ends both", { timeout: 120_000 }, async () => {
  await using folder = await temporaryFolder()
  await using api = await startBotApi(token)
  const env = {
    DATABASE_URL: `sqlite:${folder.path}`,
    TELEGRAM_BOT_TOKEN_ASSISTANTS: token,
    TELEGRAM_API_ROOT: api.url,
  }
  await using server = await serve(env, "assistants --no-sample")
  const person = { id: 7, is_bot: false, first_name: "P" }
  const chat = { id: 7, type: "private" as const, first_name: "P" }
  api.give({ update_id: 1, message: { message_id: 1, date: 0, chat, from: person, text: "/start" } })
  const { body } = await api.until(({ method }) => method === "sendMessage")
  assert.equal(body.chat_id, 7)
  // Telegram holds the next question for updates; it is not waited for.
  assert.equal(await server.stop(), 0)
  assert.ok(server.lines.every((line) => !JSON.stringify(line).includes(token)))
})
