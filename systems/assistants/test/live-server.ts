// A server of the assistants as a process of its own, over a database that is there: `live-server.ts <engine> <url>`.
import type { Engine } from "../../../packages/rootstock/test/support/index.ts"
import { openAssistants } from "./support.ts"

const [name, url] = process.argv.slice(2)
const assistants = await openAssistants({ name } as Engine, { url: url as string, cachePlace: "off" })
const address = await assistants.server.start({ host: "127.0.0.1", port: 0 })
// Whoever started it may go without a word.
process.once("disconnect", () => process.exit(1))
process.send?.({ address })
