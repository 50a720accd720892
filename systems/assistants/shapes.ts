/** Shapes of the JSON columns. */

/** A name in a message: `@@name` calls the AI role of that user, `@name` notifies the person. */
export type Mention = {
  type: "user" | "ai_role"
  user_id: string
  username: string
  /** Where it begins in the content, in UTF-16 units. */
  position: number
}

/** A step of a chain; later ones see its answer under `output_key`. */
export type ChainStep = { instruction: string; output_key?: string }

/** What the model is told at one node of a graph. */
export type GraphNode = { id: string; instruction: string }

/** Agents that answer one after another, from `entry` along the edges until `__end__`. */
export type AgentGraph = { nodes: GraphNode[]; edges: { from: string; to: string }[]; entry: string }

/** How a role of type `chain` or `multi_agent` answers; empty for `simple`. */
export type AgentConfig = { steps?: ChainStep[]; graph?: AgentGraph }

/** Where a channel leads; what is secret in it is encrypted. */
export type ChannelConfig = { chat_id?: string; email?: string; url?: string; secret?: string }

/** What an event carries beside its text. */
export type EventMetadata = { notify_user_ids?: string[] } & Record<string, unknown>

/** An attempt to deliver that failed. */
export type AttemptError = { at: string; error: string }

/** What a model was told, in order; `message_id` where it was a message of the chat. */
export type PromptMessage = { role: "system" | "user" | "assistant"; content: string; message_id?: string }

/** The end of a graph of agents. */
export const graphEnd = "__end__"

/** Most steps of a chain, and most nodes of a graph. */
export const mostSteps = 20

/** The tools that a role can have. */
export const toolNames = ["calendar_create", "calendar_query", "role_call"] as const
