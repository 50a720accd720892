import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { SMTPServer } from "smtp-server"

/** A request as a receiver got it. */
export type Received = {
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly text: string
  readonly body: any
}

type Answering = (response: ServerResponse, received: Received) => unknown

/** A receiver over HTTP on the loopback address. */
export type HttpReceiver = AsyncDisposable & {
  readonly url: string
  readonly received: Received[]
  /** What the next requests are answered with, one each; the last goes on. */
  answer(...answers: Answering[]): void
}

/** Answers with a status and, where given, JSON or text. */
export const answers =
  (status: number, body: unknown = "", headers: Record<string, string> = {}): Answering =>
  (response) => {
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body))
  }

/** Breaks the connection when the request is there. */
export const breaks: Answering = (response) => response.destroy()

/** Never answers. */
export const staysSilent: Answering = () => undefined

export async function startReceiver(usual: Answering): Promise<HttpReceiver> {
  const received: Received[] = []
  let next: Answering[] = [usual]
  const server = createServer(async (request, response) => {
    const content = await text(request)
    const one = {
      path: request.url ?? "",
      headers: request.headers,
      text: content,
      body: content === "" ? undefined : JSON.parse(content),
    }
    received.push(one)
    const answer = next.length > 1 ? (next.shift() as Answering) : (next[0] as Answering)
    answer(response, one)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer(...given) {
      next = given
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

/** A webhook that wants what it is sent. */
export const wanted: Answering = (response, { body }) =>
  response.end(body.event === "verification" ? body.challenge : "")

/** The Bot API as far as notices need it. */
export const botAnswers: Answering = (response, { path }) =>
  answers(200, { ok: true, result: path.endsWith("/getMe") ? { username: "test_bot" } : { message_id: 1 } })(response, {
    path,
    headers: {},
    text: "",
    body: undefined,
  })

/** A mail as a server got it. */
export type Mail = { readonly from: string; readonly to: string[]; readonly text: string }

export type MailReceiver = AsyncDisposable & {
  readonly url: string
  readonly mails: Mail[]
  /** With which status the next mails are refused: at the recipient or behind the text; without one, taken. */
  refuse(at: "recipient" | "text" | undefined, status?: number): void
  /** Does so when the text of a mail is there, in place of an answer. */
  onText: ((mail: Mail, drop: () => void) => void) | undefined
}

/** A mail server on the loopback address. */
export async function startMailServer(): Promise<MailReceiver> {
  let refusal: { at: "recipient" | "text" | undefined; status: number } = { at: undefined, status: 0 }
  const refused = () => Object.assign(new Error("No"), { responseCode: refusal.status })
  const mails: Mail[] = []
  const sockets = new Set<{ destroy(): unknown }>()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    disableReverseLookup: true,
    onRcptTo(_address, _session, done) {
      done(refusal.at === "recipient" ? refused() : null)
    },
    onData(stream, session, done) {
      void text(stream).then((content) => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? "" : mailFrom.address
        const mail = { from, to: rcptTo.map(({ address }) => address), text: content }
        if (receiver.onText !== undefined) {
          receiver.onText(mail, () => {
            for (const socket of sockets) socket.destroy()
          })
          return
        }
        if (refusal.at === "text") return done(refused())
        mails.push(mail)
        done()
      })
    },
  })
  server.on("error", () => undefined)
  server.server.on("connection", (socket: { destroy(): unknown }) => sockets.add(socket))
  server.listen(0, "127.0.0.1")
  await once(server.server, "listening")
  const receiver: MailReceiver = {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails,
    refuse(at, status = 0) {
      refusal = { at, status }
    },
    onText: undefined,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return receiver
}
