const words =
  /^(?:\s|;|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(begin|commit|end|rollback|abort|savepoint|release|start\s+transaction|prepare\s+transaction)\b/i

/** The word by which SQL would begin or end a transaction behind the session's back, where it starts with one. */
export function transactionWord(sql: string): string | undefined {
  return words.exec(sql)?.[1]?.toUpperCase()
}
