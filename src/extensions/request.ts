/** What is known of the platform at the time of an extension run. */
export interface ExtensionFacts {
  /** The `topology` object as the platform writes it; a new object whenever its content changed. */
  readonly topology?: unknown;
  /** The `memberMap` of the own cluster; a new object whenever its content changed. */
  readonly members?: unknown;
  /** The `tenants` array; a new array whenever its content changed. */
  readonly tenants?: unknown;
  /** Addresses of the first member of the load balancer's cluster. */
  readonly lbPrivateIp?: string;
  readonly lbPublicIp?: string;
  readonly serviceProperties: Readonly<Record<string, string>>;
  readonly clusterProperties: Readonly<Record<string, string>>;
  readonly memberProperties: Readonly<Record<string, string>>;
}

/** One run of everything that is installed for an event. */
export interface ExtensionRequest {
  /** Event name, e.g. `InstanceStartedEvent`. */
  readonly event: string;
  /** Values of this event alone, names without `STRATOS_`. */
  readonly values: Readonly<Record<string, string>>;
  /** Read when the run starts, so that a run that waited sees what is true then. */
  readonly facts: () => ExtensionFacts;
}

/** How a run ended; a failure is a result, not an exception. */
export type ExtensionOutcome =
  | { readonly kind: "none" } // nothing is installed for the event
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "cancelled" };
