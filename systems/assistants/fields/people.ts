import {
  cursorPage,
  emailAddress,
  type Field,
  fieldsOf,
  flag,
  type JsonSchema,
  listOf,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  uuidText,
  wholeNumber,
  words,
} from "rootstock/fields"
import { shortestPassword } from "rootstock/shared"
import { agentTypes, organizations, roles, users } from "../schema.ts"
import { type AgentConfig, mostSteps, toolNames } from "../shapes.ts"

/** A password as people choose it. */
const password = refined(words(256), { minLength: shortestPassword, format: "password" })
/** A password as it is given: whatever it is, it is right or wrong. */
const givenPassword = refined(words(256), { format: "password" })

const url = refined(words(2_000), { pattern: "^https?://[^\\s]+$" })
const timeZone = refined(words(64), { format: "time-zone", description: "Name of the IANA database." })

const userRow = fieldsOf(users)
export const user = objectOf("User", {
  id: userRow.id,
  orgId: userRow.orgId,
  name: userRow.name,
  username: userRow.username,
  email: userRow.email,
  roleId: userRow.roleId,
  isAdmin: userRow.isAdmin,
  isActive: userRow.isActive,
  isSystem: userRow.isSystem,
  avatarUrl: userRow.avatarUrl,
  lastSeenAt: userRow.lastSeenAt,
  createdAt: userRow.createdAt,
  updatedAt: userRow.updatedAt,
})
export const userPage = cursorPage("Users", user)

const person = {
  name: words(255),
  username: refined(words(50), {
    minLength: 2,
    pattern: "^[\\p{L}\\p{N}_]+$",
    description: "Letters and digits of any script, and `_`. What mentions go by, without case.",
  }),
  email: emailAddress,
  avatarUrl: optional(orNull(url)),
}
const founder = objectOf("Founder", { ...person, password })
const employment = { roleId: optional(orNull(uuidText)), isAdmin: optional(flag) }
export const newUser = objectOf("NewUser", {
  ...person,
  ...employment,
  password: optional(refined(password, { description: "Without one the user cannot sign in." })),
})
export const userChanges = objectOf("UserChanges", {
  name: optional(person.name),
  username: optional(person.username),
  email: optional(person.email),
  avatarUrl: person.avatarUrl,
  ...employment,
  isActive: optional(flag),
  password: optional(refined(password, { description: "Ends every sign-in of the user." })),
  currentPassword: optional(refined(givenPassword, { description: "For whoever changes the own password." })),
})
export const roleOfUser = objectOf("RoleOfUser", { roleId: orNull(uuidText) })

const organizationRow = fieldsOf(organizations)
export const organization = objectOf("Organization", organizationRow)
export const organizationPage = cursorPage("Organizations", organization)
const settings: Field<Record<string, unknown>, false> = { schema: { type: "object" }, optional: false }
const organizationNames = {
  name: words(255),
  slug: refined(words(100), { pattern: "^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$" }),
}
const organizationMore = {
  description: optional(orNull(words(10_000))),
  timeZone: optional(timeZone),
  settings: optional(settings),
  tokenBudgetMonth: optional(orNull(wholeNumber(0))),
}
export const newOrganization = objectOf("NewOrganization", {
  ...organizationNames,
  ...organizationMore,
  isSystem: optional(refined(flag, { description: "Whether everyone sees its users and their roles." })),
  admin: optional(founder),
})
export const organizationChanges = objectOf("OrganizationChanges", {
  name: optional(organizationNames.name),
  slug: optional(organizationNames.slug),
  ...organizationMore,
  isActive: optional(refined(flag, { description: "For staff to change." })),
})

export const credentials = objectOf("Credentials", { email: emailAddress, password: givenPassword })
export const refreshing = objectOf("RefreshToken", { refreshToken: words(128) })
export const signedIn = objectOf("SignedIn", {
  accessToken: words(4_096),
  tokenType: oneOf("Bearer"),
  expiresIn: refined(wholeNumber(0), { description: "Seconds for which the access token is good." }),
  refreshToken: words(128),
  user,
})
export const registration = objectOf("Registration", {
  organization: objectOf("Founding", organizationNames),
  user: founder,
})
export const registered = objectOf("Registered", { organization, user })

const instruction = words(16_000)
const agentName = words(50)
const steps = listOf(objectOf("ChainStep", { instruction, output_key: optional(agentName) }), {
  minItems: 1,
  maxItems: mostSteps,
})
const graph = objectOf("AgentGraph", {
  nodes: listOf(objectOf("GraphNode", { id: agentName, instruction }), { minItems: 1, maxItems: mostSteps }),
  edges: listOf(objectOf("GraphEdge", { from: agentName, to: agentName }), { maxItems: mostSteps * mostSteps }),
  entry: agentName,
})
export const agentConfig: Field<AgentConfig, false> = objectOf("AgentConfig", {
  steps: optional(steps),
  graph: optional(graph),
}) as Field<AgentConfig, false>

const roleRow = fieldsOf(roles)
const tools = listOf(oneOf(...toolNames))
export const role = objectOf("Role", roleRow)
export const rolePage = cursorPage("Roles", role)
const roleNames = { name: words(255), code: words(50), systemPrompt: words(100_000) }
const roleMore = {
  description: optional(orNull(words(10_000))),
  ragCollection: optional(orNull(words(255))),
  modelName: optional(words(100)),
  agentType: optional(oneOf(...agentTypes)),
  agentConfig: optional(agentConfig),
  tools: optional(refined(tools, { uniqueItems: true } satisfies JsonSchema)),
  promptFile: optional(
    orNull(
      refined(words(255), {
        pattern: "^[\\p{L}\\p{N}_][\\p{L}\\p{N}_. -]*$",
        description: "Name of a file inside the prompt directory.",
      }),
    ),
  ),
  isActive: optional(flag),
}
export const newRole = objectOf("NewRole", { ...roleNames, ...roleMore })
export const roleChanges = objectOf("RoleChanges", {
  name: optional(roleNames.name),
  code: optional(roleNames.code),
  systemPrompt: optional(roleNames.systemPrompt),
  ...roleMore,
})
