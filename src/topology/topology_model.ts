import type { MemberEvent, TopologyChange } from "../events/agent_event.ts";
import type { Topology } from "../events/topology_document.ts";
import { applyChange } from "./apply_change.ts";
import { applyMemberEvents } from "./apply_member_event.ts";
import { findCluster } from "./lookup.ts";

/** Member events that the document does not hold yet, newest first. */
interface Pending {
  readonly event: MemberEvent;
  readonly before: Pending | undefined;
  readonly count: number;
}

/** How many member events wait before they are applied all the same. */
const mostPending = 1_000;

/**
 * What is known of the topology: the last complete one and the member events since.
 *
 * Never changes; {@link TopologyModel.after} makes another one. Member events are applied when
 * somebody looks: in a storm of them in a large cluster, copying it for each would stop everything
 * else for seconds.
 */
export class TopologyModel {
  readonly #base: Topology;
  readonly #pending: Pending | undefined;
  #document: Topology | undefined;

  private constructor(base: Topology, pending: Pending | undefined) {
    this.#base = base;
    this.#pending = pending;
  }

  /** The model of a complete topology. */
  static of(document: Topology): TopologyModel {
    return new TopologyModel(document, undefined);
  }

  /** The topology as the platform would write it now. */
  get document(): Topology {
    return this.#document ??= this.#applied();
  }

  /** Whether this is what the document was, with no change since. */
  isExactly(document: unknown): boolean {
    return this.#pending === undefined && this.#base === document;
  }

  /** Whether the cluster is known; member events of others mean nothing. */
  knowsCluster(serviceName: string, clusterId: string): boolean {
    return findCluster(this.#base, serviceName, clusterId) !== undefined;
  }

  /** The model after a change; the same one when it changes nothing that is known. */
  after(change: TopologyChange): TopologyModel {
    if (!("details" in change)) {
      const document = applyChange(this.document, change);
      return document === this.document ? this : TopologyModel.of(document);
    }
    if (!this.knowsCluster(change.serviceName, change.clusterId)) return this;
    const count = (this.#pending?.count ?? 0) + 1;
    if (count <= mostPending) {
      return new TopologyModel(this.#base, { event: change, before: this.#pending, count });
    }
    return TopologyModel.of(this.document).after(change);
  }

  #applied(): Topology {
    const events: MemberEvent[] = [];
    for (let one = this.#pending; one; one = one.before) events.push(one.event);
    return events.length === 0 ? this.#base : applyMemberEvents(this.#base, events.reverse());
  }
}
