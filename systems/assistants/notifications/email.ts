import { createTransport } from "nodemailer"
import type { Context } from "../services/context.ts"
import { texts } from "../texts.ts"
import { cut, type Envelope } from "./envelope.ts"
import { cameBeforeSending, codeOf, DeliveryError } from "./failure.ts"

/** How long a server may take for its greeting and for each answer, in milliseconds. */
const timeoutMs = 10_000

type Mail = { readonly id: string; readonly subject: string; readonly text: string }

/** Sends mail over `SMTP_URL`, each over a connection of its own. */
export class EmailSender {
  readonly #url: string | undefined
  readonly #from: string | undefined

  constructor({ settings: { SMTP_URL, SMTP_FROM } }: Pick<Context, "settings">) {
    this.#url = SMTP_URL
    this.#from = SMTP_FROM
  }

  /** Whether mail can be sent. */
  get isOn(): boolean {
    return this.#url !== undefined && this.#from !== undefined
  }

  /** Sends a notice. @throws DeliveryError */
  send(email: string, { id, title, content }: Envelope): Promise<void> {
    return this.#send(email, { id, subject: title, text: content ?? title })
  }

  /**
   * Sends a code that proves that somebody reads the mail of an address.
   *
   * @param id of the mail; the same for a mail that is sent again
   * @throws DeliveryError
   */
  sendCode(email: string, code: string, id: string): Promise<void> {
    return this.#send(email, { id, subject: texts.emailCodeSubject, text: texts.emailCode(code) })
  }

  async #send(email: string, { id, subject, text }: Mail): Promise<void> {
    if (this.#url === undefined || this.#from === undefined) {
      throw new DeliveryError("permanent", "Mail is not set up.")
    }
    const domain = /@([^\s@>]+)>?\s*$/.exec(this.#from)?.[1] ?? "localhost"
    const transport = createTransport({
      url: this.#url,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // Texts of people never name files or addresses to be read.
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    try {
      await transport.sendMail({
        from: this.#from,
        to: { name: "", address: email },
        subject: cut(subject.replace(/\s+/g, " "), 255),
        text,
        // A mail that is sent again is known by it.
        messageId: `<${id}@${domain}>`,
      })
    } catch (error) {
      throw failureOf(error)
    } finally {
      transport.close()
    }
  }
}

/** Phases of a connection before which no mail was handed over. */
const early = /^(Connection timeout|Greeting never received)/

function failureOf(error: unknown): DeliveryError {
  const { responseCode, message = "", syscall } = error as { responseCode?: number; message?: string; syscall?: string }
  // A server that says no says so of the whole mail. https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
  if (responseCode !== undefined && responseCode >= 400) {
    const kind = responseCode >= 500 ? "permanent" : "temporary"
    return new DeliveryError(kind, `The mail server answered ${responseCode}.`, { cause: error })
  }
  const isEarly = syscall === "connect" || cameBeforeSending(error) || early.test(message)
  return new DeliveryError(isEarly ? "temporary" : "unknown", `The mail server could not be asked: ${codeOf(error)}.`, {
    cause: error,
  })
}
