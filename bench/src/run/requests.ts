export type Reply = { value: unknown } | { failure: string }

/** Answers what is asked of this process, one request at a time; `close` ends it. */
export function answerRequests<Request extends { kind: string }>(answer: (request: Request) => Promise<unknown>): void {
  process.on("message", (request: Request) => {
    answer(request).then(
      (value) => {
        process.send?.({ value } satisfies Reply)
        if (request.kind === "close") process.disconnect?.()
      },
      (error: Error) => process.send?.({ failure: error.stack ?? String(error) } satisfies Reply),
    )
  })
}
