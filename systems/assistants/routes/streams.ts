import { optional, refined, uuidText, wholeNumber } from "rootstock/fields"
import { type Route, type StreamEvent, streamRoute } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { liveMessage } from "../fields/chats.ts"
import type { LiveEvent } from "../live/events.ts"
import type { Streamed } from "../live/stream.ts"
import type { Services } from "../services/index.ts"

const description = `Server-sent events: \`message\`, \`edited\`, \`deleted\` and \`reviewed\` with the message as it is by now, and
the event's number as \`id\`; of a deleted message \`content\` is null. \`token\` without an id has \`run_id\`, \`text\` and \`from\`,
where in the running answer the text goes; it is shown as well as possible, and the \`message\` that follows has it all.

After \`Last-Event-ID\` nothing is missed or doubled. Where that is older than the 7 days for which events are kept, or no number
of this chat, \`reset\` comes first: read the messages anew. Without it the stream begins with what happens next, and says at
once which number that follows. The stream ends after 15 minutes, and when the person may not read the chat any more.`

export function streamRoutes({ streams }: Pick<Services, "streams">): Route[] {
  return [
    streamRoute(
      "/chats/{chat_id}/stream",
      {
        summary: "What happens in a chat, as it happens",
        description,
        tag: "messages",
        params: { chatId: uuidText },
        query: {
          lastEventId: optional(
            refined(wholeNumber(0), { description: "For who cannot send the header `Last-Event-ID`." }),
          ),
        },
        refusals: commonRules.pick("NOT_FOUND", "FORBIDDEN"),
      },
      async ({ params: { chatId }, lastEventId, signal }) =>
        streamEvents(await streams.watch(chatId, { lastEventId, signal })),
    ),
  ]
}

async function* streamEvents(all: AsyncIterable<Streamed>): AsyncGenerator<StreamEvent> {
  for await (const one of all) yield streamEvent(one)
}

function streamEvent(one: Streamed): StreamEvent {
  switch (one.kind) {
    case "position":
      return { id: String(one.seq) }
    case "reset":
      return { event: "reset", id: String(one.seq), data: JSON.stringify({ last_event_id: one.seq }) }
    case "token":
      return { event: "token", data: JSON.stringify({ run_id: one.runId, from: one.from, text: one.text }) }
    case "created":
      return { event: "message", id: String(one.seq), data: textOf(one) }
    default:
      return { event: one.kind, id: String(one.seq), data: textOf(one) }
  }
}

/** Texts of events that many readers are given. */
const texts = new WeakMap<LiveEvent, string>()

function textOf(event: LiveEvent): string {
  let text = texts.get(event)
  if (text === undefined) {
    text = JSON.stringify(liveMessage.toJson?.(event.message) ?? event.message)
    texts.set(event, text)
  }
  return text
}
