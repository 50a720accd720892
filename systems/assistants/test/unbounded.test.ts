import assert from "node:assert/strict"
import { globSync, readFileSync } from "node:fs"
import { it } from "node:test"
import { fileURLToPath } from "node:url"

/** Where work is meant for all organisations, and why. */
const meantForAll: Readonly<Record<string, string>> = {
  "caches.ts": "what is cached of an organisation is loaded for whoever asks",
  "live/hub.ts": "one look serves the readers of a chat",
  "bot/bot.ts": "whom a job's answer could not reach",
  "bot/conversation.ts": "who writes to the bot is found by the account, and a job finds the message that it is about",
  "notifications/delivery.ts": "a job finds the person that it is about",
  "sample/load.ts": "sample data has two organisations",
  "services/announcements.ts": "a job finds the event that it is about",
  "services/answers.ts": "a job finds the run that it is about",
  "services/auth.ts": "who signs in belongs to none before",
  "services/calendar.ts": "a job finds its event, and the sweep looks for all that are due",
  "services/channels.ts": "a link is followed by somebody who is not signed in",
  "services/organizations.ts": "staff sees all organisations",
  "services/runs.ts": "the sweep looks for all that nobody makes any more",
  "storages/base.ts": "only named in its example",
  "storages/organizations.ts": "everyone sees who is of a system organisation",
}

const folder = fileURLToPath(new URL("..", import.meta.url))

it("leaves the scope of an organisation nowhere but where that is meant", () => {
  const files = globSync("**/*.ts", { cwd: folder, exclude: ["test/**"] })
  assert.ok(files.length > 50)
  const unbounded = files.filter((file) => readFileSync(`${folder}${file}`, "utf8").includes("tenant.unbounded"))
  assert.deepEqual(unbounded.toSorted(), Object.keys(meantForAll).toSorted())
})

it("calls no engine past the storages but where that is meant", () => {
  const files = globSync("**/*.ts", { cwd: folder, exclude: ["test/**", "migrations/**"] })
  const free = /\b(?:database|db)\.(?:execute|fetch|fetchRow|fetchValue|sql)\b/
  const found = files.filter((file) => free.test(readFileSync(`${folder}${file}`, "utf8")))
  // Retention deletes by age, in all organisations.
  assert.deepEqual(found.toSorted(), ["services/retention.ts", "storages/base.ts"])
})
