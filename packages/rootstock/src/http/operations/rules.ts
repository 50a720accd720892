import { defineRules } from "../../shared/index.ts"

/** The rules of what operators ask for. */
export const rules = defineRules({
  QUEUE_NOT_FOUND: {
    status: 404,
    title: "No such queue",
    cure: "Take its name from the list of queues: those of the known kinds of jobs, and any in which a job waits.",
  },
  JOB_NOT_FOUND: {
    status: 404,
    title: "No such job",
    cure: "Take its id from a list of jobs; a job that is done is there no more.",
  },
  WRONG_JOB_STATE: {
    status: 409,
    title: "Not possible in the job's state",
    cure: "Look at the job again; `possible_in` names the states in which this can be done.",
  },
  SCHEDULE_NOT_FOUND: {
    status: 404,
    title: "No such schedule",
    cure: "Take its key from the list of schedules; one that fires once goes when it has fired.",
  },
  SCHEDULE_DECLARED: {
    status: 409,
    title: "Schedule is declared in code",
    cure: "Change its declaration, or pause it.",
  },
})
