import { ConfigError } from "../../errors/index.ts"

/** Where a RabbitMQ is, and as whom to speak to it. */
export type BrokerAddress = {
  /** With user and password: for the connection only. */
  readonly url: string
  /** Host, port and virtual host for people; never with the user or the password. */
  readonly shown: string
}

const cure = "Write it as amqp://[user:password@]host[:port][/virtual-host], or amqps:// with TLS."

/**
 * Reads the URL of a RabbitMQ. Without a user it is `guest`, without a path the virtual host `/`.
 *
 * @throws ConfigError that does not repeat the URL, since it may hold a password
 *
 * ### Examples
 *
 * ```ts
 * readBrokerUrl("amqp://app:secret@localhost/local").shown // "localhost:5672/local"
 * ```
 */
export function readBrokerUrl(text: string): BrokerAddress {
  const refuse = (why: string) => new ConfigError(`The URL of RabbitMQ ${why}.`, { cure })
  if (!/^amqps?:\/\//.test(text) || !URL.canParse(text)) throw refuse("does not begin with amqp:// or amqps://")
  const url = new URL(text)
  if (url.hostname === "") throw refuse("names no host")
  if (url.hash !== "") throw refuse("has a fragment, which means nothing there")
  const [, vhost = "", ...more] = url.pathname.split("/")
  if (more.length > 0) throw refuse("has more than one part behind the host; write a / in a virtual host as %2F")
  if (url.username === "") {
    url.username = "guest"
    url.password = "guest"
  }
  for (const part of [url.username, url.password, vhost]) {
    if (!decodes(part)) throw refuse("has a lone %, which must be written %25")
  }
  const port = url.port || (url.protocol === "amqps:" ? "5671" : "5672")
  return Object.freeze({ url: url.href, shown: `${url.hostname}:${port}/${decodeURIComponent(vhost)}` })
}

function decodes(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}
