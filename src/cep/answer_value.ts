import { AgentError, cannot } from "../base/errors.ts";
import { type Answer, short } from "./data_bridge_messages.ts";

/** The session was lost or is over, so the call has not counted. */
export class SessionExpiredError extends AgentError {}

/** The receiver knows the session and not the stream, so the call has not counted. */
export class StreamUnknownError extends AgentError {}

/**
 * The value of an answer.
 *
 * @param action What was called for, e.g. `publish to`.
 * @param receiver `host:port`.
 * @throws SessionExpiredError, StreamUnknownError, else AgentError `refused`, with the receiver's reason.
 */
export function valueOf<T>(answer: Answer<T>, action: string, receiver: string): T {
  if (answer.kind === "answered") return answer.value;
  const reason = short(answer.message) || answer.refusal;
  const options = { kind: "refused", data: { refusal: answer.refusal }, retryable: true } as const;
  const error = cannot(action, receiver, reason, options);
  switch (answer.refusal) {
    case "sessionExpired":
      throw new SessionExpiredError(error.message, options);
    case "undefinedEventType":
      throw new StreamUnknownError(error.message, options);
    default:
      throw error;
  }
}
