import type { LogLevel } from "../base/log.ts";
import type { HandlerPlan, LogPlan } from "./log_plan.ts";

/** What a plan says about the records of one name. */
export interface Reach {
  /** Records below it go nowhere. */
  readonly level: LogLevel;
  /** Each handler once, with the name of the logger that has it. */
  readonly handlers: readonly { readonly handler: HandlerPlan; readonly logger: string }[];
}

/** Whether a dotted name is another one or a part of it; everything is below the empty one. */
export function isBelow(name: string, above: string): boolean {
  return above === "" || name === above || name.startsWith(`${above}.`);
}

/**
 * Follows a name from its own logger up to the root as Python does: the nearest level counts, and
 * handlers are collected until a logger does not propagate.
 */
export function reachOf({ loggers }: LogPlan, name: string): Reach {
  const chain = loggers.filter((logger) => isBelow(name, logger.name))
    .sort((one, other) => other.name.length - one.name.length);
  const handlers = new Map<HandlerPlan, string>();
  for (const logger of chain) {
    for (const handler of logger.handlers) {
      if (!handlers.has(handler)) handlers.set(handler, logger.name);
    }
    if (!logger.propagate) break;
  }
  return {
    level: chain.find(({ level }) => level !== undefined)?.level ?? "debug",
    handlers: [...handlers].map(([handler, logger]) => ({ handler, logger })),
  };
}
