/** Whether two types are the same, not only assignable to each other. */
export type Equal<A, B> = (<T>() => T extends Flat<A> ? 1 : 2) extends <T>() => T extends Flat<B> ? 1 : 2 ? true : false

/** Intersections of objects as one object, at every level; otherwise the same rows written differently would differ. */
type Flat<T> = T extends Date | Uint8Array | ((...values: never[]) => unknown)
  ? T
  : T extends object
    ? { [K in keyof T]: Flat<T[K]> }
    : T

/** Compiles where the types are the same. */
export function same<A, B>(..._mismatch: Equal<A, B> extends true ? [] : [expected: B, actual: A]): void {
  // The types say it all.
}

/** The value that a promise gives. */
export type Given<F extends (...values: never[]) => unknown> = Awaited<ReturnType<F>>
