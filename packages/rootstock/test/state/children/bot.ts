// A bot that polls until it is killed: bot.ts <database url> <Telegram root>
import { openDatabase } from "../../../src/index.ts"
import { StateStore } from "../../../src/state/index.ts"
import { tables } from "../tables.ts"
import { countingBot } from "./counting-bot.ts"

const [url = "", root = ""] = process.argv.slice(2)
const db = await openDatabase(url, { tables })
await countingBot(new StateStore(db), root).start()
