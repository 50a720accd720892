import assert from "node:assert/strict"
import { it } from "node:test"
import { Validator } from "@seriousme/openapi-schema-validator"
import { type Engine, engines } from "../../../packages/rootstock/test/support/index.ts"
import { shop as system } from "../index.ts"
import { type CachePlace, cachePlaces, openShop, type TestShop } from "./support.ts"

type Call = Parameters<TestShop["send"]>

const order = (user: number, ...lines: [product: number, quantity: number][]) => ({
  user_id: user,
  delivery_address_id: user,
  items: lines.map(([product_id, quantity]) => ({ product_id, quantity })),
})

/** One request after another, over the sample data. */
const script: readonly Call[] = [
  ["GET", "/users?count=100"],
  ["GET", "/users/1"],
  ["GET", "/users/93/addresses"],
  ["GET", "/users/1/addresses"],
  ["POST", "/users", { username: "Ёжик", email: "HEDGEHOG@example.com", description: "in the fog 🌫" }],
  ["POST", "/users", { username: "Ёжик", email: "hedgehog@example.com" }],
  ["POST", "/users", { username: "", email: "x" }],
  ["PUT", "/users/94", { description: null }],
  ["PUT", "/users/94", { username: "alfki", email: "anatr@example.com" }],
  ["POST", "/users/94/addresses", { country: "Россия", city: "Тверь", street: "Советская, 1", postal_code: null }],
  ["POST", "/users/94/addresses", { country: "Россия", city: "Омск", street: "Ленина, 2", is_primary: true }],
  ["GET", "/users/94/addresses?count=1&page=2"],
  ["PUT", "/addresses/93", { is_primary: false }],
  ["DELETE", "/addresses/93"],
  ["DELETE", "/addresses/1"],
  ["DELETE", "/users/1"],
  ["GET", "/products?count=100&sort=name"],
  ["GET", "/products?count=5&sort=-price&page=2"],
  ["GET", "/products?q=CH%C3%82&count=3"],
  ["GET", "/products?q=Ô&in_stock=true"],
  ["GET", "/products?min_price=18&max_price=19.45&sort=-created_at"],
  ["GET", "/products?is_active=false&in_stock=false"],
  ["POST", "/products", { name: "Чай", price: 19.99, stock_quantity: 3, description: "x".repeat(1000) }],
  ["POST", "/products", { name: "Чай", price: 1 }],
  ["PUT", "/products/78", { price: 0.07, stock_quantity: 5 }],
  ["PUT", "/products/78", { price: 1 }, { "if-match": '"0"' }],
  ["POST", "/products/78/stock", { delta: -6, reason: "correction" }],
  ["POST", "/products/78/stock", { delta: 6, reason: "receipt" }],
  ["GET", "/products/78/movements"],
  ["GET", "/products/60/movements?count=50&page=2"],
  ["DELETE", "/products/1"],
  ["POST", "/orders", order(1, [78, 2], [1, 1], [78, 1]), { "idempotency-key": "replay" }],
  ["POST", "/orders", order(1, [78, 2], [1, 1], [78, 1]), { "idempotency-key": "replay" }],
  ["POST", "/orders", order(1, [1, 1]), { "idempotency-key": "replay" }],
  ["POST", "/orders", order(1, [17, 1])],
  ["POST", "/orders", order(1, [78, 9999])],
  ["POST", "/orders", order(1, [9998, 1], [9999, 1])],
  ["POST", "/orders", order(999, [1, 1])],
  ["POST", "/orders", { ...order(1, [1, 1]), delivery_address_id: 2 }],
  ["POST", "/orders", { user_id: "1", items: [] }],
  ["PUT", "/orders/831", { status: "shipped" }],
  ["PUT", "/orders/831", { status: "cancelled", cancel_reason: "Передумал" }],
  ["PUT", "/orders/831", { status: "cancelled" }],
  ["PUT", "/orders/1", { status: "returned" }],
  ["GET", "/orders/831"],
  ["GET", "/orders/1"],
  ["GET", "/orders?count=100&page=9"],
  ["GET", "/orders?user_id=20&status=delivered&count=100"],
  ["GET", "/orders?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00%2B03:00&count=100"],
  ["GET", "/orders/rejected"],
  ["GET", "/report?report_date=2026-03-10"],
  ["GET", "/report"],
  ["GET", "/users/0"],
  ["GET", "/nothing"],
]

async function replay(engine: Engine, cachePlace: CachePlace) {
  await using shop = await openShop(engine, { cachePlace })
  await system.loadSample(shop.database, shop.context)
  const answers = []
  for (const call of script) {
    const { status, body, headers } = await shop.send(...call)
    if (body?.request_id !== undefined) body.request_id = "…"
    answers.push({ call: call.slice(0, 2).join(" "), status, body, etag: headers["etag"] })
    shop.clock.advance(1_000)
  }
  return answers
}

const first = engines[0] as Engine

it("answers one script of requests with the same JSON on every engine, wherever it caches", async () => {
  const expected = await replay(first, "off")
  assert.deepEqual(new Set(expected.map(({ status }) => status)), new Set([200, 201, 204, 400, 404, 409, 412, 422]))
  for (const engine of engines) {
    for (const place of cachePlaces) {
      const answers = await replay(engine, place)
      for (const [at, answer] of answers.entries())
        assert.deepEqual(answer, expected[at], `${engine.name}, cache ${place}: ${answer.call}`)
      assert.equal(JSON.stringify(answers), JSON.stringify(expected))
    }
  }
})

it("documents every call with its errors in an OpenAPI document that validates", async () => {
  await using shop = await openShop(first)
  const { body: document } = await shop.send("GET", "/schema/openapi.json")
  assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true })
  const calls = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(calls.sort(), [
    "DELETE /addresses/{address_id}",
    "DELETE /products/{product_id}",
    "DELETE /users/{user_id}",
    "GET /addresses/{address_id}",
    "GET /health",
    "GET /metrics",
    "GET /orders",
    "GET /orders/rejected",
    "GET /orders/{order_id}",
    "GET /products",
    "GET /products/{product_id}",
    "GET /products/{product_id}/movements",
    "GET /report",
    "GET /users",
    "GET /users/{user_id}",
    "GET /users/{user_id}/addresses",
    "POST /orders",
    "POST /orders/rejected/{rejected_order_id}/retry",
    "POST /products",
    "POST /products/{product_id}/stock",
    "POST /report/run",
    "POST /users",
    "POST /users/{user_id}/addresses",
    "PUT /addresses/{address_id}",
    "PUT /orders/{order_id}",
    "PUT /products/{product_id}",
    "PUT /users/{user_id}",
  ])
  const { responses } = document.paths["/orders"].post
  assert.deepEqual(Object.keys(responses).sort(), [
    "201",
    "400",
    "401",
    "403",
    "404",
    "409",
    "413",
    "415",
    "422",
    "500",
    "503",
  ])
  const codes = responses["400"].content["application/problem+json"].schema.allOf[1].properties.error_code.enum
  assert.deepEqual(codes, [
    "ADDRESS_NOT_OWNED",
    "PRODUCT_INACTIVE",
    "MIXED_CURRENCY",
    "OUT_OF_STOCK",
    "INSUFFICIENT_STOCK",
  ])
  assert.deepEqual(Object.keys(document.components.schemas.User.properties), [
    "id",
    "username",
    "email",
    "description",
    "created_at",
    "updated_at",
  ])
})
