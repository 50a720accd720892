import assert from "node:assert/strict"
import { test } from "node:test"
import { EnvironmentError, readSettings } from "../../src/config/index.ts"

test("has the documented defaults", () => {
  const settings = readSettings({})
  assert.equal(settings.HOST, "127.0.0.1")
  assert.equal(settings.PORT, 8000)
  assert.equal(settings.TIME_ZONE, "Europe/Moscow")
  assert.equal(settings.LOG_LEVEL, "info")
  assert.equal(settings.LOG_SQL, false)
  assert.deepEqual([settings.DB_POOL_SIZE, settings.DB_POOL_OVERFLOW, settings.DB_POOL_RECYCLE_S], [10, 20, 3600])
  assert.equal(settings.databases.url("shop"), "sqlite:./data/shop.db")
  assert.equal(settings.databases.directory, "./data")
})

test("puts the app's database beside a file that is named", () => {
  const { databases } = readSettings({ DATABASE_URL: "sqlite:/var/lib/shop/live.db" })
  assert.equal(databases.url("shop"), "sqlite:/var/lib/shop/live.db")
  assert.equal(databases.url("app"), "sqlite:/var/lib/shop/app.db")
  assert.equal(databases.directory, "/var/lib/shop")
})

test("reads a URL with a driver as PostgreSQL, with a schema a system", () => {
  const { databases } = readSettings({ DATABASE_URL: "postgresql+asyncpg://app:s3cret@db:5433/main" })
  assert.equal(databases.url("shop"), "postgres://app:s3cret@db:5433/main?schema=shop")
  assert.equal(databases.url("shop", "store"), "postgres://app:s3cret@db:5433/main?schema=store")
  assert.equal(databases.directory, undefined)
  assert.doesNotMatch(databases.shown, /s3cret/)
})

test("makes up the PostgreSQL URL from DB_HOST and its companions where DATABASE_URL is unset", () => {
  const parts = { DB_HOST: "db", POSTGRES_USER: "me", POSTGRES_PASSWORD: "p@ss/word", POSTGRES_DB: "main" }
  assert.equal(readSettings(parts).databases.url("shop"), "postgres://me:p%40ss%2Fword@db:5432/main?schema=shop")
  assert.equal(readSettings({ ...parts, DATABASE_URL: "sqlite:here" }).databases.url("shop"), "sqlite:here/shop.db")
})

test("takes addresses of both kinds as hosts, and refuses a host with a port rather than use another", () => {
  assert.equal(readSettings({ DB_HOST: "[::1]" }).databases.url("shop"), "postgres://app@[::1]:5432/app?schema=shop")
  assert.equal(readSettings({ HOST: "::" }).HOST, "::")
  const environment = { DB_HOST: "db:5433", HOST: "localhost:80" }
  assert.throws(() => readSettings(environment), /DB_HOST must be a host[\s\S]*\n {2}HOST must be a host/)
})

test("names the variable where the name of the database is not well encoded", () => {
  assert.throws(() => readSettings({ DATABASE_URL: "postgres://me:s3cret@db/a%zz" }), /DATABASE_URL has a %/)
})

test("takes a socket in place of a host", () => {
  const { databases } = readSettings({ DATABASE_URL: "postgres://me@/main?host=/run/postgresql" })
  assert.equal(databases.url("shop"), "postgres://me@socket/main?host=%2Frun%2Fpostgresql&schema=shop")
  assert.equal(databases.shown, "PostgreSQL at /run/postgresql, database main")
})

test("names every wrong variable at once and repeats no secret", () => {
  const environment = { DATABASE_URL: "mysql://root:s3cret@db/x", PORT: "http", API_AUTH: "maybe", LOG_LEVEL: "loud" }
  assert.throws(
    () => readSettings(environment),
    (error) => {
      assert.ok(error instanceof EnvironmentError)
      const names = error.problems.map((one) => one.variable).sort()
      assert.deepEqual(names, ["API_AUTH", "DATABASE_URL", "LOG_LEVEL", "PORT"])
      assert.doesNotMatch(error.message, /s3cret/)
      return true
    },
  )
})

