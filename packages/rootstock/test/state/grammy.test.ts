import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import type { StorageAdapter } from "grammy"
import { manualClock } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { grammySessionStorage, StateStore } from "../../src/state/index.ts"
import { forEachEngine } from "../support/index.ts"
import { type Counting, countingBot } from "./children/counting-bot.ts"
import { forEachTier } from "./support.ts"
import { tables } from "./tables.ts"
import { startTelegram } from "./telegram.ts"

const program = fileURLToPath(new URL("children/bot.ts", import.meta.url))

describe("sessions of a grammY bot in a state store", () => {
  forEachTier((place, tier) => {
    const clock = manualClock("2026-01-31T09:00:00Z")
    const open = () => new StateStore<Counting>(place.db, { clock, coherence: tier.open() })

    it("are what grammY asks of a storage", async () => {
      const storage: StorageAdapter<Counting> = grammySessionStorage(open(), { prefix: "bot:", ttlMs: 1_000 })
      assert.equal(await storage.read("7"), undefined)
      assert.equal(await storage.has?.("7"), false)
      await storage.write("7", { step: "a", said: [] })
      assert.equal(await storage.has?.("7"), true)
      const first = await storage.read("7")
      first?.said.push("changed in place")
      assert.deepEqual(await storage.read("7"), { step: "a", said: [] })
      assert.deepEqual((await open().get("bot:7")).data, { step: "a", said: [] })
      clock.advance(1_000)
      assert.equal(await storage.read("7"), undefined)
      await storage.write("7", { step: "b", said: [] })
      await storage.delete("7")
      assert.equal(await storage.read("7"), undefined)
    })

    it("go on after a restart, and end where the bot says so", async () => {
      await using telegram = await startTelegram()
      for (const words of [["one", "two"], ["three"], ["/forget"], ["four"]]) {
        const bot = countingBot(open(), telegram.root)
        await bot.init()
        for (const [index, text] of words.entries()) {
          await bot.handleUpdate({ update_id: index + 1, message: message(7, text) as never })
          await bot.handleUpdate({ update_id: index + 9, message: message(8, text) as never })
        }
      }
      const answers = ["one", "one two", "one two three", "forgotten", "four"]
      for (const chat of [7, 8]) {
        assert.deepEqual(
          telegram.sent.filter(({ chat_id }) => chat_id === chat).map(({ text }) => text),
          answers,
        )
      }
    })
  })

  it("refuse a time to live that is none", async () => {
    await using db = await openDatabase("sqlite::memory:", { tables })
    assert.throws(() => grammySessionStorage(new StateStore(db), { ttlMs: -1 }), { code: "VALIDATION" })
  })

  forEachEngine((engine) => {
    it("lose nothing when the process that polls is killed", async () => {
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      await using telegram = await startTelegram()
      for (const words of [["one", "two"], ["three"]]) {
        const child = spawn(process.execPath, [program, temporary.url, telegram.root], { stdio: "inherit" })
        for (const text of words) telegram.say(7, text)
        await telegram.taken()
        child.kill("SIGKILL")
        await once(child, "close")
      }
      assert.deepEqual(
        telegram.sent.map(({ text }) => text),
        ["one", "one two", "one two three"],
      )
    })
  })
})

function message(chat: number, text: string) {
  const from = { id: chat, is_bot: false, first_name: "Ann" }
  return { message_id: 1, date: 0, chat: { id: chat, type: "private", first_name: "Ann" }, from, text }
}
