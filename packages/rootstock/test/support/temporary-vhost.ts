import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { promisify } from "node:util"

/** A virtual host of RabbitMQ that only one test knows. */
export type TemporaryVhost = AsyncDisposable & {
  /** URL of the broker with the virtual host as its path. */
  readonly url: string
  /** Removes it with everything in it, and cuts its connections; a second call does nothing. */
  dispose(): Promise<void>
}

type Administration = {
  add(vhost: string, user: string): Promise<unknown>
  remove(vhost: string): Promise<unknown>
}

/**
 * Makes an empty virtual host: with `rabbitmqctl` where it reaches the broker, else through the management plugin, at
 * port 15672 of the broker's host or where `TEST_AMQP_MANAGEMENT_URL` says.
 *
 * Throws where neither answers.
 *
 * ### Examples
 *
 * ```ts
 * const { url, dispose } = await temporaryVhost("amqp://guest:guest@127.0.0.1:5672")
 * ```
 */
export async function temporaryVhost(server: string): Promise<TemporaryVhost> {
  const vhost = `t_${randomBytes(8).toString("hex")}`
  const url = new URL(server)
  url.pathname = `/${vhost}`
  const administration = await add(new URL(server), vhost)
  let removed: Promise<unknown> | undefined
  const dispose = async () => {
    removed ??= administration.remove(vhost)
    await removed
  }
  return { url: url.href, dispose, [Symbol.asyncDispose]: dispose }
}

async function add(server: URL, vhost: string): Promise<Administration> {
  const user = decodeURIComponent(server.username || "guest")
  const causes: unknown[] = []
  for (const administration of [byCommand, byManagement(server)]) {
    try {
      await administration.add(vhost, user)
      return administration
    } catch (error) {
      causes.push(error)
    }
  }
  const message =
    "No virtual host can be made for a test: start the tests as a user who may call rabbitmqctl, enable the management plugin of the broker, or name it with TEST_AMQP_MANAGEMENT_URL."
  throw new AggregateError(causes, message)
}

const run = promisify(execFile)

function rabbitmqctl(words: readonly string[], input = ""): Promise<unknown> {
  const answer = run("rabbitmqctl", ["-q", ...words], { timeout: 60_000 })
  // Where there is no such command, there is no input either.
  answer.child.stdin?.on("error", () => undefined)
  answer.child.stdin?.end(input)
  return answer
}

const byCommand: Administration = {
  // As definitions, since each call of the command takes a second.
  add: (vhost, user) =>
    rabbitmqctl(
      ["import_definitions"],
      JSON.stringify({
        vhosts: [{ name: vhost }],
        permissions: [{ user, vhost, configure: ".*", write: ".*", read: ".*" }],
      }),
    ),
  remove: (vhost) => rabbitmqctl(["delete_vhost", vhost]),
}

function byManagement(server: URL): Administration {
  const place = process.env["TEST_AMQP_MANAGEMENT_URL"] ?? `http://${server.hostname}:15672`
  const [user, password] = [server.username, server.password].map((text) => decodeURIComponent(text || "guest"))
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(new URL(path, place), {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`The management of RabbitMQ answered ${answer.status} to ${method} ${path}`)
  }
  return {
    async add(vhost, name) {
      await call("PUT", `/api/vhosts/${vhost}`)
      const permissions = { configure: ".*", write: ".*", read: ".*" }
      await call("PUT", `/api/permissions/${vhost}/${encodeURIComponent(name)}`, permissions)
    },
    remove: (vhost) => call("DELETE", `/api/vhosts/${vhost}`),
  }
}
