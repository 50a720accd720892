/** The condition for rows that are active, or for all. */
export function activeOf(activeOnly: boolean): { isActive?: true } {
  return activeOnly ? { isActive: true } : {}
}

/** The condition for rows that are not marked as deleted, or for all. */
export function undeletedOf(includeDeleted: boolean): { isDeleted?: false } {
  return includeDeleted ? {} : { isDeleted: false }
}
