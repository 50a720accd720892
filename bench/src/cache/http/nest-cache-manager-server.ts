import "reflect-metadata"
import { CacheInterceptor, CacheModule } from "@nestjs/cache-manager"
import {
  Controller,
  Get,
  Inject,
  Module,
  NotFoundException,
  Param,
  ParseIntPipe,
  UseInterceptors,
} from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify"
import pg from "pg"
import { numbersForBigint } from "../../contestants/postgres-types.ts"

// GET /users/{id} with NestJS on Fastify; its CacheInterceptor keeps answers in cache-manager's memory, as its guide
// says. The decorators are called as functions, since Node runs no decorator syntax.
const [url, schema, port] = process.argv.slice(2) as [string, string, string]

const pool = new pg.Pool({ connectionString: url, max: 10, types: numbersForBigint })
const text = `SELECT id, username, email, description, created_at, updated_at FROM ${schema}.users WHERE id = $1`

class UserController {
  readonly #pool: pg.Pool

  constructor(given: pg.Pool) {
    this.#pool = given
  }

  async get(id: number): Promise<object> {
    const { rows } = await this.#pool.query<object>({ name: "select_user", text, values: [id] })
    const [user] = rows
    if (user === undefined) throw new NotFoundException()
    return user
  }
}
const get = Object.getOwnPropertyDescriptor(UserController.prototype, "get") as PropertyDescriptor
Inject("pool")(UserController, undefined, 0)
Param("id", ParseIntPipe)(UserController.prototype, "get", 0)
Get("users/:id")(UserController.prototype, "get", get)
UseInterceptors(CacheInterceptor)(UserController)
Controller()(UserController)

class App {}
Module({
  imports: [CacheModule.register({ ttl: 3_600_000 })],
  controllers: [UserController],
  providers: [{ provide: "pool", useValue: pool }],
})(App)

const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false })
await app.listen(Number(port), "127.0.0.1")
process.once("SIGTERM", () => {
  void app.close().then(() => pool.end())
})
