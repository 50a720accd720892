import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { ConfigError } from "../../../src/index.ts"
import { readBrokerUrl } from "../../../src/jobs/rabbitmq/address.ts"

describe("the URL of RabbitMQ", () => {
  const shown: [url: string, shown: string][] = [
    ["amqp://localhost", "localhost:5672/"],
    ["amqp://app:secret@localhost:5673/local", "localhost:5673/local"],
    ["amqps://app:secret@rabbit.example", "rabbit.example:5671/"],
    ["amqp://app:se%40cret@[::1]/a%2Fb", "[::1]:5672/a/b"],
    ["amqp://localhost/local?heartbeat=5", "localhost:5672/local"],
  ]
  for (const [url, text] of shown) {
    it(`is shown without its password: ${text}`, () => assert.equal(readBrokerUrl(url).shown, text))
  }

  it("is of the user guest unless it names one", () => {
    assert.equal(readBrokerUrl("amqp://localhost/local").url, "amqp://guest:guest@localhost/local")
  })

  const refused = [
    "",
    "localhost",
    "http://a:secret@host",
    "amqp://",
    "amqp://a:secret@h/a/b",
    "amqp://a:secret%@h",
    "amqp://a:secret@h/%zz",
    "amqp://a:secret@h#b",
  ]
  for (const url of refused) {
    it(`is refused without repeating it: ${JSON.stringify(url.replace("secret", "…"))}`, () => {
      assert.throws(
        () => readBrokerUrl(url),
        (error) => error instanceof ConfigError && !/secret/.test(error.message + error.cure),
      )
    })
  }
})
