import "reflect-metadata"
import { Controller, Get, Inject, Module, NotFoundException, Param, ParseIntPipe } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify"
import { getRepositoryToken, TypeOrmModule } from "@nestjs/typeorm"
import { EntitySchema, type Repository } from "typeorm"

// GET /users/{id} with NestJS (on Fastify, its faster platform) and TypeORM. The decorators are called as functions,
// since Node runs no decorator syntax.
const [url, schema, port] = process.argv.slice(2) as [string, string, string]

interface User {
  id: number
  username: string
  email: string
  description: string | null
  created_at: Date
  updated_at: Date | null
}

const users = new EntitySchema<User>({
  name: "User",
  tableName: "users",
  schema,
  columns: {
    id: { type: "bigint", primary: true, generated: true },
    username: { type: "varchar" },
    email: { type: "varchar" },
    description: { type: "varchar", nullable: true },
    created_at: { type: "timestamptz", precision: 3 },
    updated_at: { type: "timestamptz", precision: 3, nullable: true },
  },
})

class UserController {
  readonly #users: Repository<User>

  constructor(repository: Repository<User>) {
    this.#users = repository
  }

  async get(id: number): Promise<User> {
    const user = await this.#users.findOneBy({ id })
    if (user === null) throw new NotFoundException()
    return user
  }
}
const get = Object.getOwnPropertyDescriptor(UserController.prototype, "get") as PropertyDescriptor
Inject(getRepositoryToken(users))(UserController, undefined, 0)
Param("id", ParseIntPipe)(UserController.prototype, "get", 0)
Get("users/:id")(UserController.prototype, "get", get)
Controller()(UserController)

class App {}
Module({
  imports: [
    TypeOrmModule.forRoot({ type: "postgres", url, poolSize: 10, parseInt8: true, entities: [users] }),
    TypeOrmModule.forFeature([users]),
  ],
  controllers: [UserController],
})(App)

const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false })
app.enableShutdownHooks()
await app.listen(Number(port), "127.0.0.1")
