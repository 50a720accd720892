import assert from "node:assert/strict"
import type { User } from "../schema.ts"
import { type Answered, staffKey, type TestAssistants } from "./support.ts"

/** Sends a request that must be answered with `status`, and gives the body of the answer. */
export async function expectAnswer(
  assistants: TestAssistants,
  status: number,
  ...request: Parameters<TestAssistants["send"]>
): Promise<Answered["body"]> {
  const answer = await assistants.send(...request)
  assert.equal(answer.status, status, `${request[0]} ${request[1]}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** Sends a request that must be refused with this status and code, and gives the problem document. */
export async function expectProblem(
  assistants: TestAssistants,
  status: number,
  code: string,
  ...request: Parameters<TestAssistants["send"]>
): Promise<Answered["body"]> {
  const answer = await assistants.send(...request)
  assert.deepEqual([answer.status, answer.body?.error_code], [status, code], JSON.stringify(answer.body))
  assert.equal(answer.headers["content-type"], "application/problem+json")
  return answer.body
}

/** The password of all people in the tests. */
export const password = "correct horse"

/** How staff calls. */
export const asStaff = { headers: { "x-api-key": staffKey } }

let made = 0

/** Somebody who is signed in. */
export type Person = {
  readonly id: string
  readonly orgId: string
  readonly username: string
  readonly email: string
  /** The access token. */
  readonly token: string
  readonly refreshToken: string
}

/** Signs a person in. */
export async function signIn(assistants: TestAssistants, email: string, secret: string = password): Promise<Person> {
  const body = { email, password: secret }
  const { user, access_token, refresh_token } = await expectAnswer(assistants, 200, "POST", "/auth/login", body)
  const { id, org_id, username } = user
  return { id, orgId: org_id, username, email, token: access_token, refreshToken: refresh_token }
}

/** An organization with an administrator who is signed in. */
export async function makeOrganization(assistants: TestAssistants, more: object = {}): Promise<Person> {
  const name = `org${++made}`
  const admin = { name: `Admin ${made}`, username: `admin${made}`, email: `admin${made}@example.com`, password }
  const body = { name, slug: name, admin, ...more }
  await expectAnswer(assistants, 201, "POST", "/organizations", body, asStaff)
  return signIn(assistants, admin.email)
}

/** A person of an administrator's organization who is signed in. */
export async function makePerson(
  assistants: TestAssistants,
  admin: Person,
  more: Partial<Record<keyof User | string, unknown>> = {},
) {
  const username = `user${++made}`
  const body = { name: `User ${made}`, username, email: `${username}@example.com`, password, ...more }
  const user = await expectAnswer(assistants, 201, "POST", "/users", body, { as: admin.token })
  return signIn(assistants, user.email)
}

/** An AI role of an administrator's organization. */
export async function makeRole(
  assistants: TestAssistants,
  admin: Person,
  more: object = {},
): Promise<Answered["body"]> {
  const code = `role${++made}`
  const body = { name: `Role ${made}`, code, system_prompt: "You help.", ...more }
  return expectAnswer(assistants, 201, "POST", "/roles", body, { as: admin.token })
}