for (const url of [
  "postgres://",
  "postgres://db",
  "sqlite:",
  "./data",
  "sqlite://host/file.db",
  "sqlite::memory:",
  "postgres://me@/db",
]) {
  test(`refuses DATABASE_URL=${url}`, () => {
    assert.throws(() => readSettings({ DATABASE_URL: url }), EnvironmentError)
  })
}

test("refuses two Redis servers, and finds the cache and the broker by their parts", () => {
  const redis = "redis://localhost:6379/0"
  assert.throws(() => readSettings({ CACHE_URL: redis, REDIS_URL: "redis://other:6379/0" }), EnvironmentError)
  assert.equal(readSettings({ CACHE_URL: redis, REDIS_URL: redis }).cache, redis)
  assert.equal(readSettings({ REDIS_URL: redis }).cache, redis)
  assert.equal(readSettings({ CACHE_URL: "memory:", REDIS_URL: redis }).cache, "memory:")
  assert.equal(readSettings({ REDIS_HOST: "::1", REDIS_DB: "2" }).cache, "redis://[::1]:6379/2")
  assert.deepEqual([readSettings({}).cache, readSettings({}).broker], ["memory:", "database:"])
  const broker = { RABBITMQ_HOST: "mq", RABBITMQ_USER: "a b", RABBITMQ_PASSWORD: "p/w", RABBITMQ_VHOST: "/" }
  assert.equal(readSettings(broker).broker, "amqp://a%20b:p%2Fw@mq:5672/%2F")
})

test("reads keys with their ids, the newest first, and repeats none of them where they are wrong", () => {
  const [one, two] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64"))
  const { ENCRYPTION_KEY } = readSettings({ ENCRYPTION_KEY: `b:${two}, a:${one}` })
  assert.deepEqual(
    ENCRYPTION_KEY?.map(({ id, key }) => [id, key[0], key.length]),
    [
      ["b", 2, 32],
      ["a", 1, 32],
    ],
  )
  for (const wrong of [one, `a:${one},a:${two}`, `a:${one?.slice(4)}`, `A:${one}`, `a:${one},`]) {
    assert.throws(
      () => readSettings({ ENCRYPTION_KEY: wrong }),
      (error) => error instanceof EnvironmentError && !error.message.includes(one as string),
    )
  }
})

test("reads pairs of models, and the tokens of bots by their systems", () => {
  const token = `1:${"a".repeat(35)}`
  const settings = readSettings({
    LLM_MODEL_MAP: "qwen2.5:7b=gpt-5-mini, llama3 = m=1",
    TELEGRAM_BOT_TOKEN_SHOP: "",
    TELEGRAM_BOT_TOKEN_ASSISTANTS: token,
  })
  assert.deepEqual(
    [...(settings.LLM_MODEL_MAP ?? [])],
    [
      ["qwen2.5:7b", "gpt-5-mini"],
      ["llama3", "m=1"],
    ],
  )
  assert.deepEqual([...settings.botTokens], [["assistants", token]])
  for (const wrong of ["a", "=b", "a=", "a=b,,", "a=b,a=c"]) {
    assert.throws(() => readSettings({ LLM_MODEL_MAP: wrong }), /LLM_MODEL_MAP/)
  }
  assert.throws(
    () => readSettings({ TELEGRAM_BOT_TOKEN_SHOP: "s3cret" }),
    (error) => {
      assert.ok(error instanceof EnvironmentError)
      assert.equal(error.problems[0]?.variable, "TELEGRAM_BOT_TOKEN_SHOP")
      assert.doesNotMatch(error.message, /s3cret/)
      return true
    },
  )
})

test("takes senders of mail with and without a name", () => {
  for (const sender of ["a@example.com", "Rootstock <a@example.com>"]) {
    assert.equal(readSettings({ SMTP_FROM: sender }).SMTP_FROM, sender)
  }
  for (const wrong of ["a", "a@b c", "@example.com"]) {
    assert.throws(() => readSettings({ SMTP_FROM: wrong }), /SMTP_FROM must be an e-mail address/)
  }
})
