import { AgentError } from "../base/errors.ts";
import { currentState, type Member, type MemberIdentity, type MemberState } from "./member.ts";

/** What a new member starts with. */
export interface NewMember {
  readonly identity: MemberIdentity;
  /** The state it is already in; it has been in all states that lead there. Default Created. */
  readonly state?: MemberState;
  readonly privateIps?: readonly string[];
  readonly publicIps?: readonly string[];
  readonly instanceId?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

const wayOfLife: readonly MemberState[] = [
  "Created",
  "Initialized",
  "Starting",
  "Active",
  "In_Maintenance",
  "ReadyToShutDown",
  "Terminated",
];

/** The members of the platform's one cluster. */
export class MemberRegistry {
  readonly #members = new Map<string, Member>();

  /** All of them, in order of their creation. */
  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** The member with an id. */
  find(memberId: string): Member | undefined {
    return this.#members.get(memberId);
  }

  /** Adds a member, or starts a known one anew. */
  add(made: NewMember, nowMs: number): Member {
    const { identity, state = "Created" } = made;
    const member: Member = {
      identity,
      states: statesUpTo(state),
      addresses: {
        privateIps: made.privateIps ?? ["10.0.0.15"],
        publicIps: made.publicIps ?? ["54.1.1.1"],
      },
      instanceId: made.instanceId ?? "RegionOne/i-1",
      initTimeMs: nowMs,
      properties: made.properties ?? { MIN_COUNT: "1" },
    };
    this.#members.set(identity.memberId, member);
    return member;
  }

  /**
   * Puts a member into a state; a terminated one is forgotten, as the cloud controller does.
   *
   * @throws AgentError `input` when there is no such member.
   */
  enter(memberId: string, state: MemberState): Member {
    const member = this.#members.get(memberId);
    if (!member) {
      throw new AgentError(`Cannot change "${memberId}": there is no such member`, {
        kind: "input",
      });
    }
    if (currentState(member) === state) return member;
    const changed = { ...member, states: [...member.states, state] };
    if (state === "Terminated") this.#members.delete(memberId);
    else this.#members.set(memberId, changed);
    return changed;
  }
}

function statesUpTo(state: MemberState): readonly MemberState[] {
  const index = wayOfLife.indexOf(state);
  return index === -1 ? ["Created", "Initialized", "Starting", "Active", state] : wayOfLife
    .slice(0, index + 1);
}
